//! How the members of the family count their releases, and by which macros RPM knows them.
//!
//! SUSE Linux counted to 13.2, went on as Leap 42.1 to 42.3 and came back to 15.0. SUSE Linux Enterprise went
//! from 12 to 15, and since then both count alike: Leap 15.6 is made of what Enterprise 15 SP 6 is.
//!
//! `suse_version` is 1320 for 13.2 and 1600 for 16.0, but 1315 for all of Enterprise 12 and Leap 42, and 1500
//! for all of 15: these define `sle_version` as well, 150600 for 15.6 or SP 6. Tumbleweed, which has no
//! releases, is 1699.

use opkg_plugin::filter::VersionTest;
use opkg_plugin::opkg::Comparison;
use opkg_plugin::version::Version;
use opkg_rpm_family::counter::{Counter, Expression};

/// The last that old machines can run: 16 leaves out processors (it wants x86-64-v2).
pub const DEFAULT: [u64; 2] = [15, 6];

const SUSE_VERSION: Counter = Counter { name: "suse_version", weights: &[100, 10] };
/// The `suse_version` of Tumbleweed: above every release of this major version.
const TUMBLEWEED: u64 = 1699;
const BEFORE_TUMBLEWEED: u64 = 16;

const SLE_VERSION: Counter = Counter { name: "sle_version", weights: &[10_000, 100] };

/// Where Leap 42 stands: after 13.2 and before 15.
const LEAP_42: u64 = 14;

/// Whose release a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// SUSE Linux, openSUSE, Leap, Tumbleweed.
    Open,
    /// SUSE Linux Enterprise Server and Desktop.
    Enterprise,
}

/// Reads a release: `15.6`, `15-SP6`, `tumbleweed`, which is later than all that have a number.
pub fn read(text: &str) -> Option<Version> {
    let text = text.to_ascii_lowercase();
    if text == "tumbleweed" || text == "factory" {
        return Some(Version::new([u64::MAX]));
    }
    let text = match text.split_once("sp") {
        Some((release, pack)) => format!("{}.{pack}", release.strip_suffix('-').unwrap_or(release)),
        None => text,
    };
    let version = Version::parse(&text)?;
    match version.components() {
        [42, minor @ ..] => Some(Version::new([&[LEAP_42], minor].concat())),
        _ => Some(version),
    }
}

/// Whether a version is Tumbleweed's, which counts days (20261101) where it counts at all.
pub fn is_tumbleweed(version: &Version) -> bool {
    version.major() > 10_000_000
}

/// The macros that the RPM of a release defines, with their values.
pub fn macros(system: System, version: &Version) -> Vec<(&'static str, String)> {
    let minor = version.components().get(1).copied().unwrap_or_default();
    let (suse, sle) = match (system, version.major()) {
        _ if is_tumbleweed(version) => (TUMBLEWEED, None),
        (System::Enterprise, 12) => (1315, Some([12, minor])),
        (_, LEAP_42) => (1315, Some([12, minor])),
        (_, 15) => (1500, Some([15, minor])),
        // Service packs did not count yet.
        (System::Enterprise, major @ ..12) => (major * 100 + 10, None),
        _ => (SUSE_VERSION.value(version.components()), None),
    };
    let mut macros = vec![(SUSE_VERSION.name, suse.to_string())];
    macros.extend(sle.map(|version| (SLE_VERSION.name, SLE_VERSION.value(&version).to_string())));
    if system == System::Open && version.major() >= LEAP_42 {
        macros.push(("is_opensuse", "1".to_owned()));
    }
    macros
}

/// The test for a spec, which may be built on any member. Leap 42 has the macros of the Enterprise 12 that it was
/// made of, so that a spec takes it for that where a test lies between the two.
pub fn expression(test: &VersionTest) -> Expression {
    let version = test.version.components();
    let without = by_suse_version(test.comparison, version);
    let of_enterprise = match version {
        [LEAP_42, minor @ ..] => &[&[12], minor].concat(),
        other => other,
    };
    let with = SLE_VERSION.test(test.comparison, of_enterprise);
    Expression {
        text: format!("({}) || (!0%{{?sle_version}} && {})", with.text, without.text),
        exact: with.exact && without.exact,
    }
}

