//! What a package manager says is installed.

use std::collections::{BTreeMap, BTreeSet};

use opkg_interface::package_manager::{InstallState, Installed};

/// All packages of a root, by name: of one name there are several for several architectures, and several versions where
/// an upgrade was cut off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InstalledSet(BTreeMap<String, Vec<Installed>>);

/// How far a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence<'a> {
    Absent,
    /// Nothing but its configuration.
    Residual,
    /// Neither installed nor absent; how, in the manager's own word.
    Incomplete(&'a Installed, &'a str),
    Complete(&'a Installed),
}

impl FromIterator<Installed> for InstalledSet {
    fn from_iter<I: IntoIterator<Item = Installed>>(packages: I) -> Self {
        let mut by_name: BTreeMap<String, Vec<Installed>> = BTreeMap::new();
        for package in packages {
            by_name.entry(package.name.clone()).or_default().push(package);
        }
        Self(by_name)
    }
}

impl InstalledSet {
    /// Of several of a name, what is worst counts: none is complete as long as one is not.
    pub(crate) fn presence(&self, name: &str) -> Presence<'_> {
        let packages = self.0.get(name).map(Vec::as_slice).unwrap_or_default();
        let incomplete = packages.iter().find_map(|package| match &package.state {
            InstallState::Incomplete(how) => Some(Presence::Incomplete(package, how)),
            InstallState::Complete | InstallState::Residual => None,
        });
        let complete = packages.iter().find(|package| package.state == InstallState::Complete);
        let rest = if packages.is_empty() { Presence::Absent } else { Presence::Residual };
        incomplete.or_else(|| complete.map(Presence::Complete)).unwrap_or(rest)
    }

    /// Those of these names that are incomplete.
    pub(crate) fn incomplete(&self, names: &[String]) -> Vec<Installed> {
        let packages = names.iter().filter_map(|name| self.0.get(name)).flatten();
        packages.filter(|it| matches!(it.state, InstallState::Incomplete(_))).cloned().collect()
    }

    /// Whether a package is there in the same versions as in another set.
    pub(crate) fn is_same(&self, other: &Self, name: &str) -> bool {
        self.0.get(name) == other.0.get(name)
    }

    /// The packages, none of them among `asked`, that were complete in an earlier set and are gone, but for what
    /// went with a whole architecture of a name that is still there.
    pub(crate) fn lost_since(&self, earlier: &Self, asked: &BTreeSet<String>) -> Vec<String> {
        let is_there =
            |name: &str| matches!(self.presence(name), Presence::Complete(_) | Presence::Incomplete(..));
        let was_complete = |name: &str| matches!(earlier.presence(name), Presence::Complete(_));
        let names = earlier.0.keys().filter(|name| !asked.contains(*name));
        names.filter(|name| was_complete(name) && !is_there(name)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, arch: &str, state: InstallState) -> Installed {
        Installed {
            name: name.into(),
            version: version.into(),
            arch: Some(arch.into()),
            has_scriptlets: Some(false),
            state,
        }
    }

    #[test]
    fn what_is_worst_counts() {
        let cut_off = InstallState::Incomplete("cut off".into());
        let set: InstalledSet = [
            package("old", "1", "all", InstallState::Residual),
            package("twice", "2", "all", InstallState::Complete),
            package("twice", "1", "all", cut_off.clone()),
            package("libs", "1", "i686", InstallState::Complete),
            package("libs", "1", "x86_64", InstallState::Complete),
        ]
        .into_iter()
        .collect();
        assert_eq!(set.presence("none"), Presence::Absent);
        assert_eq!(set.presence("old"), Presence::Residual);
        assert!(matches!(set.presence("twice"), Presence::Incomplete(it, "cut off") if it.version == "1"));
        assert!(matches!(set.presence("libs"), Presence::Complete(_)));
        let names = ["twice", "libs", "none"].map(str::to_owned);
        assert_eq!(set.incomplete(&names), [package("twice", "1", "all", cut_off)]);
    }

    #[test]
    fn what_was_whole_and_is_gone_is_lost() {
        let whole = |name| package(name, "1", "all", InstallState::Complete);
        let half = |name| package(name, "1", "all", InstallState::Incomplete("unpacked".into()));
        let rest = |name| package(name, "1", "all", InstallState::Residual);
        let before: InstalledSet =
            [whole("asked"), whole("kept"), whole("gone"), whole("left-over"), half("half"), rest("rest")]
                .into_iter()
                .collect();
        let after: InstalledSet = [whole("kept"), rest("left-over"), whole("new")].into_iter().collect();
        let asked = BTreeSet::from(["asked".to_owned()]);
        assert_eq!(after.lost_since(&before, &asked), ["gone", "left-over"]);
        assert!(before.lost_since(&after, &BTreeSet::new()).contains(&"new".to_owned()));
        assert!(
            after.is_same(&before, "kept")
                && !after.is_same(&before, "gone")
                && after.is_same(&before, "none")
        );
    }
}
