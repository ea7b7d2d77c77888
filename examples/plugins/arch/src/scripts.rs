//! What runs around the installation and the removal of a package.

use std::fmt::Write as _;

use opkg_sdk::accounts;
use opkg_sdk::additions::{Addition, Place, TIMES, commands_at};
use opkg_sdk::artefacts::{PackedFile, Scriptlet};
use opkg_sdk::file_commands::{Unkept, attribute_commands, ghost_commands};
use opkg_sdk::model::{Opkg, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::scriptlet;

use crate::units;

/// The shell of users that nobody logs in as.
const NOLOGIN: &str = "/usr/bin/nologin";

/// The functions of `.INSTALL`, by the time at which pacman calls them, and by what else it calls them: an upgrade is a case of
/// its own for it, and native scripts of an OPKG run then as they do at an installation.
pub const FUNCTIONS: [(ScriptTime, &str, Option<&str>); 4] = [
    (ScriptTime::PreInstall, "pre_install", Some("pre_upgrade")),
    (ScriptTime::PostInstall, "post_install", Some("post_upgrade")),
    (ScriptTime::PreUninstall, "pre_remove", None),
    (ScriptTime::PostUninstall, "post_remove", None),
];

/// Those of `.INSTALL`. `files` are those of the part, as the OPKG says them.
pub fn of_part(opkg: &Opkg, plan: &PartPlan<'_>, files: &[PackedFile]) -> Vec<Scriptlet> {
    let mut additions = Vec::new();
    if accounts::has_accounts(plan) {
        // Hooks make users at the end of a transaction; files are given to them before.
        let body = accounts::commands(plan, NOLOGIN);
        additions.push(Addition { time: ScriptTime::PreInstall, place: Place::Before, body });
    }
    // pacman gives files to users by numbers, which differ between machines; no package of it holds capabilities, and of ghosts it
    // knows nothing.
    let given = attribute_commands(files, Unkept::OWNERS | Unkept::CAPABILITIES);
    additions.push(Addition { time: ScriptTime::PostInstall, place: Place::Before, body: given });
    let removed = ghost_commands(files);
    additions.push(Addition { time: ScriptTime::PostUninstall, place: Place::After, body: removed });
    additions.extend(units::additions(plan));
    TIMES
        .into_iter()
        .filter_map(|time| {
            let before = commands_at(&additions, time, Place::Before);
            let after = commands_at(&additions, time, Place::After);
            let body = join(&before, own_script(opkg, plan, time).as_deref(), &after)?;
            Some(Scriptlet { time, interpreter: vec!["/bin/sh".to_owned()], body })
        })
        .collect()
}

/// The script that the OPKG has for a time.
pub fn own_script(opkg: &Opkg, plan: &PartPlan<'_>, time: ScriptTime) -> Option<String> {
    let scripts = plan.files.iter().filter_map(|file| scriptlet::for_file(file, opkg, action_commands));
    scripts.into_iter().find(|script| script.time == time).map(|script| script.body)
}

/// What scripts are told of what pacman passes: the new version and, of an upgrade, the old one; the version that goes. Hooks
/// pass nothing.
fn action_commands(time: ScriptTime) -> String {
    let commands = match time {
        ScriptTime::PreInstall
        | ScriptTime::PostInstall
        | ScriptTime::PreUpgrade
        | ScriptTime::PostUpgrade => {
            "OPKG_ACTION=${2:+upgrade} OPKG_OLD_VERSION=$2\nOPKG_ACTION=${OPKG_ACTION:-install}\n"
        }
        ScriptTime::PreUninstall | ScriptTime::PostUninstall => "OPKG_ACTION=remove OPKG_OLD_VERSION=$1\n",
        ScriptTime::PreTransaction
        | ScriptTime::PostTransaction
        | ScriptTime::PreRemovalTransaction
        | ScriptTime::PostRemovalTransaction => "OPKG_ACTION=transaction OPKG_OLD_VERSION=\n",
        ScriptTime::Triggered => "OPKG_ACTION=triggered OPKG_OLD_VERSION=\n",
    };
    commands.to_owned()
}

/// The OPKG's script, which may end the shell, between other commands.
fn join(before: &str, script: Option<&str>, after: &str) -> Option<String> {
    match script {
        None if before.is_empty() && after.is_empty() => None,
        None => Some(format!("{before}{after}")),
        Some(script) if after.is_empty() => Some(format!("{before}{script}")),
        Some(script) => Some(format!("{before}(\n{script}) || exit\n{after}")),
    }
}

/// `.INSTALL`, which pacman reads into a shell; nothing where there is no script.
pub fn render_install(scriptlets: &[Scriptlet]) -> Option<String> {
    let mut text = String::new();
    for (time, function, alias) in FUNCTIONS {
        let Some(scriptlet) = scriptlets.iter().find(|it| it.time == time) else { continue };
        // A subshell, since the body may end with `exec` and set traps. Writing to a string cannot fail.
        let _ = writeln!(text, "{function}() (\n{})", scriptlet.body);
        if let Some(alias) = alias {
            let _ = writeln!(text, "{alias}() {{\n  {function} \"$@\"\n}}");
        }
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg_sdk::filter::FilterContext;
    use opkg_sdk::model::{FileRule, Filter, Part};
    use opkg_sdk::packed_files;
    use opkg_sdk::parts;
    use opkg_sdk::testing::{
        add_laid_file, add_script, add_service, add_service_rules, sample_opkg, sample_target,
    };

    /// `.INSTALL` of the client part.
    fn install(opkg: &Opkg) -> String {
        let context = FilterContext::new(&sample_target("arch", None, None), Vec::new());
        let Ok(plans) = parts::plan(opkg, &context, "/usr/share/doc/x", &mut Vec::new()) else {
            panic!("it is not for arch");
        };
        let files = packed_files::of_part(opkg, &plans[2], "/usr/share/doc/x");
        render_install(&of_part(opkg, &plans[2], &files)).unwrap_or_default()
    }

    /// What a function of it prints and how it ends.
    fn call(install: &str, call: &str) -> (String, Option<i32>) {
        let text = format!("{install}\n{call}\n");
        let output = std::process::Command::new("/bin/sh").arg("-c").arg(text).output();
        let output = output.unwrap_or_else(|error| panic!("{error}"));
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    }

    fn rule(change: impl FnOnce(&mut FileRule)) -> FileRule {
        let mut rule = FileRule {
            at: 3,
            filter: Filter { dists: Vec::new(), archs: Vec::new() },
            owner: None,
            group: None,
            mode: None,
            directory_mode: None,
            config: None,
            ghost: None,
            capabilities: None,
        };
        change(&mut rule);
        rule
    }

    #[test]
    fn a_script_runs_at_installations_and_upgrades_and_is_told_which() {
        let mut opkg = sample_opkg("x");
        opkg.tells_action = true;
        let text = "echo \"$OPKG_ACTION:$OPKG_OLD_VERSION\"; exit 3\n";
        add_script(
            &mut opkg,
            Part::Client,
            "scripts/client-pre-install",
            &[],
            ScriptTime::PreInstall,
            Some(text),
        );
        let install = install(&opkg);
        assert_eq!(call(&install, "pre_install 1.0-1"), ("install:\n".into(), Some(3)));
        assert_eq!(call(&install, "pre_upgrade 1.0-1 0.9-1"), ("upgrade:0.9-1\n".into(), Some(3)));
        assert!(!install.contains("post_install"), "{install}");
    }

    #[test]
    fn units_are_what_the_opkg_says_of_them() {
        let mut opkg = sample_opkg("x");
        add_service(&mut opkg);
        let silent = install(&opkg);
        assert!(!silent.contains(" enable") && !silent.contains("systemctl start"), "{silent}");
        assert!(silent.contains("useradd -r -u 431") && silent.contains("systemctl stop"), "{silent}");
        add_service_rules(&mut opkg);
        let text = install(&opkg);
        for expected in [
            "    for unit in 'site.service' 'tunnel@one.service'; do\n        systemctl --quiet --no-reload enable",
            "preset 'scratch.mount'",
            "systemctl try-restart 'scratch.mount' 'tunnel@*.service'",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        for function in ["pre_install 1", "post_install 2", "post_upgrade 2 1", "pre_remove 2"] {
            let checked = format!("set -n\n{text}\n{function}");
            assert_eq!(call(&checked, ""), (String::new(), Some(0)), "{function}");
        }
    }

    #[test]
    fn what_a_package_cannot_say_of_files_its_scripts_do() {
        let mut opkg = sample_opkg("x");
        for (path, rule) in [
            ("/usr/bin/own", rule(|it| (it.owner, it.mode) = (Some("sited".into()), Some(0o4755)))),
            ("/usr/bin/can", rule(|it| it.capabilities = Some("cap_chown=ep".into()))),
            ("/var/log/site", rule(|it| it.ghost = Some(true))),
        ] {
            let index = u32::try_from(opkg.file_rules.len()).unwrap_or_default();
            opkg.file_rules.push(rule);
            add_laid_file(&mut opkg, path).rules = vec![index];
        }
        let text = install(&opkg);
        for expected in [
            "setcap 'cap_chown=ep' '/usr/bin/can'\n",
            "chown -h 'sited:root' '/usr/bin/own' && { [ -h '/usr/bin/own' ] || chmod 4755 '/usr/bin/own'; }\n",
            "post_remove() (\nrm -f '/var/log/site'\n)\n",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }
}
