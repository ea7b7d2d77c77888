//! Locations of repositories as URLs.

use std::fmt::{self, Write};

use crate::manager::PackageManagerError;
use crate::package_manager::Repository;

/// The location of a repository is neither an absolute path nor a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRepository {
    /// What was given instead.
    pub location: String,
}

impl fmt::Display for InvalidRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a repository: give the absolute path of a directory, or a URL such as \
             `https://example.org/packages`",
            self.location
        )
    }
}

impl std::error::Error for InvalidRepository {}

impl From<InvalidRepository> for PackageManagerError {
    fn from(error: InvalidRepository) -> Self {
        Self::new(error.to_string())
    }
}

impl Repository {
    /// The location, if it is a directory.
    #[must_use]
    pub fn local_path(&self) -> Option<&str> {
        self.location.starts_with('/').then_some(self.location.as_str())
    }

    /// The location as a URL: without blanks, and without characters that are special in a shell or a
    /// configuration file.
    ///
    /// # Errors
    /// It is neither an absolute path nor a URL.
    pub fn url(&self) -> Result<String, InvalidRepository> {
        if let Some(directory) = self.local_path() {
            return Ok(format!("file://{}", percent_encode(directory.trim_end_matches('/'))));
        }
        let is_url = |text: &str| {
            let scheme = text.split("://").next().unwrap_or_default();
            scheme.len() < text.len()
                && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"$'<>\\^`{|}".contains(&byte))
        };
        match is_url(&self.location) {
            true => Ok(self.location.clone()),
            false => Err(InvalidRepository { location: self.location.clone() }),
        }
    }
}

/// Encodes all but unreserved characters and `/`.
fn percent_encode(path: &str) -> String {
    path.bytes().fold(String::new(), |mut escaped, byte| {
        match byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            true => escaped.push(char::from(byte)),
            false => write!(escaped, "%{byte:02X}").unwrap_or_default(),
        }
        escaped
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn url(location: &str) -> Result<String, InvalidRepository> {
        Repository { location: location.into(), name: None, unauthenticated: false, attributes: Vec::new() }
            .url()
    }

    #[test]
    fn directories_have_urls() {
        assert_eq!(url("/srv/re, po%20ä/").unwrap(), "file:///srv/re%2C%20po%2520%C3%A4");
        assert_eq!(url("/srv/x\n$y").unwrap(), "file:///srv/x%0A%24y");
        assert_eq!(url("https://example.org/a?b=c").unwrap(), "https://example.org/a?b=c");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for location in ["", "srv", "../srv", "-o://x", "https://a b", "https://a\nb=c", "http://$x", "://x"]
        {
            assert!(url(location).is_err(), "{location:?}");
        }
    }
}
