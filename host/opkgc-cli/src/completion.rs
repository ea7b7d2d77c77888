//! What can stand in a command line of `opkgc`: the targets that there are plugins for.

use opkg_runtime::{Registry, RuntimeOptions};
use opkg_shell::completion::{ValueOffer, ValueSource};

/// By what help calls them.
pub const VALUES: &[ValueSource] = &[("TARGET", targets)];

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