/// All of 16 is what lies below Tumbleweed.
fn by_suse_version(comparison: Comparison, version: &[u64]) -> Expression {
    let value = SUSE_VERSION.defined();
    let first = SUSE_VERSION.value(version);
    let text = match comparison {
        _ if version != [BEFORE_TUMBLEWEED] => return SUSE_VERSION.test(comparison, version),
        Comparison::Lt | Comparison::Ge => return SUSE_VERSION.test(comparison, version),
        Comparison::Eq => format!("{value} >= {first} && {value} < {TUMBLEWEED}"),
        Comparison::Le => format!("{value} && {value} < {TUMBLEWEED}"),
        Comparison::Gt => format!("{value} >= {TUMBLEWEED}"),
    };
    Expression { text, exact: true }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use Comparison::{Eq, Ge, Gt, Le, Lt};

    fn test(comparison: Comparison, version: &str) -> VersionTest {
        VersionTest {
            id: "suse".into(),
            comparison,
            version: read(version).unwrap(),
            written: version.into(),
        }
    }

    #[test]
    fn releases_stand_in_the_order_in_which_they_came() {
        let order =
            ["9.3", "10.0", "11.4", "12.1", "13.2", "42.1", "42.3", "15.0", "15-SP6", "16.0", "tumbleweed"];
        for pair in order.windows(2) {
            let (earlier, later) = (read(pair[0]).unwrap(), read(pair[1]).unwrap());
            assert!(earlier.satisfies(Lt, &later).holds, "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(read("12sp5"), read("12.5"));
        assert_eq!(read("leap"), None);
        assert!(is_tumbleweed(&read("20261101").unwrap()));
    }

    #[test]
    fn macros_of_releases() {
        let of = |system, version| {
            let macros = macros(system, &read(version).unwrap());
            macros.into_iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
        };
        for (system, version, expected) in [
            (System::Open, "15.6", "suse_version 1500, sle_version 150600, is_opensuse 1"),
            (System::Open, "42.3", "suse_version 1315, sle_version 120300, is_opensuse 1"),
            (System::Open, "13.2", "suse_version 1320"),
            (System::Open, "16.0", "suse_version 1600, is_opensuse 1"),
            (System::Open, "tumbleweed", "suse_version 1699, is_opensuse 1"),
            (System::Enterprise, "16.1", "suse_version 1610"),
            (System::Enterprise, "15-sp4", "suse_version 1500, sle_version 150400"),
            (System::Enterprise, "12", "suse_version 1315, sle_version 120000"),
            (System::Enterprise, "11.4", "suse_version 1110"),
            (System::Enterprise, "9", "suse_version 910"),
        ] {
            assert_eq!(of(system, version), expected, "{version}");
        }
    }

    #[test]
    fn a_spec_asks_both_macros() {
        assert_eq!(
            expression(&test(Ge, "15.4")).text,
            "(0%{?sle_version} >= 150400) || (!0%{?sle_version} && 0%{?suse_version} >= 1540)"
        );
    }

    /// What a spec decides on a release is what the plugin decides for a target that names it.
    #[test]
    fn rpm_decides_as_the_plugin_does() {
        if std::process::Command::new("rpm").arg("--version").output().is_err() {
            println!("skipped: rpm is not installed");
            return;
        }
        let releases = [
            (System::Open, "10.3"),
            (System::Open, "11.4"),
            (System::Open, "12.1"),
            (System::Open, "13.2"),
            (System::Open, "42.3"),
            (System::Open, "15.0"),
            (System::Open, "15.6"),
            (System::Open, "16.0"),
            (System::Open, "tumbleweed"),
            (System::Enterprise, "10"),
            (System::Enterprise, "11"),
            (System::Enterprise, "12"),
            (System::Enterprise, "12.5"),
            (System::Enterprise, "15.3"),
            (System::Enterprise, "16.0"),
        ];
        let bounds = ["9", "10", "11", "11.4", "12", "15", "15.0", "15.4", "16", "16.0", "16.1"];
        for (system, release) in releases {
            let version = read(release).unwrap();
            let mut rpm = std::process::Command::new("rpm");
            for (name, value) in macros(system, &version) {
                rpm.args(["--define", &format!("{name} {value}")]);
            }
            let mut expected = Vec::new();
            let is_leap_42 = version.major() == LEAP_42;
            for bound in bounds.into_iter().filter(|bound| !(is_leap_42 && bound.starts_with("12"))) {
                for comparison in [Lt, Le, Eq, Ge, Gt] {
                    let test = test(comparison, bound);
                    rpm.arg("--eval").arg(format!("%[{}]", expression(&test).text));
                    expected.push((bound, comparison, version.satisfies(comparison, &test.version).holds));
                }
            }
            let printed = String::from_utf8(rpm.output().unwrap().stdout).unwrap();
            let decided = printed.lines().map(|line| line != "0");
            assert_eq!(printed.lines().count(), expected.len(), "{printed}");
            for ((bound, comparison, expected), decided) in expected.into_iter().zip(decided) {
                assert_eq!(decided, expected, "{system:?} {release} {comparison:?} {bound}");
            }
        }
    }
}
