//! Versions of packages, and the relations to versions.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::limits::MAX_VERSION_CHARS;
use crate::model::{Comparison, Version};

/// Why a text is not a version of a package, `[epoch:]upstream-release`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum ParseVersionError {
    #[error("the version is empty")]
    Empty,
    #[error("the version is longer than {MAX_VERSION_CHARS} characters")]
    TooLong,
    #[error("the version has no release")]
    MissingRelease,
    #[error("the epoch `{}` is not a number below 2³²", crate::text::escape_for_display(.0))]
    InvalidEpoch(String),
    #[error("the version holds {}, which package managers do not allow", describe_char(*.0))]
    InvalidCharacter(char),
    #[error(
        "the upstream version before the last `-` must begin with a letter or digit and not end with `-`"
    )]
    InvalidUpstream,
    #[error("the release after the last `-` must begin with a letter or digit")]
    InvalidRelease,
}

/// A character in a message.
pub(crate) fn describe_char(c: char) -> String {
    match c {
        ' ' => "a blank".into(),
        '\t' => "a tab".into(),
        '\n' | '\r' => "a line break".into(),
        c if crate::text::is_unsafe_control(c) => format!("the control character U+{:04X}", c as u32),
        c => format!("`{c}`"),
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        if text.is_empty() {
            return Err(ParseVersionError::Empty);
        }
        if text.len() > MAX_VERSION_CHARS {
            return Err(ParseVersionError::TooLong);
        }
        let (epoch, rest) = match text.split_once(':') {
            None => (0, text),
            Some((epoch, rest)) => {
                let is_number = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
                let number = epoch.parse().ok().filter(|_| is_number);
                (number.ok_or_else(|| ParseVersionError::InvalidEpoch(epoch.into()))?, rest)
            }
        };
        if let Some(c) = rest.chars().find(|&c| !is_version_character(c)) {
            return Err(ParseVersionError::InvalidCharacter(c));
        }
        let (upstream, release) = rest.rsplit_once('-').ok_or(ParseVersionError::MissingRelease)?;
        if !starts_alphanumeric(upstream) || upstream.ends_with('-') {
            return Err(ParseVersionError::InvalidUpstream);
        }
        if release.is_empty() {
            return Err(ParseVersionError::MissingRelease);
        }
        if !starts_alphanumeric(release) {
            return Err(ParseVersionError::InvalidRelease);
        }
        Ok(Self { epoch, upstream: upstream.into(), release: release.into() })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch != 0 {
            write!(f, "{}:", self.epoch)?;
        }
        write!(f, "{}-{}", self.upstream, self.release)
    }
}

impl Version {
    /// Which of two versions is later, where all package managers agree on it; nothing where they do not (a letter
    /// where the other has a number, say).
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.epoch != other.epoch {
            return Some(self.epoch.cmp(&other.epoch));
        }
        match compare_components(&self.upstream, &other.upstream)? {
            Ordering::Equal => compare_components(&self.release, &other.release),
            order => Some(order),
        }
    }
}

/// Compares two versions without an epoch, as far as all package managers do it in the same way: number by number,
/// letters in the order of ASCII, `~` before everything, otherwise the shorter one first.
#[must_use]
pub fn compare_components(left: &str, right: &str) -> Option<Ordering> {
    let (mut left, mut right) = (tokens(left), tokens(right));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Some(Ordering::Equal),
            (None, Some(token)) => order_of_end(token)?,
            (Some(token), None) => order_of_end(token)?.reverse(),
            (Some("~"), Some(token)) if token != "~" => Ordering::Less,
            (Some(token), Some("~")) if token != "~" => Ordering::Greater,
            (Some(left), Some(right)) if is_all(left, right, u8::is_ascii_digit) => {
                // Without leading zeros, the longer number is the larger.
                let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
                left.len().cmp(&right.len()).then_with(|| left.cmp(right))
            }
            (Some(left), Some(right)) if is_all(left, right, u8::is_ascii_alphabetic) => left.cmp(right),
            (Some(left), Some(right)) if left == right => Ordering::Equal,
            _ => return None,
        };
        if order != Ordering::Equal {
            return Some(order);
        }
    }
}

