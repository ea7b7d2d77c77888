//! Hooks of packages: what is asked of a runner, and what it may ask of its host meanwhile.
//!
//! See `wit/0.1.0/hook.wit` for what each record means.

mod description;
mod line;
mod runner;

pub use crate::bindings::runner::exports::opkg::plugin::hook::{Call, Failure, Outcome};
pub use crate::bindings::runner::opkg::plugin::cluster::{Target, TargetKind};
pub use crate::bindings::runner::opkg::plugin::files::{Problem, Root};
pub use crate::bindings::runner::opkg::plugin::parts::Verdict;
pub use crate::bindings::runner::opkg::plugin::process::{Ended, Output, Program, Refusal, Request, Text};
use crate::message::Level;
pub use description::{Pattern, RunnerDescription};
pub(crate) use line::Line;
pub use runner::Runner;

/// What the host does for a hook while it runs. Everything that comes in was made up by the hook: paths, names and
/// numbers are to be checked here. What is not allowed is answered, and ends nothing.
pub trait Capabilities {
    /// Takes a line that the hook says: one line, without control characters.
    fn log(&mut self, level: Level, text: &str);

    /// The values of the package's form, in its order.
    fn values(&mut self) -> Vec<(String, Vec<String>)>;

    /// Names of all clients, sorted.
    fn nodes(&mut self) -> Vec<String>;

    /// Names of all images, sorted.
    fn images(&mut self) -> Vec<String>;

    /// Where the package is.
    fn target(&mut self) -> Target;

    /// The contents of a file.
    ///
    /// # Errors
    /// See [`Problem`].
    fn read(&mut self, root: Root, path: &str) -> Result<Vec<u8>, Problem>;

    /// Makes or replaces a file.
    ///
    /// # Errors
    /// See [`Problem`].
    fn write(&mut self, root: Root, path: &str, contents: &[u8], mode: u32) -> Result<(), Problem>;

    /// Removes a file.
    ///
    /// # Errors
    /// See [`Problem`].
    fn remove(&mut self, root: Root, path: &str) -> Result<(), Problem>;

    /// Names in a directory, in order; those of directories end with a slash.
    ///
    /// # Errors
    /// See [`Problem`].
    fn entries(&mut self, root: Root, path: &str) -> Result<Vec<String>, Problem>;

    /// Runs a program to its end. The time that it takes is not that of the hook itself.
    ///
    /// # Errors
    /// See [`Refusal`].
    fn run(&mut self, request: &Request) -> Result<Ended, Refusal>;

    /// Begins a part, inside of the one begun last.
    fn begin(&mut self, name: &str, description: &str);

    /// Ends the part begun last.
    fn end(&mut self, verdict: &Verdict);
}
