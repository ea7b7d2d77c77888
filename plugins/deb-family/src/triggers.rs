//! Triggers of dpkg: a file that names the directories, and the script after the installation, which is run with `triggered` and
//! those that changed in one word (deb-triggers(5), Debian's policy, chapter 6).

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::model::{Opkg, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::scriptlet;
use opkg_sdk::triggers;

use crate::action;
use crate::systemd::indent;
use crate::version::DebVersion;

/// The directories that a part has triggers for.
pub fn interests(part: &PartPlan<'_>) -> Vec<String> {
    match triggers::script(part) {
        Some(_) => part.triggers.iter().map(|trigger| trigger.path.clone()).collect(),
        None => Vec::new(),
    }
}

/// What begins the script after the installation: called for triggers, it does nothing else. The directories have neither
/// blanks nor signs that mean something to a shell.
pub fn dispatch(part: &PartPlan<'_>, opkg: &Opkg, version: &DebVersion) -> Option<String> {
    let body = body(part, opkg, version)?;
    Some(format!("if [ \"$1\" = triggered ]; then\n    set -- $2\n{}fi\n", indent(&body, 4)))
}

/// dpkg calls no trigger for what is there when its package comes: the script is run once that is set up, for the directories
/// that hold something.
pub fn addition(part: &PartPlan<'_>, opkg: &Opkg, version: &DebVersion) -> Option<Addition> {
    let body = body(part, opkg, version)?;
    let directories = triggers::words(part);
    let body = format!(
        "if [ \"$1\" = configure ]; then\n    set --\n    for directory in{directories}; do\n        \
         if [ -n \"$(ls -A \"$directory\" 2> /dev/null)\" ]; then set -- \"$@\" \"$directory\"; fi\n    done\n    \
         if [ $# -gt 0 ]; then\n        (\n{}        )\n    fi\nfi\n",
        indent(&body, 8)
    );
    Some(Addition { time: ScriptTime::PostInstall, place: Place::After, body })
}

fn body(part: &PartPlan<'_>, opkg: &Opkg, version: &DebVersion) -> Option<String> {
    let script = triggers::script(part)?;
    let scriptlet = scriptlet::for_file(script, opkg, |time| action::commands(time, version))?;
    Some(scriptlet.body)
}
