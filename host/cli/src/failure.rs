//! Every error of the libraries, turned into what a user reads: what happened, and what to do next.

use std::io;

use opkg_runtime::{GenerateError, LoadError};

use crate::exit::Exit;
use crate::shell::Shell;

/// The command line asks for something that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UsageError {
    message: String,
    help: String,
}

impl UsageError {
    /// What is wrong, and what to do.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }

    /// What to do.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.help
    }
}

/// Says what went wrong and how the program ends.
pub fn report(shell: Shell, error: &anyhow::Error) -> Exit {
    if is_broken_pipe(error) {
        return Exit::Done;
    }
    shell.message(&explain(error));
    if error.is::<UsageError>() { Exit::Usage } else { Exit::Failed }
}

/// Whether somebody closed our output: then they have read enough.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|it| io_kind(it) == Some(io::ErrorKind::BrokenPipe))
}

/// `error: …`, and its causes.
pub fn causes(error: &anyhow::Error) -> String {
    let causes = error.chain().skip(1).map(|cause| format!("\n  because: {cause}"));
    std::iter::once(format!("error: {error}")).chain(causes).collect()
}

/// `error: …`, its causes, and a hint.
pub fn explain(error: &anyhow::Error) -> String {
    let mut text = causes(error);
    if let Some(opkg_package::Error::Program { last_lines, .. }) = error.downcast_ref() {
        for line in last_lines {
            text.push_str("\n    | ");
            text.extend(line.chars().filter(|it| !it.is_control() || *it == '\t'));
        }
    }
    if let Some(help) = help(error) {
        text.push_str(&format!("\n  help: {help}"));
    }
    text
}

fn help(error: &anyhow::Error) -> Option<String> {
    if let Some(usage) = error.downcast_ref::<UsageError>() {
        return Some(usage.help.clone());
    }
    if let Some(error) = error.downcast_ref::<LoadError>() {
        return error.help();
    }
    if let Some(error) = error.downcast_ref::<GenerateError>() {
        return match error {
            GenerateError::Broken(error) => error.help(),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<opkg_package::Error>() {
        use opkg_package::Error;
        return match error {
            Error::Changed(_) => Some("run it again when nobody writes to the OPKG".into()),
            Error::UnknownFile(_) | Error::Unpackable(_) => Some("tell the authors of the plugin".into()),
            Error::TooLarge(_) => {
                Some("give large files a package of their own, or fetch them when they are needed".into())
            }
            Error::Unsigned(_) => Some("look whether `gpg` can sign with that key".into()),
            Error::MissingProgram { .. } => {
                Some("install it, or leave out --builder: opkgc makes the same packages itself".into())
            }
            Error::Program { .. } => Some("-v shows everything that it prints".into()),
            Error::MissingResult(_) => Some("-v shows what the native build prints".into()),
            Error::Unindexable { .. } => {
                Some("move it out of the directory, or build it anew; the earlier index is untouched".into())
            }
            Error::NothingToIndex(_) => Some("leave out --repo for this target".into()),
            Error::Io(error) => io_help(error.kind()),
        };
    }
    if let Some(opkg_inspect::Error::Unlike(..)) = error.downcast_ref() {
        return Some("name two files or two directories".into());
    }
    if let Some(error) = error.downcast_ref::<opkg_package::KeyError>() {
        return Some(error.help().into());
    }
    if let Some(help) = error.downcast_ref::<opkg_convert::Error>().and_then(opkg_convert::Error::help) {
        return Some(help.into());
    }
    error.chain().find_map(io_kind).and_then(io_help)
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    error.downcast_ref::<io::Error>().map(io::Error::kind)
}

fn io_help(kind: io::ErrorKind) -> Option<String> {
    let help = match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "nothing was left behind; make room, or name another place with --output"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "name a directory that you may write to with --output"
        }
        io::ErrorKind::NotADirectory => "a file stands where a directory is needed; name another --output",
        _ => return None,
    };
    Some(help.into())
}
