//! Fedora, which was Fedora Core at first.

use opkg_rpm_family::release_macro::{IfExpression, ReleaseMacro};
use opkg_rpm_family::{
    Dnf, LicenseNames, ReleaseProfile, RpmVersion, WeakDependencies, arch_names, releases,
};
use opkg_sdk::artefacts::Output;
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax, VersionTest};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::{Alias, DistributionInfo, Refusal};
use opkg_sdk::version::ReleaseNumber;
use opkg_sdk::{Distribution, export_distribution};

/// Both mean all of it.
const IDS: [&str; 2] = ["fedora", "fc"];

/// What the next release comes out of; later than all that have a number.
const RAWHIDE: &str = "rawhide";

/// Releases that are known, newest first; any other number is taken as well.
const RELEASES: &[&str] = &[RAWHIDE, "44", "43", "42", "41", "40", "39", "38"];

const DEFAULT_RELEASE: u64 = 44;

const ARCHS: &[(&str, &str)] = &[
    ("x86_64", "x86_64"),
    ("aarch64", "aarch64"),
    ("ppc64le", "ppc64le"),
    ("s390x", "s390x"),
    ("riscv64", "riscv64"),
    ("i386", "i686"),
    ("arm", "armv7hl"),
    ("ppc64", "ppc64"),
    ("ppc", "ppc"),
];

/// All releases define `fedora`, which holds the number.
const FEDORA_MACRO: ReleaseMacro = ReleaseMacro { name: "fedora", weights: &[1] };

pub struct Fedora;

impl Distribution for Fedora {
    type Manager = Dnf;

    fn describe() -> DistributionInfo {
        DistributionInfo {
            id: IDS[0].to_owned(),
            name: "Fedora".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            aliases: vec![Alias { id: IDS[1].to_owned(), name: "Fedora".to_owned() }],
            releases: releases(RELEASES, &DEFAULT_RELEASE.to_string()),
            archs: arch_names(ARCHS),
            attributes: Vec::new(),
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        opkg_rpm_family::generate(opkg, target, &release_profile(target)?)
    }
}

fn release_profile(target: &BuildTarget) -> Result<ReleaseProfile, Refusal> {
    let version = match &target.version {
        Some(text) => Some(parse_release(text).ok_or_else(|| unknown_release(text))?),
        None => None,
    };
    let identities = IDS.map(|id| DistIdentity {
        id: id.to_owned(),
        version: version.clone(),
        default_version: ReleaseNumber::new([DEFAULT_RELEASE]),
        version_syntax: VersionSyntax::Custom(parse_release),
    });
    let decisive = version.as_ref().map_or(DEFAULT_RELEASE, ReleaseNumber::major);
    Ok(ReleaseProfile {
        filter_context: FilterContext::new(target, identities.to_vec()),
        archs: ARCHS,
        version_expression,
        weak_dependencies: if decisive < 21 { WeakDependencies::Never } else { WeakDependencies::Always },
        documentation_dir: "/usr/share/doc",
        has_versioned_documentation: decisive < 20,
        release_tag: format!("fc{}", decisive.min(DEFAULT_RELEASE + 1)),
        license_names: match decisive {
            ..8 => LicenseNames::Written,
            8..38 => LicenseNames::Short,
            _ => LicenseNames::Spdx,
        },
        account_tools: "shadow-utils",
        has_file_triggers: decisive >= 27,
        merged_directories: if decisive < 42 { &[] } else { &[("/usr/sbin", "/usr/bin")] },
        rpm_version: match decisive {
            ..10 => RpmVersion(4, 4),
            10 => RpmVersion(4, 6),
            11..13 => RpmVersion(4, 7),
            13..15 => RpmVersion(4, 8),
            15..18 => RpmVersion(4, 9),
            18 => RpmVersion(4, 10),
            19..21 => RpmVersion(4, 11),
            21..23 => RpmVersion(4, 12),
            23..27 => RpmVersion(4, 13),
            27..31 => RpmVersion(4, 14),
            31..33 => RpmVersion(4, 15),
            33..35 => RpmVersion(4, 16),
            35..38 => RpmVersion(4, 17),
            38 => RpmVersion(4, 18),
            39..41 => RpmVersion(4, 19),
            41..43 => RpmVersion(4, 20),
            _ => RpmVersion(6, 0),
        },
        // Rawhide's macro has the number of what it will be.
        macros: vec![(FEDORA_MACRO.name, decisive.min(DEFAULT_RELEASE + 1).to_string())],
    })
}

fn parse_release(text: &str) -> Option<ReleaseNumber> {
    if text.eq_ignore_ascii_case(RAWHIDE) {
        Some(ReleaseNumber::new([u64::MAX]))
    } else {
        ReleaseNumber::parse(text)
    }
}

fn version_expression(test: &VersionTest) -> IfExpression {
    FEDORA_MACRO.comparison_expr(test.comparison, test.version.components())
}

fn unknown_release(asked: &str) -> Refusal {
    Refusal::UnknownTarget(format!(
        "`{asked}` is not a release of Fedora: write a number, or one of {}",
        RELEASES.join(", ")
    ))
}

export_distribution!(Fedora);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::artefacts::Compression;
    use opkg_sdk::filter::FilterMatch;
    use opkg_sdk::model::{Comparison, DistFilter, Filter};
    use opkg_sdk::testing::{sample_opkg, sample_target, some_bound};

