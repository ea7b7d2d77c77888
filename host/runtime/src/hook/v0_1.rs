//! Runners and hooks of version 0.1.0 of the interface.

use std::time::Duration;

use super::runner::RunnerCalls;
use super::{Call, Failure, HostChannel, Outcome, RunnerDescription};
use crate::bindings::v0_1::hook_runner::HookRunnerPre;
use crate::bindings::v0_1::hook_runner::exports::opkg::plugin::hook;
use crate::execution_error::ExecutionError;
use crate::host::HostState;
use crate::prepared_component::PreparedComponent;

/// What is asked, and answered.
mod functions {
    use super::convert;

    runner_version!(v0_1);
}

impl RunnerCalls for PreparedComponent<HookRunnerPre<HostState>> {
    fn describe(&self) -> Result<RunnerDescription, ExecutionError> {
        self.describe()
    }

    fn run(
        &self,
        call: &Call,
        host: HostChannel,
        limit: Duration,
    ) -> Result<Result<Outcome, Failure>, ExecutionError> {
        let call = convert::call(call);
        let answer = self.call_with_channel(host, limit, |runner, store| {
            runner.opkg_plugin_hook().call_run(store, &call)
        })?;
        Ok(match answer {
            Ok(hook::Outcome::Done) => Ok(Outcome::Done),
            Ok(hook::Outcome::NothingToDo) => Ok(Outcome::NothingToDo),
            Err(it) => Err(Failure {
                message: it.message,
                exit_code: it.exit_code,
                signal: it.signal,
                timed_out: it.timed_out,
            }),
        })
    }
}

/// The host's own records, and those of the version.
mod convert {
    use crate::bindings::v0_1::hook_runner::exports::opkg::plugin::hook;
    use crate::bindings::v0_1::hook_runner::opkg::plugin as wit;
    use crate::bindings::v1::hook_runner::exports::opkg::plugin::hook as new_hook;
    use crate::hook::{
        Call, FileError, Output, PartOutcome, Program, ProgramResult, Request, Root, SpawnError, Target,
        TargetKind, Text,
    };

    pub(super) fn runner_info(raw: hook::Description) -> new_hook::RunnerInfo {
        let pattern = |it: hook::Pattern| match it {
            hook::Pattern::StartsWith(bytes) => new_hook::Pattern::StartsWith(bytes),
            hook::Pattern::EndsWith(end) => new_hook::Pattern::EndsWith(end),
        };
        let takes = raw.takes.into_iter().map(pattern).collect();
        new_hook::RunnerInfo { name: raw.name, version: raw.version, takes }
    }

    pub(super) fn call(call: &Call) -> hook::Call {
        hook::Call {
            opkg: call.opkg.clone(),
            version: call.version.clone(),
            name: call.name.clone(),
            stage: call.stage.clone(),
            run: call.run.clone(),
            target: target(call.target.clone()),
            image: call.image.clone(),
            home: call.home.clone(),
            candidates: call.candidates.clone(),
            arguments: call.arguments.clone(),
            time_limit: call.timeout,
        }
    }

    pub(super) fn target(target: Target) -> wit::cluster::Target {
        let kind = match target.kind {
            TargetKind::Server => wit::cluster::TargetKind::Server,
            TargetKind::Image => wit::cluster::TargetKind::Image,
            TargetKind::Client => wit::cluster::TargetKind::Client,
        };
        wit::cluster::Target { kind, name: target.name }
    }

    pub(super) fn root(root: wit::files::Root) -> Root {
        match root {
            wit::files::Root::Home => Root::Home,
            wit::files::Root::Image => Root::Image,
        }
    }

    pub(super) fn problem(problem: FileError) -> wit::files::Problem {
        match problem {
            FileError::NotGranted => wit::files::Problem::NotGranted,
            FileError::NotFound => wit::files::Problem::NotFound,
            FileError::Escapes => wit::files::Problem::Escapes,
            FileError::TooLarge => wit::files::Problem::TooLarge,
            FileError::Denied(why) => wit::files::Problem::Denied(why),
            FileError::Other(what) => wit::files::Problem::Other(what),
        }
    }

    pub(super) fn request(request: wit::process::Request) -> Request {
        Request {
            program: match request.program {
                wit::process::Program::File(path) => Program::File(path),
                wit::process::Program::Text(text) => {
                    Program::Text(Text { interpreter: text.interpreter, contents: text.contents })
                }
            },
            arguments: request.arguments,
            environment: request.environment,
            directory: request.directory,
            user: request.user,
            output: match request.output {
                wit::process::Output::Logged => Output::Logged,
                wit::process::Output::Captured => Output::Captured,
            },
            in_image: request.in_image,
        }
    }

    pub(super) fn ended(result: ProgramResult) -> wit::process::Ended {
        wit::process::Ended {
            how: result.how,
            exit_code: result.exit_code,
            signal: result.signal,
            timed_out: result.timed_out,
            last_lines: result.last_lines,
            stdout: result.stdout,
            stderr: result.stderr,
            cut: result.cut,
        }
    }

    pub(super) fn refusal(refusal: SpawnError) -> wit::process::Refusal {
        match refusal {
            SpawnError::NotGranted(what) => wit::process::Refusal::NotGranted(what),
            SpawnError::NotStarted(why) => wit::process::Refusal::NotStarted(why),
        }
    }

    pub(super) fn verdict(verdict: wit::parts::Verdict) -> PartOutcome {
        match verdict {
            wit::parts::Verdict::Passed => PartOutcome::Passed,
            wit::parts::Verdict::Failed(why) => PartOutcome::Failed(why),
            wit::parts::Verdict::Tolerated(why) => PartOutcome::Tolerated(why),
            wit::parts::Verdict::Skipped(why) => PartOutcome::Skipped(why),
            wit::parts::Verdict::Broken(why) => PartOutcome::Broken(why),
        }
    }
}
