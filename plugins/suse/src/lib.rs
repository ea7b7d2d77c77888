//! SUSE Linux Enterprise and openSUSE: Leap and Tumbleweed.

mod release;
mod zypper;

use opkg_rpm_family::{LicenseNames, ReleaseProfile, RpmVersion, WeakDependencies, arch_names, releases};
use opkg_sdk::artefacts::Output;
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::{Alias, DistributionInfo, DistributionRelease, Refusal};
use opkg_sdk::version::ReleaseNumber;
use opkg_sdk::{Distribution, export_distribution};
use release::Product;
use zypper::Zypper;

/// Ids by which filters mean any member.
const FAMILY_IDS: [&str; 2] = ["suse", "sles"];

/// The members by their own ids.
const LEAP_IDS: [&str; 2] = ["leap", "opensuse-leap"];
const TUMBLEWEED_IDS: [&str; 2] = ["tumbleweed", "opensuse-tumbleweed"];
const OPENSUSE_ID: &str = "opensuse";
const SLE_ID: &str = "sle";
const SLED_ID: &str = "sled";

/// Releases that are known, newest first; any other number is taken as well.
const RELEASES: &[&str] = &[
    "tumbleweed",
    "16.1",
    "16.0",
    "15.7",
    "15.6",
    "15.5",
    "15.4",
    "15.3",
    "15.2",
    "15.1",
    "15.0",
    "42.3",
    "42.2",
    "42.1",
    "13.2",
    "12.5",
    "12.4",
    "12.3",
    "12",
    "11",
    "10",
];

const ARCHS: &[(&str, &str)] = &[
    ("x86_64", "x86_64"),
    ("aarch64", "aarch64"),
    ("ppc64le", "ppc64le"),
    ("s390x", "s390x"),
    ("riscv64", "riscv64"),
    ("i386", "i586"),
    ("arm", "armv7hl"),
    ("ppc64", "ppc64"),
    ("ppc", "ppc"),
    ("ia64", "ia64"),
];

pub struct Suse;

impl Distribution for Suse {
    type Manager = Zypper;

    fn describe() -> DistributionInfo {
        let named = |ids: &[&str], name: &str| {
            ids.iter().map(|id| Alias { id: (*id).to_owned(), name: name.to_owned() }).collect::<Vec<_>>()
        };
        let mut releases: Vec<DistributionRelease> =
            releases(RELEASES, &ReleaseNumber::new(release::DEFAULT_RELEASE).to_string());
        for release in &mut releases {
            let (major, pack) = release.version.split_once('.').unwrap_or_default();
            if matches!(major, "12" | "15") && pack != "0" {
                release.name = Some(format!("{major}-SP{pack}"));
            }
        }
        DistributionInfo {
            id: FAMILY_IDS[0].to_owned(),
            name: "SUSE Linux".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            aliases: [
                named(&[OPENSUSE_ID], "openSUSE"),
                named(&LEAP_IDS, "openSUSE Leap"),
                named(&TUMBLEWEED_IDS, "openSUSE Tumbleweed"),
                named(&["sles"], "SUSE Linux Enterprise Server"),
                named(&[SLED_ID], "SUSE Linux Enterprise Desktop"),
                named(&[SLE_ID], "SUSE Linux Enterprise"),
            ]
            .concat(),
            releases,
            archs: arch_names(ARCHS),
            attributes: Vec::new(),
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        opkg_rpm_family::generate(opkg, target, &release_profile(target)?)
    }
}

fn release_profile(target: &BuildTarget) -> Result<ReleaseProfile, Refusal> {
    let dist = target.dist.as_str();
    let asked = if TUMBLEWEED_IDS.contains(&dist) { Some("tumbleweed") } else { target.version.as_deref() };
    let version = match asked {
        Some(text) => Some(release::parse_release(text).ok_or_else(|| unknown_release(text))?),
        None => None,
    };
    let decisive = version.clone().unwrap_or_else(|| ReleaseNumber::new(release::DEFAULT_RELEASE));
    let identity = |id: &str| DistIdentity {
        id: id.to_owned(),
        version: version.clone(),
        default_version: ReleaseNumber::new(release::DEFAULT_RELEASE),
        version_syntax: VersionSyntax::Custom(release::parse_release),
    };
    let (system, own): (Product, &[&str]) = match dist {
        "sles" | SLE_ID => (Product::Enterprise, &[SLE_ID]),
        SLED_ID => (Product::Enterprise, &[SLE_ID, SLED_ID]),
        _ if release::is_tumbleweed(&decisive) => (Product::OpenSuse, &TUMBLEWEED_IDS),
        _ => (Product::OpenSuse, &LEAP_IDS),
    };
    let open = (system == Product::OpenSuse).then_some(OPENSUSE_ID);
    let ids = FAMILY_IDS.into_iter().chain(open).chain(own.iter().copied());
    Ok(ReleaseProfile {
        filter_context: FilterContext::new(target, ids.map(identity).collect()),
        archs: ARCHS,
        version_expression: release::version_expression,
        weak_dependencies: WeakDependencies::Always,
        documentation_dir: "/usr/share/doc/packages",
        has_versioned_documentation: false,
        release_tag: release::release_tag(system, &decisive),
        license_names: if decisive.major() < 12 { LicenseNames::Written } else { LicenseNames::Spdx },
        account_tools: "/usr/sbin/useradd",
        has_file_triggers: decisive.major() >= 16 && decisive.major() != 42,
        merged_directories: &[],
        rpm_version: match decisive.major() {
            // 42 is Leap between 13 and 15; later numbers are Tumbleweed's.
            ..12 => RpmVersion(4, 4),
            12..15 | 42 => RpmVersion(4, 11),
            15 => RpmVersion(4, 14),
            _ => RpmVersion(4, 20),
        },
        macros: release::release_macros(system, &decisive),
    })
}

fn unknown_release(asked: &str) -> Refusal {
    Refusal::UnknownTarget(format!(
        "`{asked}` is not a release of SUSE Linux: write a number, such as 15.6 or 15-SP6, or tumbleweed"
    ))
}

export_distribution!(Suse);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::artefacts::Compression;
    use opkg_sdk::filter::FilterMatch;
    use opkg_sdk::model::{Comparison, Destination, DistFilter, Filter, Part};
    use opkg_sdk::testing::{add_file, own_directory, sample_opkg, sample_target, some_bound};

