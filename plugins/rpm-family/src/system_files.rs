//! Files of tmpfiles.d and the like: read by triggers of the release's own packages of systemd and udev where those are there,
//! else by scriptlets, as their macros write it (`%tmpfiles_create`, `%sysctl_apply`, `%udev_rules_update`,
//! `%udev_hwdb_update`).

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::model::ScriptTime;
use opkg_sdk::parts::PartPlan;
use opkg_sdk::system_files::{self, SystemFile, SystemFileKind};
use opkg_sdk::units;

use crate::profile::ReleaseProfile;

/// What the scriptlets of a part do about them, in an image as far as it is about the image.
pub fn additions(part: &PartPlan<'_>, profile: &ReleaseProfile) -> Vec<Addition> {
    // A trigger runs when the transaction is through: too late for what a scriptlet starts.
    let starts_units = units::of_part(part).iter().any(|unit| unit.start == Some(true));
    let is_left_to_triggers = |file: &SystemFile<'_>| match file.kind {
        // Of these there is no trigger.
        SystemFileKind::Modules => false,
        SystemFileKind::Tmpfiles => profile.has_file_triggers && !file.is_in_etc && !starts_units,
        SystemFileKind::Sysctl | SystemFileKind::UdevRules | SystemFileKind::Hwdb => {
            profile.has_file_triggers && !file.is_in_etc
        }
    };
    let mut files = system_files::of_part(part);
    files.retain(|file| !is_left_to_triggers(file));
    let has = |kind| files.iter().any(|file| file.kind == kind);

    let mut body = String::new();
    let tmpfiles = system_files::words(&files, SystemFileKind::Tmpfiles);
    if !tmpfiles.is_empty() {
        body.push_str(&format!(
            "if command -v systemd-tmpfiles > /dev/null; then\n    systemd-tmpfiles --create --{tmpfiles} || :\nfi\n"
        ));
    }
    let mut running = String::new();
    let modules = system_files::words(&files, SystemFileKind::Modules);
    if !modules.is_empty() {
        running.push_str(&format!("    /usr/lib/systemd/systemd-modules-load --{modules} || :\n"));
    }
    // All that is configured, since a file of the administrator may have the last word.
    if has(SystemFileKind::Sysctl) {
        running.push_str("    /usr/lib/systemd/systemd-sysctl || :\n");
    }
    if has(SystemFileKind::UdevRules) {
        running.push_str("    udevadm control --reload || :\n");
    }
    if !running.is_empty() {
        body.push_str(&format!("if [ -d /run/systemd/system ]; then\n{running}fi\n"));
    }
    let update = "if command -v systemd-hwdb > /dev/null; then\n    systemd-hwdb update || :\nfi\n";
    let mut additions = Vec::new();
    if has(SystemFileKind::Hwdb) {
        body.push_str(update);
        let body = update.to_owned();
        additions.push(Addition { time: ScriptTime::PostUninstall, place: Place::After, body });
    }
    if !body.is_empty() {
        additions.push(Addition { time: ScriptTime::PostInstall, place: Place::Before, body });
    }
    additions
}
