//! Sessions: one for each browser that has shown the token, with the notices of its last forms.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use opkg_secret::Secret;

/// A further login ends the oldest session.
const MAX_SESSIONS: usize = 32;
/// Of each session; a further notice replaces the oldest.
const MAX_NOTICES: usize = 32;

#[derive(Debug)]
pub struct Session {
    /// The first segment of the paths of all its pages, and the path of its cookie.
    path: Secret,
    cookie: Secret,
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
    /// The path of its start page, which all its other pages are below.
    #[must_use]
    pub fn base(&self) -> String {
        format!("/{}/", self.path.reveal())
    }

    /// What its browser has to send.
    #[must_use]
    pub fn cookie(&self) -> &str {
        self.cookie.reveal()
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

/// All sessions, oldest first.
#[derive(Debug, Default)]
pub struct SessionStore(Mutex<VecDeque<Arc<Session>>>);

impl SessionStore {
    /// Starts a session.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn create(&self) -> io::Result<Arc<Session>> {
        let session = Arc::new(Session {
            path: Secret::new()?,
            cookie: Secret::new()?,
            csrf_token: Secret::new()?,
            notices: Mutex::default(),
        });
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.push_back(Arc::clone(&session));
        if sessions.len() > MAX_SESSIONS {
            sessions.pop_front();
        }
        Ok(session)
    }

    /// The session with this first segment of its paths, and this cookie.
    #[must_use]
    pub fn find(&self, path: &str, cookie: &str) -> Option<Arc<Session>> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter().find(|session| session.path.matches(path) && session.cookie.matches(cookie)).cloned()
    }
}
