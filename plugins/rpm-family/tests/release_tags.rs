//! A bound on another OPKG's package means the release whatever tag it has, and packages tell what they were made for.
#![allow(clippy::unwrap_used)]

mod common;

use common::generate_for;
use opkg_rpm_family::version_order::compare;
use opkg_sdk::artefacts::{NativeKind, NativeRelation};
use opkg_sdk::model::{BuildTarget, Comparison, Opkg, Part, RelationKind, ReleaseTag, Scope};
use opkg_sdk::testing::{sample_opkg, sample_relation, sample_tagged_target, sample_target, some_bound};
use opkg_sdk::version::ordering_satisfies;

const COMPARISONS: [Comparison; 5] =
    [Comparison::Lt, Comparison::Le, Comparison::Eq, Comparison::Ge, Comparison::Gt];

/// What a relation of the server part becomes.
fn translated(
    target: &BuildTarget,
    kind: RelationKind,
    name: &str,
    comparison: Comparison,
    version: &str,
) -> Vec<NativeRelation> {
    let mut opkg = sample_opkg("x");
    let mut relation = sample_relation(7, Scope::Part(Part::Server), kind, name);
    relation.any_of[0].bound = some_bound(comparison, version);
    opkg.relations = vec![relation];
    let server = generate_for(&opkg, target).unwrap().packages.remove(1);
    server.relations.into_iter().filter(|relation| relation.name == name).collect()
}

fn is_met(relation: &NativeRelation, installed: &str) -> bool {
    let bound = relation.bound.as_ref().unwrap();
    ordering_satisfies(bound.comparison, compare(installed, &bound.version))
}

#[test]
fn a_bound_is_met_with_a_tag_where_it_is_without() {
    let target = sample_tagged_target("rhel", Some("9"));
    let releases = ["1", "2", "1.1", "1.0", "10", "0.9", "1~rc1"];
    for (bound, comparison) in
        releases.iter().flat_map(|release| COMPARISONS.map(|comparison| (release, comparison)))
    {
        let bound = format!("2.0-{bound}");
        let required = translated(&target, RelationKind::Requires, "opkg-y", comparison, &bound);
        let conflicts = translated(&target, RelationKind::Conflicts, "opkg-y-client", comparison, &bound);
        for release in releases {
            let plain = format!("2.0-{release}");
            let expected = ordering_satisfies(comparison, compare(&plain, &bound));
            let tags = ["", ".el9", ".fc43", ".lp156", ".mga9", ".zz.9"];
            for installed in tags.map(|tag| format!("{plain}{tag}")) {
                let met = required.iter().all(|relation| is_met(relation, &installed));
                assert_eq!(met, expected, "{installed} {comparison:?} {bound}: {required:?}");
            }
            // A conflict is one with the same tag, or none.
            for installed in ["", ".el9"].map(|tag| format!("{plain}{tag}")) {
                let met = conflicts.iter().any(|relation| is_met(relation, &installed));
                assert_eq!(met, expected, "{installed} {comparison:?} {bound}: {conflicts:?}");
            }
        }
    }
}

#[test]
fn other_bounds_stay_as_they_are_written() {
    let tagged = sample_tagged_target("rhel", Some("9"));
    let plain = sample_target("rhel", Some("9"), None);
    for (target, kind, name, version) in [
        (&tagged, RelationKind::Requires, "libfoo", "1.0-1"),
        (&tagged, RelationKind::Requires, "opkg-y", "1.0"),
        (&tagged, RelationKind::Provides, "opkg-y", "1.0-1"),
        (&plain, RelationKind::Requires, "opkg-y", "1.0-1"),
    ] {
        let relations = translated(target, kind, name, Comparison::Eq, version);
        let [relation] = relations.as_slice() else { panic!("{relations:?}") };
        assert_eq!(relation.bound.as_ref().unwrap().version, version);
    }
}

fn spec(opkg: &Opkg, target: &BuildTarget) -> String {
    generate_for(opkg, target).unwrap().meta_files.remove(0).contents
}

#[test]
fn spec_and_packages_say_the_same_release() {
    let opkg = sample_opkg("x");
    let custom = |tag: &str| BuildTarget {
        release_tag: ReleaseTag::Custom(tag.into()),
        ..sample_target("rhel", None, None)
    };
    for (target, release, in_spec) in [
        (sample_tagged_target("rhel", Some("9")), "1.el9", "Release: 1.el9\n"),
        (sample_tagged_target("rhel", None), "1.el9", "Release: 1%{?dist}\n"),
        (sample_target("rhel", None, None), "1", "Release: 1\n"),
        (custom("site.1"), "1.site.1", "Release: 1.site.1\n"),
    ] {
        let output = generate_for(&opkg, &target).unwrap();
        let text = &output.meta_files[0].contents;
        assert!(text.contains(in_spec), "{text}");
        assert_eq!(text.contains("%{!?dist:%global dist .el9}"), in_spec.contains("dist"));
        assert!(text.contains("Requires: opkg-x = %{?epoch:%{epoch}:}%{version}-%{release}\n"), "{text}");
        for package in &output.packages {
            assert_eq!(package.release, release);
            assert!(
                package.file_name.ends_with(&format!("-1.0-{release}.noarch.rpm")),
                "{}",
                package.file_name
            );
        }
        assert!(output.native_build.results.iter().all(|name| name.contains(&format!("-{release}."))));
        let same = output.packages[1].relations.iter().find(|relation| relation.name == "opkg-x").unwrap();
        assert_eq!(same.kind, NativeKind::Requires);
        assert_eq!(same.bound.as_ref().unwrap().version, format!("1.0-{release}"));
    }
}

#[test]
fn the_site_has_its_names_in_spec_and_packages() {
    let target = BuildTarget {
        vendor: Some("A 100% Site".into()),
        distribution: Some("Cluster".into()),
        ..sample_target("rhel", Some("9"), None)
    };
    let text = spec(&sample_opkg("x"), &target);
    assert!(text.contains("\nVendor: A 100%% Site\nDistribution: Cluster\n"), "{text}");
    let package = generate_for(&sample_opkg("x"), &target).unwrap().packages.remove(0);
    let fields: Vec<_> = package.fields.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    assert_eq!(fields, [("Vendor", "A 100% Site"), ("Distribution", "Cluster")]);
}
