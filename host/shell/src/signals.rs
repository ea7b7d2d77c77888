//! Signals that ask a program to stop: SIGHUP, SIGINT, SIGTERM.

use std::io;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// From now on, every such signal is handed to `handle`, on a thread of its own, instead of ending the program.
///
/// # Errors
/// When signals cannot be waited for.
pub fn handle_stop_signals(mut handle: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || signals.forever().for_each(&mut handle))?;
    Ok(())
}

/// Ends the program as the signal would have: its parent sees the signal, not an exit status.
pub fn exit_by_signal(signal: i32) -> ! {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal)
}
