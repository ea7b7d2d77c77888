//! Secrets that nobody can guess, and comparing them without telling how much of a guess was right.

use std::fmt;
use std::io;

/// 192 random bits of the operating system, written in letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LENGTH: usize = 32;

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn new() -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(bytes.iter().map(|it| char::from(LETTERS[usize::from(it % 64)])).collect()))
    }

    /// Whether somebody knows it. The time says nothing of where a guess goes wrong.
    #[must_use]
    pub fn is(&self, guess: &str) -> bool {
        let (own, guess) = (self.0.as_bytes(), guess.as_bytes());
        let differences = own.iter().zip(guess).fold(0, |all, (one, other)| all | (one ^ other));
        own.len() == guess.len() && std::hint::black_box(differences) == 0
    }

    /// As it is handed to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_whole_secret_is_it() {
        let secret = Secret::new().unwrap();
        let text = secret.reveal().to_owned();
        assert!(secret.is(&text));
        assert_eq!(text.len(), LENGTH);
        assert!(!secret.is("") && !secret.is(&text[1..]) && !secret.is(&format!("{text}x")));
        let other = if text.starts_with('A') { "B" } else { "A" };
        assert!(!secret.is(&format!("{other}{}", &text[1..])));
        assert_ne!(Secret::new().unwrap().reveal(), text);
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
