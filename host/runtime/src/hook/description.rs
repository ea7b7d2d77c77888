//! What a hook runner says about itself, checked.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bindings::v1::hook_runner::exports::opkg::plugin::hook as wit;
use crate::validate_words::{ValidationError, invalid};
use opkg_interface::text::quote;
use opkg_interface::{is_plugin_id, is_printable_word};

/// Which files a runner takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilePattern {
    /// By their first bytes.
    StartsWith(Vec<u8>),
    /// By the end of their name.
    EndsWith(String),
}

impl fmt::Display for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartsWith(bytes) => write!(f, "begin with `{}`", bytes.escape_ascii()),
            Self::EndsWith(end) => write!(f, "end in `{}`", end.escape_default()),
        }
    }
}

/// What a hook runner is. A hook that is a component itself has a name and a version only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerDescription {
    /// Lower case; fit for a file name.
    pub id: String,
    /// Of the runner itself.
    pub version: String,
    /// Which files it takes: those that one of these fits.
    pub takes: Vec<FilePattern>,
}

/// Patterns of one runner.
const MAX_PATTERNS: usize = 100;

/// Bytes at the beginning of a file that a pattern may look at, and of a name.
pub(crate) const MAX_PATTERN_BYTES: usize = 64;

impl RunnerDescription {
    /// Takes what a runner answered.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub(crate) fn from_wit(raw: wit::RunnerInfo) -> Result<Self, ValidationError> {
        if !is_plugin_id(&raw.name) {
            return invalid(format!(
                "the name {}, which is not made of a-z, 0-9, `.`, `_`, `+` and `-` with a letter or digit at \
                 both ends",
                quote(&raw.name)
            ));
        }
        if !is_printable_word(&raw.version) {
            return invalid(format!("{}, where a version is meant", quote(&raw.version)));
        }
        if raw.takes.len() > MAX_PATTERNS {
            return invalid(format!("more than {MAX_PATTERNS} patterns of files"));
        }
        let fits = |length: usize| (1..=MAX_PATTERN_BYTES).contains(&length);
        let takes = raw.takes.into_iter().map(|pattern| match pattern {
            wit::Pattern::StartsWith(bytes) if fits(bytes.len()) => Ok(FilePattern::StartsWith(bytes)),
            wit::Pattern::EndsWith(end) if fits(end.len()) => Ok(FilePattern::EndsWith(end)),
            _ => {
                invalid(format!("a pattern of files that is empty, or longer than {MAX_PATTERN_BYTES} bytes"))
            }
        });
        Ok(Self { id: raw.name, version: raw.version, takes: takes.collect::<Result<_, _>>()? })
    }

    /// Whether it takes a file of this name that begins with these bytes.
    #[must_use]
    pub fn accepts(&self, name: &str, beginning: &[u8]) -> bool {
        self.takes.iter().any(|pattern| match pattern {
            FilePattern::StartsWith(bytes) => beginning.starts_with(bytes),
            FilePattern::EndsWith(end) => name.ends_with(end.as_str()),
        })
    }

    /// `demo 1.2`, as messages name the runner.
    #[must_use]
    pub fn name_and_version(&self) -> String {
        format!("{} {}", self.id, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wit_description(takes: Vec<wit::Pattern>) -> wit::RunnerInfo {
        wit::RunnerInfo { name: "demo".into(), version: "1.0".into(), takes }
    }

    #[test]
    fn files_are_taken_by_beginning_or_name() -> Result<(), ValidationError> {
        let patterns = vec![wit::Pattern::StartsWith(b"#!".into()), wit::Pattern::EndsWith(".apt".into())];
        let runner = RunnerDescription::from_wit(wit_description(patterns))?;
        for (name, beginning, taken) in [
            ("x", &b"#!/bin/sh"[..], true),
            ("x.apt", b"<", true),
            ("x.apt.old", b"#", false),
            ("", b"", false),
        ] {
            assert_eq!(runner.accepts(name, beginning), taken, "{name}");
        }
        assert_eq!(runner.name_and_version(), "demo 1.0");
        Ok(())
    }

    #[test]
    fn bad_ones_are_refused() {
        let flaws = [
            wit::RunnerInfo { name: "../x".into(), ..wit_description(vec![]) },
            wit::RunnerInfo { version: "1 0".into(), ..wit_description(vec![]) },
            wit_description(vec![wit::Pattern::StartsWith(vec![])]),
            wit_description(vec![wit::Pattern::EndsWith("x".repeat(65))]),
            wit_description(vec![wit::Pattern::EndsWith("x".into()); 101]),
        ]
        .map(|raw| {
            RunnerDescription::from_wit(raw)
                .map_or_else(|error| error.to_string(), |description| format!("accepted: {description:?}"))
        });
        insta::assert_snapshot!(flaws.join("\n"), @r"
        the name `../x`, which is not made of a-z, 0-9, `.`, `_`, `+` and `-` with a letter or digit at both ends
        `1 0`, where a version is meant
        a pattern of files that is empty, or longer than 64 bytes
        a pattern of files that is empty, or longer than 64 bytes
        more than 100 patterns of files
        ");
    }
}
