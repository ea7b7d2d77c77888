//! Groups of nodes as their sources define them: tables of the administrator, files of other programs. What a group
//! means is worked out when it is named, see [`crate::target_selector`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

/// As many groups of one source are taken.
const MAX_GROUPS: usize = 100_000;
/// As many parts do all groups of one source have.
const MAX_PARTS: usize = 1_000_000;
/// Longer than anybody types.
const MAX_NAME_BYTES: usize = 255;

/// All sources, in the order in which they come into question. A group without its source's name is the first source's
/// if that has it, since that one is the administrator's own; else it must be of one source alone.
#[derive(Debug, Clone, Default)]
pub struct GroupCatalog {
    sources: Vec<GroupSource>,
}

/// Where groups come from.
#[derive(Debug, Clone)]
pub struct GroupSource {
    /// As it stands before the colon in `@slurm:gpu`.
    pub name: String,
    /// Its groups; or why they are not known, which matters only to those who ask for them.
    pub groups: Result<GroupTable, GroupSourceError>,
}

/// The groups of a source, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupTable {
    groups: BTreeMap<String, Vec<GroupPart>>,
    part_count: usize,
}

/// Members of a group that are written in one place; a group has all of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPart {
    /// Who belongs to it.
    pub members: Members,
    /// Where that stands.
    pub place: Place,
}

/// Who belongs to a group, as it is written. Nothing of it is checked so far. Many groups may share one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// As administrators name targets for `opm`.
    Targets(Arc<str>),
    /// Names of nodes in ClusterShell's way: brackets, operators and groups, each name a client.
    Nodes(Arc<str>),
    /// Those of another group of this source.
    Group(String),
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The path.
    pub file: String,
    /// The first one is 1; nothing where it is not known.
    pub line: Option<usize>,
}

/// Why the groups of a source are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupSourceError {
    /// A line of a file makes no sense.
    #[error("{place}: {message}")]
    Invalid {
        /// Which line.
        place: Place,
        /// What is wrong with it.
        message: String,
    },
    /// A file cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// Two sources have one name.
    #[error("two sources of groups are called {0}")]
    Duplicate(String),
}

impl GroupSourceError {
    /// A line makes no sense, for this reason.
    #[must_use]
    pub fn invalid(place: &Place, message: impl Into<String>) -> Self {
        Self::Invalid { place: place.clone(), message: message.into() }
    }
}

impl GroupCatalog {
    /// Takes a source that comes after the others. Where there is one of its name already, neither is known.
    pub fn add(&mut self, source: GroupSource) {
        match self.sources.iter_mut().find(|known| known.name == source.name) {
            Some(known) => known.groups = Err(GroupSourceError::Duplicate(source.name)),
            None => self.sources.push(source),
        }
    }

    /// In their order.
    #[must_use]
    pub fn sources(&self) -> &[GroupSource] {
        &self.sources
    }

    /// The names of all groups that are known, as they are written: `@rack3`, and with their source where more than
    /// one has a group of that name.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        let mut labels = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            let names = source.groups.iter().flat_map(GroupTable::names);
            labels.extend(names.map(|name| self.label(index, name)));
        }
        labels
    }

    /// How a group of the source of this number is written.
    #[must_use]
    pub fn label(&self, source: usize, name: &str) -> String {
        let has = |source: &GroupSource| source.groups.as_ref().is_ok_and(|table| table.get(name).is_some());
        let owners: Vec<usize> =
            (0..self.sources.len()).filter(|index| self.sources.get(*index).is_some_and(has)).collect();
        match self.sources.get(source) {
            // What is written without a source is looked for after the first colon.
            Some(named) if name.contains(':') || (source != 0 && owners.len() > 1) => {
                format!("@{}:{name}", named.name)
            }
            _ => format!("@{name}"),
        }
    }
}

impl GroupTable {
    /// Takes members of a group.
    ///
    /// # Errors
    /// When the name cannot be one, or there are too many groups.
    pub fn add(&mut self, name: &str, part: GroupPart) -> Result<(), String> {
        self.declare(name)?.push(part);
        self.part_count += 1;
        if self.part_count > MAX_PARTS {
            return Err(format!("there are more than {MAX_PARTS} lists of members"));
        }
        Ok(())
    }

    /// Makes a group known, even if nobody belongs to it.
    ///
    /// # Errors
    /// When the name cannot be one, or there are too many groups.
    pub fn declare(&mut self, name: &str) -> Result<&mut Vec<GroupPart>, String> {
        let is_name = !name.is_empty()
            && name.len() <= MAX_NAME_BYTES
            && name
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == ' ' || letter.is_ascii_graphic());
        if !is_name {
            return Err(format!("`{}` cannot be the name of a group", name.escape_debug()));
        }
        let count = self.groups.len();
        match self.groups.entry(name.to_owned()) {
            Entry::Vacant(_) if count == MAX_GROUPS => {
                Err(format!("there are more than {MAX_GROUPS} groups"))
            }
            entry => Ok(entry.or_default()),
        }
    }

    /// What belongs to a group; nothing if there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[GroupPart]> {
        self.groups.get(name).map(Vec::as_slice)
    }

    /// A group with its name as it is kept here.
    pub(crate) fn get_key_value(&self, name: &str) -> Option<(&str, &[GroupPart])> {
        self.groups.get_key_value(name).map(|(name, parts)| (name.as_str(), parts.as_slice()))
    }

    /// Of all groups, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn source(name: &str, groups: &[&str]) -> GroupSource {
        let mut table = GroupTable::default();
        for group in groups {
            table.declare(group).unwrap();
        }
        GroupSource { name: name.into(), groups: Ok(table) }
    }

    #[test]
    fn groups_are_written_as_shortly_as_they_can_be() {
        let mut catalog = GroupCatalog::default();
        catalog.add(source("opm", &["gpu", "rack1"]));
        catalog.add(source("genders", &["gpu", "os=el:9", "big"]));
        catalog.add(source("slurm", &["debug", "big"]));
        assert_eq!(
            catalog.labels(),
            ["@gpu", "@rack1", "@genders:big", "@genders:gpu", "@genders:os=el:9", "@slurm:big", "@debug"]
        );
    }

    #[test]
    fn of_two_sources_of_one_name_none_is_taken() {
        let mut catalog = GroupCatalog::default();
        catalog.add(source("slurm", &["a"]));
        catalog.add(source("slurm", &["b"]));
        assert_eq!(catalog.sources().len(), 1);
        assert_eq!(catalog.sources()[0].groups, Err(GroupSourceError::Duplicate("slurm".into())));
    }

    #[test]
    fn names_of_groups() {
        for name in ["", "a\nb", "a\u{202e}", "\t", &"x".repeat(256)] {
            assert!(GroupTable::default().declare(name).is_err(), "{name:?}");
        }
        for name in ["os=rocky9", "größe", "a b", "1"] {
            assert!(GroupTable::default().declare(name).is_ok(), "{name:?}");
        }
    }
}
