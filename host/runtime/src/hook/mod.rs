//! Hooks of packages: what is asked of a runner, and what it may ask of its host meanwhile.
//!
//! See `wit/1.0.0/hook.wit` for what each record means.

#[macro_use]
mod runner_version;

mod description;
mod host_channel;
mod runner;
mod v0_1;
mod v1;

// Some names mean more here than in their interface of `wit/`.
pub use crate::bindings::v1::hook_runner::exports::opkg::plugin::hook::{
    Call, HookFailure as Failure, Outcome,
};
pub use crate::bindings::v1::hook_runner::opkg::plugin::cluster::{Target, TargetKind};
pub use crate::bindings::v1::hook_runner::opkg::plugin::files::{Problem as FileError, Root};
pub use crate::bindings::v1::hook_runner::opkg::plugin::parts::Verdict as PartOutcome;
pub use crate::bindings::v1::hook_runner::opkg::plugin::process::{
    Ended as ProgramResult, Output, Program, Refusal as SpawnError, Request, Text,
};
use crate::log_message::LogLevel;
pub use description::{FilePattern, RunnerDescription};
pub(crate) use host_channel::HostChannel;
pub use runner::Runner;
pub(crate) use runner::RunnerCalls;

/// What the host does for a hook while it runs. Everything that comes in was made up by the hook: paths, names and
/// numbers are to be checked here. What is not allowed is answered, and ends nothing.
pub trait HostFunctions {
    /// Takes a line that the hook says: one line, without control characters.
    fn write_log(&mut self, level: LogLevel, text: &str);

    /// The values of the package's form, in its order.
    fn form_values(&mut self) -> Vec<(String, Vec<String>)>;

    /// Names of all clients, sorted.
    fn client_names(&mut self) -> Vec<String>;

    /// Names of all images, sorted.
    fn image_names(&mut self) -> Vec<String>;

    /// Where the package is.
    fn target(&mut self) -> Target;

    /// The contents of a file.
    ///
    /// # Errors
    /// See [`FileError`].
    fn read_file(&mut self, root: Root, path: &str) -> Result<Vec<u8>, FileError>;

    /// Makes or replaces a file.
    ///
    /// # Errors
    /// See [`FileError`].
    fn write_file(&mut self, root: Root, path: &str, contents: &[u8], mode: u32) -> Result<(), FileError>;

    /// Removes a file.
    ///
    /// # Errors
    /// See [`FileError`].
    fn remove_file(&mut self, root: Root, path: &str) -> Result<(), FileError>;

    /// Names in a directory, in order; those of directories end with a slash.
    ///
    /// # Errors
    /// See [`FileError`].
    fn list_directory(&mut self, root: Root, path: &str) -> Result<Vec<String>, FileError>;

    /// Runs a program to its end. The time that it takes is not that of the hook itself.
    ///
    /// # Errors
    /// See [`SpawnError`].
    fn run_program(&mut self, request: &Request) -> Result<ProgramResult, SpawnError>;

    /// Begins a part, inside of the one begun last.
    fn begin_part(&mut self, name: &str, description: &str);

    /// Ends the part begun last.
    fn end_part(&mut self, verdict: &PartOutcome);
}