    fn decide(dist: &str, version: Option<&str>, id: &str, wanted: Option<&str>) -> FilterMatch {
        let bound = wanted.and_then(|wanted| some_bound(Comparison::Ge, wanted));
        let filter = Filter { dists: vec![DistFilter { at: 0, id: id.into(), bound }], archs: Vec::new() };
        release_profile(&sample_target(dist, version, None))
            .unwrap()
            .filter_context
            .evaluate(&filter, &mut Vec::new())
    }

    #[test]
    fn both_ids_of_the_family_mean_every_member() {
        for dist in ["suse", "opensuse", "leap", "tumbleweed", "sles", "sled", "sle"] {
            for id in FAMILY_IDS {
                assert_eq!(decide(dist, None, id, None), FilterMatch::Always, "{id} on {dist}");
            }
        }
        assert_eq!(decide("sles", Some("15-sp6"), "suse", Some("11")), FilterMatch::Always);
        assert_eq!(decide("suse", Some("13.2"), "sles", Some("15")), FilterMatch::Never);
        assert_eq!(decide("leap", Some("42.3"), "suse", Some("15")), FilterMatch::Never);
        assert!(matches!(decide("suse", None, "suse", Some("15.4")), FilterMatch::Conditional(_)));
    }

    #[test]
    fn a_member_is_meant_by_its_own_id_only() {
        for (dist, version, id, expected) in [
            ("suse", None, "opensuse", FilterMatch::Always),
            ("opensuse", Some("tumbleweed"), "tumbleweed", FilterMatch::Always),
            ("opensuse-tumbleweed", None, "leap", FilterMatch::Never),
            ("tumbleweed", Some("20261101"), "tumbleweed", FilterMatch::Always),
            ("sles", None, "opensuse", FilterMatch::Never),
            ("sled", None, "sle", FilterMatch::Always),
            ("sles", None, "sled", FilterMatch::Never),
        ] {
            assert_eq!(decide(dist, version, id, None), expected, "{id} on {dist}");
        }
        assert_eq!(decide("tumbleweed", None, "suse", Some("99")), FilterMatch::Always);
    }

    #[test]
    fn exactly_one_release_is_the_default() {
        let releases = Suse::describe().releases;
        let defaults: Vec<_> = releases.iter().filter(|release| release.is_default).collect();
        assert_eq!(defaults.len(), 1);
        assert_eq!(defaults[0].name.as_deref(), Some("15-SP6"));
    }

    #[test]
    fn each_release_is_packaged_as_its_rpm_can_read() {
        let of = |version| {
            let profile = release_profile(&sample_target("suse", version, None)).unwrap();
            profile.rpm_version.compression()
        };
        assert_eq!(of(Some("11.4")), Compression::Gzip);
        assert_eq!(of(None), Compression::Xz);
        assert_eq!(of(Some("42.3")), Compression::Xz);
        assert_eq!(of(Some("16.0")), Compression::Zstd);
        assert_eq!(of(Some("tumbleweed")), Compression::Zstd);
    }

    #[test]
    fn documents_have_a_place_of_their_own() {
        let mut opkg = sample_opkg("x");
        add_file(&mut opkg, Part::Api, "doc/README");
        opkg.directories.push(own_directory(Part::Api, Destination::Documentation(String::new())));
        let output = Suse::generate(&opkg, &sample_target("leap", Some("15.6"), None)).unwrap();
        let api = &output.packages[0];
        assert!(api.files.iter().any(|file| file.path == "/usr/share/doc/packages/opkg-x/README"));
        assert_eq!(api.license, "GPL-1.0-or-later");
    }

    #[test]
    fn an_unknown_release_is_refused() {
        let Err(Refusal::UnknownTarget(message)) =
            release_profile(&sample_target("sles", Some("next"), None))
        else {
            panic!("must be refused");
        };
        assert!(message.contains("15-SP6"), "{message}");
    }

    #[test]
    fn release_tags_sort_as_one_is_upgraded_to_the_next() {
        let tags = [
            ("suse", "13.2"),
            ("leap", "42.3"),
            ("leap", "15.0"),
            ("opensuse", "15.6"),
            ("leap", "16.0"),
            ("sles", "12"),
            ("sles", "15"),
            ("sles", "15-sp6"),
            ("sle", "15.7"),
            ("sles", "16.0"),
            ("sles", "16.1"),
            ("suse", "tumbleweed"),
        ]
        .map(|(dist, version)| {
            release_profile(&sample_target(dist, Some(version), None)).unwrap().release_tag
        });
        assert_eq!(
            tags,
            [
                "lp132", "lp143", "lp150", "lp156", "lp160", "sle12", "sle15", "sle15sp6", "sle15sp7",
                "sle16", "sle16.1", "tw"
            ]
        );
        for pair in tags.windows(2) {
            let [earlier, later] = [&pair[0], &pair[1]].map(|tag| format!("1.0-1.{tag}"));
            assert!(opkg_rpm_family::version_order::compare(&earlier, &later).is_lt(), "{pair:?}");
        }
    }
}
