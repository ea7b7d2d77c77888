//! What all commands that use plugins have in common.

use std::path::PathBuf;

use opkg_runtime::{Level, Options, Origin, Registry, Release, Sink};

use crate::failure::UsageError;
use crate::shell::Shell;

/// What the environment says, and the plugins named on the command line. What plugins report is shown as the
/// verbosity wants it.
#[must_use]
pub fn options(shell: Shell, files: &[PathBuf]) -> Options {
    let log = Sink::new(move |message| {
        let line = format!("{}: {}", message.from, message.text);
        match message.level {
            // An error is shown by whoever the call fails for.
            Level::Warn => shell.status(&line),
            _ => shell.detail(&line),
        }
    });
    Options { plugin_files: files.to_vec(), log, ..Options::from_env() }
}

/// Finds all plugins, to be compiled on so many threads. One that does not work is told about, and is an error if it was named on the command
/// line.
///
/// # Errors
/// A named plugin does not work.
pub fn discover(shell: Shell, files: &[PathBuf], threads: Option<usize>) -> Result<Registry, UsageError> {
    let registry = Registry::discover(Options { threads, ..options(shell, files) });
    for (entry, error) in registry.broken() {
        let help = error.help().unwrap_or_else(|| "`opkgc plugin list` shows all plugins".into());
        if entry.origin() == Origin::Named {
            return Err(UsageError::new(error.to_string(), help));
        }
        shell.status(&format!("warning: {error}; it is not used\n  help: {help}"));
    }
    Ok(registry)
}

/// `12 (bookworm), the default`
#[must_use]
pub fn release(release: &Release) -> String {
    let name = release.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let default = if release.is_default { ", the default" } else { "" };
    format!("{}{name}{default}", release.version)
}
