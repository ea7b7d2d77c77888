//! Scripts: at their time, around their part, and whole.

use opkg::model::{Destination, Part, ScriptTime, SourceFile, Trigger};
use opkg_interface::archive::ArchiveMetadata;
use opkg_interface::artefacts::{self, BinaryPackage};

use crate::filter::Verdict;
use crate::ledger::Ledger;
use crate::rule::{Rule, RuleGroup};
use crate::scene::{PARTS, Scene, active_text, excerpt};

pub const GROUP: RuleGroup = RuleGroup {
    title: "Scripts",
    rules: &[AT_THEIR_TIME, NOWHERE_ELSE, CARRIED_WHOLE, KNOW_HOME, TELL_ACTION],
};

const AT_THEIR_TIME: Rule = Rule {
    name: "scripts-at-their-time",
    sentence: "A script of the OPKG runs around the package of its part, at its time, or the author is told.",
    reason: "While its file is on disk, the scriptlet runs that; at other times it carries the script's text (format, 4.1). \
             A time that the package manager does not have is a warning.",
    advice: "Use `opkg_sdk::scriptlet::for_file`, and give what it returns to the scriptlet of its time.",
};
const NOWHERE_ELSE: Rule = Rule {
    name: "scripts-nowhere-else",
    sentence: "A script runs at no other time and around no other part.",
    reason: "What prepares an installation must not run at a removal, and what is for nodes not on the head node.",
    advice: "Give each script to the scriptlet of its own time and part alone.",
};
const CARRIED_WHOLE: Rule = Rule {
    name: "carried-scripts-whole",
    sentence: "A script that its package carries is there line by line, as it was written.",
    reason: "Nothing of it may be taken for the end of a here-document, for a section, a field or a macro.",
    advice: "Use `opkg_sdk::scriptlet::for_file`, which marks each line, and escape what the format of the meta-files expands.",
};
const KNOW_HOME: Rule = Rule {
    name: "scripts-know-their-home",
    sentence: "Scripts have `OSCAR_PACKAGE_HOME` in their environment.",
    reason: "Scripts of all OPKGs find their helpers there (format, 4.1).",
    advice: "Use `opkg_sdk::scriptlet::for_file`.",
};
const TELL_ACTION: Rule = Rule {
    name: "scripts-tell-action",
    sentence: "Scripts that ask for it are told why they run, in `OPKG_ACTION` and `OPKG_OLD_VERSION`.",
    reason: "The arguments of package managers differ; where a script of the OPKG mentions one of the two, all of its native \
             scripts have both.",
    advice: "Give `opkg_sdk::scriptlet::for_file` the commands that set both from what the package manager passes.",
};

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    for file in &scene.test.opkg.files {
        let (Some(script), Some(package)) = (&file.scriptlet, scene.package(file.part)) else { continue };
        let Destination::Path(path) = &file.destination else { continue };
        let sign = script.text.as_deref().and_then(marker).unwrap_or(path);
        let bodies = bodies_at(package, script.time, scene.leaves_open(ArchiveMetadata::SCRIPTLETS));
        let is_run = bodies.iter().any(|body| body.contains(sign));
        if script.time == ScriptTime::Triggered && !has_trigger(scene, file.part) {
            continue;
        }
        let is_told =
            scene.is_told(&[file.at]) || scene.is_named(&file.path) || triggers_told(scene, script.time);
        scene.check(ledger, &AT_THEIR_TIME, is_run || is_told, || {
            format!("{} does not run {} at {:?}", package.name, excerpt(&file.path), script.time)
        });
        check_elsewhere(scene, file, script.time, sign, ledger);
        if !is_run {
            continue;
        }
        let text = bodies.concat();
        if let Some(carried) = &script.text {
            let missing = carried.lines().map(str::trim_end).find(|line| !text.contains(line));
            scene.check(ledger, &CARRIED_WHOLE, missing.is_none(), || {
                format!(
                    "{} lacks the line {} of {}",
                    package.name,
                    excerpt(missing.unwrap_or_default()),
                    file.path
                )
            });
        }
        scene.check(
            ledger,
            &KNOW_HOME,
            text.contains("OSCAR_PACKAGE_HOME") && text.contains(&scene.test.opkg.home),
            || format!("{} runs {} without OSCAR_PACKAGE_HOME", package.name, file.path),
        );
        if scene.test.opkg.tells_action {
            let tells = text.contains("OPKG_ACTION") && text.contains("export OPKG_ACTION");
            scene.check(ledger, &TELL_ACTION, tells, || {
                format!("{} runs {} without OPKG_ACTION", package.name, file.path)
            });
        }
    }
}

