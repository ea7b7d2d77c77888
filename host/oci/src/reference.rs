//! Where a plugin is: `oci://REGISTRY/NAME`, with a version or a digest. The grammar is that of OCI distribution 1.1.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, DigestError};

/// What references begin with.
const SCHEME: &str = "oci://";

/// Characters of a name, and of a tag.
const MAX_NAME: usize = 255;
const MAX_TAG: usize = 128;

/// Where a plugin is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Host, and port if it is not the usual one.
    pub registry: String,
    /// The name in there.
    pub repository: String,
    /// Which of those under that name.
    pub selector: Selector,
}

/// Which of those under a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// The newest version.
    Newest,
    /// That with this tag, as it is now.
    Tag(String),
    /// This very one.
    Digest(Digest),
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of a plugin: {reason}")]
pub struct ReferenceError {
    text: String,
    reason: String,
}

impl Reference {
    /// Whether a text means to be one.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Another one of the same name.
    #[must_use]
    pub fn with(&self, selector: Selector) -> Self {
        Self { selector, ..self.clone() }
    }

    /// The tag, if it is named by one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        match &self.selector {
            Selector::Tag(tag) => Some(tag),
            Selector::Newest | Selector::Digest(_) => None,
        }
    }

    /// Whether the registry is on this machine, so that nobody is between.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = match self.registry.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
            _ => &self.registry,
        };
        let is_loopback = |host: &str| host.parse::<std::net::Ipv4Addr>().is_ok_and(|it| it.is_loopback());
        host == "localhost" || host == "[::1]" || is_loopback(host)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.registry, self.repository)?;
        match &self.selector {
            Selector::Newest => Ok(()),
            Selector::Tag(tag) => write!(f, ":{tag}"),
            Selector::Digest(digest) => write!(f, "@{digest}"),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|reason| ReferenceError { text: opkg_interface::text::one_line(text), reason })
    }
}

fn parse(text: &str) -> Result<Reference, String> {
    let rest = text.strip_prefix(SCHEME).ok_or("it begins with `oci://`")?;
    let (registry, rest) =
        rest.split_once('/').ok_or("a name follows the registry: `oci://REGISTRY/NAME`")?;
    if !is_registry(registry) {
        return Err("the registry is a host, with a port or without".into());
    }
    let (name, selector) = match (rest.split_once('@'), rest.rsplit_once(':')) {
        (Some((name, digest)), _) => {
            if name.contains(':') {
                return Err("it has either a version or a digest".into());
            }
            let digest = digest.parse().map_err(|error: DigestError| error.to_string())?;
            (name, Selector::Digest(digest))
        }
        (None, Some((name, tag))) => {
            if !is_tag(tag) {
                return Err("a version has letters, digits, `.`, `_` and `-`".into());
            }
            (name, Selector::Tag(tag.to_owned()))
        }
        (None, None) => (rest, Selector::Newest),
    };
    if !is_repository(name) {
        return Err("a name has small letters and digits, with `.`, `_` and `-` between them, and `/`".into());
    }
    Ok(Reference { registry: registry.to_owned(), repository: name.to_owned(), selector })
}

fn is_registry(text: &str) -> bool {
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|it| it > 0);
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => return address.parse::<std::net::Ipv6Addr>().is_ok(),
        Some((address, port)) => {
            return address.parse::<std::net::Ipv6Addr>().is_ok()
                && port.strip_prefix(':').is_some_and(is_port);
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

fn is_tag(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.len() <= MAX_TAG
        && text.bytes().all(is_inner)
        && text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
}

/// Parts of small letters and digits; between those one `.`, one or two `_`, or any number of `-`.
fn is_repository(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| {
        let separators = part.split(|c: char| u8::try_from(c).is_ok_and(is_word)).filter(|it| !it.is_empty());
        let is_separator =
            |text: &str| matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
        part.bytes().next().is_some_and(is_word) && part.bytes().next_back().is_some_and(is_word) && {
            separators
        }
        .all(is_separator)
    };
    text.len() <= MAX_NAME && text.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn references_are_read_and_written() {
        let digest = Digest::of(b"");
        for text in [
            "oci://registry.example.org/plugins/arch:1.0.0",
            "oci://localhost:5000/a__b/c-d.e",
            "oci://[::1]:5000/arch:latest",
            "oci://[2001:db8::1]/arch:_x",
            &format!("oci://127.0.0.1/arch@{digest}"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        let read: Reference = "oci://h:5000/a/b:1.0.0-rc.1".parse().unwrap();
        assert_eq!((read.registry.as_str(), read.repository.as_str()), ("h:5000", "a/b"));
        assert_eq!(read.tag(), Some("1.0.0-rc.1"));
    }

    #[test]
    fn what_is_no_reference_says_why() {
        let digest = Digest::of(b"");
        let said: Vec<String> = [
            "registry.example.org/arch:1.0.0",
            "oci://registry.example.org",
            "oci:///arch",
            "oci://me@registry/arch",
            "oci://regi stry/arch",
            "oci://registry:0/arch",
            "oci://registry:99999/arch",
            "oci://[::1/arch",
            "oci://registry/",
            "oci://registry/Arch",
            "oci://registry/a..b",
            "oci://registry/a___b",
            "oci://registry/../arch",
            "oci://registry/arch:",
            "oci://registry/arch:1.0+1",
            "oci://registry/arch:-1",
            "oci://registry/arch@sha256:12",
            &format!("oci://registry/arch:1@{digest}"),
        ]
        .into_iter()
        .map(|text| {
            text.parse::<Reference>().map_or_else(|error| error.to_string(), |it| format!("read: {it}"))
        })
        .collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn who_is_local() {
        let is_local =
            |registry: &str| format!("oci://{registry}/a").parse::<Reference>().unwrap().is_local();
        for local in ["localhost", "localhost:5000", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:5000"] {
            assert!(is_local(local), "{local}");
        }
        for other in ["localhost.example.org", "128.0.0.1", "127.0.0.1.example.org", "[::2]", "local"] {
            assert!(!is_local(other), "{other}");
        }
    }
}
