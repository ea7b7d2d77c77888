//! How long the journal keeps what was done: `[journal]` of `opm.toml`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::duration::parse_age;

/// How long steps are kept after they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalSettings {
    /// All steps, as long as nobody removes them, if absent.
    #[serde(deserialize_with = "deserialize_age")]
    pub keep: Option<Duration>,
    /// Steps that failed or were interrupted; as all others if absent.
    #[serde(deserialize_with = "deserialize_age")]
    pub keep_failed: Option<Duration>,
}

fn deserialize_age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parse_age(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}