/// The word in a script of the suite that no other one has.
fn marker(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| word.starts_with("marker-"))
}

fn has_trigger(scene: &Scene<'_>, part: Part) -> bool {
    let is_for = |it: &&Trigger| it.part.is_none_or(|of| of == part);
    scene.test.opkg.triggers.iter().filter(is_for).any(|it| scene.decide(&it.filter) == Verdict::Matches)
}

/// Whether the author was told that triggers are not for this target.
fn triggers_told(scene: &Scene<'_>, time: ScriptTime) -> bool {
    let nodes: Vec<_> = scene.test.opkg.triggers.iter().map(|trigger| trigger.at).collect();
    time == ScriptTime::Triggered && scene.is_told(&nodes)
}

/// What runs at a time. Where no record says it, any member may be what runs.
fn bodies_at(package: &BinaryPackage, time: ScriptTime, is_open: bool) -> Vec<String> {
    if is_open {
        return vec![active_text(package)];
    }
    let native = native_time(time);
    let is_at = |found: artefacts::ScriptTime| {
        // A package manager may call the script after the installation for triggers, and tell the call apart.
        found == native || (time == ScriptTime::Triggered && found == artefacts::ScriptTime::PostInstall)
    };
    let scriptlets = package.scriptlets.iter().filter(|it| is_at(it.time)).map(|it| it.body.clone());
    let triggers =
        package.file_triggers.iter().filter(|_| time == ScriptTime::Triggered).map(|it| it.body.clone());
    scriptlets.chain(triggers).collect()
}

fn native_time(time: ScriptTime) -> artefacts::ScriptTime {
    use artefacts::ScriptTime as Native;
    match time {
        ScriptTime::PreInstall => Native::PreInstall,
        ScriptTime::PostInstall => Native::PostInstall,
        ScriptTime::PreUninstall => Native::PreUninstall,
        ScriptTime::PostUninstall => Native::PostUninstall,
        ScriptTime::PostTransaction => Native::PostTransaction,
        ScriptTime::Triggered => Native::Triggered,
    }
}

fn check_elsewhere(scene: &Scene<'_>, file: &SourceFile, time: ScriptTime, sign: &str, ledger: &mut Ledger) {
    for part in PARTS {
        let Some(package) = scene.package(part) else { continue };
        if part != file.part {
            let found = is_run_in(&active_text(package), sign);
            scene.check(ledger, &NOWHERE_ELSE, !found, || {
                format!("{} runs {}, which is of the {} part", package.name, file.path, file.part.name())
            });
            continue;
        }
        // A trigger's script runs for what is there already when the package is installed.
        let native = native_time(time);
        let others =
            package.scriptlets.iter().filter(|it| it.time != native && time != ScriptTime::Triggered);
        for other in others {
            scene.check(ledger, &NOWHERE_ELSE, !is_run_in(&other.body, sign), || {
                format!("{} runs {} at {:?}", package.name, file.path, other.time)
            });
        }
    }
}

/// Whether a text runs the script, and does not name one whose name only begins in the same way.
fn is_run_in(text: &str, sign: &str) -> bool {
    text.match_indices(sign).any(|(at, _)| {
        let after = text[at + sign.len()..].chars().next();
        !after.is_some_and(|c| c.is_alphanumeric() || c == '-')
    })
}
