//! Hooks of pacman, alpm-hooks(5): what a package has run at the end of a transaction, and when files of other packages come,
//! change or go. A hook starts a program; both stand in the package beside its files.

use opkg_sdk::artefacts::{BinaryPackage, Scriptlet};
use opkg_sdk::model::{Opkg, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::text::shell_quote;
use opkg_sdk::triggers;

use crate::scripts;

/// Where pacman looks for hooks, and where their programs lie.
const HOOKS: &str = "usr/share/libalpm/hooks";
const PROGRAMS: &str = "usr/share/libalpm/scripts";

/// The times of scripts that hooks run, and what these are called.
const TIMES: [(ScriptTime, &str); 2] =
    [(ScriptTime::PostTransaction, "post-transaction"), (ScriptTime::Triggered, "triggered")];

/// Those of a part.
pub fn of_part(opkg: &Opkg, plan: &PartPlan<'_>) -> Vec<Scriptlet> {
    let is_run = |time| time != ScriptTime::Triggered || triggers::script(plan).is_some();
    let body = |time| scripts::own_script(opkg, plan, time).filter(|_| is_run(time));
    let script = |time, body| Scriptlet { time, interpreter: vec!["/bin/sh".to_owned()], body };
    TIMES.iter().filter_map(|(time, _)| Some(script(*time, body(*time)?))).collect()
}

/// A text that stands in a package beside its files: a path without a `/` at the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMember {
    pub path: String,
    pub text: String,
    pub mode: u32,
}

/// The hooks of a package and their programs.
#[must_use]
pub fn files(package: &BinaryPackage) -> Vec<TextMember> {
    let mut files = Vec::new();
    for (time, name) in TIMES {
        let Some(scriptlet) = package.scriptlets.iter().find(|it| it.time == time) else { continue };
        let (trigger, targets, before) = match time {
            // What is there already when the package comes counts as well.
            ScriptTime::Triggered => (
                path_trigger(package) + "\n" + &package_trigger(&package.name, &["Install"]),
                "NeedsTargets\n",
                concerned_directories(package),
            ),
            _ => (package_trigger(&package.name, &["Install", "Upgrade"]), "", String::new()),
        };
        let name = format!("{}-{name}", package.name);
        let program = format!("{PROGRAMS}/{name}");
        let hook = format!(
            "{trigger}\n[Action]\nDescription = Running {name}...\nWhen = PostTransaction\nExec = /{program}\n{targets}"
        );
        let text = format!("#!/bin/sh\n{before}{}", scriptlet.body);
        files.push(TextMember { path: format!("{HOOKS}/{name}.hook"), text: hook, mode: 0o644 });
        files.push(TextMember { path: program, text, mode: 0o755 });
    }
    files
}

fn package_trigger(name: &str, operations: &[&str]) -> String {
    let operations: String = operations.iter().map(|it| format!("Operation = {it}\n")).collect();
    format!("[Trigger]\nType = Package\n{operations}Target = {name}\n")
}

/// A `*` of pacman's also means what lies deeper.
fn path_trigger(package: &BinaryPackage) -> String {
    let targets = package.interests.iter().map(|it| format!("Target = {}/*\n", it.trim_start_matches('/')));
    format!(
        "[Trigger]\nType = Path\nOperation = Install\nOperation = Upgrade\nOperation = Remove\n{}",
        targets.collect::<String>()
    )
}

/// Commands that make the directories of which it is so the arguments: standard input has paths of files, and the name of the
/// package when that is installed.
fn concerned_directories(package: &BinaryPackage) -> String {
    let words: String = package.interests.iter().map(|path| format!(" {}", shell_quote(path))).collect();
    format!(
        "targets=\"\n$(cat)\n\"\nset --\nfor directory in{words}; do\n    case $targets in\n        \
         *\"\n${{directory#/}}/\"*) set -- \"$@\" \"$directory\" ;;\n        \
         *\"\n{}\n\"*) [ -z \"$(ls -A \"$directory\" 2> /dev/null)\" ] || set -- \"$@\" \"$directory\" ;;\n    \
         esac\ndone\n[ $# -gt 0 ] || exit 0\n",
        package.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    use opkg_sdk::Distribution as _;
    use opkg_sdk::model::{Part, Trigger};
    use opkg_sdk::testing::{add_script, add_triggers, sample_opkg, sample_target};

    fn of_client(opkg: &Opkg) -> Vec<TextMember> {
        let Ok(output) = crate::Arch::generate(opkg, &sample_target("arch", None, None)) else {
            panic!("it is not made");
        };
        files(&output.packages[2])
    }

    fn text<'a>(hooks: &'a [TextMember], end: &str) -> &'a str {
        let found = hooks.iter().find(|file| file.path.ends_with(end));
        found.map(|file| file.text.as_str()).unwrap_or_else(|| panic!("{end}: {hooks:?}"))
    }

    #[test]
    fn a_script_at_the_end_of_a_transaction_is_a_hook() {
        let mut opkg = sample_opkg("x");
        let path = "scripts/client-post-transaction";
        add_script(&mut opkg, Part::Client, path, &["/bin/sh"], ScriptTime::PostTransaction, None);
        let hooks = of_client(&opkg);
        assert_eq!(
            text(&hooks, "-post-transaction.hook"),
            "[Trigger]\nType = Package\nOperation = Install\nOperation = Upgrade\nTarget = opkg-x-client\n\n[Action]\n\
             Description = Running opkg-x-client-post-transaction...\nWhen = PostTransaction\n\
             Exec = /usr/share/libalpm/scripts/opkg-x-client-post-transaction\n"
        );
        assert_eq!(hooks.len(), 2);
    }

    #[test]
    fn a_trigger_tells_its_script_which_directories_changed() {
        let mut opkg = sample_opkg("x");
        add_triggers(&mut opkg);
        let template = opkg.triggers[0].clone();
        let directory = std::env::temp_dir();
        opkg.triggers.push(Trigger { path: directory.to_string_lossy().into_owned(), ..template });
        let hooks = of_client(&opkg);
        let hook = text(&hooks, "-triggered.hook");
        assert!(hook.contains("Target = usr/share/modulefiles/*\nTarget = etc/site.d/*\n"), "{hook}");
        assert!(hook.ends_with("NeedsTargets\n"), "{hook}");
        let program = text(&hooks, "scripts/opkg-x-client-triggered");
        let called = "exec '/usr/lib/oscar/packages/x/client-triggered' \"$@\"";
        assert!(program.contains(called), "{program}");
        let program = program.replace(called, "echo \"$*\"");
        let run = |input: &str| {
            let mut shell = Command::new("/bin/sh");
            let mut child = shell
                .arg("-c")
                .arg(&program)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("{error}"));
            if let Some(mut stdin) = child.stdin.take() {
                let _ = stdin.write_all(input.as_bytes());
            }
            let output = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert_eq!(run("etc/site.d/a\netc/site.d/b/c\n"), "/etc/site.d\n");
        assert_eq!(run("etc/site.d/a\nusr/share/modulefiles/b\n"), "/usr/share/modulefiles /etc/site.d\n");
        assert_eq!(run("etc/site.conf\nopt/etc/site.d/x\n"), "");
        assert_eq!(run("opkg-x-client\n"), format!("{}\n", directory.display()), "what is there already");
    }
}
