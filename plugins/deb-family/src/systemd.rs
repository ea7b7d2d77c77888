//! Users, groups and units of systemd: what scripts do about them, as debhelper writes it (dh_installsysusers(1),
//! dh_installsystemd(1)).

use std::fmt::Write as _;

use opkg_sdk::accounts;
use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::model::{EnableKind, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::text::shell_quote;
use opkg_sdk::units::{self, PartUnit};

use crate::relation::{Dependency, RelationField};
use crate::script::CONFIGURED;

/// The shell of users that nobody logs in as.
const NOLOGIN: &str = "/usr/sbin/nologin";

/// Makes users and groups before anything is given to them.
pub fn account_addition(part: &PartPlan<'_>) -> Option<Addition> {
    if !accounts::has_accounts(part) {
        return None;
    }
    let files = part.files.iter().filter(|it| !it.attributes.is_ghost && !it.source.accounts.is_empty());
    let names: String = files
        .filter_map(|file| file.path.rsplit('/').next())
        .map(|name| format!(" {}", shell_quote(name)))
        .collect();
    let fallback = indent(&accounts::commands(part, NOLOGIN), 8);
    let body = format!(
        "if [ \"$1\" = configure ]; then\n    if command -v systemd-sysusers > /dev/null; then\n        \
         systemd-sysusers{names}\n    else\n{fallback}    fi\nfi\n"
    );
    Some(Addition { time: ScriptTime::PostInstall, place: Place::Before, body })
}

/// What making them needs.
pub fn dependencies(part: &PartPlan<'_>) -> Option<Dependency> {
    accounts::has_accounts(part).then(|| Dependency::unversioned(RelationField::Depends, "passwd"))
}

/// Enables, starts and stops units.
pub fn unit_additions(part: &PartPlan<'_>) -> Vec<Addition> {
    let found = units::of_part(part);
    // An instance that the OPKG does not name has a name that only the administrator knows.
    let found: Vec<PartUnit<'_>> = found.into_iter().filter(|unit| !unit.is_template).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let all = units::words(&found, |_| true);
    let addition = |time, place, body| Addition { time, place, body };
    vec![
        addition(ScriptTime::PostInstall, Place::After, enable_and_start(&found)),
        addition(
            ScriptTime::PreUninstall,
            Place::Before,
            format!(
                "if [ \"$1\" = remove ] && [ -z \"${{DPKG_ROOT:-}}\" ] && [ -d /run/systemd/system ]; then\n    \
                 deb-systemd-invoke stop{all} > /dev/null || true\nfi\n"
            ),
        ),
        addition(ScriptTime::PostUninstall, Place::After, forget(&found)),
    ]
}

fn enable_and_start(found: &[PartUnit<'_>]) -> String {
    let mut body = String::from(CONFIGURED);
    body.push_str(&enable(found));
    body.push_str("    if [ -z \"${DPKG_ROOT:-}\" ] && [ -d /run/systemd/system ]; then\n");
    body.push_str("        systemctl --system daemon-reload > /dev/null || true\n");
    let invoke = |action: &str, names: &str| match names {
        "" => String::new(),
        names => format!("deb-systemd-invoke {action}{names} > /dev/null || true\n"),
    };
    let restarted = units::words(found, |unit| is_started(unit) && unit.is_restarted());
    // Those that others start may run by now.
    let tried = units::words(found, |unit| !is_started(unit) && unit.is_restarted());
    let again = [invoke("restart", &restarted), invoke("try-restart", &tried)].concat();
    let first = invoke("start", &restarted);
    if !again.is_empty() {
        let _ = write!(body, "        if [ -n \"$2\" ]; then\n{}", indent(&again, 12));
        if !first.is_empty() {
            let _ = write!(body, "        else\n{}", indent(&first, 12));
        }
        body.push_str("        fi\n");
    }
    body.push_str(&indent(
        &invoke("start", &units::words(found, |it| is_started(it) && !it.is_restarted())),
        8,
    ));
    body.push_str("    fi\n    ;;\nesac\n");
    body
}

/// Whether it is started at the first installation. deb-systemd-invoke(1) leaves out what is disabled.
fn is_started(unit: &PartUnit<'_>) -> bool {
    unit.start.unwrap_or(unit.is_started)
}

/// deb-systemd-helper(1) asks the presets of systemd, by which Debian enables everything that none is against; so what the OPKG
/// leaves to presets is what it enables. It knows no instances of templates.
fn enable(found: &[PartUnit<'_>]) -> String {
    let is_off = |unit: &PartUnit<'_>| unit.enable == Some(EnableKind::No);
    let words = |instance: bool, off: bool| {
        units::words(found, |it| it.is_installable && it.is_instance == instance && is_off(it) == off)
    };
    let mut helped = String::new();
    let enabled = words(false, false);
    if !enabled.is_empty() {
        // What has been disabled stays so. Only once it was enabled is it known to have been.
        let _ = write!(
            helped,
            "        for unit in{enabled}; do\n            \
             deb-systemd-helper unmask \"$unit\" > /dev/null || true\n            \
             if deb-systemd-helper --quiet was-enabled \"$unit\"; then\n                \
             deb-systemd-helper enable \"$unit\" > /dev/null || true\n            else\n                \
             deb-systemd-helper update-state \"$unit\" > /dev/null || true\n            fi\n        done\n"
        );
    }
    let off = words(false, true);
    if !off.is_empty() {
        // What the administrator has enabled stays so.
        let _ = write!(
            helped,
            "        for unit in{off}; do\n            \
             if deb-systemd-helper debian-installed \"$unit\"; then\n                \
             deb-systemd-helper unmask \"$unit\" > /dev/null || true\n                \
             if deb-systemd-helper --quiet was-enabled \"$unit\"; then\n                    \
             deb-systemd-helper enable \"$unit\" > /dev/null || true\n                fi\n            fi\n            \
             deb-systemd-helper update-state \"$unit\" > /dev/null || true\n        done\n"
        );
    }
    let mut body = match helped.as_str() {
        "" => String::new(),
        helped => format!("    if command -v deb-systemd-helper > /dev/null; then\n{helped}    fi\n"),
    };
    let instances = words(true, false);
    if !instances.is_empty() {
        let _ = write!(
            body,
            "    if [ \"$1\" = configure ] && [ -z \"$2\" ] && command -v systemctl > /dev/null; then\n        \
             for unit in{instances}; do\n            \
             systemctl ${{DPKG_ROOT:+--root=\"$DPKG_ROOT\"}} --quiet --no-reload enable \"$unit\" || true\n        \
             done\n    fi\n"
        );
    }
    body
}

fn forget(found: &[PartUnit<'_>]) -> String {
    let mut body = String::from(
        "if [ \"$1\" = remove ] && [ -z \"${DPKG_ROOT:-}\" ] && [ -d /run/systemd/system ]; then\n    \
         systemctl --system daemon-reload > /dev/null || true\nfi\n",
    );
    let remembered = units::words(found, |unit| unit.is_installable && !unit.is_instance);
    if !remembered.is_empty() {
        let _ = write!(
            body,
            "if [ \"$1\" = purge ] && command -v deb-systemd-helper > /dev/null; then\n    \
             deb-systemd-helper purge{remembered} > /dev/null || true\nfi\n"
        );
    }
    let instances = units::words(found, |unit| unit.is_installable && unit.is_instance);
    if !instances.is_empty() {
        let _ = write!(
            body,
            "if [ \"$1\" = purge ]; then\n    for unit in{instances}; do\n        \
             rm -f \"${{DPKG_ROOT:-}}\"/etc/systemd/system/*.wants/\"$unit\" \
             \"${{DPKG_ROOT:-}}\"/etc/systemd/system/*.requires/\"$unit\"\n    done\nfi\n"
        );
    }
    body
}

/// Lines with blanks before them.
pub(crate) fn indent(lines: &str, by: usize) -> String {
    lines.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}
