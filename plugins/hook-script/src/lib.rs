//! Runs hooks that are programs, or scripts that name their interpreter: most hooks there are.

use opkg_sdk::hook::{Call, HookFailure, HookRunner, Outcome, Pattern, RunnerInfo, process};

/// The runner, as a plugin.
pub struct ScriptRunner;

impl HookRunner for ScriptRunner {
    fn describe() -> RunnerInfo {
        RunnerInfo {
            name: "hook-script".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            takes: vec![Pattern::StartsWith(b"#!".to_vec()), Pattern::StartsWith(b"\x7fELF".to_vec())],
        }
    }

    /// Exactly one of the files runs, the most canonical one.
    fn run(call: &Call) -> Result<Outcome, HookFailure> {
        let Some(file) = call.candidates.first() else { return Ok(Outcome::NothingToDo) };
        let ended = process::run(&process::logged_request(file, &call.arguments));
        process::exit_result(ended).map(|()| Outcome::Done)
    }
}

opkg_sdk::export_hook_runner!(ScriptRunner);
