//! For which targets plugins are tried.

use opkg_interface::{DistributionDescription, Target};

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetChoice {
    /// Every release, every architecture, every id, and what names none of them.
    #[default]
    All,
    /// The newest, the default and the oldest release, a second architecture, one further id.
    Few,
}

/// Releases for one architecture alone.
const ARCHS_OF_RELEASES: usize = 2;

/// A target of the plugin. What decides where no architecture is named is the first one that the plugin describes, so that
/// nothing depends on the machine.
#[must_use]
pub fn target(
    description: &DistributionDescription,
    dist: &str,
    version: Option<&str>,
    arch: Option<&str>,
) -> Target {
    let default_arch = description.archs.first().map_or("x86_64", |arch| arch.canonical.as_str());
    Target {
        dist: dist.to_owned(),
        version: version.map(str::to_owned),
        arch: arch.map(str::to_owned),
        default_arch: default_arch.to_owned(),
    }
}

/// The targets that OPKGs are compiled for, each once. `is_known` says whether the plugin takes one: not every release has
/// every architecture, nor does every id stand for every release.
#[must_use]
pub fn choose(
    description: &DistributionDescription,
    choice: TargetChoice,
    is_known: impl Fn(&Target) -> bool,
) -> Vec<Target> {
    let id = description.id.as_str();
    let archs: Vec<&str> = description.archs.iter().map(|arch| arch.canonical.as_str()).collect();
    let releases: Vec<&str> = description.releases.iter().map(|release| release.version.as_str()).collect();
    let default = description.default_release().map(|release| release.version.as_str());
    let of = |dist: &str, version: Option<&str>, arch: Option<&str>| target(description, dist, version, arch);
    let dist_of = |release: &str| description.ids().find(|id| is_known(&of(id, Some(release), None)));
    let (tried, archs_of_releases, further_archs, aliases) = match choice {
        TargetChoice::All => (releases.clone(), ARCHS_OF_RELEASES, archs.len(), usize::MAX),
        TargetChoice::Few => {
            let ends = [releases.first(), releases.last()].into_iter().flatten().copied();
            (ends.chain(default).collect(), 1, 2, 1)
        }
    };

    let mut targets = vec![of(id, None, None)];
    for release in tried {
        let Some(dist) = dist_of(release) else { continue };
        let of_release = archs.iter().map(|arch| of(dist, Some(release), Some(arch)));
        targets.extend(of_release.filter(|target| is_known(target)).take(archs_of_releases));
    }
    for arch in archs.iter().take(further_archs) {
        // On the default release, where that has it.
        let versions = default.iter().chain(&releases);
        let mut of_arch =
            versions.map(|release| of(dist_of(release).unwrap_or(id), Some(release), Some(arch)));
        targets.extend(of_arch.find(|target| is_known(target)));
    }
    targets.extend(description.aliases.iter().take(aliases).map(|alias| of(&alias.id, None, None)));
    let mut unique: Vec<Target> = Vec::new();
    for target in targets {
        if !unique.contains(&target) {
            unique.push(target);
        }
    }
    unique
}
