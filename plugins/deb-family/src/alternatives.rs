//! What maintainer scripts do about alternatives. Their program comes with dpkg.

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::alternatives::{install_commands, remove_commands};
use opkg_sdk::model::ScriptTime;
use opkg_sdk::parts::PartPlan;

use crate::script::CONFIGURED;
use crate::systemd::indent;

const PROGRAM: &str = "update-alternatives";

/// Registers them before the OPKG's own script, also when a removal did not come about, and forgets them before the files
/// go (Debian's policy, appendix F). A newer version registers its own over them.
pub fn additions(part: &PartPlan<'_>) -> Vec<Addition> {
    if part.alternatives.is_empty() {
        return Vec::new();
    }
    let [install, remove] =
        [install_commands, remove_commands].map(|commands| indent(&commands(part, PROGRAM), 4));
    let addition = |time, body| Addition { time, place: Place::Before, body };
    vec![
        addition(ScriptTime::PostInstall, format!("{CONFIGURED}{install}    ;;\nesac\n")),
        addition(
            ScriptTime::PreUninstall,
            format!("case \"$1\" in remove | deconfigure)\n{remove}    ;;\nesac\n"),
        ),
    ]
}
