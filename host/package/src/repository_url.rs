//! Where package managers find a directory of packages.

use std::fmt::Write as _;
use std::str::FromStr;

/// The address of a directory, without `/` at its end. It becomes a line of configuration files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryUrl(String);

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryUrlError {
    /// Without a scheme, or with characters that an address has not.
    #[error("it is no address such as https://packages.example.org/cluster or file:///srv/packages")]
    Invalid,
    /// Nothing can be appended behind these.
    #[error("it has a `?` or `#`, behind which no directory can be named")]
    HasQuery,
    /// Everybody would read it.
    #[error("it holds a name or password, and what is written is for everybody to read")]
    HasCredentials,
}

/// Characters of addresses that mean something by themselves (RFC 3986, 2.2), and those that mean nothing (2.3).
fn is_url_byte(byte: u8) -> bool {
    is_unreserved(byte) || b":/[]@!&'()*+,;=%$?#".contains(&byte)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

impl FromStr for RepositoryUrl {
    type Err = RepositoryUrlError;

    fn from_str(text: &str) -> Result<Self, RepositoryUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(RepositoryUrlError::Invalid)?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let rest = rest.trim_end_matches('/');
        // That of a file has no host, but begins at the root.
        let is_place = !rest.is_empty() && (scheme != "file" || rest.starts_with('/'));
        if !is_scheme || !is_place || !rest.bytes().all(is_url_byte) {
            return Err(RepositoryUrlError::Invalid);
        }
        if rest.contains(['?', '#']) {
            return Err(RepositoryUrlError::HasQuery);
        }
        if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
            return Err(RepositoryUrlError::HasCredentials);
        }
        Ok(Self(format!("{scheme}://{rest}")))
    }
}

impl RepositoryUrl {
    /// That of a directory of this name in it.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let mut url = format!("{}/", self.0);
        for byte in name.bytes() {
            if is_unreserved(byte) {
                url.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(url, "%{byte:02X}");
            }
        }
        Self(url)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (good, kept) in [
            ("https://packages.example.org/cluster/", "https://packages.example.org/cluster"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("file:///srv/packages", "file:///srv/packages"),
            ("mirror+http://a/b%20c", "mirror+http://a/b%20c"),
        ] {
            assert_eq!(good.parse(), Ok(RepositoryUrl(kept.to_owned())), "{good}");
        }
        for bad in [
            "",
            "/srv",
            "file://",
            "file://srv",
            "https://",
            "1s://a",
            "a://b c",
            "a://b\nEnabled: no",
            "a://é",
        ] {
            assert_eq!(bad.parse::<RepositoryUrl>(), Err(RepositoryUrlError::Invalid), "{bad:?}");
        }
        assert_eq!("http://a/b?c".parse::<RepositoryUrl>(), Err(RepositoryUrlError::HasQuery));
        assert_eq!("http://me:pw@a/b".parse::<RepositoryUrl>(), Err(RepositoryUrlError::HasCredentials));
        assert!("http://a/b@c".parse::<RepositoryUrl>().is_ok());
    }

    #[test]
    fn a_name_is_one_part_of_a_path() {
        let url = RepositoryUrl("https://a".to_owned());
        assert_eq!(url.join("rhel-9.4~x").as_str(), "https://a/rhel-9.4~x");
        assert_eq!(url.join("a b/../ä%").as_str(), "https://a/a%20b%2F..%2F%C3%A4%25");
    }
}
