//! `opm purge`: what is left of packages and runs that are gone.

use opkg_engine::clock::{Clock, SystemClock};
use opkg_engine::purge;
use opkg_opm::{Config, logs};
use serde::Serialize;

use crate::args::PurgeArgs;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::view::{self, plural};

/// What `--format json` prints.
#[derive(Serialize)]
struct PurgeJson {
    /// Packages whose configuration was removed.
    packages: Vec<String>,
    values: usize,
    /// Ids of runs.
    runs: Vec<i64>,
    steps: usize,
    /// Files.
    logs: usize,
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// When a log cannot be removed, or the database fails.
pub fn run(session: &Session, arguments: &PurgeArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let cluster = store.load()?;
    let directory = Config::load(session.settings_dir())?.log_directory;
    let age = i64::try_from(arguments.older_than.as_millis()).unwrap_or(i64::MAX);
    let before = SystemClock.now().saturating_sub(age);
    let order = purge::purge_order(&cluster, before);
    // What the rows name goes before them, so that nothing is left that nobody names.
    let planned = store.purge(&order, true)?;
    let old = logs::audit_logs(&directory, before).context("cannot look at the logs of audits")?;
    let all = planned.logs.iter().map(Into::into).chain(old);
    let mut count = 0;
    for log in all {
        let log: std::path::PathBuf = log;
        count += match arguments.dry_run {
            true => usize::from(logs::open_log(&directory, &log).is_ok()),
            false => usize::from(
                logs::remove_log(&directory, &log)
                    .context(format_args!("cannot remove the log {}", log.display()))?,
            ),
        };
    }
    let counts = store.purge(&order, arguments.dry_run)?;
    let document = PurgeJson {
        packages: counts.values.keys().map(|package| view::package_list(&cluster, &[*package])).collect(),
        values: counts.values.values().sum(),
        runs: counts.runs.iter().map(|run| run.0).collect(),
        steps: counts.events,
        logs: count,
        dry_run: arguments.dry_run,
    };
    if session.shell.is_json() {
        session.shell.print_json(&document)?;
        return Ok(ExitStatus::Success);
    }
    session.shell.status(&describe(&document));
    Ok(ExitStatus::Success)
}

/// `removed: 3 values of torque, 12 runs (the newest is 40) with 80 steps, 78 logs`
fn describe(document: &PurgeJson) -> String {
    let mut parts = Vec::new();
    if document.values > 0 {
        parts.push(format!("{} of {}", plural(document.values, "value"), document.packages.join(", ")));
    }
    if let Some(newest) = document.runs.last() {
        parts.push(format!(
            "{} (the newest is {newest}) with {}",
            plural(document.runs.len(), "run"),
            plural(document.steps, "step")
        ));
    }
    if document.logs > 0 {
        parts.push(plural(document.logs, "log"));
    }
    match (parts.is_empty(), document.dry_run) {
        (true, _) => "nothing is left that nobody needs".to_owned(),
        (false, true) => format!("would be removed: {}", parts.join(", ")),
        (false, false) => format!("removed: {}", parts.join(", ")),
    }
}
