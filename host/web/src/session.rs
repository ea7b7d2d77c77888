//! Sessions: what a browser, or whoever has signed in, gets back with each form, and the notices of their last forms.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

use opkg_secret::Secret;

/// Of each session; a further notice replaces the oldest.
const MAX_NOTICES: usize = 32;

#[derive(Debug)]
pub struct Session {
    base: String,
    csrf_token: Secret,
    notices: Mutex<Notices>,
}

#[derive(Debug, Default)]
struct Notices {
    last_id: u64,
    /// With their ids.
    texts: VecDeque<(u64, String)>,
}

impl Session {
    /// A session whose pages are below a path, which begins and ends with a slash.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn new(base: String) -> io::Result<Self> {
        Ok(Self { base, csrf_token: Secret::new()?, notices: Mutex::default() })
    }

    /// The path of its start page, which all its other pages are below.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Every form of this session carries it, so that no other page can send one.
    #[must_use]
    pub fn csrf_token(&self) -> &str {
        self.csrf_token.reveal()
    }

    /// Compares in constant time.
    #[must_use]
    pub fn verify_csrf_token(&self, guess: &str) -> bool {
        self.csrf_token.matches(guess)
    }

    /// Keeps a notice for the next page and returns its id.
    pub fn add_notice(&self, text: String) -> u64 {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.last_id += 1;
        let id = notices.last_id;
        notices.texts.push_back((id, text));
        if notices.texts.len() > MAX_NOTICES {
            notices.texts.pop_front();
        }
        id
    }

    /// The notice with an id, as it is written in a URL; `None` when it is unknown or forgotten.
    #[must_use]
    pub fn notice(&self, id: &str) -> Option<String> {
        let id: u64 = id.parse().ok()?;
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.texts.iter().find(|(known, _)| *known == id).map(|(_, text)| text.clone())
    }
}
