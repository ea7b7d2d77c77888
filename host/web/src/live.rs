//! Telling browsers that something has changed, as a stream of events. What it is they fetch themselves.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use http::StatusCode;

use crate::pages::refusal;
use crate::reply::{Origin, begin_events};
use crate::site::Site;

/// Between two looks at the database, while anybody listens.
const PAUSE: Duration = Duration::from_millis(300);
/// After so long without an event one is sent that means nothing, to see whether anybody is still there.
const QUIET: Duration = Duration::from_secs(15);
/// Browsers that listen at a time, so that others can still be answered.
const LISTENERS: usize = 40;

/// Everybody who listens.
#[derive(Debug, Default)]
pub struct Live {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the newest state of the cluster.
    number: u64,
    listeners: usize,
    is_over: bool,
}

impl Live {
    /// Looks whether something has changed, until it is over.
    pub fn watch(&self, site: &Site) {
        loop {
            let mut state = self.state();
            while state.listeners == 0 && !state.is_over {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.is_over {
                return;
            }
            drop(state);
            let number = site.number();
            let mut state = self.state();
            if std::mem::replace(&mut state.number, number) != number {
                self.changed.notify_all();
            }
            drop(state);
            thread::sleep(PAUSE);
        }
    }

    /// Nobody is told anything any longer.
    pub fn end(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// Tells one browser the number of the newest state, and again whenever there is another one, for as long as it
    /// listens.
    pub fn tell(&self, site: &Site, to: &mut TcpStream, origin: &Origin) {
        let mut state = self.state();
        if state.listeners >= LISTENERS {
            drop(state);
            let what = "Too many pages are open that follow what changes.";
            let full = refusal(StatusCode::SERVICE_UNAVAILABLE, what, "Close some of them.");
            // Whoever does not take it is not told.
            let _ = full.send(to, origin, true);
            return;
        }
        state.listeners += 1;
        drop(state);
        self.changed.notify_all();
        // The newest state may be newer than what was last looked at.
        let mut told = site.number();
        let mut next = format!("retry: 2000\nevent: state\ndata: {told}\n\n");
        let mut begun = begin_events(to, origin);
        while begun.is_ok() {
            begun = to.write_all(next.as_bytes());
            let waits = |it: &mut State| it.number <= told && !it.is_over;
            let waited = self.changed.wait_timeout_while(self.state(), QUIET, waits);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.is_over {
                break;
            }
            next = if state.number > told {
                told = state.number;
                format!("event: state\ndata: {told}\n\n")
            } else {
                ": still here\n\n".to_owned()
            };
        }
        self.state().listeners -= 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
