//! The real system as the backend of the engine and of the tests.

use std::io;

use opkg_database::Location;
use opkg_engine::effects::Effects;
use opkg_engine::engine::Concurrency;
use opkg_engine::testing::TestBackend;
use opkg_opm::{Config, JobCount, Launcher, StopToken, System, SystemOptions};
use opkg_runtime::{LogLevel, LogSink};
use opkg_shell::{Shell, signals};

use crate::errors::{CliError, Context};
use crate::session::Session;

/// The system, configured as its administrator decided. From now on a signal to stop ends the run after the steps
/// that are at work, and a second one ends these as well.
///
/// # Errors
/// When the configuration is wrong, or signals cannot be waited for.
pub fn create_effects(session: &Session) -> Result<Box<dyn Effects>, CliError> {
    Ok(Box::new(create_system(session)?))
}

/// What a run works with.
pub struct RunBackend {
    /// Does the steps.
    pub effects: Box<dyn Effects>,
    /// How many of them at a time.
    pub concurrency: Concurrency,
    /// Starts engines on nodes, where the administrator has configured that.
    pub launcher: Option<Launcher>,
}

/// The same system for a run, with the limits on its steps; `jobs` comes before what is configured.
///
/// # Errors
/// When the configuration is wrong, or signals cannot be waited for.
pub fn create_run_backend(session: &Session, jobs: Option<JobCount>) -> Result<RunBackend, CliError> {
    let (config, options) = read_options(session)?;
    stop_on_signals(session.shell, options.stop.clone())?;
    Ok(run_backend(config, options, jobs))
}

/// The same for a run of `opm watch`, where signals are waited for already.
///
/// # Errors
/// When the configuration is wrong.
pub fn create_watch_backend(
    session: &Session,
    stop: StopToken,
    jobs: Option<JobCount>,
) -> Result<RunBackend, CliError> {
    let (config, options) = read_options(session)?;
    Ok(run_backend(config, SystemOptions { stop, ..options }, jobs))
}

fn run_backend(config: Config, options: SystemOptions, jobs: Option<JobCount>) -> RunBackend {
    let concurrency = config.concurrency(jobs);
    let launcher = Launcher::new(&config, &options);
    RunBackend { effects: Box::new(System::new(config, options)), concurrency, launcher }
}

/// The same system, for running tests.
pub fn create_test_backend(session: &Session) -> Result<Box<dyn TestBackend>, CliError> {
    Ok(Box::new(create_system(session)?))
}

/// The same system, for questions that change nothing. A signal to stop ends the answer at once.
///
/// # Errors
/// When the configuration is wrong, or signals cannot be waited for.
pub fn create_reader(session: &Session) -> Result<System, CliError> {
    let (config, options) = read_options(session)?;
    let stop = options.stop.clone();
    signals::handle_stop_signals(move |_| {
        // Twice: nothing is waited for.
        stop.request();
        stop.request();
    })?;
    Ok(System::new(config, options))
}

fn create_system(session: &Session) -> Result<System, CliError> {
    let (config, options) = read_options(session)?;
    stop_on_signals(session.shell, options.stop.clone())?;
    Ok(System::new(config, options))
}

fn read_options(session: &Session) -> Result<(Config, SystemOptions), CliError> {
    let config = Config::load(session.settings_dir())?;
    let mut options = SystemOptions::new(canonical_database_name(&session.database()?)?);
    options.plugin_options.log = log_sink(session.shell);
    Ok((config, options))
}

/// Shows what plugins say as the verbosity wants it.
pub fn log_sink(shell: Shell) -> LogSink {
    LogSink::new(move |message| {
        let line = format!("{}: {}", message.origin, message.text);
        match message.level {
            // What takes long is not told to those who only read the output later.
            _ if message.is_progress && shell.is_progress_enabled() => shell.status(&message.text),
            LogLevel::Warn => shell.status(&line),
            _ => shell.debug(&line),
        }
    })
}

/// A name of the database that holds wherever a program looks from.
fn canonical_database_name(database: &Location) -> Result<String, CliError> {
    let Some(file) = database.file() else { return Ok(database.to_string()) };
    let path = fs_err::canonicalize(file).context("cannot find the database")?;
    Ok(path.to_string_lossy().into_owned())
}

/// From now on a signal to stop asks for the end of the run after the steps that are at work, and a second one for that of
/// these as well.
///
/// # Errors
/// When signals cannot be waited for.
pub fn stop_on_signals(shell: Shell, stop: StopToken) -> io::Result<()> {
    let mut count = 0;
    signals::handle_stop_signals(move |_| {
        stop.request();
        count += 1;
        match count {
            1 => {
                shell.status("stopping after the current step; repeat to stop immediately");
            }
            2 => shell.status("stopping immediately"),
            _ => {}
        }
    })
}
