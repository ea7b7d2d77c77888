//! Ctrl-C and the like: nothing half-written stays.

use std::io;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::shell::Shell;

/// From now on, a signal to stop removes what is unfinished and ends the program as the signal would have.
///
/// # Errors
/// When signals cannot be waited for.
pub fn clean_up_on_signals(shell: Shell) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            opkg_scratch::discard_unfinished();
            shell.end_progress();
            // The shell sees the signal, not an exit status.
            if signal_hook::low_level::emulate_default_handler(signal).is_err() {
                std::process::exit(128 + signal);
            }
        }
    })?;
    Ok(())
}
