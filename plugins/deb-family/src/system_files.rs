//! Files of tmpfiles.d and the like: read by scripts, as debhelper writes it (dh_installtmpfiles(1)), unless systemd or udev have
//! triggers for them. udev looks for new rules by itself.

use std::fmt::Write as _;

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::model::ScriptTime;
use opkg_sdk::parts::PartPlan;
use opkg_sdk::system_files::{self, SystemFile, SystemFileKind};

use crate::script::CONFIGURED;

/// What the scripts of a part do about them, in an image as far as it is about the image.
pub fn addition(part: &PartPlan<'_>, has_sysctl_trigger: bool) -> Option<Addition> {
    let is_left_to_triggers = |file: &SystemFile<'_>| match file.kind {
        SystemFileKind::Tmpfiles | SystemFileKind::Modules => false,
        SystemFileKind::UdevRules => true,
        SystemFileKind::Sysctl => has_sysctl_trigger && !file.is_in_etc,
        SystemFileKind::Hwdb => !file.is_in_etc,
    };
    let mut files = system_files::of_part(part);
    files.retain(|file| !is_left_to_triggers(file));
    if files.is_empty() {
        return None;
    }
    let has = |kind| files.iter().any(|file| file.kind == kind);
    let mut body = String::from(CONFIGURED);
    let tmpfiles = system_files::words(&files, SystemFileKind::Tmpfiles);
    if !tmpfiles.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(
            body,
            "    if command -v systemd-tmpfiles > /dev/null; then\n        \
             systemd-tmpfiles ${{DPKG_ROOT:+--root=\"$DPKG_ROOT\"}} --create --{tmpfiles} > /dev/null || true\n    fi\n"
        );
    }
    let mut running = String::new();
    let modules = system_files::words(&files, SystemFileKind::Modules);
    if !modules.is_empty() {
        let _ = writeln!(running, "        /lib/systemd/systemd-modules-load --{modules} || true");
    }
    // All that is configured, since a file of the administrator may have the last word.
    if has(SystemFileKind::Sysctl) {
        running.push_str("        /lib/systemd/systemd-sysctl || true\n");
    }
    if !running.is_empty() {
        let _ = write!(
            body,
            "    if [ -z \"${{DPKG_ROOT:-}}\" ] && [ -d /run/systemd/system ]; then\n{running}    fi\n"
        );
    }
    if has(SystemFileKind::Hwdb) {
        body.push_str(
            "    if command -v systemd-hwdb > /dev/null; then\n        systemd-hwdb --usr update || true\n    fi\n",
        );
    }
    body.push_str("    ;;\nesac\n");
    Some(Addition { time: ScriptTime::PostInstall, place: Place::Before, body })
}
