//! How the members of the family count their releases, and by which macros RPM knows them.
//!
//! SUSE Linux counted to 13.2, went on as Leap 42.1 to 42.3 and came back to 15.0. SUSE Linux Enterprise went
//! from 12 to 15, and since then both count alike: Leap 15.6 is made of what Enterprise 15 SP 6 is.
//!
//! `suse_version` is 1320 for 13.2 and 1600 for 16.0, but 1315 for all of Enterprise 12 and Leap 42, and 1500
//! for all of 15: these define `sle_version` as well, 150600 for 15.6 or SP 6. Tumbleweed, which has no
//! releases, is 1699.

use opkg_rpm_family::release_macro::{IfExpression, ReleaseMacro};
use opkg_sdk::filter::VersionTest;
use opkg_sdk::model::Comparison;
use opkg_sdk::version::ReleaseNumber;

/// The last that old machines can run: 16 leaves out processors (it wants x86-64-v2).
pub const DEFAULT_RELEASE: [u64; 2] = [15, 6];

const SUSE_VERSION: ReleaseMacro = ReleaseMacro { name: "suse_version", weights: &[100, 10] };
/// The `suse_version` of Tumbleweed: above every release of this major version.
const TUMBLEWEED_SUSE_VERSION: u64 = 1699;
const LAST_MAJOR: u64 = 16;

const SLE_VERSION: ReleaseMacro = ReleaseMacro { name: "sle_version", weights: &[10_000, 100] };

/// Where Leap 42 stands: after 13.2 and before 15.
const LEAP_42: u64 = 14;

/// Whose release a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// SUSE Linux, openSUSE, Leap, Tumbleweed.
    OpenSuse,
    /// SUSE Linux Enterprise Server and Desktop.
    Enterprise,
}

/// Reads a release: `15.6`, `15-SP6`, `tumbleweed`, which is later than all that have a number.
pub fn parse_release(text: &str) -> Option<ReleaseNumber> {
    let text = text.to_ascii_lowercase();
    if text == "tumbleweed" || text == "factory" {
        return Some(ReleaseNumber::new([u64::MAX]));
    }
    let text = match text.split_once("sp") {
        Some((release, pack)) => format!("{}.{pack}", release.strip_suffix('-').unwrap_or(release)),
        None => text,
    };
    let version = ReleaseNumber::parse(&text)?;
    match version.components() {
        [42, minor @ ..] => Some(ReleaseNumber::new([&[LEAP_42], minor].concat())),
        _ => Some(version),
    }
}

/// Whether a version is Tumbleweed's, which counts days (20261101) where it counts at all.
pub fn is_tumbleweed(version: &ReleaseNumber) -> bool {
    version.major() > 10_000_000
}

/// What packages have behind their release: `lp156`, `sle15sp6`, `tw`. The family's build service numbers builds instead
/// (`lp156.2.1`, `150600.3.1`), but for Leap. RPM sorts them in the order in which one is upgraded to the next, Leap to
/// Enterprise and to Tumbleweed among them; Leap 42 stands where it came, as 14.
pub fn release_tag(system: Product, version: &ReleaseNumber) -> String {
    let minor = version.components().get(1).copied().unwrap_or_default();
    match (system, version.major()) {
        _ if is_tumbleweed(version) => "tw".to_owned(),
        (Product::OpenSuse, major) => format!("lp{major}{minor}"),
        (Product::Enterprise, major) if minor == 0 => format!("sle{major}"),
        (Product::Enterprise, major @ ..16) => format!("sle{major}sp{minor}"),
        (Product::Enterprise, major) => format!("sle{major}.{minor}"),
    }
}

/// The macros that the RPM of a release defines, with their values.
pub fn release_macros(system: Product, version: &ReleaseNumber) -> Vec<(&'static str, String)> {
    let minor = version.components().get(1).copied().unwrap_or_default();
    let (suse, sle) = match (system, version.major()) {
        _ if is_tumbleweed(version) => (TUMBLEWEED_SUSE_VERSION, None),
        (Product::Enterprise, 12) => (1315, Some([12, minor])),
        (_, LEAP_42) => (1315, Some([12, minor])),
        (_, 15) => (1500, Some([15, minor])),
        // Service packs did not count yet.
        (Product::Enterprise, major @ ..12) => (major * 100 + 10, None),
        _ => (SUSE_VERSION.value(version.components()), None),
    };
    let mut macros = vec![(SUSE_VERSION.name, suse.to_string())];
    macros.extend(sle.map(|version| (SLE_VERSION.name, SLE_VERSION.value(&version).to_string())));
    if system == Product::OpenSuse && version.major() >= LEAP_42 {
        macros.push(("is_opensuse", "1".to_owned()));
    }
    macros
}

