//! What scripts of packages do beside what the OPKG's own scripts do.

use crate::model::ScriptTime;

/// Where something stands beside an OPKG's own script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before it.
    Before,
    /// After it, where it succeeded.
    After,
}

/// Commands that a package manager is to run besides at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// When.
    pub time: ScriptTime,
    /// On which side of the OPKG's own script of that time.
    pub place: Place,
    /// For `/bin/sh`, each line ended. They neither read standard input nor end the shell.
    pub body: String,
}

/// The times of a package alone, in the order in which they come in its life.
pub const TIMES: [ScriptTime; 4] =
    [ScriptTime::PreInstall, ScriptTime::PostInstall, ScriptTime::PreUninstall, ScriptTime::PostUninstall];

/// All commands for one place, in their order; empty where there are none.
#[must_use]
pub fn commands_at(additions: &[Addition], time: ScriptTime, place: Place) -> String {
    let here = additions.iter().filter(|it| it.time == time && it.place == place);
    here.map(|it| it.body.as_str()).collect()
}
