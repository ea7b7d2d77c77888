//! What running tests needs of the world: the host of a component, or a pretended one.

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It is not there.
    Missing,
    /// Anything else: why, in one line.
    Other(String),
}

/// A program to be run. Its output is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is run.
    pub program: Program,
    /// What it is given.
    pub arguments: Vec<String>,
    /// Where it starts; otherwise the testing directory, below which a relative path is.
    pub directory: Option<String>,
    /// The user it runs as; otherwise the caller.
    pub user: Option<String>,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// An absolute path, one below the testing directory, or a name in `$PATH`.
    File(String),
    /// A text, and what runs it unless its `#!` line says so.
    Text {
        /// The program that runs it.
        interpreter: Option<String>,
        /// The text.
        contents: String,
    },
}

/// How a program ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// The end of a sentence that begins with its name.
    pub how: String,
    /// Absent where it was killed.
    pub exit_code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Whether more came on a stream than was kept.
    pub cut: bool,
}

/// Why a program was not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It must not be: what to do about it.
    NotGranted(String),
    /// It cannot be: why, as the end of a sentence that begins with its name.
    NotStarted(String),
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Passed,
    /// Otherwise: in which way, in one or several lines.
    Failed(String),
    /// Likewise, and it need not pass.
    Tolerated(String),
    /// It was not run: why.
    Skipped(String),
    /// Nothing is known of what it is about, since it cannot be run as it is: why.
    Broken(String),
}

/// The world.
pub trait Machine {
    /// The testing directory, as programs see it.
    fn home(&self) -> String;

    /// The contents of a file below the testing directory.
    ///
    /// # Errors
    /// See [`Unread`].
    fn read(&mut self, path: &str) -> Result<Vec<u8>, Unread>;

    /// Runs a program to its end.
    ///
    /// # Errors
    /// See [`Refusal`].
    fn run(&mut self, request: &Request) -> Result<Ended, Refusal>;

    /// Begins a test or a batch, inside of the one begun last.
    fn begin(&mut self, name: &str, description: &str);

    /// Ends the one begun last.
    fn end(&mut self, verdict: &Verdict);

    /// Says something that changes nothing.
    fn note(&mut self, line: &str);
}
