//! Tests that packages bring: which files define them, and what came of them.
//!
//! They are installed below [`HOME`], those of all packages beside each other; a hook runner knows how they are
//! written.

mod exam;
mod find;
mod tree;

pub use exam::{Audience, Bench, Exam, Examined, Examiner, Subject};
pub use find::{Shelf, before, of_package};
pub use tree::{Counts, Part, Recorder, Verdict};

/// The testing directory, in the root of a target.
pub const HOME: &str = "/usr/lib/oscar/testing";

/// The definitions of all packages, below [`HOME`].
pub const DEFINITIONS: &str = "apitests.d";

/// What each package brings beside these, in a directory of its name, below [`HOME`].
pub const DATA: &str = "data";
