//! What a definition says, once it is read.

use crate::pattern::Pattern;

/// A file with the ending `.apt` or `.apb`.
#[derive(Debug, Clone)]
pub struct Definition {
    /// One line for people; may be empty.
    pub description: String,
    /// What is to be done.
    pub body: Body,
    /// What is odd about it and changes nothing, a line each.
    pub findings: Vec<String>,
}

/// What a definition is about.
#[derive(Debug, Clone)]
pub enum Body {
    /// `testDef`
    Test(Box<Test>),
    /// `testBatch`
    Batch(Batch),
}

/// One program, and what must come of it.
#[derive(Debug, Clone)]
pub struct Test {
    /// What is run.
    pub command: Command,
    /// The user it runs as, a name or a number; otherwise the caller.
    pub user: Option<String>,
    /// Where it starts; otherwise the testing directory.
    pub directory: Option<String>,
    /// What must come, each of it.
    pub expected: Vec<Expected>,
    /// Whether all of that must come; otherwise it must not.
    pub must_match: bool,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A program with its arguments. A path with `/` that is not absolute is below the testing directory, a name
    /// without is one in `$PATH`.
    Words(Vec<String>),
    /// An interpreter with its own arguments, and a file below the testing directory with those for it.
    Interpreted {
        /// The program and what it is given before the file.
        interpreter: Vec<String>,
        /// The file and what follows.
        words: Vec<String>,
    },
    /// A text that is a program.
    Text {
        /// What runs it, unless its `#!` line says so.
        interpreter: Option<String>,
        /// The program.
        contents: String,
        /// What it is given.
        arguments: Vec<String>,
    },
}

/// One condition.
#[derive(Debug, Clone)]
pub enum Expected {
    /// Of standard output or standard error.
    Stream(Stream, Match),
    /// The exit status is this number.
    Status(i32),
    /// The exit status, in decimal, matches.
    StatusLike(Pattern),
}

/// What a program prints to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What must come on a stream.
#[derive(Debug, Clone)]
pub enum Match {
    /// Not a single byte.
    Nothing,
    /// This, but for one line end at the end of either.
    Literal(String),
    /// All of it matches.
    Like(Pattern),
}

/// Several tests.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// In the order of their first mention.
    pub members: Vec<Member>,
}

/// A test of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The file that defines it, as it is written.
    pub name: String,
    /// The line of its first mention.
    pub line: u32,
    /// Whether the batch fails with it.
    pub must_pass: bool,
    /// Those that come before it: their position among the members, and how they must have ended.
    pub parents: Vec<(usize, Condition)>,
}

/// How a parent must have ended for its child to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Passed.
    Passed,
    /// Not passed.
    Failed,
    /// In any way.
    Ended,
}
