//! Words of the command line that mean something of their own.

use opkg_oda::{Address, Invalid, RunId};
use opkg_opm::{choice, hostlist};

/// All that one argument names.
#[derive(Debug, Clone)]
pub struct Addresses(pub Vec<Address>);

/// A run, or a step of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The run.
    pub run: RunId,
    /// The step's number there.
    pub number: Option<u32>,
}

impl std::str::FromStr for Reference {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("step", text, "write RUN.STEP, `12.3` say, or RUN");
        let (run, number) = match text.split_once('.') {
            Some((run, number)) => (run, Some(number.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        Ok(Self { run: RunId(run.parse().map_err(|_| wrong())?), number })
    }
}

/// The targets that `KIND:NAMES` names.
///
/// # Errors
/// When it does not name any.
pub fn addresses(text: &str) -> Result<Addresses, Invalid> {
    let one = |address: String| address.parse();
    let mut all = Vec::new();
    let (kind, names) = text
        .split_once(':')
        .ok_or_else(|| Invalid::new("target", text, "write KIND:NAME, `client:node[01-96]` say"))?;
    for part in choice::split(names) {
        let names = hostlist::expand(part)?;
        all.extend(
            names.into_iter().map(|name| one(format!("{kind}:{name}"))).collect::<Result<Vec<_>, _>>()?,
        );
    }
    Ok(Addresses(all))
}

/// An image, with or without its kind.
///
/// # Errors
/// When it is none.
pub fn image(text: &str) -> Result<Address, Invalid> {
    let text = if text.contains(':') { text.to_owned() } else { format!("image:{text}") };
    text.parse()
}

/// `NAME=VALUE`. The value is everything behind the first `=`.
///
/// # Errors
/// When there is no name.
pub fn setting(text: &str) -> Result<(String, String), Invalid> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Invalid::new("answer", text, "write NAME=VALUE, `loglevel=128` say")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn steps_targets_and_images() {
        let step: Reference = "12.3".parse().unwrap();
        assert_eq!((step.run, step.number), (RunId(12), Some(3)));
        assert_eq!("12".parse::<Reference>().unwrap().number, None);
        for bad in ["", "x", "1.", "1.-1", "1.2.3"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
        assert_eq!(addresses("client:n[1-3],login").unwrap().0.len(), 4);
        assert!(addresses("node1").is_err());
        assert_eq!(image("compute").unwrap(), image("image:compute").unwrap());
        assert_eq!(setting("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
        assert_eq!(setting("a=").unwrap().1, "");
        assert!(setting("a").is_err() && setting("=b").is_err());
    }
}
