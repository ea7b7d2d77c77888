//! Scriptlets as packages have them: what the OPKG's own scripts do, and what is to be done besides.

use opkg_sdk::additions::{Addition, Place, TIMES, commands_at};
use opkg_sdk::model::ScriptTime;
use opkg_sdk::scriptlet::Scriptlet;

/// What RPM runs at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageScript {
    pub time: ScriptTime,
    /// For `/bin/sh`, each line ended. [`crate::action::OWN_VERSION`] stands for the version being built.
    pub body: String,
}

/// The OPKG's own scriptlets with what is added to them, then what stands alone.
pub fn with_additions(own: Vec<Scriptlet>, additions: &[Addition]) -> Vec<PackageScript> {
    let alone = TIMES.into_iter().filter(|time| own.iter().all(|scriptlet| scriptlet.time != *time));
    let alone: Vec<ScriptTime> = alone.collect();
    let mut scripts: Vec<PackageScript> = Vec::new();
    for scriptlet in own {
        let time = scriptlet.time;
        let [before, after] = [Place::Before, Place::After].map(|it| commands_at(additions, time, it));
        let body = match after.is_empty() {
            true => before + &scriptlet.body,
            // It replaces or ends the shell that it runs in, and its exit status is that of the whole.
            false => format!("{before}(\n{}) || exit\n{after}", scriptlet.body),
        };
        scripts.push(PackageScript { time, body });
    }
    scripts.extend(alone.into_iter().filter_map(|time| {
        let body = [Place::Before, Place::After].map(|it| commands_at(additions, time, it)).concat();
        (!body.is_empty()).then_some(PackageScript { time, body })
    }));
    scripts
}
