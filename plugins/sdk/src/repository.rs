//! Package sources by address.

use std::fmt::Write;

use crate::package_manager::Repository;

impl Repository {
    /// The directory, if it is one.
    #[must_use]
    pub fn directory(&self) -> Option<&str> {
        self.location.starts_with('/').then_some(self.location.as_str())
    }

    /// The address, of a directory as well: without blanks, and without characters that mean something to a
    /// shell or a configuration file.
    ///
    /// # Errors
    /// It is neither an absolute path nor an address; one line for the user.
    pub fn address(&self) -> Result<String, String> {
        if let Some(directory) = self.directory() {
            return Ok(format!("file://{}", escape(directory.trim_end_matches('/'))));
        }
        let is_address = |text: &str| {
            let scheme = text.split("://").next().unwrap_or_default();
            scheme.len() < text.len()
                && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"$'<>\\^`{|}".contains(&byte))
        };
        match is_address(&self.location) {
            true => Ok(self.location.clone()),
            false => Err(format!(
                "`{}` is no package source: give the absolute path of a directory, or an address such as \
                 `https://example.org/packages`",
                self.location
            )),
        }
    }
}

/// All but what stands for itself in an address.
fn escape(path: &str) -> String {
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

    fn address(location: &str) -> Result<String, String> {
        Repository { location: location.into(), unauthenticated: false }.address()
    }

    #[test]
    fn directories_have_addresses() {
        assert_eq!(address("/srv/re, po%20ä/").unwrap(), "file:///srv/re%2C%20po%2520%C3%A4");
        assert_eq!(address("/srv/x\n$y").unwrap(), "file:///srv/x%0A%24y");
        assert_eq!(address("https://example.org/a?b=c").unwrap(), "https://example.org/a?b=c");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for location in ["", "srv", "../srv", "-o://x", "https://a b", "https://a\nb=c", "http://$x", "://x"]
        {
            assert!(address(location).is_err(), "{location:?}");
        }
    }
}
