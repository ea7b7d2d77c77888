//! Users, groups and units of systemd: what scriptlets do about them, as the macros of systemd's own packages write it
//! (`%sysusers_create_compat`, `%systemd_post` and its sisters).

use opkg_sdk::accounts;
use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::artefacts::NativeKind;
use opkg_sdk::model::{EnableKind, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::text::shell_quote;
use opkg_sdk::units::{self, PartUnit};

use crate::profile::ReleaseProfile;
use crate::system_files;

/// The shell of users that nobody logs in as.
const NOLOGIN: &str = "/sbin/nologin";
const HAS_SYSTEMCTL: &str = "command -v systemctl > /dev/null";
/// Whether two packages have a file.
const IS_SHARED: &str = "is_shared() { [ \"$(rpm -qf --qf . \"$1\" 2> /dev/null)\" = .. ]; }";

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
        additions.extend(unit_additions(part, &units::of_part(part)));
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
fn unit_additions(part: &PartPlan<'_>, units: &[PartUnit<'_>]) -> Vec<Addition> {
    let mut additions = Vec::new();
    let mut add = |time, place, body| additions.push(Addition { time, place, body });
    if let Some(body) = enable(part, units) {
        add(ScriptTime::PostInstall, Place::Before, body);
    }
    if let Some(body) = start(units) {
        add(ScriptTime::PostInstall, Place::After, body);
    }
    if units.is_empty() {
        return additions;
    }
    let own: Vec<&PartUnit<'_>> = units.iter().filter(|unit| !unit.is_instance).collect();
    let disabled = own.iter().copied().filter(|unit| unit.is_installable);
    let disabled =
        for_unshared(part, disabled, units::words, "systemctl --quiet --no-reload disable \"$@\" || :");
    let stopped = for_unshared(part, own.iter().copied(), units::running_words, "systemctl stop \"$@\" || :");
    let stopped: String = stopped.lines().map(|line| format!("    {line}\n")).collect();
    add(
        ScriptTime::PreUninstall,
        Place::Before,
        format!(
            "if [ \"$1\" -eq 0 ] && {HAS_SYSTEMCTL}; then\n{disabled}    if [ -d /run/systemd/system ]; then\n\
             {stopped}    fi\nfi\n"
        ),
    );
    let restarted = match units::running_words(units, PartUnit::is_restarted) {
        names if names.is_empty() => names,
        names => {
            // The file is still there where a package took the place of this one.
            let taken_over: String = own
                .iter()
                .filter(|unit| unit.is_restarted())
                .map(|unit| format!(" || [ -e {} ]", unit_file(part, unit)))
                .collect();
            format!(
                "    if [ \"$1\" -ge 1 ]{taken_over}; then\n        systemctl try-restart{names} || :\n    fi\n"
            )
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

/// Runs a command with those units as its arguments whose files no other package has; nothing where there are none.
///
/// A package that takes the place of another is installed before that one is removed, and for so long both have the file.
/// What the administrator enabled, disabled and started stays so then. Where RPM cannot be asked, nobody else has it.
fn for_unshared<'a, 'u: 'a>(
    part: &PartPlan<'_>,
    units: impl Iterator<Item = &'a PartUnit<'u>>,
    word: impl Fn(&[PartUnit<'u>], fn(&PartUnit<'u>) -> bool) -> String,
    command: &str,
) -> String {
    let added = units.map(|unit| {
        let (file, word) = (unit_file(part, unit), word(std::slice::from_ref(unit), |_| true));
        format!("        is_shared {file} || set -- \"$@\"{word}\n")
    });
    match added.collect::<String>() {
        none if none.is_empty() => none,
        added => format!(
            "    (\n        {IS_SHARED}\n        set --\n{added}        [ $# -eq 0 ] || {command}\n    )\n"
        ),
    }
}

/// The file of a unit, or of the template that it is an instance of, as a word of a shell.
fn unit_file(part: &PartPlan<'_>, unit: &PartUnit<'_>) -> String {
    let template = || {
        let (stem, kind) = unit.name.rsplit_once('.')?;
        Some(format!("{}@.{kind}", stem.split_once('@')?.0))
    };
    let name = template().filter(|_| unit.is_instance).unwrap_or_else(|| unit.name.to_owned());
    let is_its = |path: &str| path.rsplit('/').next() == Some(name.as_str());
    let file = part.files.iter().find(|file| file.source.unit.is_some() && is_its(&file.path));
    shell_quote(file.map_or("", |file| &file.path))
}

/// At the first installation alone: afterwards it is the administrator who enables and disables. A preset passes over units
/// that are masked; enabling fails there, so that each is enabled by itself.
fn enable(part: &PartPlan<'_>, units: &[PartUnit<'_>]) -> Option<String> {
    let of = |kind| {
        units.iter().filter(move |unit| {
            // A template has no instance that could be enabled.
            unit.is_installable && !unit.is_template && unit.enable.unwrap_or(EnableKind::Preset) == kind
        })
    };
    let preset = "systemctl --quiet --no-reload preset \"$@\" || :";
    let enable = "for unit do\n            systemctl --quiet --no-reload enable \"$unit\" || :\n        done";
    let body = for_unshared(part, of(EnableKind::Preset), units::words, preset)
        + &for_unshared(part, of(EnableKind::Yes), units::words, enable);
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
