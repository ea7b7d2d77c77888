//! Units of systemd. Arch enables, starts and restarts nothing by itself: its packages do what the OPKG says, and hooks of systemd's
//! own package have it read units, users, settings of the kernel and temporary files anew.

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::model::{EnableKind, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::units::{self, PartUnit};

const HAS_SYSTEMCTL: &str = "command -v systemctl > /dev/null";
const IS_RUNNING: &str = "[ -d /run/systemd/system ]";

/// What the scripts of a part do about its units.
pub fn additions(part: &PartPlan<'_>) -> Vec<Addition> {
    let units = units::of_part(part);
    let mut additions = Vec::new();
    let mut add = |time, place, body: String| {
        if !body.is_empty() {
            additions.push(Addition { time, place, body });
        }
    };
    add(ScriptTime::PostInstall, Place::Before, enable(&units));
    add(ScriptTime::PostInstall, Place::After, start(&units) + &restart(&units));
    add(ScriptTime::PreUninstall, Place::Before, stop(&units));
    additions
}

/// At the first installation alone, which has no older version: afterwards it is the administrator who enables and disables.
fn enable(units: &[PartUnit<'_>]) -> String {
    let words =
        |kind| units::words(units, |it| it.is_installable && !it.is_template && it.enable == Some(kind));
    let mut body = String::new();
    let preset = words(EnableKind::Preset);
    if !preset.is_empty() {
        body += &format!("    systemctl --quiet --no-reload preset{preset} || :\n");
    }
    let enabled = words(EnableKind::Yes);
    if !enabled.is_empty() {
        // One that is masked must not keep the others from it.
        body += &format!(
            "    for unit in{enabled}; do\n        systemctl --quiet --no-reload enable \"$unit\" || :\n    done\n"
        );
    }
    at_first_installation(HAS_SYSTEMCTL, &body)
}

/// What a preset left disabled, or the administrator masked before, is not started.
fn start(units: &[PartUnit<'_>]) -> String {
    let started = units::words(units, |unit| unit.start == Some(true));
    if started.is_empty() {
        return String::new();
    }
    let body = format!(
        "    systemctl daemon-reload || :\n    for unit in{started}; do\n        \
         if systemctl --quiet is-enabled \"$unit\"; then systemctl start \"$unit\" || :; fi\n    done\n"
    );
    at_first_installation(&format!("{IS_RUNNING} && {HAS_SYSTEMCTL}"), &body)
}

fn at_first_installation(condition: &str, body: &str) -> String {
    match body {
        "" => String::new(),
        body => format!("if [ -z \"$2\" ] && {condition}; then\n{body}fi\n"),
    }
}

fn restart(units: &[PartUnit<'_>]) -> String {
    let restarted = units::running_words(units, |unit| unit.restart == Some(true));
    match restarted.as_str() {
        "" => String::new(),
        words => format!(
            "if [ -n \"$2\" ] && {IS_RUNNING} && {HAS_SYSTEMCTL}; then\n    systemctl daemon-reload || :\n    \
             systemctl try-restart{words} || :\nfi\n"
        ),
    }
}

/// Where nothing runs, as in an image, units are disabled all the same.
fn stop(units: &[PartUnit<'_>]) -> String {
    if units.is_empty() {
        return String::new();
    }
    let disabled = match units::words(units, |unit| unit.is_installable && !unit.is_instance) {
        words if words.is_empty() => words,
        words => format!("    systemctl --quiet --no-reload disable{words} || :\n"),
    };
    let stopped = units::running_words(units, |_| true);
    format!(
        "if {HAS_SYSTEMCTL}; then\n{disabled}    if {IS_RUNNING}; then\n        systemctl stop{stopped} || :\n    fi\nfi\n"
    )
}
