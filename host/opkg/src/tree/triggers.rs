//! Whether triggers have scripts, and scripts triggers.

use crate::diagnostic::{Diagnostic, Location};
use crate::model::{NodeId, Part, ScriptTime, SourceFile, Trigger};

/// Of what is wrong between the two.
const CODE: &str = "trigger-script";

/// Reports triggers of parts without a script for them, and scripts that nothing triggers.
pub(super) fn check(triggers: &[Trigger], files: &[SourceFile], report: &mut impl FnMut(Diagnostic, NodeId)) {
    let scripts: Vec<&SourceFile> = files.iter().filter(|file| is_script(file)).collect();
    for trigger in triggers {
        let is_run = |script: &&SourceFile| trigger.part.is_none_or(|part| part == script.part);
        if scripts.iter().copied().any(|script| is_run(&script)) {
            continue;
        }
        let (message, name) = match trigger.part {
            Some(part) => {
                let name = script_name(part);
                (format!("there is no script `scripts/{name}` to be run"), name)
            }
            None => {
                let message = "there is no script to be run, `scripts/client-triggered` or the like";
                (message.to_owned(), "client-triggered")
            }
        };
        let help = match scripts.first() {
            Some(other) => format!("add it, or let the trigger run `{}`: remove `part`", other.path),
            None => format!("put into `scripts/{name}` what is to be done, or remove the trigger"),
        };
        report(Diagnostic::error(CODE, message).help(help), trigger.at);
    }
    for script in scripts {
        if triggers.iter().any(|trigger| trigger.part.is_none_or(|part| part == script.part)) {
            continue;
        }
        let help = "say in `config.xml` below which directory files matter: \
                    `<triggers><trigger path=\"/usr/share/modulefiles\"/></triggers>`";
        let diagnostic = Diagnostic::warning(CODE, "never run: no trigger is of this part")
            .help(help)
            .at(Location::File(script.path.clone()));
        report(diagnostic, script.at);
    }
}

fn is_script(file: &SourceFile) -> bool {
    file.scriptlet.as_ref().is_some_and(|it| it.time == ScriptTime::Triggered)
}

fn script_name(part: Part) -> &'static str {
    match part {
        Part::Api => "api-triggered",
        Part::Server => "server-triggered",
        Part::Client => "client-triggered",
    }
}