    fn decide(version: Option<&str>, id: &str, comparison: Comparison, wanted: &str) -> FilterMatch {
        let filter = DistFilter { at: 0, id: id.into(), bound: some_bound(comparison, wanted) };
        let filter = Filter { dists: vec![filter], archs: Vec::new() };
        release_profile(&sample_target("fedora", version, None))
            .unwrap()
            .filter_context
            .evaluate(&filter, &mut Vec::new())
    }

    #[test]
    fn the_old_id_means_the_same() {
        for id in IDS {
            assert_eq!(decide(Some("40"), id, Comparison::Ge, "38"), FilterMatch::Always);
            assert_eq!(decide(Some("9"), id, Comparison::Ge, "10"), FilterMatch::Never);
            assert!(matches!(decide(None, id, Comparison::Ge, "38"), FilterMatch::Conditional(_)));
        }
    }

    #[test]
    fn what_has_no_number_yet_is_later_than_all_others() {
        assert_eq!(decide(Some("Rawhide"), "fedora", Comparison::Gt, "99"), FilterMatch::Always);
        assert_eq!(decide(Some("44"), "fedora", Comparison::Lt, "rawhide"), FilterMatch::Always);
        let profile = release_profile(&sample_target("fedora", Some(RAWHIDE), None)).unwrap();
        assert_eq!(profile.macros, [("fedora", "45".to_owned())]);
    }

    #[test]
    fn exactly_one_release_is_the_default() {
        assert_eq!(Fedora::describe().releases.iter().filter(|release| release.is_default).count(), 1);
    }

    #[test]
    fn each_release_is_packaged_as_its_rpm_can_read() {
        let of = |version| release_profile(&sample_target("fc", version, None)).unwrap();
        for (version, compression) in [
            (Some("6"), Compression::Gzip),
            (Some("30"), Compression::Xz),
            (Some("31"), Compression::Zstd),
            (None, Compression::Zstd),
        ] {
            assert_eq!(of(version).rpm_version.compression(), compression);
        }
        assert_eq!(
            (of(Some("20")).weak_dependencies, of(None).weak_dependencies),
            (WeakDependencies::Never, WeakDependencies::Always)
        );
        assert!(of(Some("19")).has_versioned_documentation && !of(Some("20")).has_versioned_documentation);
    }

    #[test]
    fn programs_have_one_directory_since_42() {
        let of =
            |version| release_profile(&sample_target("fedora", version, None)).unwrap().merged_directories;
        assert!(of(Some("41")).is_empty());
        for version in [Some("42"), Some(RAWHIDE), None] {
            assert_eq!(of(version), [("/usr/sbin", "/usr/bin")]);
        }
    }

    #[test]
    fn licences_have_the_names_of_the_policy() {
        let license = |version| {
            let output =
                Fedora::generate(&sample_opkg("x"), &sample_target("fedora", version, None)).unwrap();
            output.packages[0].license.clone()
        };
        assert_eq!(license(Some("6")), "GPL");
        assert_eq!(license(Some("37")), "GPL+");
        assert_eq!(license(None), "GPL-1.0-or-later");
    }

    #[test]
    fn an_unknown_release_names_the_known_ones() {
        let Err(Refusal::UnknownTarget(message)) =
            release_profile(&sample_target("fc", Some("heisenbug"), None))
        else {
            panic!("must be refused");
        };
        assert_eq!(
            message,
            "`heisenbug` is not a release of Fedora: write a number, or one of rawhide, 44, 43, 42, 41, 40, 39, 38"
        );
    }

    #[test]
    fn release_tags_sort_as_one_is_upgraded_to_the_next() {
        let tags = [("fc", "6"), ("fedora", "43"), ("fedora", "44"), ("fedora", "rawhide")].map(
            |(dist, version)| release_profile(&sample_target(dist, Some(version), None)).unwrap().release_tag,
        );
        assert_eq!(tags, ["fc6", "fc43", "fc44", "fc45"]);
        for pair in tags.windows(2) {
            let [earlier, later] = [&pair[0], &pair[1]].map(|tag| format!("1.0-1.{tag}"));
            assert!(opkg_rpm_family::version_order::compare(&earlier, &later).is_lt(), "{pair:?}");
        }
    }
}
