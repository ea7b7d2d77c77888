//! What can stand in a command line of `opkgc`: the targets that there are plugins for, the codes of findings, and the rules
//! for plugins.

use opkg_runtime::{Registry, RuntimeOptions};
use opkg_shell::completion::{ValueOffer, ValueSource};

use crate::explanations::EXPLANATIONS;

/// By what help calls them.
pub const VALUES: &[ValueSource] = &[("TARGET", targets), ("CODE", codes), ("RULE", rules)];

/// Each distribution, and each of its releases.
fn targets() -> Vec<ValueOffer> {
    let registry = Registry::discover(RuntimeOptions::from_env());
    let mut offers = Vec::new();
    for description in registry.descriptions() {
        let names = std::iter::once((&description.id, &description.name))
            .chain(description.aliases.iter().map(|alias| (&alias.id, &alias.name)));
        for (id, name) in names {
            offers.push((id.clone(), Some(name.clone())));
            let releases = description.releases.iter();
            offers.extend(releases.map(|release| {
                (format!("{id}-{}", release.version), Some(format!("{name} {}", release.version)))
            }));
        }
    }
    offers
}

/// Of findings that there are pages about.
fn codes() -> Vec<ValueOffer> {
    EXPLANATIONS.iter().map(|page| (page.code.to_owned(), Some(page.title().to_owned()))).collect()
}

/// That plugins are tried by.
fn rules() -> Vec<ValueOffer> {
    opkg_conformance::rules().map(|rule| (rule.name.to_owned(), Some(rule.sentence.to_owned()))).collect()
}
