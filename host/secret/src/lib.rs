//! Random secrets, compared in constant time.

use std::fmt;
use std::io;

/// 192 random bits of the operating system, written in letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LENGTH: usize = 32;

impl Secret {
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn new() -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect()))
    }

    /// Compares in constant time: how long it takes does not say where a guess goes wrong.
    #[must_use]
    pub fn matches(&self, guess: &str) -> bool {
        let (own, guess) = (self.0.as_bytes(), guess.as_bytes());
        let differences = own.iter().zip(guess).fold(0, |all, (one, other)| all | (one ^ other));
        own.len() == guess.len() && std::hint::black_box(differences) == 0
    }

    /// The text. `Debug` does not show it, so that it reaches no log.
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
        assert!(secret.matches(&text));
        assert_eq!(text.len(), LENGTH);
        assert!(!secret.matches("") && !secret.matches(&text[1..]) && !secret.matches(&format!("{text}x")));
        let other = if text.starts_with('A') { "B" } else { "A" };
        assert!(!secret.matches(&format!("{other}{}", &text[1..])));
        assert_ne!(Secret::new().unwrap().reveal(), text);
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
