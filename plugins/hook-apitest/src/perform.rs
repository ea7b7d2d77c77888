//! Runs what is planned, and says how it went.

use crate::compare::compare;
use crate::definition::{Command, Condition, Test};
use crate::machine::{Ended, Machine, Program, Refusal, Request, Verdict};
use crate::plan::{Step, Task};
use crate::text::show;

/// How all of it went. Tests of batches count, batches do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// As they should.
    pub passed: usize,
    /// Otherwise.
    pub failed: usize,
    /// Otherwise, and they need not pass.
    pub tolerated: usize,
    /// Those that were not run.
    pub skipped: usize,
    /// Those that could not be run.
    pub broken: usize,
    /// Whether all that must pass did.
    pub good: bool,
}

/// Runs all steps; `nodes` are given to programs that are tests by themselves.
pub fn perform(machine: &mut dyn Machine, steps: &[Step], nodes: &[String]) -> Tally {
    let mut run = Run { machine, nodes, tally: Tally::default() };
    // Not `all`, which would end with the first that fails.
    let good = steps.iter().filter(|it| run.step(it, true) != Verdict::Passed).count() == 0;
    Tally { good, ..run.tally }
}

struct Run<'a> {
    machine: &'a mut dyn Machine,
    nodes: &'a [String],
    tally: Tally,
}

impl Run<'_> {
    fn step(&mut self, step: &Step, must_pass: bool) -> Verdict {
        self.machine.begin(&step.name, &step.description);
        let verdict = match &step.task {
            Task::Batch(_) => self.batch(step),
            Task::Test(definition) => match Step::test(definition) {
                Some(test) => self.test(test),
                None => Verdict::Passed,
            },
            Task::Program { file, user } => self.program(file, *user),
        };
        let verdict = match verdict {
            Verdict::Failed(reason) if !must_pass => Verdict::Tolerated(reason),
            verdict => verdict,
        };
        match (&step.task, &verdict) {
            (Task::Batch(_), _) => {}
            (_, Verdict::Passed) => self.tally.passed += 1,
            (_, Verdict::Failed(_)) => self.tally.failed += 1,
            (_, Verdict::Tolerated(_)) => self.tally.tolerated += 1,
            (_, Verdict::Skipped(_)) => self.tally.skipped += 1,
            (_, Verdict::Broken(_)) => self.tally.broken += 1,
        }
        self.machine.end(&verdict);
        verdict
    }

    fn batch(&mut self, step: &Step) -> Verdict {
        let Task::Batch(parts) = &step.task else { return Verdict::Passed };
        let mut verdicts: Vec<Verdict> = Vec::new();
        let mut missed = Vec::new();
        for part in parts {
            let prevented = part.parents.iter().find_map(|(parent, condition)| {
                let verdict = verdicts.get(*parent)?;
                let name = &parts.get(*parent)?.step.name;
                match (condition, verdict) {
                    (Condition::Passed, Verdict::Passed) | (Condition::Ended, _) => None,
                    (Condition::Passed, _) => Some(format!("{name} did not pass")),
                    (Condition::Failed, Verdict::Failed(_) | Verdict::Tolerated(_)) => None,
                    (Condition::Failed, _) => Some(format!("{name} did not fail")),
                }
            });
            let verdict = match prevented {
                Some(reason) => self.skip(&part.step, reason),
                None => self.step(&part.step, part.must_pass),
            };
            if part.must_pass && verdict != Verdict::Passed {
                missed.push(part.step.name.as_str());
            }
            verdicts.push(verdict);
        }
        match missed.as_slice() {
            [] => Verdict::Passed,
            [one] => Verdict::Failed(format!("{one} did not pass")),
            _ => Verdict::Failed(format!("{} of {} did not pass", missed.len(), parts.len())),
        }
    }

    fn skip(&mut self, step: &Step, reason: String) -> Verdict {
        self.machine.begin(&step.name, &step.description);
        self.tally.skipped += step.count();
        let verdict = Verdict::Skipped(reason);
        self.machine.end(&verdict);
        verdict
    }

    fn test(&mut self, test: &Test) -> Verdict {
        let (program, arguments) = self.command(&test.command);
        let request =
            Request { program, arguments, directory: test.directory.clone(), user: test.user.clone() };
        match self.machine.run(&request) {
            Ok(ended) => compare(test, &ended).map_or_else(Verdict::Failed, |()| Verdict::Passed),
            Err(refusal) => refused(&request.program, refusal),
        }
    }

    fn program(&mut self, file: &str, user: Option<&str>) -> Verdict {
        let request = Request {
            program: Program::File(file.to_owned()),
            arguments: self.nodes.to_vec(),
            directory: None,
            user: user.map(str::to_owned),
        };
        match self.machine.run(&request) {
            Ok(Ended { exit_code: Some(0), .. }) => Verdict::Passed,
            Ok(ended) => {
                let printed = [ended.stdout, ended.stderr].concat();
                let printed = String::from_utf8_lossy(&printed);
                let last = printed.lines().rev().find(|it| !it.trim().is_empty());
                let said =
                    last.map_or_else(String::new, |it| format!("\n  it said: \"{}\"", show(it.trim())));
                Verdict::Failed(format!("it {}{said}", ended.how))
            }
            Err(refusal) => refused(&request.program, refusal),
        }
    }

    fn command(&self, command: &Command) -> (Program, Vec<String>) {
        match command {
            Command::Words(words) => {
                let (program, arguments) =
                    words.split_first().map_or(("", &[][..]), |it| (it.0.as_str(), it.1));
                (Program::File(program.to_owned()), arguments.to_vec())
            }
            Command::Interpreted { interpreter, words } => {
                let (program, own) =
                    interpreter.split_first().map_or(("", &[][..]), |it| (it.0.as_str(), it.1));
                let mut arguments = own.to_vec();
                arguments.extend(words.iter().cloned());
                // It starts in a directory of its own, and finds the file from there only by its whole path.
                if let Some(file) =
                    arguments.get_mut(own.len()).filter(|it| it.contains('/') && !it.starts_with('/'))
                {
                    *file = format!("{}/{file}", self.machine.home().trim_end_matches('/'));
                }
                (Program::File(program.to_owned()), arguments)
            }
            Command::Text { interpreter, contents, arguments } => {
                let program = Program::Text { interpreter: interpreter.clone(), contents: contents.clone() };
                (program, arguments.clone())
            }
        }
    }
}

/// A program that is not there is what a test is to find out; one that must not be run says nothing.
fn refused(program: &Program, refusal: Refusal) -> Verdict {
    let name = match program {
        Program::File(file) => show(file),
        Program::Text { interpreter: Some(interpreter), .. } => show(interpreter),
        Program::Text { interpreter: None, .. } => "the script".to_owned(),
    };
    match refusal {
        Refusal::NotStarted(reason) => Verdict::Failed(format!("{name} {reason}")),
        Refusal::NotGranted(reason) => Verdict::Broken(reason),
    }
}
