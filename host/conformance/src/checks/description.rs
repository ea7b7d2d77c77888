//! What a plugin says of itself, and whether it is so.

use std::sync::Arc;

use opkg::model::{DistFilter, Opkg};
use opkg_interface::{DistributionDescription, PackageSettings, Target};

use super::calls::output_difference;
use crate::ledger::{Ledger, Place};
use crate::plugin::{Outcome, PluginUnderTest};
use crate::rule::{Rule, RuleGroup};
use crate::scene::excerpt;
use crate::targets::target;

pub const GROUP: RuleGroup = RuleGroup {
    title: "Description",
    rules: &[SAME, RELEASES, ARCHS, ALIASES, UNKNOWN_REFUSED, DEFAULT_RELEASE],
};

const SAME: Rule = Rule {
    name: "description-stable",
    sentence: "The plugin always says the same of itself, and what it says is valid.",
    reason: "Hosts keep what a plugin said. There is exactly one default release, and no id twice.",
    advice: "Return constants from `describe`.",
};
const RELEASES: Rule = Rule {
    name: "releases-accepted",
    sentence: "Every release that the plugin describes can be compiled for, by one of its ids.",
    reason: "Users choose from that list.",
    advice: "Leave out releases that the plugin does not know, or teach it those.",
};
const ARCHS: Rule = Rule {
    name: "architectures-accepted",
    sentence: "Every architecture that the plugin describes can be compiled for, on one of its releases.",
    reason: "Users choose from that list.",
    advice: "Leave out architectures that no release has.",
};
const ALIASES: Rule = Rule {
    name: "aliases-accepted",
    sentence: "The plugin answers to each id that it describes, and filters that name the id are about it.",
    reason: "`--dist ID` is handed to the plugin that describes the id, and authors write the same id into filters.",
    advice: "Take `target.dist` for any of the ids, and make an identity of `FilterContext` of it.",
};
const UNKNOWN_REFUSED: Rule = Rule {
    name: "unknown-targets-refused",
    sentence: "A release or an architecture that there is not is refused as an unknown target, with those there are.",
    reason: "A typing error must not become packages that nobody can install; the list is what the user needs next.",
    advice: "Refuse with `unknown-target`, and name the releases or architectures.",
};
const DEFAULT_RELEASE: Rule = Rule {
    name: "default-release-decides",
    sentence: "Without a version in the target, binary packages are those for the default release.",
    reason: "Nothing else is known when they are made; meta-files may leave it open.",
    advice: "Use the default release where a record is made.",
};

/// No release of any distribution.
const NO_RELEASE: &str = "zq-no-release";

pub struct Probe<'a> {
    pub plugin: &'a dyn PluginUnderTest,
    pub description: &'a DistributionDescription,
    pub settings: &'a PackageSettings,
    /// One that every distribution can express.
    pub opkg: &'a Arc<Opkg>,
    /// One that is for the first architecture that is described alone.
    pub arch_specific: &'a Arc<Opkg>,
}

