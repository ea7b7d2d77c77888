//! What is in force after all layers, and where each value comes from.

use std::path::PathBuf;

use opkg::model::Part;
use opkg::{AutomaticRelations, Profile};
use opkg_interface::{Label, PackageSettings, ReleaseTag};
use opkg_package::CompressionEffort;

use super::layer::Layer;
use super::setting::{Origin, Setting};

/// What is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveSettings {
    pub profile: Setting<Profile>,
    /// By part: api, server, client.
    pub auto_requires: [(Part, Setting<Vec<String>>); 3],
    pub release_tag: Setting<ReleaseTag>,
    /// Targets that are built for where none is named.
    pub targets: Setting<Vec<String>>,
    pub vendor: Setting<Option<Label>>,
    pub distribution: Setting<Option<Label>>,
    pub compression: Setting<CompressionEffort>,
    pub sign_key: Setting<Option<PathBuf>>,
    pub passphrase_file: Setting<Option<PathBuf>>,
}

impl Default for EffectiveSettings {
    fn default() -> Self {
        Self {
            profile: Setting::usual(Profile::default()),
            auto_requires: of_profile(&Setting::usual(Profile::default())),
            release_tag: Setting::usual(ReleaseTag::default()),
            targets: Setting::usual(Vec::new()),
            vendor: Setting::usual(None),
            distribution: Setting::usual(None),
            compression: Setting::usual(CompressionEffort::default()),
            sign_key: Setting::usual(None),
            passphrase_file: Setting::usual(None),
        }
    }
}

/// What a profile has each part require, as said by whoever named the profile.
fn of_profile(profile: &Setting<Profile>) -> [(Part, Setting<Vec<String>>); 3] {
    let AutomaticRelations { api, server, client } = profile.value.automatic_relations();
    [(Part::Api, api), (Part::Server, server), (Part::Client, client)]
        .map(|(part, value)| (part, Setting { value, origin: profile.origin.clone() }))
}

impl EffectiveSettings {
    /// Lays over what is in force what another source says.
    pub fn apply(&mut self, layer: Layer) {
        // A profile is a choice of all three lists, so that it ends what was said of them before it.
        if let Some(profile) = layer.profile {
            self.auto_requires = of_profile(&profile);
            self.profile = profile;
        }
        for (part, names) in layer.auto_requires {
            if let Some((_, list)) = self.auto_requires.iter_mut().find(|(other, _)| *other == part) {
                *list = names;
            }
        }
        overlay(&mut self.release_tag, layer.release_tag);
        overlay(&mut self.targets, layer.targets);
        overlay(&mut self.vendor, layer.vendor.map(some));
        overlay(&mut self.distribution, layer.distribution.map(some));
        overlay(&mut self.compression, layer.compression);
        if layer.sign_nothing {
            self.sign_key = Setting { value: None, origin: Origin::CommandLine };
        }
        // A passphrase is that of one key.
        if layer.sign_key.is_some() || layer.sign_nothing {
            self.passphrase_file = Setting::usual(None);
        }
        overlay(&mut self.sign_key, layer.sign_key.map(some));
        overlay(&mut self.passphrase_file, layer.passphrase_file.map(some));
    }

    /// What every OPKG requires by itself.
    pub fn automatic_relations(&self) -> AutomaticRelations {
        let [api, server, client] = self.auto_requires.clone().map(|(_, names)| names.value);
        AutomaticRelations { api, server, client }
    }

    /// What all packages have.
    pub fn package_settings(&self) -> PackageSettings {
        PackageSettings {
            release_tag: self.release_tag.value.clone(),
            vendor: self.vendor.value.clone(),
            distribution: self.distribution.value.clone(),
        }
    }
}

fn overlay<T>(below: &mut Setting<T>, above: Option<Setting<T>>) {
    if let Some(above) = above {
        *below = above;
    }
}

fn some<T>(setting: Setting<T>) -> Setting<Option<T>> {
    Setting { value: Some(setting.value), origin: setting.origin }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T>(value: T) -> Option<Setting<T>> {
        Some(Setting { value, origin: Origin::CommandLine })
    }

    #[test]
    fn a_profile_ends_what_was_said_before_it() {
        let mut effective = EffectiveSettings::default();
        let site = Setting { value: vec!["site-data".to_owned()], origin: Origin::CommandLine };
        effective.apply(Layer { auto_requires: vec![(Part::Api, site.clone())], ..Layer::default() });
        assert_eq!(effective.automatic_relations().api, ["site-data"]);
        assert!(effective.automatic_relations().require_filesystem(), "the others still do");
        effective.apply(Layer { profile: said(Profile::Oscar), ..Layer::default() });
        assert_eq!(effective.automatic_relations(), Profile::Oscar.automatic_relations());
        let both = Layer {
            profile: said(Profile::Opkg),
            auto_requires: vec![(Part::Api, site)],
            ..Layer::default()
        };
        effective.apply(both);
        assert_eq!(effective.automatic_relations().api, ["site-data"]);
        assert_eq!(effective.automatic_relations().client, ["opkg-filesystem"]);
    }

    #[test]
    fn a_passphrase_belongs_to_its_key() {
        let mut effective = EffectiveSettings::default();
        let key = |name: &str| said(PathBuf::from(name));
        effective.apply(Layer { sign_key: key("/a"), passphrase_file: key("/a.pass"), ..Layer::default() });
        effective.apply(Layer { sign_key: key("/b"), ..Layer::default() });
        assert_eq!(effective.passphrase_file.value, None);
        assert_eq!(effective.sign_key.value.as_deref(), Some("/b".as_ref()));
        effective.apply(Layer { sign_nothing: true, ..Layer::default() });
        assert_eq!(effective.sign_key.value, None);
    }
}
