//! The real system, as an engine of this program works on it.

use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use opkg_opm::effects::Effects;
use opkg_opm::system::{Config, Stop, Surroundings, System};
use opkg_opm::testing::Bench;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::opm::session::Session;
use crate::shell::Shell;

/// The system, configured as its administrator decided. From now on a signal to stop ends the run after the present
/// step, and a second one ends that step as well.
///
/// # Errors
/// When the configuration is wrong, or signals cannot be waited for.
pub fn system(session: &Session) -> Result<Box<dyn Effects>> {
    Ok(Box::new(real(session)?))
}

/// The same for tests.
///
/// # Errors
/// Likewise.
pub fn bench(session: &Session) -> Result<Box<dyn Bench>> {
    Ok(Box::new(real(session)?))
}

fn real(session: &Session) -> Result<System> {
    let config = Config::load(session.settings())?;
    let surroundings = Surroundings::new(name(session.database())?);
    stop_on_signals(session.shell, surroundings.stop.clone())?;
    Ok(System::new(config, surroundings))
}

/// A name of the database that holds wherever a program looks from.
fn name(database: &Path) -> Result<String> {
    let path = fs_err::canonicalize(database).context("cannot find the database")?;
    Ok(path.to_string_lossy().into_owned())
}

fn stop_on_signals(shell: Shell, stop: Stop) -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for (count, _) in signals.forever().enumerate() {
            stop.request();
            match count {
                0 => shell
                    .status("asked to stop: the present step is finished first; once more ends it at once"),
                1 => shell.status("asked to stop at once"),
                _ => {}
            }
        }
    })?;
    Ok(())
}
