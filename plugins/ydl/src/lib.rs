//! Yellow Dog Linux: Fedora's, later CentOS's packages for machines with a POWER processor, until 2012.

use opkg_rpm_family::release_macro::IfExpression;
use opkg_rpm_family::{
    Dnf, LicenseNames, ReleaseProfile, RpmVersion, WeakDependencies, arch_names, parse_target_version,
    releases,
};
use opkg_sdk::artefacts::Output;
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::{Alias, DistributionInfo, Refusal};
use opkg_sdk::version::ReleaseNumber;
use opkg_sdk::{Distribution, export_distribution};

const ID: &str = "ydl";

/// Releases that are known, newest first; any other number is taken as well.
const RELEASES: &[&str] = &["7", "6.2", "6.1", "6.0", "5.0", "4.1", "4.0", "3.0"];

/// The last that was widely used.
const DEFAULT_RELEASE: &str = "6.2";

/// An edition for PCs with accelerators came at the end.
const ARCHS: &[(&str, &str)] = &[("ppc", "ppc"), ("ppc64", "ppc64"), ("x86_64", "x86_64")];

/// Yellow Dog Linux, as a plugin.
pub struct YellowDog;

impl Distribution for YellowDog {
    type Manager = Dnf;

    fn describe() -> DistributionInfo {
        DistributionInfo {
            id: ID.to_owned(),
            name: "Yellow Dog Linux".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            aliases: vec![Alias { id: "yellowdog".to_owned(), name: "Yellow Dog Linux".to_owned() }],
            releases: releases(RELEASES, DEFAULT_RELEASE),
            archs: arch_names(ARCHS),
            attributes: Vec::new(),
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        opkg_rpm_family::generate(opkg, target, &release_profile(target)?)
    }
}

/// No macro of RPM's tells the release, so that a spec has nothing to test: where the target names none, the
/// default one decides.
fn release_profile(target: &BuildTarget) -> Result<ReleaseProfile, Refusal> {
    let version = match parse_target_version(target, RELEASES)? {
        Some(version) => version,
        None => ReleaseNumber::new([6, 2]),
    };
    let identity = |id: &str| DistIdentity {
        id: id.to_owned(),
        version: Some(version.clone()),
        default_version: version.clone(),
        version_syntax: VersionSyntax::numbers(),
    };
    let ids = if target.dist == ID { vec![ID] } else { vec![ID, &target.dist] };
    Ok(ReleaseProfile {
        filter_context: FilterContext::new(target, ids.into_iter().map(identity).collect()),
        archs: ARCHS,
        version_expression: |_| IfExpression { text: "0".to_owned(), is_exact: true },
        weak_dependencies: WeakDependencies::Never,
        documentation_dir: "/usr/share/doc",
        has_versioned_documentation: true,
        release_tag: format!("ydl{version}"),
        license_names: LicenseNames::Written,
        account_tools: "shadow-utils",
        has_file_triggers: false,
        merged_directories: &[],
        rpm_version: if version.major() < 7 { RpmVersion(4, 4) } else { RpmVersion(4, 8) },
        macros: Vec::new(),
    })
}

export_distribution!(YellowDog);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::model::{Comparison, DistFilter, Part, RelationKind, Scope};
    use opkg_sdk::testing::{sample_opkg, sample_relation, sample_target, some_bound};

    #[test]
    fn exactly_one_release_is_the_default_and_decides() {
        let description = YellowDog::describe();
        let defaults: Vec<_> = description.releases.iter().filter(|release| release.is_default).collect();
        assert_eq!(defaults.len(), 1);
        let default = release_profile(&sample_target(ID, None, None)).unwrap().filter_context.identities[0]
            .version
            .clone();
        assert_eq!(default, ReleaseNumber::parse(&defaults[0].version));
    }

    #[test]
    fn a_spec_tests_no_release() {
        let mut opkg = sample_opkg("x");
        opkg.relations = [("new", Comparison::Ge), ("old", Comparison::Lt)]
            .map(|(name, comparison)| {
                let mut relation =
                    sample_relation(7, Scope::Part(Part::Server), RelationKind::Requires, name);
                relation.filter.dists =
                    vec![DistFilter { at: 7, id: ID.into(), bound: some_bound(comparison, "6") }];
                relation
            })
            .to_vec();
        let output = YellowDog::generate(&opkg, &sample_target("yellowdog", None, Some("ppc"))).unwrap();
        let spec = &output.meta_files[0].contents;
        assert!(spec.contains("Requires: new\n") && !spec.contains("old") && !spec.contains("%if"), "{spec}");
        assert_eq!(output.packages[0].license, "GPL");
        assert!(output.packages[0].files.iter().all(|file| !file.path.contains("packages/doc")));
    }

    #[test]
    fn release_tags_sort_as_one_is_upgraded_to_the_next() {
        let tags = [("ydl", "4.1"), ("ydl", "6.2"), ("yellowdog", "7")].map(|(dist, version)| {
            release_profile(&sample_target(dist, Some(version), None)).unwrap().release_tag
        });
        assert_eq!(tags, ["ydl4.1", "ydl6.2", "ydl7"]);
        for pair in tags.windows(2) {
            let [earlier, later] = [&pair[0], &pair[1]].map(|tag| format!("1.0-1.{tag}"));
            assert!(opkg_rpm_family::version_order::compare(&earlier, &later).is_lt(), "{pair:?}");
        }
    }
}
