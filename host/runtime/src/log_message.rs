//! What plugins say while they run.

use std::fmt;
use std::sync::Arc;

use crate::bindings::{v0_1, v1};

/// How important a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMessage {
    /// Id of the plugin that said it, or `cache`.
    pub origin: String,
    /// As the plugin chose it.
    pub level: LogLevel,
    /// One line, without control characters.
    pub text: String,
    /// Whether somebody who waits wants to read it: what has just begun takes several seconds.
    pub is_progress: bool,
}

/// Who gets the messages. Called from whichever thread runs the plugin.
#[derive(Clone)]
pub struct LogSink(Arc<dyn Fn(&LogMessage) + Send + Sync>);

impl LogSink {
    /// Hands every message to `listener`.
    pub fn new(listener: impl Fn(&LogMessage) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(crate) fn send(&self, from: &str, level: LogLevel, text: String) {
        (self.0)(&LogMessage { origin: from.to_owned(), level, text, is_progress: false });
    }

    /// Says what has just begun and takes long.
    pub(crate) fn send_progress(&self, from: &str, text: String) {
        (self.0)(&LogMessage { origin: from.to_owned(), level: LogLevel::Info, text, is_progress: true });
    }
}

impl Default for LogSink {
    /// Drops all messages.
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

macro_rules! levels {
    ($($version:ident),*) => {$(
        impl From<$version::opkg::plugin::log::Level> for LogLevel {
            fn from(level: $version::opkg::plugin::log::Level) -> Self {
                use $version::opkg::plugin::log::Level;
                match level {
                    Level::Error => Self::Error,
                    Level::Warn => Self::Warn,
                    Level::Info => Self::Info,
                    Level::Debug => Self::Debug,
                    Level::Trace => Self::Trace,
                }
            }
        }
    )*};
}

levels!(v0_1, v1);
