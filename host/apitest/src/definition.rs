//! What a definition says, once it is read.

use crate::pattern::Pattern;

/// A file with the ending `.apt` or `.apb`.
#[derive(Debug, Clone)]
pub struct Definition {
    /// One line for people; may be empty.
    pub description: String,
    pub body: DefinitionBody,
    /// What is odd about it and changes nothing, a line each.
    pub warnings: Vec<String>,
}

/// What a definition is about.
#[derive(Debug, Clone)]
pub enum DefinitionBody {
    /// `testDef`
    Test(Box<TestDefinition>),
    /// `testBatch`
    Batch(Batch),
}

/// One program, and what must come of it.
#[derive(Debug, Clone)]
pub struct TestDefinition {
    pub command: Command,
    /// The user it runs as, a name or a number; otherwise the caller.
    pub user: Option<String>,
    /// Where it starts; otherwise the testing directory.
    pub directory: Option<String>,
    /// What must come, each of it.
    pub expected: Vec<Expectation>,
    /// Whether all of that must come; otherwise it must not.
    pub must_match: bool,
}

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
        contents: String,
        arguments: Vec<String>,
    },
}

#[derive(Debug, Clone)]
pub enum Expectation {
    /// Of standard output or standard error.
    Stream(Stream, StreamMatch),
    /// The exit status is this number.
    Status(i32),
    /// The exit status, in decimal, matches.
    StatusMatches(Pattern),
}

/// What a program prints to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// What must come on a stream.
#[derive(Debug, Clone)]
pub enum StreamMatch {
    /// Not a single byte.
    Nothing,
    /// This, but for one line end at the end of either.
    Literal(String),
    /// All of it matches.
    Matches(Pattern),
}

/// Several tests.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// In the order of their first mention.
    pub members: Vec<BatchMember>,
}

/// A test of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchMember {
    /// The file that defines it, as it is written.
    pub name: String,
    /// The line of its first mention.
    pub line: u32,
    /// Whether the batch fails with it.
    pub must_pass: bool,
    /// Those that come before it: their position among the members, and how they must have ended.
    pub parents: Vec<(usize, ParentCondition)>,
}

/// How a parent must have ended for its child to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParentCondition {
    Passed,
    Failed,
    Any,
}
