//! A fake machine: files and programs in memory.
#![allow(clippy::unwrap_used, dead_code)]

use std::collections::BTreeMap;

use opkg_apitest::plan::{DefinitionSource, PlanError, ReadError, plan};
use opkg_plugin_hook_apitest::execute::{TestSummary, execute};
pub use opkg_plugin_hook_apitest::host::ProcessOutput;
use opkg_plugin_hook_apitest::host::{Program, Request, SpawnError, TestHost, TestOutcome};

pub type ProgramStub = Box<dyn Fn(&Request) -> Result<ProcessOutput, SpawnError>>;

pub struct FakeHost {
    pub files: BTreeMap<String, Vec<u8>>,
    /// By the program, as it is asked for; of a text its first line.
    pub programs: BTreeMap<String, ProgramStub>,
    /// Of all others.
    pub default_program: ProgramStub,
    pub requests: Vec<Request>,
    /// What was told, as people see it.
    pub transcript: String,
    pub outcomes: BTreeMap<String, TestOutcome>,
    pub open_steps: Vec<String>,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            programs: BTreeMap::new(),
            default_program: Box::new(|_| Ok(exited(0))),
            requests: Vec::new(),
            transcript: String::new(),
            outcomes: BTreeMap::new(),
            open_steps: Vec::new(),
        }
    }
}

pub fn exited(code: i32) -> ProcessOutput {
    ProcessOutput {
        termination: format!("ended with exit status {code}"),
        exit_code: Some(code),
        ..ProcessOutput::default()
    }
}

pub fn printed(stdout: &str, stderr: &str) -> ProcessOutput {
    ProcessOutput { stdout: stdout.into(), stderr: stderr.into(), ..exited(0) }
}

pub fn test(command: &str, outputs: &str) -> String {
    format!("<testDef><test type='cmd'><command>{command}</command>{outputs}</test></testDef>")
}

pub fn batch(inside: &str) -> String {
    format!("<testBatch>{inside}</testBatch>")
}

impl FakeHost {
    pub fn with_file(mut self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.into(), contents.as_ref().into());
        self
    }

    pub fn with_program(
        mut self,
        name: &str,
        answer: impl Fn(&Request) -> Result<ProcessOutput, SpawnError> + 'static,
    ) -> Self {
        self.programs.insert(name.into(), Box::new(answer));
        self
    }

    pub fn run(&mut self, files: &[&str]) -> Result<TestSummary, Vec<String>> {
        let files: Vec<String> = files.iter().map(|it| (*it).to_owned()).collect();
        let errors = |errors: Vec<PlanError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        let steps = plan(self, &files).map_err(errors)?;
        let summary = execute(self, &steps, &["node1".into(), "node2".into()]);
        assert!(self.open_steps.is_empty(), "every part that begins ends");
        Ok(summary)
    }

    /// What was reported of a run, or why there is none.
    pub fn transcript_of(mut self, files: &[&str]) -> String {
        match self.run(files) {
            Ok(summary) => format!("{}{summary:?}", self.transcript),
            Err(errors) => format!("{}{}", self.transcript, errors.join("\n")),
        }
    }

    fn log_line(&mut self, text: &str) {
        for line in text.lines() {
            self.transcript.push_str(&format!("{}{line}\n", "  ".repeat(self.open_steps.len())));
        }
    }
}

impl DefinitionSource for FakeHost {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, ReadError> {
        assert!(!path.starts_with('/') && path.split('/').all(|it| !["", ".", ".."].contains(&it)), "{path}");
        self.files.get(path).cloned().ok_or(ReadError::NotFound)
    }

    fn note(&mut self, line: &str) {
        self.log_line(&format!("note: {line}"));
    }
}

impl TestHost for FakeHost {
    fn testing_dir(&self) -> String {
        "/testing".into()
    }

    fn run(&mut self, request: &Request) -> Result<ProcessOutput, SpawnError> {
        self.requests.push(request.clone());
        let name = match &request.program {
            Program::File(file) => file.as_str(),
            Program::Text { contents, .. } => contents.lines().next().unwrap(),
        };
        self.programs.get(name).unwrap_or(&self.default_program)(request)
    }

    fn begin(&mut self, name: &str, description: &str) {
        let description = if description.is_empty() { String::new() } else { format!(": {description}") };
        self.log_line(&format!("{name}{description}"));
        self.open_steps.push(name.into());
    }

    fn end(&mut self, outcome: &TestOutcome) {
        match outcome {
            TestOutcome::Passed => self.log_line("passed"),
            TestOutcome::Failed(reason) => self.log_line(&format!("FAILED: {reason}")),
            TestOutcome::AllowedFailure(reason) => {
                self.log_line(&format!("failed (allowed to fail): {reason}"))
            }
            TestOutcome::Skipped(reason) => self.log_line(&format!("skipped: {reason}")),
            TestOutcome::Errored(reason) => self.log_line(&format!("BROKEN: {reason}")),
        }
        let name = self.open_steps.pop().unwrap();
        self.outcomes.insert(name, outcome.clone());
    }
}
