//! Red Hat Enterprise Linux and what is built from its sources.

use opkg_rpm_family::release_macro::{IfExpression, ReleaseMacro};
use opkg_rpm_family::{
    Dnf, LicenseNames, ReleaseProfile, RpmVersion, WeakDependencies, arch_names, parse_target_version,
    releases,
};
use opkg_sdk::artefacts::Output;
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax, VersionTest};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::{Alias, DistributionInfo, Refusal};
use opkg_sdk::version::ReleaseNumber;
use opkg_sdk::{Distribution, export_distribution};

/// The family's id, by which filters mean any member.
const FAMILY: &str = "rhel";

/// The members, each under all ids that it answers to.
const MEMBERS: &[(&[&str], &str)] = &[
    (&["centos"], "CentOS"),
    (&["rocky", "rockylinux"], "Rocky Linux"),
    (&["almalinux", "alma"], "AlmaLinux"),
    (&["ol", "oracle"], "Oracle Linux"),
    (&["sl", "scientific"], "Scientific Linux"),
];

/// Releases that are known, newest first; any other number is taken as well.
const RELEASES: &[&str] = &["10", "9", "8", "7", "6", "5", "4", "3"];

/// The newest release that clusters commonly run: 10 leaves out processors that many of them still have
/// (it wants x86-64-v3).
const DEFAULT_RELEASE: u64 = 9;

const ARCHS: &[(&str, &str)] = &[
    ("x86_64", "x86_64"),
    ("aarch64", "aarch64"),
    ("ppc64le", "ppc64le"),
    ("s390x", "s390x"),
    ("riscv64", "riscv64"),
    ("i386", "i686"),
    ("ppc64", "ppc64"),
    ("ppc", "ppc"),
    ("s390", "s390"),
    ("ia64", "ia64"),
];

/// The family's releases define `rhel`, which holds the major version.
const RHEL_MACRO: ReleaseMacro = ReleaseMacro { name: "rhel", weights: &[1] };

pub struct Rhel;

impl Distribution for Rhel {
    type Manager = Dnf;

    fn describe() -> DistributionInfo {
        let aliases = MEMBERS.iter().flat_map(|(ids, name)| {
            ids.iter().map(|id| Alias { id: (*id).to_owned(), name: (*name).to_owned() })
        });
        DistributionInfo {
            id: FAMILY.to_owned(),
            name: "Red Hat Enterprise Linux".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            aliases: aliases.collect(),
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
    let version = parse_target_version(target, RELEASES)?;
    let major = version.as_ref().map(ReleaseNumber::major);
    let ids = MEMBERS
        .iter()
        .map(|(ids, _)| *ids)
        .find(|ids| ids.contains(&target.dist.as_str()))
        .unwrap_or_default();
    let identities = [FAMILY].iter().chain(ids).map(|id| DistIdentity {
        id: (*id).to_owned(),
        version: version.clone(),
        default_version: ReleaseNumber::new([DEFAULT_RELEASE]),
        version_syntax: VersionSyntax::numbers(),
    });
    let decisive = major.unwrap_or(DEFAULT_RELEASE);
    Ok(ReleaseProfile {
        filter_context: FilterContext::new(target, identities.collect()),
        archs: ARCHS,
        version_expression,
        weak_dependencies: match major {
            Some(8..) => WeakDependencies::Always,
            Some(_) => WeakDependencies::Never,
            None => WeakDependencies::Conditional {
                expression: format!("{} >= 8", RHEL_MACRO.defined_expr()),
                by_default: DEFAULT_RELEASE >= 8,
            },
        },
        documentation_dir: "/usr/share/doc",
        has_versioned_documentation: decisive <= 7,
        release_tag: format!("el{decisive}"),
        license_names: match decisive {
            ..=5 => LicenseNames::Written,
            6..=9 => LicenseNames::Short,
            _ => LicenseNames::Spdx,
        },
        account_tools: "shadow-utils",
        has_file_triggers: decisive >= 8,
        merged_directories: &[],
        rpm_version: match decisive {
            ..=4 => RpmVersion(4, 2),
            5 => RpmVersion(4, 4),
            6 => RpmVersion(4, 8),
            7 => RpmVersion(4, 11),
            8 => RpmVersion(4, 14),
            9 => RpmVersion(4, 16),
            _ => RpmVersion(4, 19),
        },
        macros: vec![(RHEL_MACRO.name, decisive.to_string())],
    })
}

fn version_expression(test: &VersionTest) -> IfExpression {
    RHEL_MACRO.comparison_expr(test.comparison, test.version.components())
}

export_distribution!(Rhel);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::artefacts::Compression;
    use opkg_sdk::testing::sample_target;

    fn target(dist: &str, version: Option<&str>) -> BuildTarget {
        sample_target(dist, version, None)
    }

    #[test]
    fn a_member_is_itself_and_of_the_family() {
        let ids = |dist| {
            let identities = release_profile(&target(dist, Some("9.4"))).unwrap().filter_context.identities;
            identities.into_iter().map(|identity| identity.id).collect::<Vec<_>>()
        };
        assert_eq!(ids("rhel"), ["rhel"]);
        assert_eq!(ids("alma"), ["rhel", "almalinux", "alma"]);
    }

    #[test]
    fn exactly_one_release_is_the_default() {
        assert_eq!(Rhel::describe().releases.iter().filter(|release| release.is_default).count(), 1);
    }

    #[test]
    fn each_release_is_packaged_as_its_rpm_can_read() {
        let of = |version| release_profile(&target("rhel", version)).unwrap();
        assert!(of(Some("6.9")).has_versioned_documentation);
        assert!(of(Some("7")).has_versioned_documentation);
        assert_eq!(of(Some("7")).weak_dependencies, WeakDependencies::Never);
        let compression = |version| of(version).rpm_version.compression();
        assert_eq!(compression(Some("5")), Compression::Gzip);
        assert_eq!(compression(Some("7")), Compression::Xz);
        assert_eq!(compression(Some("8")), Compression::Xz);
        assert_eq!(compression(None), Compression::Zstd);
        assert!(!of(None).has_versioned_documentation);
        assert_eq!(of(Some("5")).license_names, LicenseNames::Written);
        assert_eq!(of(None).license_names, LicenseNames::Short);
        assert_eq!(of(Some("10")).license_names, LicenseNames::Spdx);
        assert_eq!(of(None).macros, [("rhel", "9".to_owned())]);
    }

    #[test]
    fn a_version_is_a_number() {
        let Err(Refusal::UnknownTarget(message)) = release_profile(&target("rocky", Some("latest"))) else {
            panic!("must be refused");
        };
        assert_eq!(
            message,
            "`latest` is not a version of rocky: write a number, such as 10, 9, 8, 7, 6, 5, 4, 3"
        );
    }

    #[test]
    fn release_tags_sort_as_one_is_upgraded_to_the_next() {
        let tags =
            [("rhel", "5"), ("centos", "7.9"), ("rocky", "9.4"), ("rhel", "10")].map(|(dist, version)| {
                release_profile(&sample_target(dist, Some(version), None)).unwrap().release_tag
            });
        assert_eq!(tags, ["el5", "el7", "el9", "el10"]);
        for pair in tags.windows(2) {
            let [earlier, later] = [&pair[0], &pair[1]].map(|tag| format!("1.0-1.{tag}"));
            assert!(opkg_rpm_family::version_order::compare(&earlier, &later).is_lt(), "{pair:?}");
        }
    }
}
