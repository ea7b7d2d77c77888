//! A pretended machine: files and programs in memory.
#![allow(clippy::unwrap_used, dead_code)]

use std::collections::BTreeMap;

pub use opkg_plugin_hook_apitest::machine::Ended;
use opkg_plugin_hook_apitest::machine::{Machine, Program, Refusal, Request, Unread, Verdict};
use opkg_plugin_hook_apitest::perform::{Tally, perform};
use opkg_plugin_hook_apitest::plan::plan;

/// What a program does.
pub type Answer = Box<dyn Fn(&Request) -> Result<Ended, Refusal>>;

pub struct Pretended {
    pub files: BTreeMap<String, Vec<u8>>,
    /// By the program, as it is asked for; of a text its first line.
    pub programs: BTreeMap<String, Answer>,
    /// Of all others.
    pub otherwise: Answer,
    pub asked: Vec<Request>,
    /// What was told, as people see it.
    pub told: String,
    pub verdicts: BTreeMap<String, Verdict>,
    pub open: Vec<String>,
}

impl Default for Pretended {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            programs: BTreeMap::new(),
            otherwise: Box::new(|_| Ok(exited(0))),
            asked: Vec::new(),
            told: String::new(),
            verdicts: BTreeMap::new(),
            open: Vec::new(),
        }
    }
}

pub fn exited(code: i32) -> Ended {
    Ended { how: format!("ended with exit status {code}"), exit_code: Some(code), ..Ended::default() }
}

pub fn printed(stdout: &str, stderr: &str) -> Ended {
    Ended { stdout: stdout.into(), stderr: stderr.into(), ..exited(0) }
}

pub fn test(command: &str, outputs: &str) -> String {
    format!("<testDef><test type='cmd'><command>{command}</command>{outputs}</test></testDef>")
}

pub fn batch(inside: &str) -> String {
    format!("<testBatch>{inside}</testBatch>")
}

impl Pretended {
    pub fn file(mut self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.into(), contents.as_ref().into());
        self
    }

    pub fn program(
        mut self,
        name: &str,
        answer: impl Fn(&Request) -> Result<Ended, Refusal> + 'static,
    ) -> Self {
        self.programs.insert(name.into(), Box::new(answer));
        self
    }

    pub fn run(&mut self, files: &[&str]) -> Result<Tally, Vec<String>> {
        let files: Vec<String> = files.iter().map(|it| (*it).to_owned()).collect();
        let steps = plan(self, &files)?;
        let tally = perform(self, &steps, &["node1".into(), "node2".into()]);
        assert!(self.open.is_empty(), "every part that begins ends");
        Ok(tally)
    }

    /// What is told of a run, or why there is none.
    pub fn tells(mut self, files: &[&str]) -> String {
        match self.run(files) {
            Ok(tally) => format!("{}{tally:?}", self.told),
            Err(faults) => format!("{}{}", self.told, faults.join("\n")),
        }
    }

    fn tell(&mut self, text: &str) {
        for line in text.lines() {
            self.told.push_str(&format!("{}{line}\n", "  ".repeat(self.open.len())));
        }
    }
}

impl Machine for Pretended {
    fn home(&self) -> String {
        "/testing".into()
    }

    fn read(&mut self, path: &str) -> Result<Vec<u8>, Unread> {
        assert!(!path.starts_with('/') && path.split('/').all(|it| !["", ".", ".."].contains(&it)), "{path}");
        self.files.get(path).cloned().ok_or(Unread::Missing)
    }

    fn run(&mut self, request: &Request) -> Result<Ended, Refusal> {
        self.asked.push(request.clone());
        let name = match &request.program {
            Program::File(file) => file.as_str(),
            Program::Text { contents, .. } => contents.lines().next().unwrap(),
        };
        self.programs.get(name).unwrap_or(&self.otherwise)(request)
    }

    fn begin(&mut self, name: &str, description: &str) {
        let description = if description.is_empty() { String::new() } else { format!(": {description}") };
        self.tell(&format!("{name}{description}"));
        self.open.push(name.into());
    }

    fn end(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed => self.tell("passed"),
            Verdict::Failed(reason) => self.tell(&format!("FAILED: {reason}")),
            Verdict::Tolerated(reason) => self.tell(&format!("failed, and need not pass: {reason}")),
            Verdict::Skipped(reason) => self.tell(&format!("skipped: {reason}")),
            Verdict::Broken(reason) => self.tell(&format!("BROKEN: {reason}")),
        }
        let name = self.open.pop().unwrap();
        self.verdicts.insert(name, verdict.clone());
    }

    fn note(&mut self, line: &str) {
        self.tell(&format!("note: {line}"));
    }
}