/// How a version that ends compares with one that goes on like this.
fn order_of_end(token: &str) -> Option<Ordering> {
    match token {
        "~" => Some(Ordering::Greater),
        "." | "+" => Some(Ordering::Less),
        word if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Some(Ordering::Less),
        _ => None,
    }
}

fn is_all(left: &str, right: &str, is_kind: fn(&u8) -> bool) -> bool {
    left.as_bytes().iter().chain(right.as_bytes()).all(is_kind)
}

/// Numbers, words, and single other characters.
fn tokens(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let first = text.chars().next()?;
        let end = if first.is_ascii_digit() {
            text.find(|c: char| !c.is_ascii_digit())
        } else if first.is_ascii_alphabetic() {
            text.find(|c: char| !c.is_ascii_alphabetic())
        } else {
            Some(first.len_utf8())
        };
        let (token, rest) = text.split_at(end.unwrap_or(text.len()));
        text = rest;
        Some(token)
    })
}

/// All that the formats of packages have in common, and nothing that a shell or a macro language minds.
fn is_version_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '~' | '^' | '-')
}

fn starts_alphanumeric(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Why a version cannot stand in a relation or filter. The message continues a sentence that begins with the version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoundError {
    #[error("is longer than {MAX_VERSION_CHARS} characters")]
    TooLong,
    #[error("holds {}", describe_char(*.0))]
    InvalidCharacter(char),
    #[error("has something other than a number before its `:`")]
    InvalidEpoch,
    #[error("does not begin with a letter or digit")]
    InvalidStart,
}

/// Checks a version in a relation or filter: `[epoch:]` and then what any package manager can compare, with a release
/// or without.
///
/// # Errors
/// It is none.
pub fn check_bound(version: &str) -> Result<(), BoundError> {
    if version.len() > MAX_VERSION_CHARS {
        return Err(BoundError::TooLong);
    }
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    if let Some(c) = rest.chars().find(|&c| !is_version_character(c)) {
        return Err(BoundError::InvalidCharacter(c));
    }
    if epoch.parse::<u32>().is_err() || !epoch.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BoundError::InvalidEpoch);
    }
    if starts_alphanumeric(rest) { Ok(()) } else { Err(BoundError::InvalidStart) }
}

/// A relation as attributes hold it. `==`, `<<` and `>>`, which packaging formats know, are read as meant.
pub(crate) fn parse_comparison(text: &str) -> Option<Comparison> {
    Some(match text {
        "<" | "<<" => Comparison::Lt,
        "<=" => Comparison::Le,
        "=" | "==" => Comparison::Eq,
        ">=" => Comparison::Ge,
        ">" | ">>" => Comparison::Gt,
        _ => return None,
    })
}

