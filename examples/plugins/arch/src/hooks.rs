//! Hooks of pacman, alpm-hooks(5): what a package has run at the end of a transaction, and when files of other packages come,
//! change or go. A hook starts a program; both are files of the package.

use opkg_sdk::artefacts::{Content, FileMarks, PackedFile, Scriptlet};
use opkg_sdk::model::{Opkg, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::triggers;

use crate::scripts;

/// Where pacman looks for hooks, and where their programs lie.
const HOOKS: &str = "/usr/share/libalpm/hooks";
const PROGRAMS: &str = "/usr/share/libalpm/scripts";

/// The hooks of a part: what is run, and the files that it takes.
pub struct Hooks {
    pub scriptlets: Vec<Scriptlet>,
    pub files: Vec<PackedFile>,
}

/// Those of a part.
pub fn of_part(opkg: &Opkg, plan: &PartPlan<'_>) -> Hooks {
    let mut hooks = Hooks { scriptlets: Vec::new(), files: Vec::new() };
    if let Some(body) = scripts::own_script(opkg, plan, ScriptTime::PostTransaction) {
        let trigger = package_trigger(&plan.name, &["Install", "Upgrade"]);
        hooks.add(plan, "post-transaction", ScriptTime::PostTransaction, &trigger, "", &body);
    }
    if triggers::script(plan).is_some()
        && let Some(body) = scripts::own_script(opkg, plan, ScriptTime::Triggered)
    {
        // What is there already when the package comes counts as well.
        let trigger = path_trigger(plan) + "\n" + &package_trigger(&plan.name, &["Install"]);
        hooks.add(plan, "triggered", ScriptTime::Triggered, &trigger, &concerned_directories(plan), &body);
    }
    hooks
}

impl Hooks {
    fn add(
        &mut self,
        plan: &PartPlan<'_>,
        name: &str,
        time: ScriptTime,
        trigger: &str,
        before: &str,
        body: &str,
    ) {
        let name = format!("{}-{name}", plan.name);
        let program = format!("{PROGRAMS}/{name}");
        let needs_targets = if before.is_empty() { "" } else { "NeedsTargets\n" };
        let hook = format!(
            "{trigger}\n[Action]\nDescription = Running {name}...\nWhen = PostTransaction\nExec = {program}\n{needs_targets}"
        );
        self.files.push(text_file(format!("{HOOKS}/{name}.hook"), hook, 0o644));
        self.files.push(text_file(program, format!("#!/bin/sh\n{before}{body}"), 0o755));
        let interpreter = vec!["/bin/sh".to_owned()];
        self.scriptlets.push(Scriptlet { time, interpreter, body: format!("{before}{body}") });
    }
}

fn package_trigger(name: &str, operations: &[&str]) -> String {
    let operations: String = operations.iter().map(|it| format!("Operation = {it}\n")).collect();
    format!("[Trigger]\nType = Package\n{operations}Target = {name}\n")
}

/// A `*` of pacman's also means what lies deeper.
fn path_trigger(plan: &PartPlan<'_>) -> String {
    let targets = plan.triggers.iter().map(|it| format!("Target = {}/*\n", it.path.trim_start_matches('/')));
    format!(
        "[Trigger]\nType = Path\nOperation = Install\nOperation = Upgrade\nOperation = Remove\n{}",
        targets.collect::<String>()
    )
}

/// Commands that make the directories of which it is so the arguments: standard input has paths of files, and the name of the
/// package when that is installed.
fn concerned_directories(plan: &PartPlan<'_>) -> String {
    format!(
        "targets=\"\n$(cat)\n\"\nset --\nfor directory in{}; do\n    case $targets in\n        \
         *\"\n${{directory#/}}/\"*) set -- \"$@\" \"$directory\" ;;\n        \
         *\"\n{}\n\"*) [ -z \"$(ls -A \"$directory\" 2> /dev/null)\" ] || set -- \"$@\" \"$directory\" ;;\n    \
         esac\ndone\n[ $# -gt 0 ] || exit 0\n",
        triggers::words(plan),
        plan.name
    )
}

fn text_file(path: String, text: String, mode: u32) -> PackedFile {
    PackedFile {
        path,
        content: Content::Text(text),
        mode,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        capabilities: None,
        marks: FileMarks::empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    use opkg_sdk::filter::FilterContext;
    use opkg_sdk::model::{Part, Trigger};
    use opkg_sdk::parts;
    use opkg_sdk::testing::{add_script, add_triggers, sample_opkg, sample_target};

    fn of_client(opkg: &Opkg) -> Hooks {
        let context = FilterContext::new(&sample_target("arch", None, None), Vec::new());
        let Ok(plans) = parts::plan(opkg, &context, "/usr/share/doc/x", &mut Vec::new()) else {
            panic!("it is not for arch");
        };
        of_part(opkg, &plans[2])
    }

    fn text<'a>(hooks: &'a Hooks, end: &str) -> &'a str {
        match hooks.files.iter().find(|file| file.path.ends_with(end)).map(|file| &file.content) {
            Some(Content::Text(text)) => text,
            other => panic!("{end}: {other:?}"),
        }
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
        assert_eq!(hooks.scriptlets.len(), 1);
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
