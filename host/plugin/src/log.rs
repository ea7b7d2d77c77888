//! What one call of a plugin says: to whom, how much of it, and what it said last.

use std::sync::Arc;

use crate::hook::Line;
use crate::limits::Limits;
use crate::message::{Level, Sink};
use crate::text;

/// Who gets the messages of one call.
#[derive(Debug)]
pub(crate) enum Listener {
    /// Whoever listens to all plugins, and the plugin's name.
    Sink(Sink, Arc<str>),
    /// Whoever called the hook.
    Line(Line),
}

impl From<(Sink, Arc<str>)> for Listener {
    fn from((sink, from): (Sink, Arc<str>)) -> Self {
        Self::Sink(sink, from)
    }
}

impl From<Line> for Listener {
    fn from(line: Line) -> Self {
        Self::Line(line)
    }
}

impl Listener {
    fn send(&self, level: Level, text: String) {
        match self {
            Self::Sink(sink, from) => sink.send(from, level, text),
            // Where nobody listens any more, nothing is to be said.
            Self::Line(line) => line.ask(move |it| it.log(level, &text)).unwrap_or_default(),
        }
    }
}

/// Takes the messages of one call.
#[derive(Debug)]
pub(crate) struct Log {
    listener: Listener,
    left: usize,
    longest: usize,
    last_error: Option<String>,
}

impl Log {
    pub(crate) fn new(listener: impl Into<Listener>, limits: &Limits) -> Self {
        let listener = listener.into();
        Self { listener, left: limits.messages, longest: limits.message, last_error: None }
    }

    /// What the plugin said last at level error: before a trap, that is why it panicked.
    pub(crate) fn last_error(&mut self) -> Option<String> {
        self.last_error.take()
    }

    pub(crate) fn write(&mut self, level: Level, message: &str) {
        let message = text::one_line(text::cut(message, self.longest));
        if message.is_empty() {
            return;
        }
        if level == Level::Error {
            self.last_error = Some(message.clone());
        }
        match self.left {
            0 => {}
            1 => self.listener.send(Level::Warn, "says too much; the rest is dropped".into()),
            _ => self.listener.send(level, message),
        }
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use super::*;
    use crate::message::Message;

    #[test]
    fn messages_are_cleaned_cut_and_counted() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Sink::new({
            let seen = seen.clone();
            move |message: &Message| seen.lock().unwrap().push(message.text.clone())
        });
        let limits = Limits { messages: 3, message: 10, ..Limits::default() };
        let mut log = Log::new((sink, "demo".into()), &limits);
        log.write(Level::Info, "a\u{1b}[31m\nb");
        log.write(Level::Error, "much longer than ten");
        for _ in 0..5 {
            log.write(Level::Error, "third");
        }
        assert_eq!(*seen.lock().unwrap(), ["a [31m b", "much longe", "says too much; the rest is dropped"]);
        assert_eq!(log.last_error().as_deref(), Some("third"), "also of what was dropped");
    }
}
