//! Tells browsers that something has changed, as a stream of server-sent events. They fetch the page themselves.

use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use http::StatusCode;

use crate::app_state::AppState;
use crate::bare_error::bare_error_page;
use crate::response::{Origin, start_event_stream};
use crate::stream::Stream;

/// Between two checks of the database, while there are subscribers.
const POLL_INTERVAL: Duration = Duration::from_millis(300);
/// After so long without an event a comment is sent, to notice when the browser is gone.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Below the limit of connections, so that other requests can still be answered.
const MAX_SUBSCRIBERS: usize = 40;

#[derive(Debug, Default)]
pub struct EventBroadcaster {
    state: Mutex<BroadcastState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct BroadcastState {
    /// As [`AppState::state_version`].
    version: u64,
    subscribers: usize,
    is_closed: bool,
}

impl EventBroadcaster {
    /// Checks for changes until [`Self::close`] is called.
    pub fn poll_changes(&self, app: &AppState) {
        loop {
            let mut state = self.lock();
            while state.subscribers == 0 && !state.is_closed {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.is_closed {
                return;
            }
            drop(state);
            let version = app.state_version();
            let mut state = self.lock();
            if std::mem::replace(&mut state.version, version) != version {
                self.changed.notify_all();
            }
            drop(state);
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Ends all streams.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Sends one browser the version of the newest state, and again whenever it changes, until the connection ends.
    pub fn stream_to(&self, app: &AppState, to: &mut Stream, origin: &Origin) {
        let mut state = self.lock();
        if state.subscribers >= MAX_SUBSCRIBERS {
            drop(state);
            let message = "Too many pages are open that follow what changes.";
            let full = bare_error_page(StatusCode::SERVICE_UNAVAILABLE, message, "Close some of them.");
            // A browser that is gone needs no answer.
            let _ = full.send(to, origin, true);
            return;
        }
        state.subscribers += 1;
        drop(state);
        self.changed.notify_all();
        // The newest state may be newer than that of the last check.
        let mut sent_version = app.state_version();
        let mut message = format!("retry: 2000\nevent: state\ndata: {sent_version}\n\n");
        let mut written = start_event_stream(to, origin);
        while written.is_ok() {
            written = to.write_all(message.as_bytes());
            let is_unchanged = |state: &mut BroadcastState| state.version <= sent_version && !state.is_closed;
            let waited = self.changed.wait_timeout_while(self.lock(), KEEPALIVE_INTERVAL, is_unchanged);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.is_closed {
                break;
            }
            message = if state.version > sent_version {
                sent_version = state.version;
                format!("event: state\ndata: {sent_version}\n\n")
            } else {
                ": still here\n\n".to_owned()
            };
        }
        self.lock().subscribers -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, BroadcastState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
