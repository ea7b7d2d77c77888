//! `opm history prune`: the journal without what is old; and the same as the settings say, once a day.

use std::path::Path;
use std::time::Duration;

use opkg_engine::clock::{Clock, SystemClock};
use opkg_engine::prune::{Cutoffs, PrunedCounts, prune_journal};
use opkg_oda::{Store, TargetKind};
use opkg_opm::{Config, logs};
use opkg_shell::UsageError;
use serde::Serialize;

use crate::args::PruneArgs;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::view::plural;

/// Between two times that the settings are followed, in milliseconds.
const INTERVAL: i64 = 24 * 3600 * 1000;

/// What `--format json` prints.
#[derive(Serialize)]
struct PruneJson {
    steps: usize,
    /// Of which steps were removed.
    runs: usize,
    /// Files.
    logs: usize,
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// When nobody says what is old, a log cannot be removed, or the database fails.
pub fn run(session: &Session, arguments: &PruneArgs) -> Result<ExitStatus, CliError> {
    let config = Config::load(session.settings_dir())?;
    let (keep, keep_failed) = match arguments.older_than {
        Some(age) => (age, arguments.failed_older_than.unwrap_or(age)),
        None => {
            let unknown = || {
                UsageError::new(
                    "nobody says which steps are old",
                    "name an age, --older-than 1y; or write `keep` below `[journal]` of opm.toml",
                )
            };
            let keep = config.journal.keep.ok_or_else(unknown)?;
            (keep, arguments.failed_older_than.or(config.journal.keep_failed).unwrap_or(keep))
        }
    };
    let mut store = session.open_store()?;
    let (directory, dry_run) = (&config.log_directory, arguments.dry_run);
    let counts = prune(&mut *store, directory, cutoffs(keep, keep_failed), dry_run)?;
    if counts.steps > 0 && !dry_run {
        session.record_command()?;
    }
    let PrunedCounts { steps, runs, logs } = counts;
    if session.shell.is_json() {
        session.shell.print_json(&PruneJson { steps, runs, logs, dry_run })?;
    } else {
        session.shell.status(&match (steps, dry_run) {
            (0, _) => "no step in the journal is that old".to_owned(),
            (_, true) => format!("would be removed: {}", describe(counts)),
            (_, false) => format!("removed: {}", describe(counts)),
        });
    }
    Ok(ExitStatus::Success)
}

/// Does what the settings say, on the head node and at most once a day. What goes wrong is said, and is no fault of whatever
/// else this process does.
pub(super) fn prune_if_due(session: &Session, store: &mut dyn Store) {
    match try_prune_if_due(session, store) {
        Ok(None) => {}
        Ok(Some(counts)) => {
            session.shell.status(&format!("removed from the journal, as it is old: {}", describe(counts)));
        }
        Err(error) => {
            session.shell.eprint(&error.report().to_string());
            session.shell.status("the journal was not pruned");
        }
    }
}

fn try_prune_if_due(session: &Session, store: &mut dyn Store) -> Result<Option<PrunedCounts>, CliError> {
    let config = Config::load(session.settings_dir())?;
    let Some(keep) = config.journal.keep else { return Ok(None) };
    let is_head = match session.local_address()? {
        Some(address) => address.kind == TargetKind::Server,
        None => session.local_target(&store.load_targets()?).is_ok(),
    };
    if !is_head || !store.claim_pruning(SystemClock.now(), INTERVAL)? {
        return Ok(None);
    }
    let keep_failed = config.journal.keep_failed.unwrap_or(keep);
    let counts = prune(store, &config.log_directory, cutoffs(keep, keep_failed), false)?;
    Ok(Some(counts).filter(|counts| counts.steps > 0))
}

fn prune(
    store: &mut dyn Store,
    directory: &Path,
    cutoffs: Cutoffs,
    dry_run: bool,
) -> Result<PrunedCounts, CliError> {
    prune_journal(store, cutoffs, dry_run, |log| {
        let log = Path::new(log);
        match dry_run {
            true => Ok(logs::open_log(directory, log).is_ok()),
            false => logs::remove_log(directory, log)
                .context(format_args!("cannot remove the log {}", log.display())),
        }
    })
}

fn cutoffs(keep: Duration, keep_failed: Duration) -> Cutoffs {
    let now = SystemClock.now();
    let before = |age: Duration| now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    Cutoffs { ended_before: before(keep), failed_before: before(keep_failed) }
}

/// `80 steps of 12 runs, 78 logs`
fn describe(counts: PrunedCounts) -> String {
    let mut text = format!("{} of {}", plural(counts.steps, "step"), plural(counts.runs, "run"));
    if counts.logs > 0 {
        text.push_str(&format!(", {}", plural(counts.logs, "log")));
    }
    text
}
