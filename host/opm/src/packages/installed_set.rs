//! What a package manager says is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use opkg_interface::package_manager::{InstallState, Installed, Offer};

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

/// A package that is there in another version than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionChange {
    pub(crate) name: String,
    before: String,
    after: String,
}

impl VersionChange {
    /// Whether the new version is the older one of the two, where these have both: of each package the newest comes first.
    pub(crate) fn is_downgrade(&self, offers: &[Offer]) -> bool {
        let rank = |version: &str| {
            offers.iter().filter(|it| it.name == self.name).position(|it| it.version == version)
        };
        matches!((rank(&self.before), rank(&self.after)), (Some(before), Some(after)) if before < after)
    }
}

impl fmt::Display for VersionChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} from {} to {}", self.name, self.before, self.after)
    }
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

    /// The packages that were there in one version in an earlier set, and are now in another one. Of what may be there in
    /// several versions, like a kernel, there is no telling.
    pub(crate) fn changed_since(&self, earlier: &Self) -> Vec<VersionChange> {
        let change = |name: &String| {
            let (before, after) = (earlier.only_version(name)?, self.only_version(name)?);
            let (name, before, after) = (name.clone(), before.to_owned(), after.to_owned());
            (before != after).then_some(VersionChange { name, before, after })
        };
        earlier.0.keys().filter_map(change).collect()
    }

    /// The version of a package that is there in one.
    fn only_version(&self, name: &str) -> Option<&str> {
        let mut there = self.0.get(name)?.iter().filter(|it| it.state != InstallState::Residual);
        let version = there.next()?.version.as_str();
        there.all(|it| it.version == version).then_some(version)
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

    #[test]
    fn what_is_older_than_before_is_known_where_the_sources_have_both_versions() {
        let of = |name, version| package(name, version, "all", InstallState::Complete);
        let names = ["down", "up", "same", "kernel", "unknown"];
        let before: InstalledSet =
            names.map(|name| of(name, "2")).into_iter().chain([of("gone", "2"), of("kernel", "1")]).collect();
        let after: InstalledSet = [
            of("down", "1"),
            of("up", "10"),
            of("same", "2"),
            of("kernel", "3"),
            of("unknown", "1"),
            package("gone", "1", "all", InstallState::Residual),
        ]
        .into_iter()
        .collect();
        let changes = after.changed_since(&before);
        let changed: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(changed, ["down", "unknown", "up"]);
        let offers: Vec<Offer> = ["10", "2", "1"]
            .into_iter()
            .flat_map(|version| ["down", "up"].map(|name| (name, version)))
            .chain([("unknown", "1")])
            .map(|(name, version)| Offer { name: name.into(), version: version.into() })
            .collect();
        let down: Vec<String> =
            changes.iter().filter(|it| it.is_downgrade(&offers)).map(ToString::to_string).collect();
        assert_eq!(down, ["down from 2 to 1"]);
    }
}
