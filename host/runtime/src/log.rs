//! What one call of a plugin says: to whom, how much of it, and what it said last.

use std::sync::Arc;

use crate::hook::HostChannel;
use crate::limits::Limits;
use crate::log_message::{LogLevel, LogSink};
use opkg_interface::text;

/// Who gets the messages of one call.
#[derive(Debug)]
pub(crate) enum LogTarget {
    /// Whoever listens to all plugins, and the plugin's name.
    Sink(LogSink, Arc<str>),
    /// Whoever called the hook.
    Channel(HostChannel),
}

impl From<(LogSink, Arc<str>)> for LogTarget {
    fn from((sink, from): (LogSink, Arc<str>)) -> Self {
        Self::Sink(sink, from)
    }
}

impl From<HostChannel> for LogTarget {
    fn from(line: HostChannel) -> Self {
        Self::Channel(line)
    }
}

impl LogTarget {
    fn send(&self, level: LogLevel, text: String) {
        match self {
            Self::Sink(sink, from) => sink.send(from, level, text),
            // Where nobody listens any more, nothing is to be said.
            Self::Channel(line) => line.call(move |it| it.write_log(level, &text)).unwrap_or_default(),
        }
    }
}

/// Takes the messages of one call.
#[derive(Debug)]
pub(crate) struct CallLog {
    listener: LogTarget,
    messages_left: usize,
    max_message_bytes: usize,
    last_error: Option<String>,
}

impl CallLog {
    pub(crate) fn new(listener: impl Into<LogTarget>, limits: &Limits) -> Self {
        let listener = listener.into();
        Self {
            listener,
            messages_left: limits.messages,
            max_message_bytes: limits.message_bytes,
            last_error: None,
        }
    }

    /// What the plugin said last at level error: before a trap, that is why it panicked.
    pub(crate) fn last_error(&mut self) -> Option<String> {
        self.last_error.take()
    }

    /// Takes a message, as one line.
    pub(crate) fn write(&mut self, level: LogLevel, message: &str) {
        self.send(level, text::one_line(text::truncate(message, self.max_message_bytes)));
    }

    /// Takes a line that was printed, with its indentation.
    pub(crate) fn write_output(&mut self, level: LogLevel, line: &str) {
        self.send(level, text::output_line(text::truncate(line, self.max_message_bytes)));
    }

    fn send(&mut self, level: LogLevel, message: String) {
        if message.is_empty() {
            return;
        }
        if level == LogLevel::Error {
            self.last_error = Some(message.trim_start().to_owned());
        }
        match self.messages_left {
            0 => {}
            1 => self.listener.send(LogLevel::Warn, "says too much; the rest is dropped".into()),
            _ => self.listener.send(level, message),
        }
        self.messages_left = self.messages_left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use super::*;
    use crate::log_message::LogMessage;

    #[test]
    fn messages_are_cleaned_cut_and_counted() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = LogSink::new({
            let seen = seen.clone();
            move |message: &LogMessage| seen.lock().unwrap().push(message.text.clone())
        });
        let limits = Limits { messages: 3, message_bytes: 10, ..Limits::default() };
        let mut log = CallLog::new((sink, "demo".into()), &limits);
        log.write(LogLevel::Info, "a\u{1b}[31m\nb");
        log.write(LogLevel::Error, "much longer than ten");
        for _ in 0..5 {
            log.write(LogLevel::Error, "third");
        }
        assert_eq!(*seen.lock().unwrap(), ["a [31m b", "much longe", "says too much; the rest is dropped"]);
        assert_eq!(log.last_error().as_deref(), Some("third"), "also of what was dropped");
    }
}
