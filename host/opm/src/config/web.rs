//! Which rights people have in the browser: `[web]` of `opm.toml`.

use std::collections::BTreeMap;

use opkg_oda::{ParseError, Rights};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// The rights of people whom a proxy names to `opm web`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebSettings {
    /// Of everybody of whom nothing else is said.
    default: Setting,
    /// By name.
    people: BTreeMap<String, Setting>,
    /// By the name of a group.
    groups: BTreeMap<String, Setting>,
}

/// `none`, or the name of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Setting(Option<Rights>);

impl WebSettings {
    /// What somebody may do: as it is said of the person, else the most that is said of one of the groups, else what everybody
    /// may; nothing if absent.
    #[must_use]
    pub fn rights_of(&self, person: &str, groups: &[&str]) -> Option<Rights> {
        let of_groups = || groups.iter().filter_map(|group| self.groups.get(*group)).max();
        self.people.get(person).or_else(of_groups).unwrap_or(&self.default).0
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "none" => Ok(Self(None)),
            name => name.parse().map(|rights| Self(Some(rights))).map_err(|mut error: ParseError| {
                error.expected.insert_str(0, "none, ");
                D::Error::custom(error)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn people_come_before_groups_and_groups_before_everybody() {
        let settings: WebSettings = toml::from_str(
            r#"
            default = "viewer"
            people = { ada = "administrator", eve = "none" }
            groups = { ops = "operator", hpc = "viewer", guests = "none" }
            "#,
        )
        .unwrap();
        for (person, groups, rights) in [
            ("ada", &[][..], Some(Rights::Administrator)),
            ("ada", &["guests"], Some(Rights::Administrator)),
            ("eve", &["ops"], None),
            ("otto", &["hpc", "ops", "guests", "others"], Some(Rights::Operator)),
            ("otto", &["guests"], None),
            ("otto", &["others"], Some(Rights::Viewer)),
            ("otto", &[], Some(Rights::Viewer)),
            ("Ada", &[], Some(Rights::Viewer)),
        ] {
            assert_eq!(settings.rights_of(person, groups), rights, "{person} {groups:?}");
        }
        assert_eq!(WebSettings::default().rights_of("root", &["wheel"]), None);
    }
}
