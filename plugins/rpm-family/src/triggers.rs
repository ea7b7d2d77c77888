//! File triggers of RPM. It calls them for what was installed and for what was removed, so that an upgrade calls two, in an order
//! that depends on which packages are in the transaction; and those for what was removed are told no files. Each transaction
//! that removes files therefore begins with noting below which directories, and whichever trigger runs first at its end does it
//! for both.

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::artefacts::{FileTrigger, NativeKind, TriggerTime};
use opkg_sdk::diagnostic;
use opkg_sdk::model::{Diagnostic, ScriptTime, Trigger};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::scriptlet::Scriptlet;
use opkg_sdk::text::shell_quote;

use crate::profile::{ReleaseProfile, Support};

/// A trigger, and the release that has it.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageTrigger {
    pub trigger: FileTrigger,
    /// For `%if`, where not every release that the spec is for has such triggers.
    pub expression: Option<String>,
    /// Whether the release that packages are made for has them.
    pub applies: bool,
}

/// What runs a part's script for its triggers, in the order of the spec. Nothing where the release's RPM has no file triggers,
/// which is told.
pub fn of_part(
    part: &PartPlan<'_>,
    scriptlet: &Scriptlet,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<PackageTrigger> {
    let (expression, applies) = match profile.file_triggers() {
        Support::Always => (None, true),
        Support::Conditional { expression, by_default } => (Some(expression.to_owned()), by_default),
        Support::Never => {
            report_never_run(part, profile, diagnostics);
            return Vec::new();
        }
    };
    let trigger = |time, prefixes, body| PackageTrigger {
        trigger: FileTrigger { time, prefixes, interpreter: "/bin/sh".to_owned(), body },
        expression: expression.clone(),
        applies,
    };
    let all: Vec<String> = part.triggers.iter().map(|it| format!("{}/", it.path)).collect();
    let look = look(part);
    let run = &scriptlet.body;
    let [found, noted] = ["", "/"].map(|end| words_found(part, end));
    let before =
        format!("{look}look\nset --{noted}\nprintf '%s\\n' \"$@\" 2> /dev/null > \"$removed\" || :\n");
    let after = format!(
        "{look}look\nif [ -s \"$removed\" ]; then\n    look < \"$removed\"\n    printf '' > \"$removed\"\nfi\n\
         set --{found}\n{run}"
    );
    let mut defined = vec![
        trigger(TriggerTime::BeforeRemoval, all.clone(), before),
        trigger(TriggerTime::AfterInstallation, all, after),
    ];
    // One each: RPM 4.18 heeds the first directory alone.
    for each in &part.triggers {
        let directory = shell_quote(&each.path);
        let body = format!(
            "{look}if [ -e \"$removed\" ]; then\n    [ -s \"$removed\" ] || exit 0\n    look < \"$removed\"\n    \
             printf '' > \"$removed\"\n    set --{found}\nelse\n    set -- {directory}\nfi\n{run}"
        );
        defined.push(trigger(TriggerTime::AfterRemoval, vec![format!("{}/", each.path)], body));
    }
    defined
}

/// Takes away what was noted, with the package.
pub fn additions(part: &PartPlan<'_>, profile: &ReleaseProfile) -> Vec<Addition> {
    if !has_triggers(part, profile) {
        return Vec::new();
    }
    let body = format!("if [ \"$1\" -eq 0 ]; then\n    rm -f {}\nfi\n", note_path(part));
    vec![Addition { time: ScriptTime::PostUninstall, place: Place::After, body }]
}

/// What that needs when it runs.
pub fn requirements(part: &PartPlan<'_>, profile: &ReleaseProfile) -> Vec<(NativeKind, &'static str)> {
    match has_triggers(part, profile) {
        true => vec![(NativeKind::PreRequires(ScriptTime::PostUninstall), "coreutils")],
        false => Vec::new(),
    }
}

fn has_triggers(part: &PartPlan<'_>, profile: &ReleaseProfile) -> bool {
    !part.triggers.is_empty() && !matches!(profile.file_triggers(), Support::Never)
}

/// Of the package's name, which means nothing to a shell.
fn note_path(part: &PartPlan<'_>) -> String {
    format!("/run/{}.removed", part.name)
}

/// Defines where is noted what a transaction removes, and what finds the directories of files that it reads. An empty file says
/// that the script has run for them.
fn look(part: &PartPlan<'_>) -> String {
    let mut text = format!("removed={}\n", note_path(part));
    let names: String = (1..=part.triggers.len()).map(|number| format!(" in_{number}=")).collect();
    text.push_str(names.trim_start());
    text.push_str("\nlook() {\n    while IFS= read -r file; do\n");
    for (number, trigger) in (1..).zip(&part.triggers) {
        let prefix = shell_quote(&format!("{}/", trigger.path));
        text.push_str(&format!("        case $file in {prefix}*) in_{number}=yes ;; esac\n"));
    }
    text.push_str("    done\n}\n");
    text
}

/// Those that it found as words of a shell, with something at their ends.
fn words_found(part: &PartPlan<'_>, end: &str) -> String {
    let word = |(number, trigger): (usize, &&Trigger)| {
        format!(" ${{in_{number}:+{}}}", shell_quote(&format!("{}{end}", trigger.path)))
    };
    (1..).zip(&part.triggers).map(word).collect()
}

fn report_never_run(part: &PartPlan<'_>, profile: &ReleaseProfile, diagnostics: &mut Vec<Diagnostic>) {
    let name = &profile.filter_context.name;
    for trigger in &part.triggers {
        let message = format!(
            "the RPM of {name} has no file triggers: nothing is run there for `{}` of {}",
            trigger.path, part.name
        );
        let help = "let the post-install script do it there, or leave this release out with the `filters` of `triggers`";
        diagnostic::push_unique(diagnostics, diagnostic::warning(trigger.at, message, help));
    }
}
