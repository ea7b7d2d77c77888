//! The value of `--auto-requires`.

use std::str::FromStr;

use opkg::model::Part;

/// What parts require by themselves: `api=a,b,server=c`, with commas or blanks between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoRequires(pub Vec<(Part, Vec<String>)>);

/// Why text is no `PART=NAME,…`.
#[derive(Debug, thiserror::Error)]
pub enum AutoRequiresError {
    #[error("expected PART=NAME, for example api=site-data")]
    NoPart,
    #[error("there is no part `{0}`; it is api, server or client")]
    UnknownPart(String),
    #[error("`{0}=` stands there twice")]
    DuplicatePart(String),
    #[error(transparent)]
    InvalidName(#[from] PackageNameError),
}

/// Why text is no name of a package.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not the name of a package: that is two or more letters, digits and `. + - _`", opkg::escape_for_display(.0))]
pub struct PackageNameError(String);

/// Whether a text names a package on any distribution: no capability, no version.
///
/// # Errors
/// When it does not.
pub fn check_package_name(name: &str) -> Result<(), PackageNameError> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte);
    let is_name = name.len() > 1
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(is_inner);
    if is_name { Ok(()) } else { Err(PackageNameError(name.to_owned())) }
}

impl FromStr for AutoRequires {
    type Err = AutoRequiresError;

    fn from_str(text: &str) -> Result<Self, AutoRequiresError> {
        let mut parts: Vec<(Part, Vec<String>)> = Vec::new();
        for word in text.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty()) {
            let name = match word.split_once('=') {
                None => word,
                Some((part, name)) => {
                    let known = match part {
                        "api" => Part::Api,
                        "server" => Part::Server,
                        "client" => Part::Client,
                        other => {
                            return Err(AutoRequiresError::UnknownPart(
                                opkg::escape_for_display(other).to_string(),
                            ));
                        }
                    };
                    if parts.iter().any(|(other, _)| *other == known) {
                        return Err(AutoRequiresError::DuplicatePart(part.to_owned()));
                    }
                    parts.push((known, Vec::new()));
                    name
                }
            };
            let (_, names) = parts.last_mut().ok_or(AutoRequiresError::NoPart)?;
            if !name.is_empty() {
                check_package_name(name)?;
                names.push(name.to_owned());
            }
        }
        if parts.is_empty() { Err(AutoRequiresError::NoPart) } else { Ok(Self(parts)) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn auto_requires(text: &str) -> Result<Vec<(Part, Vec<String>)>, String> {
        text.parse()
            .map(|parsed: AutoRequires| parsed.0)
            .map_err(|error: AutoRequiresError| error.to_string())
    }

    #[test]
    fn automatic_relations_of_several_parts_in_one_value() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = vec![
            (Part::Api, names(&["a1", "b1"])),
            (Part::Server, names(&[])),
            (Part::Client, names(&["c1"])),
        ];
        for text in
            ["api=a1,b1 server= client=c1", "api=a1,b1,server=,client=c1", " api=a1, b1,server= ,client=c1,"]
        {
            assert_eq!(auto_requires(text).unwrap(), expected, "{text}");
        }
        assert_eq!(auto_requires("api=").unwrap(), [(Part::Api, names(&[]))]);
    }

    #[test]
    fn what_names_no_package_of_every_distribution_is_refused() {
        for text in [
            "",
            ",",
            "site-data",
            "api",
            "=a1",
            "images=a1",
            "api=a",
            "api=a1,api=b1",
            "api=a1>=2",
            "api=a(b)",
            "api=/bin/sh",
            "api=-x",
            "api=a;b",
            "api=$(id)",
            "api=é1",
        ] {
            assert!(auto_requires(text).is_err(), "{text}");
        }
    }
}
