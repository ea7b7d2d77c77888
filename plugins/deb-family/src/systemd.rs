//! Users, groups and units of systemd: what scripts do about them, as debhelper writes it (dh_installsysusers(1),
//! dh_installsystemd(1)).

use std::fmt::Write as _;

use opkg_sdk::accounts;
use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::opkg::HookTime;
use opkg_sdk::parts::PartPlan;
use opkg_sdk::text::shell_quote;
use opkg_sdk::units::{self, PartUnit};

use crate::relation::{Dependency, RelationField};

/// When a package is there again, also after something that did not come about.
const CONFIGURED: &str = "case \"$1\" in configure | abort-upgrade | abort-deconfigure | abort-remove)\n";

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
    Some(Addition { time: HookTime::PostInstall, place: Place::Before, body })
}

/// What making them needs.
pub fn dependencies(part: &PartPlan<'_>) -> Option<Dependency> {
    accounts::has_accounts(part).then(|| Dependency::unversioned(RelationField::Depends, "passwd"))
}

/// Enables, starts and stops units.
pub fn unit_additions(part: &PartPlan<'_>) -> Vec<Addition> {
    let found = units::of_part(part);
    // An instance has a name that only the administrator knows.
    let found: Vec<PartUnit<'_>> = found.into_iter().filter(|unit| !unit.is_template).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let enabled = units::words(&found, |unit| unit.is_installable);
    let all = units::words(&found, |_| true);
    let addition = |time, place, body| Addition { time, place, body };
    vec![
        addition(HookTime::PostInstall, Place::After, enable_and_start(&found, &enabled)),
        addition(
            HookTime::PreUninstall,
            Place::Before,
            format!(
                "if [ \"$1\" = remove ] && [ -z \"${{DPKG_ROOT:-}}\" ] && [ -d /run/systemd/system ]; then\n    \
                 deb-systemd-invoke stop{all} > /dev/null || true\nfi\n"
            ),
        ),
        addition(HookTime::PostUninstall, Place::After, forget(&enabled)),
    ]
}

fn enable_and_start(found: &[PartUnit<'_>], enabled: &str) -> String {
    let mut body = String::from(CONFIGURED);
    if !enabled.is_empty() {
        // What has been disabled stays so. Only once it was enabled is it known to have been.
        let _ = write!(
            body,
            "    if [ -x /usr/bin/deb-systemd-helper ]; then\n        for unit in{enabled}; do\n            \
             deb-systemd-helper unmask \"$unit\" > /dev/null || true\n            \
             if deb-systemd-helper --quiet was-enabled \"$unit\"; then\n                \
             deb-systemd-helper enable \"$unit\" > /dev/null || true\n            else\n                \
             deb-systemd-helper update-state \"$unit\" > /dev/null || true\n            fi\n        done\n    fi\n"
        );
    }
    body.push_str("    if [ -z \"${DPKG_ROOT:-}\" ] && [ -d /run/systemd/system ]; then\n");
    body.push_str("        systemctl --system daemon-reload > /dev/null || true\n");
    let invoke = |action: &str, names: &str| match names {
        "" => String::new(),
        names => format!("deb-systemd-invoke {action}{names} > /dev/null || true\n"),
    };
    let restarted = units::words(found, |unit| unit.is_started && unit.is_restarted);
    // Those that others start may run by now.
    let tried = units::words(found, |unit| !unit.is_started && unit.is_restarted);
    let again = [invoke("restart", &restarted), invoke("try-restart", &tried)].concat();
    let first = invoke("start", &restarted);
    if !again.is_empty() {
        let _ = write!(body, "        if [ -n \"$2\" ]; then\n{}", indent(&again, 12));
        if !first.is_empty() {
            let _ = write!(body, "        else\n{}", indent(&first, 12));
        }
        body.push_str("        fi\n");
    }
    body.push_str(&indent(&invoke("start", &units::words(found, |it| it.is_started && !it.is_restarted)), 8));
    body.push_str("    fi\n    ;;\nesac\n");
    body
}

fn forget(enabled: &str) -> String {
    let mut body = String::from(
        "if [ \"$1\" = remove ] && [ -z \"${DPKG_ROOT:-}\" ] && [ -d /run/systemd/system ]; then\n    \
         systemctl --system daemon-reload > /dev/null || true\nfi\n",
    );
    if !enabled.is_empty() {
        let _ = write!(
            body,
            "if [ \"$1\" = purge ] && [ -x /usr/bin/deb-systemd-helper ]; then\n    \
             deb-systemd-helper purge{enabled} > /dev/null || true\nfi\n"
        );
    }
    body
}

fn indent(lines: &str, by: usize) -> String {
    lines.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}
