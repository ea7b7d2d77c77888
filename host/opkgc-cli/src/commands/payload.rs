//! `opkgc payload`: what OPKGs take of others, noted and fetched.

use std::path::Path;
use std::time::{Duration, Instant};

use opkg::Settings;
use opkg::diagnostic::Severity;
use opkg::digest::hex;
use opkg::model::Payload;
use opkg_fetch::{Fetcher, Timeouts};
use opkg_payload::{Destination, FetchedSource, Fetching, PayloadStore, SourceOutcome, fetch, lock};
use opkg_shell::{Shell, UsageError, diagnostics};
use serde::Serialize;

use crate::args::{PayloadCommand, PayloadFetchArgs, PayloadLockArgs};
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::interrupt;

const USER_AGENT: &str = concat!("opkgc/", env!("CARGO_PKG_VERSION"));

/// Between two changes of the line that says how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// What became of the sources of one OPKG, as `--format json` prints it.
#[derive(Serialize)]
struct PayloadsJson {
    directory: String,
    sources: Vec<SourceJson>,
}

#[derive(Serialize)]
struct SourceJson {
    source: String,
    size: u64,
    sha256: String,
    outcome: &'static str,
}

/// Runs the command.
///
/// # Errors
/// At the first OPKG whose payloads cannot be noted or fetched.
pub fn run(shell: Shell, command: &PayloadCommand) -> Result<ExitStatus, CliError> {
    interrupt::clean_up_on_signals(shell).context("cannot wait for signals")?;
    let (directories, store) = match command {
        PayloadCommand::Lock(arguments) => (&arguments.directories, PayloadStore::from_env(Vec::new())),
        PayloadCommand::Fetch(PayloadFetchArgs { directories, payload_dir, .. }) => {
            (directories, PayloadStore::from_env(payload_dir.payload_directories.clone()))
        }
    };
    let destination = match command {
        PayloadCommand::Fetch(PayloadFetchArgs { vendor: true, .. }) => Destination::Opkg,
        PayloadCommand::Fetch(PayloadFetchArgs { to: Some(directory), .. }) => {
            Destination::Directory(directory.clone())
        }
        _ => Destination::Cache,
    };
    let fetcher = Fetcher::new(USER_AGENT, Timeouts::default());
    let fetching = Fetching { fetcher: &fetcher, store: &store, destination };
    let mut reports = Vec::new();
    for directory in directories {
        let payloads = read_payloads(shell, directory)?;
        let mut progress = progress_line(shell);
        let sources = match command {
            PayloadCommand::Lock(PayloadLockArgs { update, .. }) => {
                lock(directory, &payloads, &fetching, *update, &mut progress)
            }
            PayloadCommand::Fetch(_) => fetch(directory, &payloads, &fetching, &mut progress),
        };
        shell.clear_progress();
        let what = if matches!(command, PayloadCommand::Lock(_)) { "locked" } else { "fetched" };
        let sources =
            sources.context(format_args!("the payloads of {} cannot be {what}", directory.display()))?;
        if shell.is_json() {
            reports.push(PayloadsJson {
                directory: directory.to_string_lossy().into_owned(),
                sources: sources.iter().map(source_json).collect(),
            });
        } else {
            show(shell, directory, &sources)?;
        }
    }
    if shell.is_json() {
        shell.print_json(&reports)?;
    }
    Ok(ExitStatus::Success)
}

/// The payloads of an OPKG whose `config.xml` has no errors.
fn read_payloads(shell: Shell, directory: &Path) -> Result<Vec<Payload>, CliError> {
    let loaded = opkg::load_config(directory, &Settings::default());
    let Some(opkg) = loaded.opkg else {
        let errors: Vec<_> =
            loaded.diagnostics.into_iter().filter(|it| it.severity == Severity::Error).collect();
        let renderer = shell.renderer(false);
        let text = diagnostics::render_diagnostics(&renderer, directory, loaded.source.as_ref(), &errors);
        shell.eprint(text.trim_end());
        let message = format!("the config.xml of {} has errors", directory.display());
        let help = format!("`opkgc check {}` shows all that is wrong with it", directory.display());
        return Err(UsageError::new(message, help).into());
    };
    Ok(opkg.payloads.clone())
}

/// Shows how much of a source has come, on the last line of a terminal.
fn progress_line(shell: Shell) -> impl FnMut(&str, u64, Option<u64>) {
    let mut last: Option<Instant> = None;
    move |source, received, total| {
        let is_due = last.is_none_or(|last| last.elapsed() >= PROGRESS_INTERVAL);
        if shell.is_progress_enabled() && is_due {
            last = Some(Instant::now());
            let total = total.map_or_else(String::new, |total| format!(" of {}", mebibytes(total)));
            let name = source.rsplit('/').next().unwrap_or(source);
            shell.set_progress(&format!("{}{total}  {}", mebibytes(received), opkg::escape_hidden(name)));
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20)
}

fn outcome_word(outcome: SourceOutcome) -> &'static str {
    match outcome {
        SourceOutcome::Kept => "kept",
        SourceOutcome::Locked => "locked",
        SourceOutcome::Changed => "changed",
        SourceOutcome::Dropped => "dropped",
        SourceOutcome::Present => "present",
        SourceOutcome::Fetched => "fetched",
    }
}

fn source_json(fetched: &FetchedSource) -> SourceJson {
    let digest = fetched.source.digest;
    SourceJson {
        source: fetched.source.source.clone(),
        size: digest.size,
        sha256: hex(&digest.sha256),
        outcome: outcome_word(fetched.outcome),
    }
}

/// A line for each source, to be compared with what its makers say of it.
fn show(shell: Shell, directory: &Path, sources: &[FetchedSource]) -> Result<(), CliError> {
    for fetched in sources {
        let SourceJson { source, size, sha256, outcome } = source_json(fetched);
        let source = opkg::escape_hidden(&source).to_string();
        shell.print(&format!("{outcome}: {source}\n"))?;
        if !shell.is_quiet() {
            shell.print(&format!("  {size} bytes, SHA-256 {sha256}\n"))?;
        }
    }
    if sources.is_empty() {
        shell.status(&format!("{} takes nothing that would have to be locked", directory.display()));
    }
    Ok(())
}
