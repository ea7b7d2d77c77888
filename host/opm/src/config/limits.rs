//! `[limits]`: how long programs may take, and how many use something at a time.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::duration::parse_duration;
use super::job_count::JobCount;
use crate::process::Timeout;

/// How long programs may take, and how many use something at a time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// A hook, with all programs that it runs.
    #[serde(deserialize_with = "deserialize_duration")]
    pub hook: Duration,
    /// What a hook runner, or a hook that is a component, computes itself; programs that it runs do not count.
    #[serde(deserialize_with = "deserialize_duration")]
    pub component: Duration,
    /// A command of a package manager.
    #[serde(deserialize_with = "deserialize_duration")]
    pub package_manager: Duration,
    /// Waiting for what passes by itself, in all of a run: a lock that another program holds, the network.
    #[serde(deserialize_with = "deserialize_duration")]
    pub retry: Duration,
    /// Either of them, from being asked to end until it is killed.
    #[serde(deserialize_with = "deserialize_duration")]
    pub grace: Duration,
    /// Steps that read package sources at a time: installations. As many as are done at all if absent.
    pub package_source: Option<JobCount>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hook: Duration::from_secs(30 * 60),
            component: Duration::from_secs(10),
            package_manager: Duration::from_secs(2 * 3600),
            retry: Duration::from_secs(5 * 60),
            grace: Duration::from_secs(10),
            package_source: None,
        }
    }
}

impl Limits {
    /// Of a hook.
    pub(crate) fn hook_timeout(&self) -> Timeout {
        Timeout { limit: self.hook, grace: self.grace }
    }

    /// Of a command of a package manager.
    pub(crate) fn package_manager_timeout(&self) -> Timeout {
        Timeout { limit: self.package_manager, grace: self.grace }
    }
}

fn deserialize_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}
