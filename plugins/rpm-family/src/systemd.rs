//! Users, groups and units of systemd: what scriptlets do about them, as the macros of systemd's own packages write it
//! (`%sysusers_create_compat`, `%systemd_post` and its sisters).

use opkg_sdk::accounts;
use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::artefacts::NativeKind;
use opkg_sdk::model::{EnableKind, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::units::{self, PartUnit};

use crate::profile::ReleaseProfile;
use crate::system_files;

/// The shell of users that nobody logs in as.
const NOLOGIN: &str = "/sbin/nologin";
const HAS_SYSTEMCTL: &str = "command -v systemctl > /dev/null";

/// What the scriptlets of a part do besides.
pub fn additions(part: &PartPlan<'_>, profile: &ReleaseProfile) -> Vec<Addition> {
    let mut additions = Vec::new();
    if accounts::has_accounts(part) {
        // RPM gives files to whom it finds while it unpacks them.
        let body = accounts::commands(part, NOLOGIN);
        additions.push(Addition { time: ScriptTime::PreInstall, place: Place::Before, body });
    }
    if profile.has_systemd() {
        additions.extend(system_files::additions(part, profile));
        additions.extend(unit_additions(&units::of_part(part)));
    }
    additions
}

/// What these need when they run.
pub fn requirements(part: &PartPlan<'_>, profile: &ReleaseProfile) -> Vec<(NativeKind, &'static str)> {
    let mut needed = Vec::new();
    if accounts::has_accounts(part) {
        needed.push((NativeKind::PreRequires(ScriptTime::PreInstall), profile.account_tools));
    }
    if profile.has_systemd() && !units::of_part(part).is_empty() {
        let times = [ScriptTime::PostInstall, ScriptTime::PreUninstall, ScriptTime::PostUninstall];
        needed.extend(times.map(|time| (NativeKind::PreRequires(time), "systemd")));
    }
    if profile.has_systemd() {
        let times = system_files::additions(part, profile).into_iter().map(|addition| addition.time);
        needed.extend(times.map(|time| (NativeKind::PreRequires(time), "systemd")));
    }
    needed
}

/// Where nothing runs, as in an image, units are enabled and disabled all the same.
fn unit_additions(units: &[PartUnit<'_>]) -> Vec<Addition> {
    let mut additions = Vec::new();
    let mut add = |time, place, body| additions.push(Addition { time, place, body });
    if let Some(body) = enable(units) {
        add(ScriptTime::PostInstall, Place::Before, body);
    }
    if let Some(body) = start(units) {
        add(ScriptTime::PostInstall, Place::After, body);
    }
    if units.is_empty() {
        return additions;
    }
    let disabled = match units::words(units, |unit| unit.is_installable && !unit.is_instance) {
        names if names.is_empty() => names,
        names => format!("    systemctl --quiet --no-reload disable{names} || :\n"),
    };
    let stopped = units::running_words(units, |_| true);
    add(
        ScriptTime::PreUninstall,
        Place::Before,
        format!(
            "if [ \"$1\" -eq 0 ] && {HAS_SYSTEMCTL}; then\n{disabled}    if [ -d /run/systemd/system ]; then\n        \
             systemctl stop{stopped} || :\n    fi\nfi\n"
        ),
    );
    let restarted = match units::running_words(units, PartUnit::is_restarted) {
        names if names.is_empty() => names,
        names => {
            format!("    if [ \"$1\" -ge 1 ]; then\n        systemctl try-restart{names} || :\n    fi\n")
        }
    };
    add(
        ScriptTime::PostUninstall,
        Place::After,
        format!(
            "if [ -d /run/systemd/system ] && {HAS_SYSTEMCTL}; then\n    systemctl daemon-reload || :\n{restarted}fi\n"
        ),
    );
    additions
}

/// At the first installation alone: afterwards it is the administrator who enables and disables. A preset passes over units
/// that are masked; enabling fails there, so that each is enabled by itself.
fn enable(units: &[PartUnit<'_>]) -> Option<String> {
    let words = |kind| {
        units::words(units, |unit| {
            // A template has no instance that could be enabled.
            unit.is_installable && !unit.is_template && unit.enable.unwrap_or(EnableKind::Preset) == kind
        })
    };
    let mut body = String::new();
    let preset = words(EnableKind::Preset);
    if !preset.is_empty() {
        body.push_str(&format!("    systemctl --quiet --no-reload preset{preset} || :\n"));
    }
    let enabled = words(EnableKind::Yes);
    if !enabled.is_empty() {
        body.push_str(&format!(
            "    for unit in{enabled}; do\n        systemctl --quiet --no-reload enable \"$unit\" || :\n    done\n"
        ));
    }
    (!body.is_empty()).then(|| format!("if [ \"$1\" -eq 1 ] && {HAS_SYSTEMCTL}; then\n{body}fi\n"))
}

/// What a preset left disabled, or the administrator masked before, is not started.
fn start(units: &[PartUnit<'_>]) -> Option<String> {
    let started = units::words(units, |unit| unit.start == Some(true));
    (!started.is_empty()).then(|| {
        format!(
            "if [ \"$1\" -eq 1 ] && [ -d /run/systemd/system ] && {HAS_SYSTEMCTL}; then\n    \
             systemctl daemon-reload || :\n    for unit in{started}; do\n        \
             if systemctl --quiet is-enabled \"$unit\"; then systemctl start \"$unit\" || :; fi\n    done\nfi\n"
        )
    })
}
