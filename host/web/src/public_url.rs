//! Where browsers find pages that a proxy passes on.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use opkg_oda::ParseError;

use crate::response::Origin;

/// `https://opm.example.org`, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: &'static str,
    /// As browsers write it: in lower case, without the usual port.
    authority: String,
}

impl PublicUrl {
    /// Whether the header `Host` of a request names it.
    #[must_use]
    pub fn is_host(&self, host: &str) -> bool {
        canonical_authority(self.scheme, host) == self.authority
    }

    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { text: self.to_string(), is_local: false }
    }
}

impl FromStr for PublicUrl {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let rule = "https:// (or http://) and a name, without a path: https://opm.example.org";
        let wrong = || ParseError::new("address of pages", text, rule);
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let scheme = match uri.scheme_str() {
            Some("https") => "https",
            Some("http") => "http",
            _ => return Err(wrong()),
        };
        let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        if authority.is_empty() || authority.contains('@') || uri.path() != "/" || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self { scheme, authority: canonical_authority(scheme, authority) })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

fn canonical_authority(scheme: &str, authority: &str) -> String {
    let usual_port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(usual_port).unwrap_or(authority).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_that_browsers_write_in_more_than_one_way() {
        let url: PublicUrl = "https://OPM.example.org:443/".parse().unwrap();
        assert_eq!(url.to_string(), "https://opm.example.org");
        assert!(url.is_host("opm.example.org") && url.is_host("opm.EXAMPLE.org:443"));
        for other in [
            "",
            "opm.example.org:80",
            "opm.example.org.evil.example",
            "example.org",
            "opm.example.org:443:443",
        ] {
            assert!(!url.is_host(other), "{other}");
        }
        assert_eq!("http://[::1]:8080".parse::<PublicUrl>().unwrap().to_string(), "http://[::1]:8080");
        for text in [
            "",
            "opm.example.org",
            "/opm",
            "ftp://x",
            "https://x/opm",
            "https://a@x",
            "https://x/?a",
            "https://",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
