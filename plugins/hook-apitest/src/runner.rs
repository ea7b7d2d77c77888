//! The runner as a plugin, on top of what its host lets it do.

use opkg_plugin::hook::files::{HOME, Problem};
use opkg_plugin::hook::process::{self, Output, Text};
use opkg_plugin::hook::{Call, Description, Failure, HookRunner, Outcome, Pattern, failure, parts};
use opkg_plugin::log;

use crate::machine::{Ended, Machine, Program, Refusal, Request, Unread, Verdict};
use crate::perform::{Tally, perform};
use crate::plan::plan;

/// What a call is named that asks for all its files, and not for the first of them alone.
const TESTS: &str = "test";

/// The runner, as a plugin.
pub struct ApiTest;

impl HookRunner for ApiTest {
    fn describe() -> Description {
        Description {
            name: "hook-apitest".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            takes: [".apt", ".apb", "test_root", "test_user"]
                .map(|it| Pattern::EndsWith(it.to_owned()))
                .into(),
        }
    }

    fn run(call: &Call) -> Result<Outcome, Failure> {
        let count = if call.name == TESTS { call.candidates.len() } else { 1 };
        let files = call.candidates.get(..count).unwrap_or_default();
        let mut host = Host { home: call.home.clone() };
        let steps = plan(&mut host, files).map_err(|faults| {
            host.begin("definitions", "");
            host.end(&Verdict::Broken(faults.join("\n")));
            let first = faults.first().map_or("", String::as_str);
            match faults.len() {
                1 => failure(first),
                count => failure(format!("{first}; and {} more", count - 1)),
            }
        })?;
        if steps.is_empty() {
            return Ok(Outcome::NothingToDo);
        }
        outcome(perform(&mut host, &steps, &call.arguments))
    }
}

/// What all tests together come to.
fn outcome(tally: Tally) -> Result<Outcome, Failure> {
    let Tally { passed, failed, tolerated, skipped, broken, good } = tally;
    if good {
        return Ok(Outcome::Done);
    }
    let all = passed + failed + tolerated + skipped + broken;
    let counts = [
        (failed, "failed"),
        (tolerated, "failed that need not pass"),
        (broken, "could not be run"),
        (skipped, "were skipped"),
    ];
    let told = counts.iter().filter(|it| it.0 > 0).map(|(count, what)| format!("{count} {what}"));
    Err(failure(format!("of {all} tests, {}", told.collect::<Vec<_>>().join(", "))))
}

struct Host {
    home: String,
}

impl Machine for Host {
    fn home(&self) -> String {
        self.home.clone()
    }

    fn read(&mut self, path: &str) -> Result<Vec<u8>, Unread> {
        HOME.read(path).map_err(|error| match error.problem.clone() {
            Problem::NotFound => Unread::Missing,
            Problem::Escapes => Unread::Other("it leads out of the directory of tests".to_owned()),
            Problem::Denied(why) | Problem::Other(why) => Unread::Other(why),
            Problem::NotGranted | Problem::TooLarge => Unread::Other(error.to_string()),
        })
    }

    fn run(&mut self, request: &Request) -> Result<Ended, Refusal> {
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
            Ok(ended) => Ok(Ended {
                how: ended.how,
                exit_code: ended.exit_code.filter(|_| !ended.timed_out),
                stdout: ended.stdout,
                stderr: ended.stderr,
                cut: ended.cut,
            }),
            Err(process::Refusal::NotGranted(what)) => Err(Refusal::NotGranted(what)),
            Err(process::Refusal::NotStarted(why)) => {
                Err(Refusal::NotStarted(format!("did not start: {why}")))
            }
        }
    }

    fn begin(&mut self, name: &str, description: &str) {
        parts::begin(name, description);
    }

    fn end(&mut self, verdict: &Verdict) {
        parts::end(&match verdict {
            Verdict::Passed => parts::Verdict::Passed,
            Verdict::Failed(why) => parts::Verdict::Failed(why.clone()),
            Verdict::Tolerated(why) => parts::Verdict::Tolerated(why.clone()),
            Verdict::Skipped(why) => parts::Verdict::Skipped(why.clone()),
            Verdict::Broken(why) => parts::Verdict::Broken(why.clone()),
        });
    }

    fn note(&mut self, line: &str) {
        log::warn(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_all() {
        let told = |tally| outcome(tally).map_err(|it| it.message);
        let tally = Tally { passed: 3, tolerated: 1, good: true, ..Tally::default() };
        assert_eq!(told(tally), Ok(Outcome::Done));
        let tally = Tally { passed: 3, failed: 1, tolerated: 1, broken: 2, skipped: 4, good: false };
        let said =
            "failed: of 11 tests, 1 failed, 1 failed that need not pass, 2 could not be run, 4 were skipped";
        assert_eq!(told(tally), Err(said.to_owned()));
    }
}
