//! @NAME@: a distribution that uses RPM and dnf.

use opkg_rpm_family::release_macro::{IfExpression, ReleaseMacro};
use opkg_rpm_family::{
    Dnf, LicenseNames, ReleaseProfile, RpmVersion, WeakDependencies, arch_names,
    parse_target_version, releases,
};
use opkg_sdk::Distribution;
use opkg_sdk::artefacts::Output;
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax, VersionTest};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::{DistributionInfo, Refusal};
use opkg_sdk::version::ReleaseNumber;

/// What `--dist` names.
const ID: &str = "@NAME@";

/// CHANGE: the releases, newest first. Any other number is taken as well.
const RELEASES: &[&str] = &["1"];

/// The release of which packages are where nobody names one.
const DEFAULT_RELEASE: &str = "1";

/// CHANGE: architectures, by the names that OPKGs use and by RPM's.
const ARCHS: &[(&str, &str)] = &[("x86_64", "x86_64"), ("aarch64", "aarch64")];

/// CHANGE: the macro of RPM that holds the number of the release: `rhel`, `fedora`.
const RELEASE_MACRO: ReleaseMacro = ReleaseMacro {
    name: "@MACRO@",
    weights: &[1],
};

pub struct Plugin;

impl Distribution for Plugin {
    /// CHANGE: another package manager than dnf is a type of your own that implements `PackageManager`.
    type Manager = Dnf;

    fn describe() -> DistributionInfo {
        DistributionInfo {
            id: ID.to_owned(),
            name: ID.to_owned(), // CHANGE: as people write it
            version: env!("CARGO_PKG_VERSION").to_owned(),
            aliases: Vec::new(),
            releases: releases(RELEASES, DEFAULT_RELEASE),
            archs: arch_names(ARCHS),
            attributes: Vec::new(),
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        opkg_rpm_family::generate(opkg, target, &release_profile(target)?)
    }
}

opkg_sdk::export_distribution!(Plugin);

/// Writes a test of the release for `%if`, for what depends on a release that the target leaves open.
fn version_expression(test: &VersionTest) -> IfExpression {
    RELEASE_MACRO.comparison_expr(test.comparison, test.version.components())
}

fn release_profile(target: &BuildTarget) -> Result<ReleaseProfile, Refusal> {
    let default = ReleaseNumber::parse(DEFAULT_RELEASE).unwrap_or_else(|| ReleaseNumber::new([]));
    let version = parse_target_version(target, RELEASES)?;
    let release = version.clone().unwrap_or_else(|| default.clone());
    // CHANGE: a second identity, where filters for another distribution mean this one as well.
    let identity = DistIdentity {
        id: ID.to_owned(),
        version: version.clone(),
        default_version: default,
        version_syntax: VersionSyntax::numbers(),
    };
    Ok(ReleaseProfile {
        filter_context: FilterContext::new(target, vec![identity]),
        archs: ARCHS,
        version_expression,
        // CHANGE: what RPM of the oldest release can; see the documentation of `ReleaseProfile`.
        rpm_version: RpmVersion(4, 16),
        weak_dependencies: WeakDependencies::Always,
        has_file_triggers: true,
        documentation_dir: "/usr/share/doc",
        has_versioned_documentation: false,
        // CHANGE: directories that are links to others: `("/usr/sbin", "/usr/bin")`.
        merged_directories: &[],
        license_names: LicenseNames::Spdx,
        account_tools: "shadow-utils",
        // CHANGE: what the distribution's packages have behind their release: `el9`, `fc44`.
        release_tag: format!("@MACRO@{}", release.major()),
        macros: vec![(RELEASE_MACRO.name, release.major().to_string())],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg_sdk::model::{Comparison, DistFilter, Part, RelationKind, Scope};
    use opkg_sdk::testing::{
        sample_opkg, sample_relation, sample_tagged_target, sample_target, some_bound,
    };

    #[test]
    fn exactly_one_release_is_the_default() {
        let releases = Plugin::describe().releases;
        assert_eq!(
            releases.iter().filter(|release| release.is_default).count(),
            1
        );
    }

    #[test]
    fn an_opkg_becomes_a_spec_and_three_packages() {
        let output = Plugin::generate(&sample_opkg("demo"), &sample_tagged_target(ID, Some("1")))
            .expect("made");
        assert_eq!(output.meta_files[0].path, "SPECS/opkg-demo.spec");
        let names: Vec<&str> = output
            .packages
            .iter()
            .map(|package| package.file_name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "opkg-demo-1.0-1.@MACRO@1.noarch.rpm",
                "opkg-demo-server-1.0-1.@MACRO@1.noarch.rpm",
                "opkg-demo-client-1.0-1.@MACRO@1.noarch.rpm"
            ]
        );
    }

    #[test]
    fn filters_mean_this_distribution() {
        let mut opkg = sample_opkg("demo");
        opkg.relations = [("new", Comparison::Ge, "1"), ("old", Comparison::Lt, "1")]
            .map(|(name, comparison, version)| {
                let mut relation =
                    sample_relation(7, Scope::Part(Part::Server), RelationKind::Requires, name);
                let bound = some_bound(comparison, version);
                relation.filter.dists = vec![DistFilter {
                    at: 7,
                    id: ID.to_owned(),
                    bound,
                }];
                relation
            })
            .to_vec();
        let output = Plugin::generate(&opkg, &sample_target(ID, Some("1"), None)).expect("made");
        let names: Vec<&str> = output.packages[1]
            .relations
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        assert!(
            names.contains(&"new") && !names.contains(&"old"),
            "{names:?}"
        );
    }
}
