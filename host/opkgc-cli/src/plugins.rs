//! What all commands that use plugins have in common.

use std::path::PathBuf;

use opkg_interface::DistributionRelease;
use opkg_runtime::{
    LoadError, LoadErrorKind, LogLevel, LogSink, Origin, PluginKind, Registry, RegistryEntry, RuntimeOptions,
};
use opkg_shell::Shell;

use crate::errors::CliError;

/// What the environment says, and the plugins named on the command line. What plugins report is shown as the
/// verbosity wants it.
#[must_use]
pub fn runtime_options(shell: Shell, files: &[PathBuf]) -> RuntimeOptions {
    let log = LogSink::new(move |message| {
        let line = format!("{}: {}", message.origin, message.text);
        match message.level {
            // What takes long is not told to those who only read the output later.
            _ if message.is_progress && shell.is_progress_enabled() => shell.status(&message.text),
            // An error is shown by whoever the call fails for.
            LogLevel::Warn => shell.status(&line),
            _ => shell.debug(&line),
        }
    });
    RuntimeOptions { plugin_files: files.to_vec(), log, ..RuntimeOptions::for_program() }
}

/// Finds all plugins, to be compiled on so many threads. One that does not work is reported; if it was named on the
/// command line, it is an error, as is one that makes no packages.
///
/// # Errors
/// A named plugin does not work, or runs hooks.
pub fn discover_plugins(
    shell: Shell,
    files: &[PathBuf],
    threads: Option<usize>,
) -> Result<Registry, CliError> {
    let registry = discover_all_kinds(shell, files, threads)?;
    // Hooks are run by `opm`, and by `opkgc hook`.
    let named = registry.entries().iter().filter(|entry| entry.origin() == Origin::Named);
    if let Some(path) = named.filter(|entry| entry.hook_runner().is_some()).find_map(RegistryEntry::path) {
        let kind =
            LoadErrorKind::WrongKind { found: PluginKind::HookRunner, wanted: PluginKind::Distribution };
        let error = LoadError { plugin: path.display().to_string(), kind };
        return Err(CliError::unusable_plugin(&error, error.help().unwrap_or_default()));
    }
    Ok(registry)
}

/// The same, where plugins that run hooks are welcome as well.
///
/// # Errors
/// A named plugin does not work.
pub fn discover_all_kinds(
    shell: Shell,
    files: &[PathBuf],
    threads: Option<usize>,
) -> Result<Registry, CliError> {
    let registry = Registry::discover(RuntimeOptions { threads, ..runtime_options(shell, files) });
    for (entry, error) in registry.load_errors() {
        let help = error.help().unwrap_or_else(|| "`opkgc plugin list` shows all plugins".into());
        if entry.origin() == Origin::Named {
            return Err(CliError::unusable_plugin(error, help));
        }
        shell.status(&format!("warning: {error}; it is not used\n  help: {help}"));
    }
    Ok(registry)
}

/// `12 (bookworm), the default`
#[must_use]
pub fn format_release(release: &DistributionRelease) -> String {
    let name = release.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let default = if release.is_default { ", the default" } else { "" };
    format!("{}{name}{default}", release.version)
}
