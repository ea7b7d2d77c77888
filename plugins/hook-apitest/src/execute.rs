//! Runs the planned steps.

use crate::compare::compare;
use crate::host::{ProcessOutput, Program, Request, SpawnError, TestHost, TestOutcome};
use opkg_apitest::definition::{Command, ParentCondition, TestDefinition};
use opkg_apitest::plan::{Step, Task};
use opkg_apitest::text::escape_for_display;

/// How all of it went. Tests of batches count, batches do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TestSummary {
    pub passed: usize,
    pub failed: usize,
    /// Failed, but allowed to fail.
    pub allowed_failures: usize,
    /// Those that were not run.
    pub skipped: usize,
    /// Those that could not be run.
    pub errored: usize,
    /// Whether all that must pass did.
    pub all_required_passed: bool,
}

/// Runs all steps; `nodes` are given to programs that are tests by themselves.
pub fn execute(host: &mut dyn TestHost, steps: &[Step], nodes: &[String]) -> TestSummary {
    let mut run = Executor { host, nodes, summary: TestSummary::default() };
    // Not `all`, which would end with the first that fails.
    let all_required_passed =
        steps.iter().filter(|step| run.run_step(step, true) != TestOutcome::Passed).count() == 0;
    TestSummary { all_required_passed, ..run.summary }
}

struct Executor<'a> {
    host: &'a mut dyn TestHost,
    nodes: &'a [String],
    summary: TestSummary,
}

impl Executor<'_> {
    fn run_step(&mut self, step: &Step, must_pass: bool) -> TestOutcome {
        self.host.begin(&step.name, &step.description);
        let outcome = match &step.task {
            Task::Batch(_) => self.run_batch(step),
            Task::Test(definition) => match Step::test_definition(definition) {
                Some(test) => self.run_test(test),
                None => TestOutcome::Passed,
            },
            Task::Program { file, user } => self.run_program(file, *user),
        };
        let outcome = match outcome {
            TestOutcome::Failed(reason) if !must_pass => TestOutcome::AllowedFailure(reason),
            outcome => outcome,
        };
        match (&step.task, &outcome) {
            (Task::Batch(_), _) => {}
            (_, TestOutcome::Passed) => self.summary.passed += 1,
            (_, TestOutcome::Failed(_)) => self.summary.failed += 1,
            (_, TestOutcome::AllowedFailure(_)) => self.summary.allowed_failures += 1,
            (_, TestOutcome::Skipped(_)) => self.summary.skipped += 1,
            (_, TestOutcome::Errored(_)) => self.summary.errored += 1,
        }
        self.host.end(&outcome);
        outcome
    }

    fn run_batch(&mut self, step: &Step) -> TestOutcome {
        let Task::Batch(parts) = &step.task else { return TestOutcome::Passed };
        let mut outcomes: Vec<TestOutcome> = Vec::new();
        let mut failed = Vec::new();
        for part in parts {
            let prevented = part.parents.iter().find_map(|(parent, condition)| {
                let outcome = outcomes.get(*parent)?;
                let name = &parts.get(*parent)?.step.name;
                match (condition, outcome) {
                    (ParentCondition::Passed, TestOutcome::Passed) | (ParentCondition::Any, _) => None,
                    (ParentCondition::Passed, _) => Some(format!("{name} did not pass")),
                    (ParentCondition::Failed, TestOutcome::Failed(_) | TestOutcome::AllowedFailure(_)) => {
                        None
                    }
                    (ParentCondition::Failed, _) => Some(format!("{name} did not fail")),
                }
            });
            let outcome = match prevented {
                Some(reason) => self.skip_step(&part.step, reason),
                None => self.run_step(&part.step, part.must_pass),
            };
            if part.must_pass && outcome != TestOutcome::Passed {
                failed.push(part.step.name.as_str());
            }
            outcomes.push(outcome);
        }
        match failed.as_slice() {
            [] => TestOutcome::Passed,
            [one] => TestOutcome::Failed(format!("{one} did not pass")),
            _ => TestOutcome::Failed(format!("{} of {} did not pass", failed.len(), parts.len())),
        }
    }

    fn skip_step(&mut self, step: &Step, reason: String) -> TestOutcome {
        self.host.begin(&step.name, &step.description);
        self.summary.skipped += step.test_count();
        let outcome = TestOutcome::Skipped(reason);
        self.host.end(&outcome);
        outcome
    }

    fn run_test(&mut self, test: &TestDefinition) -> TestOutcome {
        let (program, arguments) = self.build_command(&test.command);
        let request =
            Request { program, arguments, directory: test.directory.clone(), user: test.user.clone() };
        match self.host.run(&request) {
            Ok(output) => match compare(test, &output) {
                Ok(()) => TestOutcome::Passed,
                Err(mismatch) => TestOutcome::Failed(mismatch.to_string()),
            },
            Err(error) => spawn_error_outcome(&request.program, error),
        }
    }

    fn run_program(&mut self, file: &str, user: Option<&str>) -> TestOutcome {
        let request = Request {
            program: Program::File(file.to_owned()),
            arguments: self.nodes.to_vec(),
            directory: None,
            user: user.map(str::to_owned),
        };
        match self.host.run(&request) {
            Ok(ProcessOutput { exit_code: Some(0), .. }) => TestOutcome::Passed,
            Ok(output) => {
                let printed = [output.stdout, output.stderr].concat();
                let printed = String::from_utf8_lossy(&printed);
                let last = printed.lines().rev().find(|line| !line.trim().is_empty());
                let reason = last.map(|line| format!("\n  output: \"{}\"", escape_for_display(line.trim())));
                let reason = reason.unwrap_or_default();
                TestOutcome::Failed(format!("it {}{reason}", output.termination))
            }
            Err(error) => spawn_error_outcome(&request.program, error),
        }
    }

    fn build_command(&self, command: &Command) -> (Program, Vec<String>) {
        match command {
            Command::Words(words) => {
                let (program, arguments) =
                    words.split_first().map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
                (Program::File(program.to_owned()), arguments.to_vec())
            }
            Command::Interpreted { interpreter, words } => {
                let (program, own) = interpreter
                    .split_first()
                    .map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
                let mut arguments = own.to_vec();
                arguments.extend(words.iter().cloned());
                // It starts in a directory of its own, and finds the file from there only by its whole path.
                if let Some(file) =
                    arguments.get_mut(own.len()).filter(|file| file.contains('/') && !file.starts_with('/'))
                {
                    *file = format!("{}/{file}", self.host.testing_dir().trim_end_matches('/'));
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
fn spawn_error_outcome(program: &Program, error: SpawnError) -> TestOutcome {
    let name = match program {
        Program::File(file) => escape_for_display(file),
        Program::Text { interpreter: Some(interpreter), .. } => escape_for_display(interpreter),
        Program::Text { interpreter: None, .. } => "the script".to_owned(),
    };
    match error {
        SpawnError::NotStarted(reason) => TestOutcome::Failed(format!("{name} {reason}")),
        SpawnError::NotGranted(reason) => TestOutcome::Errored(reason),
    }
}
