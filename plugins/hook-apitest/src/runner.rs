//! The runner as a plugin.

use opkg_sdk::hook::files::{HOME, Problem};
use opkg_sdk::hook::process::{self, Output, Text};
use opkg_sdk::hook::{Call, HookFailure, HookRunner, Outcome, Pattern, RunnerInfo, steps, to_failure};
use opkg_sdk::log;

use crate::execute::{TestSummary, execute};
use crate::host::{ProcessOutput, Program, Request, SpawnError, TestHost, TestOutcome};
use opkg_apitest::plan::{DefinitionSource, PlanError, ReadError, plan};

/// The name of calls that ask for all files, not only for the first.
const TEST_CALL_NAME: &str = "test";

/// Errors in definitions that are shown.
const MAX_REPORTED_ERRORS: usize = 20;

pub struct ApiTestRunner;

impl HookRunner for ApiTestRunner {
    fn describe() -> RunnerInfo {
        RunnerInfo {
            name: "hook-apitest".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            takes: [".apt", ".apb", "test_root", "test_user"]
                .map(|ending| Pattern::EndsWith(ending.to_owned()))
                .into(),
        }
    }

    fn run(call: &Call) -> Result<Outcome, HookFailure> {
        let count = if call.name == TEST_CALL_NAME { call.candidates.len() } else { 1 };
        let files = call.candidates.get(..count).unwrap_or_default();
        let mut host = ComponentHost { home: call.home.clone() };
        let steps = plan(&mut host, files).map_err(|errors| {
            host.begin("definitions", "");
            host.end(&TestOutcome::Errored(report(&errors)));
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            match errors.len() {
                1 => to_failure(first),
                count => to_failure(format!("{first}; and {} more", count - 1)),
            }
        })?;
        if steps.is_empty() {
            return Ok(Outcome::NothingToDo);
        }
        summary_outcome(execute(&mut host, &steps, &call.arguments))
    }
}

/// The errors in lines, up to a limit.
fn report(errors: &[PlanError]) -> String {
    let mut lines: Vec<String> = errors.iter().take(MAX_REPORTED_ERRORS).map(ToString::to_string).collect();
    if errors.len() > MAX_REPORTED_ERRORS {
        lines.push(format!("and {} more", errors.len() - MAX_REPORTED_ERRORS));
    }
    lines.join("\n")
}

/// The result of all tests together.
fn summary_outcome(summary: TestSummary) -> Result<Outcome, HookFailure> {
    let TestSummary { passed, failed, allowed_failures, skipped, errored, all_required_passed } = summary;
    if all_required_passed {
        return Ok(Outcome::Done);
    }
    let all = passed + failed + allowed_failures + skipped + errored;
    let counts = [
        (failed, "failed"),
        (allowed_failures, "failed (allowed to fail)"),
        (errored, "could not be run"),
        (skipped, "were skipped"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    Err(to_failure(format!("of {all} tests, {}", told.collect::<Vec<_>>().join(", "))))
}

struct ComponentHost {
    home: String,
}

impl DefinitionSource for ComponentHost {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, ReadError> {
        HOME.read(path).map_err(|error| match error.kind.clone() {
            Problem::NotFound => ReadError::NotFound,
            Problem::Escapes => ReadError::Other("it leads out of the directory of tests".to_owned()),
            Problem::Denied(why) | Problem::Other(why) => ReadError::Other(why),
            Problem::NotGranted | Problem::TooLarge => ReadError::Other(error.to_string()),
        })
    }

    fn note(&mut self, line: &str) {
        log::warn(line);
    }
}

impl TestHost for ComponentHost {
    fn testing_dir(&self) -> String {
        self.home.clone()
    }

    fn run(&mut self, request: &Request) -> Result<ProcessOutput, SpawnError> {
        let program = match &request.program {
            Program::File(file) => process::Program::File(file.clone()),
            Program::Text { interpreter, contents } => {
                process::Program::Text(Text { interpreter: interpreter.clone(), contents: contents.clone() })
            }
        };
        let ended = process::run(&process::Request {
            program,
            arguments: request.arguments.clone(),
            environment: Vec::new(),
            directory: request.directory.clone(),
            user: request.user.clone(),
            output: Output::Captured,
            in_image: false,
        });
        match ended {
            Ok(ended) => Ok(ProcessOutput {
                termination: ended.how,
                exit_code: ended.exit_code.filter(|_| !ended.timed_out),
                stdout: ended.stdout,
                stderr: ended.stderr,
                truncated: ended.cut,
            }),
            Err(process::Refusal::NotGranted(what)) => Err(SpawnError::NotGranted(what)),
            Err(process::Refusal::NotStarted(why)) => {
                Err(SpawnError::NotStarted(format!("did not start: {why}")))
            }
        }
    }

    fn begin(&mut self, name: &str, description: &str) {
        steps::begin(name, description);
    }

    fn end(&mut self, outcome: &TestOutcome) {
        steps::end(&match outcome {
            TestOutcome::Passed => steps::Verdict::Passed,
            TestOutcome::Failed(why) => steps::Verdict::Failed(why.clone()),
            TestOutcome::AllowedFailure(why) => steps::Verdict::Tolerated(why.clone()),
            TestOutcome::Skipped(why) => steps::Verdict::Skipped(why.clone()),
            TestOutcome::Errored(why) => steps::Verdict::Broken(why.clone()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_all() {
        let told = |summary| summary_outcome(summary).map_err(|failure| failure.message);
        let summary = TestSummary {
            passed: 3,
            allowed_failures: 1,
            all_required_passed: true,
            ..TestSummary::default()
        };
        assert_eq!(told(summary), Ok(Outcome::Done));
        let summary = TestSummary {
            passed: 3,
            failed: 1,
            allowed_failures: 1,
            errored: 2,
            skipped: 4,
            all_required_passed: false,
        };
        let said =
            "failed: of 11 tests, 1 failed, 1 failed (allowed to fail), 2 could not be run, 4 were skipped";
        assert_eq!(told(summary), Err(said.to_owned()));
    }
}