/// The test for a spec, which may be built on any member. Leap 42 has the macros of the Enterprise 12 that it was
/// made of, so that a spec takes it for that where a test lies between the two.
pub fn version_expression(test: &VersionTest) -> IfExpression {
    let version = test.version.components();
    let without = suse_version_expression(test.comparison, version);
    let of_enterprise = match version {
        [LEAP_42, minor @ ..] => &[&[12], minor].concat(),
        other => other,
    };
    let with = SLE_VERSION.comparison_expr(test.comparison, of_enterprise);
    IfExpression {
        text: format!("({}) || (!0%{{?sle_version}} && {})", with.text, without.text),
        is_exact: with.is_exact && without.is_exact,
    }
}

/// All of 16 is what lies below Tumbleweed.
fn suse_version_expression(comparison: Comparison, version: &[u64]) -> IfExpression {
    let value = SUSE_VERSION.defined_expr();
    let first = SUSE_VERSION.value(version);
    let text = match comparison {
        _ if version != [LAST_MAJOR] => return SUSE_VERSION.comparison_expr(comparison, version),
        Comparison::Lt | Comparison::Ge => return SUSE_VERSION.comparison_expr(comparison, version),
        Comparison::Eq => format!("{value} >= {first} && {value} < {TUMBLEWEED_SUSE_VERSION}"),
        Comparison::Le => format!("{value} && {value} < {TUMBLEWEED_SUSE_VERSION}"),
        Comparison::Gt => format!("{value} >= {TUMBLEWEED_SUSE_VERSION}"),
    };
    IfExpression { text, is_exact: true }
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
            version: parse_release(version).unwrap(),
            source_text: version.into(),
        }
    }

    #[test]
    fn releases_stand_in_the_order_in_which_they_came() {
        let order =
            ["9.3", "10.0", "11.4", "12.1", "13.2", "42.1", "42.3", "15.0", "15-SP6", "16.0", "tumbleweed"];
        for pair in order.windows(2) {
            let (earlier, later) = (parse_release(pair[0]).unwrap(), parse_release(pair[1]).unwrap());
            assert!(earlier.satisfies(Lt, &later).is_satisfied, "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(parse_release("12sp5"), parse_release("12.5"));
        assert_eq!(parse_release("leap"), None);
        assert!(is_tumbleweed(&parse_release("20261101").unwrap()));
    }

    #[test]
    fn macros_of_releases() {
        let of = |system, version| {
            let macros = release_macros(system, &parse_release(version).unwrap());
            macros.into_iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
        };
        for (system, version, expected) in [
            (Product::OpenSuse, "15.6", "suse_version 1500, sle_version 150600, is_opensuse 1"),
            (Product::OpenSuse, "42.3", "suse_version 1315, sle_version 120300, is_opensuse 1"),
            (Product::OpenSuse, "13.2", "suse_version 1320"),
            (Product::OpenSuse, "16.0", "suse_version 1600, is_opensuse 1"),
            (Product::OpenSuse, "tumbleweed", "suse_version 1699, is_opensuse 1"),
            (Product::Enterprise, "16.1", "suse_version 1610"),
            (Product::Enterprise, "15-sp4", "suse_version 1500, sle_version 150400"),
            (Product::Enterprise, "12", "suse_version 1315, sle_version 120000"),
            (Product::Enterprise, "11.4", "suse_version 1110"),
            (Product::Enterprise, "9", "suse_version 910"),
        ] {
            assert_eq!(of(system, version), expected, "{version}");
        }
    }

    #[test]
    fn a_spec_asks_both_macros() {
        assert_eq!(
            version_expression(&test(Ge, "15.4")).text,
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
            (Product::OpenSuse, "10.3"),
            (Product::OpenSuse, "11.4"),
            (Product::OpenSuse, "12.1"),
            (Product::OpenSuse, "13.2"),
            (Product::OpenSuse, "42.3"),
            (Product::OpenSuse, "15.0"),
            (Product::OpenSuse, "15.6"),
            (Product::OpenSuse, "16.0"),
            (Product::OpenSuse, "tumbleweed"),
            (Product::Enterprise, "10"),
            (Product::Enterprise, "11"),
            (Product::Enterprise, "12"),
            (Product::Enterprise, "12.5"),
            (Product::Enterprise, "15.3"),
            (Product::Enterprise, "16.0"),
        ];
        let bounds = ["9", "10", "11", "11.4", "12", "15", "15.0", "15.4", "16", "16.0", "16.1"];
        for (system, release) in releases {
            let version = parse_release(release).unwrap();
            let mut rpm = std::process::Command::new("rpm");
            for (name, value) in release_macros(system, &version) {
                rpm.args(["--define", &format!("{name} {value}")]);
            }
            let mut expected = Vec::new();
            let is_leap_42 = version.major() == LEAP_42;
            for bound in bounds.into_iter().filter(|bound| !(is_leap_42 && bound.starts_with("12"))) {
                for comparison in [Lt, Le, Eq, Ge, Gt] {
                    let test = test(comparison, bound);
                    rpm.arg("--eval").arg(format!("%[{}]", version_expression(&test).text));
                    expected.push((
                        bound,
                        comparison,
                        version.satisfies(comparison, &test.version).is_satisfied,
                    ));
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
