//! `[groups]` and `[group_sources]` of `opm.toml`: groups of targets, and the files of other programs that have some.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use opkg_engine::target_selector::TargetSelector;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// Where groups come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSettings {
    /// The path of `opm.toml`, for messages.
    pub path: PathBuf,
    /// What the administrator defines.
    pub definitions: GroupDefinitions,
    /// What is read besides.
    pub files: GroupFiles,
}

/// `[groups]`: names, and the targets of each, as `--on` takes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupDefinitions(pub BTreeMap<String, Vec<String>>);

/// `[group_sources]`: the files of other programs that define groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupFiles {
    /// ClusterShell's directory, with `groups.d`.
    pub clustershell: SourcePath,
    /// The genders file.
    pub genders: SourcePath,
    /// `slurm.conf`
    pub slurm: SourcePath,
    /// `topology.conf`; usually beside `slurm.conf`.
    pub topology: SourcePath,
}

/// Whether a source is read, and where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SourcePath {
    /// Where it usually is, if it is there.
    #[default]
    Usual,
    /// Not at all: `false`.
    Off,
    /// At this absolute path; it must be there.
    At(PathBuf),
}

/// A letter that has a meaning in a selector, and so cannot be in the name of a group that one defines.
fn has_meaning(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || ",!&^@:*?[]".contains(letter)
}

impl<'de> Deserialize<'de> for GroupDefinitions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "the targets of a group: `\"node[1-12]\"`, or a list of such texts")]
        enum Members {
            One(String),
            Several(Vec<String>),
        }
        let mut definitions = BTreeMap::new();
        for (name, members) in BTreeMap::<String, Members>::deserialize(deserializer)? {
            if name.is_empty() || name.contains(has_meaning) {
                let name = name.escape_debug();
                return Err(D::Error::custom(format!(
                    "`{name}` cannot be the name of a group: it has no blanks and none of `,!&^@:*?[]`"
                )));
            }
            let members = match members {
                Members::One(text) if text.trim().is_empty() => Vec::new(),
                Members::One(text) => vec![text],
                Members::Several(texts) => texts,
            };
            for text in &members {
                let parsed = text.parse::<TargetSelector>();
                parsed.map_err(|error| D::Error::custom(format!("the group {name}: {error}")))?;
            }
            definitions.insert(name, members);
        }
        Ok(Self(definitions))
    }
}

impl<'de> Deserialize<'de> for SourcePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "an absolute path, or `false`")]
        enum Value {
            Switch(bool),
            Path(PathBuf),
        }
        match Value::deserialize(deserializer)? {
            Value::Switch(true) => Ok(Self::Usual),
            Value::Switch(false) => Ok(Self::Off),
            Value::Path(path) if path.is_absolute() => Ok(Self::At(path)),
            Value::Path(path) => Err(D::Error::custom(format!(
                "`{}` is no absolute path",
                path.display().to_string().escape_debug()
            ))),
        }
    }
}

impl SourcePath {
    /// The path to read, and whether something must be there.
    #[must_use]
    pub fn resolve(&self, usual: &Path) -> Option<(PathBuf, bool)> {
        match self {
            Self::Usual => Some((usual.to_owned(), false)),
            Self::Off => None,
            Self::At(path) => Some((path.clone(), true)),
        }
    }
}