impl Probe<'_> {
    fn generate(&self, dist: &str, version: Option<&str>) -> (Target, Outcome) {
        let target = target(self.description, dist, version, None);
        let outcome = self.plugin.generate(self.opkg, &target, self.settings);
        (target, outcome)
    }

    /// Whether the plugin takes a target; one that names an architecture, for packages that are for that alone.
    #[must_use]
    pub fn knows(&self, target: &Target) -> bool {
        let outcome = match &target.arch {
            None => self.plugin.generate(self.opkg, target, self.settings),
            Some(arch) => self.generate_for_arch(target, arch),
        };
        is_known(&outcome)
    }

    fn generate_for_arch(&self, target: &Target, arch: &str) -> Outcome {
        let mut opkg = Opkg::clone(self.arch_specific);
        opkg.filter.archs = vec![arch.to_owned()];
        self.plugin.generate(&Arc::new(opkg), target, self.settings)
    }

    pub fn check(&self, ledger: &mut Ledger) {
        let about = Place::default();
        let again = self.plugin.describe();
        let said = match &again {
            Ok(again) if again == self.description => None,
            Ok(_) => Some("it says something else when it is asked again".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        ledger.check(&SAME, about, said.is_none(), || said.unwrap_or_default());
        for release in &self.description.releases {
            let version = &release.version;
            let mut ids = self.description.ids();
            let is_known = ids.any(|id| is_known(&self.generate(id, Some(version)).1));
            ledger.check(&RELEASES, about, is_known, || {
                format!("no id of the plugin knows the release {}", excerpt(version))
            });
        }
        for arch in &self.description.archs {
            let is_known = self.description.releases.iter().any(|release| {
                let of = |id| target(self.description, id, Some(&release.version), Some(&arch.canonical));
                self.description.ids().any(|id| self.knows(&of(id)))
            });
            ledger.check(&ARCHS, about, is_known, || format!("no release has {}", excerpt(&arch.canonical)));
        }
        self.check_ids(ledger);
        self.check_unknown(ledger);
        self.check_default(ledger);
    }

    fn check_ids(&self, ledger: &mut Ledger) {
        for id in self.description.ids() {
            let (target, outcome) = self.generate(id, None);
            let name = target.to_string();
            let place = Place { target: Some(&name), opkg: None };
            ledger.check(&ALIASES, place, is_known(&outcome), || {
                format!("it does not know the id {}, which it describes", excerpt(id))
            });
            let mut opkg = Opkg::clone(self.opkg);
            opkg.filter.dists = vec![DistFilter { at: opkg.at, id: id.to_owned(), bound: None }];
            let outcome = self.plugin.generate(&Arc::new(opkg), &target, self.settings);
            ledger.check(&ALIASES, place, !matches!(outcome, Outcome::Unavailable(_)), || {
                format!("an OPKG that is only for {} is said to be unavailable for it", excerpt(id))
            });
        }
    }

    fn check_unknown(&self, ledger: &mut Ledger) {
        let id = &self.description.id;
        let (nowhere, outcome) = self.generate(id, Some(NO_RELEASE));
        let releases =
            self.description.releases.iter().map(|release| release.version.as_str()).collect::<Vec<_>>();
        check_refused(&nowhere, &outcome, &releases, ledger);
        let is_described = |arch: &&str| self.description.archs.iter().any(|it| it.canonical == *arch);
        let Some(foreign) = opkg::arch::CANONICAL_NAMES.iter().copied().find(|it| !is_described(it)) else {
            return;
        };
        // Packages for any architecture may be made for one that the distribution does not have.
        let target = target(self.description, id, None, Some(foreign));
        let outcome = self.generate_for_arch(&target, foreign);
        let archs: Vec<&str> = self
            .description
            .archs
            .iter()
            .flat_map(|arch| [arch.canonical.as_str(), arch.native.as_str()])
            .collect();
        check_refused(&target, &outcome, &archs, ledger);
    }

    fn check_default(&self, ledger: &mut Ledger) {
        let Some(default) = self.description.default_release() else { return };
        let id = &self.description.id;
        let (target, open) = self.generate(id, None);
        let (_, named) = self.generate(id, Some(&default.version));
        let (Outcome::Generated(open), Outcome::Generated(named)) = (&open, &named) else { return };
        let name = target.to_string();
        let holds = open.output.packages == named.output.packages;
        ledger.check(&DEFAULT_RELEASE, Place { target: Some(&name), opkg: None }, holds, || {
            output_difference(&open.output, &named.output)
        });
    }
}

/// Whether the plugin takes the target, whatever it makes of the OPKG.
fn is_known(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::UnknownTarget(_))
}

fn check_refused(target: &Target, outcome: &Outcome, known: &[&str], ledger: &mut Ledger) {
    let name = target.to_string();
    let place = Place { opkg: None, target: Some(&name) };
    let found = match outcome {
        Outcome::UnknownTarget(reason) if known.iter().any(|word| reason.contains(word)) => None,
        Outcome::UnknownTarget(reason) => {
            Some(format!("the refusal names none that there are: {}", excerpt(reason)))
        }
        Outcome::Generated(_) => Some("it makes packages for it".to_owned()),
        Outcome::Unavailable(found) => Some(format!("it is said to be unavailable: {}", found.message)),
        Outcome::Refused(_) => Some("it refuses the OPKG instead of the target".to_owned()),
        Outcome::Broken(error) => Some(format!("the plugin {error}")),
    };
    ledger.check(&UNKNOWN_REFUSED, place, found.is_none(), || found.unwrap_or_default());
}
