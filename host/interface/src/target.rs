//! What packages are made for: `demo`, `demo-9`, `demo-9-x86_64`.

use std::fmt;

use crate::description::{DistributionDescription, is_printable_word};
use crate::text::quote;

/// A distribution, as far as it was named. Displayed in its normal form, which also names the directory that
/// its packages are written to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// One of the ids that a plugin answers to.
    pub dist: String,
    /// Never one of a release's other names: `birch-willow` has the version of that.
    pub version: Option<String>,
    /// Canonical name, see [`opkg::arch`].
    pub arch: Option<String>,
    /// Canonical name of the architecture that stands in where one must be decided and none was given.
    pub default_arch: String,
}

/// Why a text names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No plugin answers to any beginning of it.
    #[error("no plugin knows the distribution {}", quote(.0))]
    Unknown(String),
    /// What follows the distribution is no version.
    #[error("{} is no version of {dist}", quote(.version))]
    Version {
        /// The distribution.
        dist: String,
        /// What was given as its version.
        version: String,
    },
}

impl Target {
    /// Reads a target. A known architecture is taken from its end; of the rest, the longest beginning that a
    /// plugin answers to is the distribution, and what remains is the version. Upper and lower case count
    /// as the same.
    ///
    /// # Errors
    /// When no plugin knows the distribution, or the version cannot be one.
    pub fn parse<'a>(
        text: &str,
        find: impl Fn(&str) -> Option<&'a DistributionDescription>,
    ) -> Result<Self, TargetError> {
        let lower = text.to_ascii_lowercase();
        let (rest, arch) = match find(&lower) {
            Some(_) => (lower.as_str(), None),
            // The longest, since `x86-64` is a spelling.
            None => hyphen_splits(&lower)
                .find_map(|(front, back)| Some((front, Some(opkg::arch::canonical_name(back)?.to_owned()))))
                .unwrap_or((&lower, None)),
        };
        let whole = find(rest).map(|description| (rest, None, description));
        let (dist, version, description) = whole
            .or_else(|| {
                let mut cuts: Vec<_> = hyphen_splits(rest).collect();
                cuts.reverse();
                cuts.into_iter().find_map(|(front, back)| Some((front, Some(back), find(front)?)))
            })
            .ok_or_else(|| TargetError::Unknown(text.to_owned()))?;
        let version = match version {
            Some(version)
                if is_printable_word(version) && !version.starts_with('-') && !version.ends_with('-') =>
            {
                Some(canonical_version(version, description))
            }
            Some(version) => {
                return Err(TargetError::Version { dist: dist.to_owned(), version: version.to_owned() });
            }
            None => None,
        };
        let machine = opkg::arch::host_arch().to_owned();
        Ok(Self { dist: dist.to_owned(), version, arch, default_arch: machine })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dist)?;
        [&self.version, &self.arch].into_iter().flatten().try_for_each(|part| write!(f, "-{part}"))
    }
}

/// Every way to cut a text in two at a `-`, the shortest front first.
fn hyphen_splits(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices('-').map(|(at, _)| (&text[..at], &text[at + 1..]))
}

fn canonical_version(asked: &str, description: &DistributionDescription) -> String {
    let named = |name: &String| name.eq_ignore_ascii_case(asked);
    let release = description
        .releases
        .iter()
        .find(|release| named(&release.version) || release.name.as_ref().is_some_and(named));
    release.map_or(asked, |release| &release.version).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{Alias, ArchName, DistributionRelease};
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn sample_descriptions() -> Vec<DistributionDescription> {
        let make = |id: &str, aliases: &[&str], releases: &[(&str, Option<&str>)]| DistributionDescription {
            id: id.into(),
            name: id.into(),
            version: "1".into(),
            aliases: aliases.iter().map(|it| Alias { id: (*it).into(), name: (*it).into() }).collect(),
            releases: releases
                .iter()
                .map(|(version, name)| DistributionRelease {
                    version: (*version).into(),
                    name: name.map(Into::into),
                    is_default: false,
                })
                .collect(),
            archs: vec![ArchName { canonical: "x86_64".into(), native: "amd64".into() }],
        };
        vec![
            make("demo", &["demo-free"], &[("9", None)]),
            make("orbital", &["orbit-steady", "orbit"], &[("15.6", None), ("rolling", None)]),
            make("birch", &[], &[("12", Some("willow")), ("next", None)]),
        ]
    }

    fn parse(text: &str) -> Result<Target, TargetError> {
        let plugins = sample_descriptions();
        Target::parse(text, |id| plugins.iter().find(|it| it.ids().any(|own| own == id)))
    }

    #[test]
    fn targets_that_people_write() -> Result<(), TargetError> {
        for (text, shown, parts) in [
            ("demo", "demo", ("demo", None, None)),
            ("DEMO-9", "demo-9", ("demo", Some("9"), None)),
            ("demo-9.4", "demo-9.4", ("demo", Some("9.4"), None)),
            ("demo-9-x86_64", "demo-9-x86_64", ("demo", Some("9"), Some("x86_64"))),
            ("demo-9-X86-64", "demo-9-x86_64", ("demo", Some("9"), Some("x86_64"))),
            ("demo-free-aarch64", "demo-free-aarch64", ("demo-free", None, Some("aarch64"))),
            ("birch-12-amd64", "birch-12-x86_64", ("birch", Some("12"), Some("x86_64"))),
            ("orbit-steady-15.6", "orbit-steady-15.6", ("orbit-steady", Some("15.6"), None)),
            ("orbit-Rolling", "orbit-rolling", ("orbit", Some("rolling"), None)),
            ("birch-willow", "birch-12", ("birch", Some("12"), None)),
            ("birch-Willow-arm64", "birch-12-aarch64", ("birch", Some("12"), Some("aarch64"))),
        ] {
            let target = parse(text)?;
            assert_eq!(target.to_string(), shown);
            assert_eq!((target.dist.as_str(), target.version.as_deref(), target.arch.as_deref()), parts);
        }
        Ok(())
    }

    #[test]
    fn what_names_no_target() {
        let errors: Vec<String> = ["", "x86_64", "other-9", "demo-", "demo-../x", "demo-9\n", "-demo"]
            .iter()
            .map(|text| parse(text).map_or_else(|error| error.to_string(), |it| format!("accepted: {it}")))
            .collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        no plugin knows the distribution ``
        no plugin knows the distribution `x86_64`
        no plugin knows the distribution `other-9`
        `` is no version of demo
        `../x` is no version of demo
        `9\n` is no version of demo
        no plugin knows the distribution `-demo`
        "#);
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_normal_form_names_the_same_target(text in "(demo|orbit-steady|birch)(-[a-z0-9.]{0,4}){0,3}(-i686)?") {
            if let Ok(target) = parse(&text) {
                prop_assert_eq!(parse(&target.to_string()), Ok(target));
            }
        }
    }
}
