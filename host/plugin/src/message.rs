//! What plugins say while they run.

use std::fmt;
use std::sync::Arc;

use crate::bindings::opkg::plugin::log as wit;

/// How important a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Id of the plugin that said it, or `cache`.
    pub from: String,
    /// How important it is.
    pub level: Level,
    /// One line, without control characters.
    pub text: String,
}

/// Who gets the messages. Called from whichever thread runs the plugin.
#[derive(Clone)]
pub struct Sink(Arc<dyn Fn(&Message) + Send + Sync>);

impl Sink {
    /// Hands every message to `listener`.
    pub fn new(listener: impl Fn(&Message) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(crate) fn send(&self, from: &str, level: Level, text: String) {
        (self.0)(&Message { from: from.to_owned(), level, text });
    }
}

impl Default for Sink {
    /// Drops them.
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

impl From<wit::Level> for Level {
    fn from(level: wit::Level) -> Self {
        match level {
            wit::Level::Error => Self::Error,
            wit::Level::Warn => Self::Warn,
            wit::Level::Info => Self::Info,
            wit::Level::Debug => Self::Debug,
            wit::Level::Trace => Self::Trace,
        }
    }
}
