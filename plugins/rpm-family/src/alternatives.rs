//! What scriptlets do about alternatives.

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::alternatives::{install_commands, remove_commands};
use opkg_sdk::artefacts::NativeKind;
use opkg_sdk::model::ScriptTime;
use opkg_sdk::parts::PartPlan;
use opkg_sdk::text::shell_quote;

/// The packages that have it differ between distributions; all of them provide it under this path.
const PROGRAM: &str = "/usr/sbin/update-alternatives";

/// Registers them before the OPKG's own script, and forgets them once the files are gone. A newer version registers its own
/// over them, as does a package that takes the place of this one: its script has run by then, and the file is still there.
pub fn additions(part: &PartPlan<'_>) -> Vec<Addition> {
    if part.alternatives.is_empty() {
        return Vec::new();
    }
    let commands = remove_commands(part, PROGRAM);
    let remove = commands.lines().zip(&part.alternatives);
    let remove: String = remove
        .map(|(command, it)| format!("    [ -e {} ] || {command}\n", shell_quote(&it.main.path)))
        .collect();
    vec![
        Addition {
            time: ScriptTime::PostInstall,
            place: Place::Before,
            body: install_commands(part, PROGRAM),
        },
        Addition {
            time: ScriptTime::PostUninstall,
            place: Place::After,
            body: format!("if [ \"$1\" -eq 0 ]; then\n{remove}fi\n"),
        },
    ]
}

/// What these need when they run.
pub fn requirements(part: &PartPlan<'_>) -> Vec<(NativeKind, &'static str)> {
    if part.alternatives.is_empty() {
        return Vec::new();
    }
    [ScriptTime::PostInstall, ScriptTime::PostUninstall]
        .map(|time| (NativeKind::PreRequires(time), PROGRAM))
        .into()
}
