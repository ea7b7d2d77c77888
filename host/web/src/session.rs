//! Browsers that have shown the token, and what they are told after what they asked for.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::secret::Secret;

/// As many browsers are remembered; of more, the newest.
const BROWSERS: usize = 32;
/// As many notices of each.
const NOTICES: usize = 32;

/// One browser.
#[derive(Debug)]
pub struct Session {
    cookie: Secret,
    form: Secret,
    notices: Mutex<Notices>,
}

/// What was said, by number.
#[derive(Debug, Default)]
struct Notices {
    last: u64,
    texts: VecDeque<(u64, String)>,
}

impl Session {
    /// What every form of this browser carries, so that no other page can send one for it.
    #[must_use]
    pub fn form(&self) -> &str {
        self.form.reveal()
    }

    /// Whether a form is one of ours.
    #[must_use]
    pub fn is_form(&self, guess: &str) -> bool {
        self.form.is(guess)
    }

    /// Keeps a notice for the page that comes next; the answer is its number.
    pub fn note(&self, text: String) -> u64 {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.last += 1;
        let number = notices.last;
        notices.texts.push_back((number, text));
        if notices.texts.len() > NOTICES {
            notices.texts.pop_front();
        }
        number
    }

    /// The notice of a number, if it is remembered.
    #[must_use]
    pub fn notice(&self, number: &str) -> Option<String> {
        let number: u64 = number.parse().ok()?;
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.texts.iter().find(|it| it.0 == number).map(|it| it.1.clone())
    }
}

/// All browsers that may come in.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<VecDeque<Arc<Session>>>);

impl Sessions {
    /// A new one; the answer is its cookie.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn begin(&self) -> io::Result<String> {
        let session = Session { cookie: Secret::new()?, form: Secret::new()?, notices: Mutex::default() };
        let cookie = session.cookie.reveal().to_owned();
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.push_back(Arc::new(session));
        if sessions.len() > BROWSERS {
            sessions.pop_front();
        }
        Ok(cookie)
    }

    /// The one with that cookie.
    #[must_use]
    pub fn find(&self, cookie: &str) -> Option<Arc<Session>> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter().find(|it| it.cookie.is(cookie)).cloned()
    }
}
