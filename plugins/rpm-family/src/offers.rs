//! Versions: which ones package sources offer, and packages that are asked for in a certain one.

use opkg_sdk::PackageManagerError;
use opkg_sdk::package_manager::{Offer, PackageRequest};

use crate::query::check_names;
use crate::version_order;

/// What [`parse`] reads, for `dnf repoquery`. dnf 4 ends each package with a line of its own, dnf 5 does not.
pub(crate) const QUERY_FORMAT: &str = r"%{name}\t%{evr}\n";

/// Reads what `dnf repoquery` prints with [`QUERY_FORMAT`]. Lines without a tab tell of its progress.
pub(crate) fn parse(printed: &str) -> Vec<Offer> {
    let offers = printed.lines().filter_map(|line| line.split_once('\t'));
    newest_first(offers.map(|(name, version)| Offer { name: name.into(), version: version.into() }).collect())
}

/// By name, the newest version of each first, and each version once: sources may have it twice, or for several
/// architectures.
#[must_use]
pub fn newest_first(mut offers: Vec<Offer>) -> Vec<Offer> {
    offers.sort_by(|one, other| {
        let versions = || version_order::compare(&other.version, &one.version);
        one.name.cmp(&other.name).then_with(versions)
    });
    offers.dedup();
    offers
}

/// What a command line says for each package: its name, and behind the separator the version, if one is asked for.
///
/// # Errors
/// A name is none, or a version holds something that no version does.
pub fn specs(requests: &[PackageRequest], separator: char) -> Result<Vec<String>, PackageManagerError> {
    let names: Vec<String> = requests.iter().map(|request| request.name.clone()).collect();
    check_names(&names)?;
    requests
        .iter()
        .map(|PackageRequest { name, version, .. }| match version {
            None => Ok(name.clone()),
            Some(version) if is_version(version) => Ok(format!("{name}{separator}{version}")),
            Some(version) => {
                Err(PackageManagerError::new(format!("`{version}` is not the version of a package")))
            }
        })
        .collect()
}

/// `[epoch:]version-release`, of the characters that RPM allows: nothing that a pattern could begin with.
fn is_version(version: &str) -> bool {
    version.starts_with(|first: char| first.is_ascii_alphanumeric())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+~^:-".contains(&byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn described(offers: &[Offer]) -> Vec<String> {
        offers.iter().map(|offer| format!("{} {}", offer.name, offer.version)).collect()
    }

    #[test]
    fn what_dnf_4_and_5_print() {
        let dnf_4 =
            "opkg-demo\t1.0-1.el9\n\nopkg-demo\t1.10-1.el9\n\nopkg-demo\t1.9-1.el9\n\nopkg-ep\t3:2-1\n\n";
        let dnf_5 = dnf_4.replace("\n\n", "\n");
        for printed in
            [dnf_4, &dnf_5, &format!("Last metadata expiration check: 0:00:01 ago.\n{dnf_5}{dnf_5}")]
        {
            assert_eq!(
                described(&parse(printed)),
                ["opkg-demo 1.10-1.el9", "opkg-demo 1.9-1.el9", "opkg-demo 1.0-1.el9", "opkg-ep 3:2-1"],
                "{printed}"
            );
        }
        assert!(parse("").is_empty());
    }

    #[test]
    fn a_version_is_no_pattern_and_no_option() {
        let packages =
            [PackageRequest::newest("opkg-x"), PackageRequest::exactly("opkg-y", "1:2.0~rc1-1.el9")];
        assert_eq!(specs(&packages, '-').unwrap(), ["opkg-x", "opkg-y-1:2.0~rc1-1.el9"]);
        for version in ["", "*", "1*", "-1", "1 2", "1\n2", "[1]", "1=2", "/1"] {
            assert!(specs(&[PackageRequest::exactly("x", version)], '=').is_err(), "{version:?}");
        }
        for name in ["", "-x"] {
            assert!(specs(&[PackageRequest::exactly(name, "1-1")], '=').is_err(), "{name:?}");
        }
    }
}
