//! Ctrl-C and the like: nothing half-written stays.

use std::io;

use opkg_shell::{Shell, signals};

/// From now on, a signal to stop removes what is unfinished and ends the program as the signal would have.
///
/// # Errors
/// When signals cannot be waited for.
pub fn clean_up_on_signals(shell: Shell) -> io::Result<()> {
    signals::handle_stop_signals(move |signal| {
        opkg_scratch::remove_all_on_exit();
        shell.clear_progress();
        signals::exit_by_signal(signal)
    })
}
