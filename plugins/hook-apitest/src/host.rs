//! What running tests needs of its host: that of a component, or a fake one in tests.

use opkg_apitest::plan::DefinitionSource;

/// A program to be run. Its output is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub program: Program,
    pub arguments: Vec<String>,
    /// Where it starts; otherwise the testing directory, below which a relative path is.
    pub directory: Option<String>,
    /// The user it runs as; otherwise the caller.
    pub user: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// An absolute path, one below the testing directory, or a name in `$PATH`.
    File(String),
    /// A text, and what runs it unless its `#!` line says so.
    Text {
        /// The program that runs it.
        interpreter: Option<String>,
        contents: String,
    },
}

/// How a program ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessOutput {
    /// The end of a sentence that begins with its name.
    pub termination: String,
    /// Absent where it was killed.
    pub exit_code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Whether more came on a stream than was kept.
    pub truncated: bool,
}

/// Why a program was not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpawnError {
    /// It must not be: what to do about it.
    NotGranted(String),
    /// It cannot be: why, as the end of a sentence that begins with its name.
    NotStarted(String),
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestOutcome {
    Passed,
    /// In which way, in one or several lines.
    Failed(String),
    /// Failed, but allowed to fail: in which way.
    AllowedFailure(String),
    /// Why it was not run.
    Skipped(String),
    /// Why it cannot be run.
    Errored(String),
}

/// Besides reading definitions.
pub trait TestHost: DefinitionSource {
    /// The testing directory, as programs see it.
    fn testing_dir(&self) -> String;

    /// Runs a program to its end.
    ///
    /// # Errors
    /// See [`SpawnError`].
    fn run(&mut self, request: &Request) -> Result<ProcessOutput, SpawnError>;

    /// Begins a test or a batch, inside of the one begun last.
    fn begin(&mut self, name: &str, description: &str);

    /// Ends the one begun last.
    fn end(&mut self, outcome: &TestOutcome);
}
