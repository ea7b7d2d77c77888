//! Parsers of arguments that are more than a word.

use opkg_engine::hostlist;
use opkg_oda::{ParseError, RolloutId, RunId, Share, TargetAddress};

/// All that one argument names.
#[derive(Debug, Clone)]
pub struct AddressList(pub Vec<TargetAddress>);

/// A run, or a step of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepReference {
    /// The run.
    pub run: RunId,
    /// The step's number there.
    pub step: Option<u32>,
}

impl std::str::FromStr for StepReference {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = || ParseError::new("step", text, "RUN.STEP, for example `12.3`, or RUN");
        let (run, number) = match text.split_once('.') {
            Some((run, number)) => (run, Some(number.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        Ok(Self { run: RunId(run.parse().map_err(|_| wrong())?), step: number })
    }
}

/// The targets that `KIND:NAMES` names.
///
/// # Errors
/// When it does not name any.
pub fn parse_addresses(text: &str) -> Result<AddressList, ParseError> {
    let one = |address: String| address.parse();
    let mut all = Vec::new();
    let (kind, names) = text
        .split_once(':')
        .ok_or_else(|| ParseError::new("target", text, "KIND:NAME, for example `client:node[01-96]`"))?;
    for part in hostlist::split_list(names) {
        let names = hostlist::expand(part)?;
        all.extend(
            names.into_iter().map(|name| one(format!("{kind}:{name}"))).collect::<Result<Vec<_>, _>>()?,
        );
    }
    Ok(AddressList(all))
}

/// An image, with or without its kind.
///
/// # Errors
/// When it is none.
pub fn parse_image(text: &str) -> Result<TargetAddress, ParseError> {
    let text = if text.contains(':') { text.to_owned() } else { format!("image:{text}") };
    text.parse()
}

/// `NAME=VALUE`. The value is everything behind the first `=`.
///
/// # Errors
/// When there is no name.
pub fn parse_assignment(text: &str) -> Result<(String, String), ParseError> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(ParseError::new("answer", text, "NAME=VALUE, for example `loglevel=128`")),
    }
}

/// Why something is so, in one line.
///
/// # Errors
/// There are further lines, or characters that are not seen.
pub fn parse_reason(text: &str) -> Result<String, ParseError> {
    match text.chars().any(opkg::is_hidden) {
        false => Ok(text.to_owned()),
        true => Err(ParseError::new("reason", text, "one line of visible characters")),
    }
}

/// A version, in one word.
///
/// # Errors
/// When it is none.
pub fn parse_version(text: &str) -> Result<String, ParseError> {
    let is_valid = !text.is_empty()
        && text.len() <= 128
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+._-~^:".contains(c));
    match is_valid {
        true => Ok(text.to_owned()),
        false => Err(ParseError::new("version", text, "letters, digits and `+._-~^:`, for example `2.1-3`")),
    }
}

/// On how many targets something may be under way at once: not on none.
///
/// # Errors
/// When it is no number of targets, or none.
pub fn parse_at_once(text: &str) -> Result<Share, ParseError> {
    match text.parse()? {
        Share::Count(0) | Share::Percent(0) => {
            Err(ParseError::new("number of targets", text, "at least 1, for example `10` or `5%`"))
        }
        share => Ok(share),
    }
}

/// A rollout, by its number.
///
/// # Errors
/// When it is no number.
pub fn parse_rollout(text: &str) -> Result<RolloutId, ParseError> {
    let number = text.parse().map_err(|_| ParseError::new("rollout", text, "its number, for example `3`"))?;
    Ok(RolloutId(number))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn steps_targets_and_images() {
        let step: StepReference = "12.3".parse().unwrap();
        assert_eq!((step.run, step.step), (RunId(12), Some(3)));
        assert_eq!("12".parse::<StepReference>().unwrap().step, None);
        for bad in ["", "x", "1.", "1.-1", "1.2.3"] {
            assert!(bad.parse::<StepReference>().is_err(), "{bad}");
        }
        assert_eq!(parse_addresses("client:n[1-3],login").unwrap().0.len(), 4);
        assert!(parse_addresses("node1").is_err());
        assert_eq!(parse_image("compute").unwrap(), parse_image("image:compute").unwrap());
        assert_eq!(parse_assignment("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
        assert_eq!(parse_assignment("a=").unwrap().1, "");
        assert!(parse_assignment("a").is_err() && parse_assignment("=b").is_err());
    }

    #[test]
    fn reasons() {
        for good in ["", "disk of node3: 漢字 🎉"] {
            assert_eq!(parse_reason(good).unwrap(), good);
        }
        for bad in ["moved\n2026-11-30", "a\tb", "\u{1b}[2K", "\u{202e}x"] {
            assert!(parse_reason(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions() {
        for good in ["1", "2:1.0-rc1-1.el9", "1.0~rc1+b2^3_4"] {
            assert_eq!(parse_version(good).unwrap(), good);
        }
        for bad in ["", "1 2", "1;x", "ü", &"1".repeat(129)] {
            assert!(parse_version(bad).is_err(), "{bad}");
        }
    }
}