/// Splits `>=3.0.6` into the operator, which may be empty, and the version.
pub(crate) fn split_operator(text: &str) -> (&str, &str) {
    let text = text.trim();
    let at = text.find(|c| !matches!(c, '<' | '=' | '>')).unwrap_or(text.len());
    (&text[..at], text[at..].trim_start())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(epoch: u32, upstream: &str, release: &str) -> Version {
        Version { epoch, upstream: upstream.into(), release: release.into() }
    }

    #[test]
    fn versions_are_taken_apart_at_the_last_hyphen() {
        for (text, expected) in [
            ("1.0-1", version(0, "1.0", "1")),
            ("2.4.1-1.1", version(0, "2.4.1", "1.1")),
            ("1:2.1.8-1", version(1, "2.1.8", "1")),
            ("0:6.0u8.0-6", version(0, "6.0u8.0", "6")),
            ("1.0-rc1-2", version(0, "1.0-rc1", "2")),
            ("3.4.5+6-4.1", version(0, "3.4.5+6", "4.1")),
            ("1.0~rc1-0local1~a", version(0, "1.0~rc1", "0local1~a")),
        ] {
            assert_eq!(text.parse::<Version>(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_version() {
        for (text, expected) in [
            ("", ParseVersionError::Empty),
            ("1.0", ParseVersionError::MissingRelease),
            ("1.0-", ParseVersionError::MissingRelease),
            ("1.0 -1", ParseVersionError::InvalidCharacter(' ')),
            ("1/0-1", ParseVersionError::InvalidCharacter('/')),
            ("1.0-$(id)", ParseVersionError::InvalidCharacter('$')),
            ("1.0-1%{x}", ParseVersionError::InvalidCharacter('%')),
            ("1.0-1\u{e9}", ParseVersionError::InvalidCharacter('é')),
            ("1:2:3-1", ParseVersionError::InvalidCharacter(':')),
            (":1-1", ParseVersionError::InvalidEpoch(String::new())),
            ("+1:1-1", ParseVersionError::InvalidEpoch("+1".into())),
            ("4294967296:1-1", ParseVersionError::InvalidEpoch("4294967296".into())),
            ("-1", ParseVersionError::InvalidUpstream),
            ("1--1", ParseVersionError::InvalidUpstream),
            ("~1-1", ParseVersionError::InvalidUpstream),
            ("1-.1", ParseVersionError::InvalidRelease),
        ] {
            assert_eq!(text.parse::<Version>(), Err(expected), "{text}");
        }
        assert_eq!(format!("1.{}-1", "0".repeat(200)).parse::<Version>(), Err(ParseVersionError::TooLong));
    }

    #[test]
    fn versions_that_all_package_managers_order_alike() {
        use Ordering::{Equal, Greater, Less};
        for (left, right, expected) in [
            ("1.0-1", "1.0-1", Some(Equal)),
            ("1.9-1", "1.10-1", Some(Less)),
            ("1.0-2", "1.0-1", Some(Greater)),
            ("2:1.0-1", "1:9.0-1", Some(Greater)),
            ("1.0-1", "1.0.1-1", Some(Less)),
            ("1.0.1-1", "1.0-9", Some(Greater)),
            ("1.0~rc1-1", "1.0-1", Some(Less)),
            ("1.0rc1-1", "1.0rc2-1", Some(Less)),
            ("1.0a1-1", "1.0b1-1", Some(Less)),
            ("1.007-1", "1.7-1", Some(Equal)),
            ("1.0-1a", "1.0-1", Some(Greater)),
            ("1.0+git1-1", "1.0-1", Some(Greater)),
            ("1.0^git1-1", "1.0-1", None),
            ("1.0~~-1", "1.0~-1", Some(Less)),
            ("1.a-1", "1.1-1", None),
        ] {
            let of = |text: &str| text.parse::<Version>().unwrap();
            assert_eq!(of(left).compare(&of(right)), expected, "{left} {right}");
            assert_eq!(of(right).compare(&of(left)), expected.map(Ordering::reverse), "{right} {left}");
        }
    }

    #[test]
    fn relations_in_front_of_versions() {
        for (text, expected) in [
            (">=3.0", (">=", "3.0")),
            (" > 1 ", (">", "1")),
            ("5", ("", "5")),
            ("", ("", "")),
            ("<=", ("<=", "")),
        ] {
            assert_eq!(split_operator(text), expected, "{text}");
        }
    }

    #[test]
    fn versions_of_relations() {
        for good in ["3", "3.0.6", "1:2.0-1", "1.0~rc1", "2_3^4", "rolling", "12.2.0-3+u1"] {
            assert_eq!(check_bound(good), Ok(()), "{good}");
        }
        for bad in [
            "", " ", "1;2", "`id`", "$(id)", "%(id)", "1'", "1\"", "x:1", ":1", "1:", "-1", "1:2:3", "1|2",
            "é",
        ] {
            assert!(check_bound(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(crate::testing::deterministic_config())]

        #[test]
        fn what_is_printed_is_what_was_read(text in "([0-9]{1,9}:)?[a-z0-9][a-z0-9.+~^_-]{0,9}[a-z0-9]-[a-z0-9][a-z0-9.]{0,5}") {
            let version: Version = text.parse().unwrap();
            prop_assert_eq!(version.to_string().parse::<Version>().unwrap(), version);
        }

        #[test]
        fn nothing_odd_gets_through(text in any::<String>()) {
            if let Ok(version) = text.parse::<Version>() {
                prop_assert!(version.to_string().chars().all(|c| c == ':' || is_version_character(c)));
            }
        }
    }
}
