//! A bound on another OPKG's package means the release whatever tag it has, and tags sort as releases follow each other.
#![allow(clippy::unwrap_used)]

use opkg_deb_family::debian_releases::{self, parse_release};
use opkg_deb_family::version_order::compare;
use opkg_deb_family::{ReleaseProfile, generate};
use opkg_sdk::artefacts::{Compression, NativeRelation, Output, SourcePackage};
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Comparison, Opkg, Part, RelationKind, Scope};
use opkg_sdk::testing::{
    sample_opkg, sample_relation, sample_release, sample_tagged_target, sample_target, some_bound,
};
use opkg_sdk::version::ordering_satisfies;

const COMPARISONS: [Comparison; 5] =
    [Comparison::Lt, Comparison::Le, Comparison::Eq, Comparison::Ge, Comparison::Gt];

fn generated(opkg: &Opkg, target: &BuildTarget) -> Output {
    let release = parse_release(target.version.as_deref().unwrap_or("12")).unwrap();
    let identity = DistIdentity {
        id: "debian".into(),
        version: Some(release.clone()),
        default_version: release.clone(),
        version_syntax: VersionSyntax::Custom(parse_release),
    };
    let profile = ReleaseProfile {
        filter_context: FilterContext::new(target, vec![identity]),
        compression: Compression::Xz,
        accepted_keys: Vec::new(),
        release_tag: debian_releases::release_tag(&release),
        suite: debian_releases::suite(&release).into(),
        has_sysctl_trigger: false,
    };
    generate(opkg, target, &profile).unwrap()
}

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
    let server = generated(&opkg, target).packages.remove(1);
    server.relations.into_iter().filter(|relation| relation.name == name).collect()
}

fn is_met(relation: &NativeRelation, installed: &str) -> bool {
    let bound = relation.bound.as_ref().unwrap();
    ordering_satisfies(bound.comparison, compare(installed, &bound.version))
}

#[test]
fn a_bound_is_met_with_a_tag_where_it_is_without() {
    let target = sample_tagged_target("debian", Some("12"));
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
            for tag in ["", "+deb12", "+deb13", "+sid", "+ubuntu24.04", "+zz.9"] {
                let installed = format!("{plain}{tag}");
                let met = required.iter().all(|relation| is_met(relation, &installed));
                assert_eq!(met, expected, "{installed} {comparison:?} {bound}: {required:?}");
            }
            for tag in ["", "+deb12"] {
                let installed = format!("{plain}{tag}");
                let met = conflicts.iter().any(|relation| is_met(relation, &installed));
                assert_eq!(met, expected, "{installed} {comparison:?} {bound}: {conflicts:?}");
            }
        }
    }
}

#[test]
fn other_bounds_stay_as_they_are_written() {
    let tagged = sample_tagged_target("debian", Some("12"));
    let plain = sample_target("debian", Some("12"), None);
    for (target, kind, name, version) in [
        (&tagged, RelationKind::Requires, "libfoo", "1.0-1"),
        (&tagged, RelationKind::Conflicts, "opkg-y", "1.0"),
        (&tagged, RelationKind::Provides, "opkg-y", "1.0-1"),
        (&plain, RelationKind::Requires, "opkg-y", "1.0-1"),
    ] {
        let relations = translated(target, kind, name, Comparison::Eq, version);
        let [relation] = relations.as_slice() else { panic!("{relations:?}") };
        assert_eq!(relation.bound.as_ref().unwrap().version, version);
    }
}

#[test]
fn tags_sort_as_releases_follow_each_other() {
    let versions: Vec<String> = ["10", "11", "12.5", "13", "sid"]
        .map(|release| format!("1.0-1+{}", debian_releases::release_tag(&parse_release(release).unwrap())))
        .to_vec();
    assert_eq!(versions, ["1.0-1+deb10", "1.0-1+deb11", "1.0-1+deb12", "1.0-1+deb13", "1.0-1+sid"]);
    for pair in versions.windows(2) {
        assert!(compare(&pair[0], &pair[1]).is_lt(), "{pair:?}");
    }
    assert!(compare("1.0-1", &versions[0]).is_lt() && compare(&versions[4], "1.0-1.1").is_lt());
}

#[test]
fn the_changelog_names_version_and_suite() {
    let mut opkg = sample_opkg("x");
    opkg.history = vec![
        sample_release("1.1", 1_404_000_000, &["New."]),
        sample_release("1.0", 1_386_061_212, &["Old."]),
    ];
    for (release, newest, older) in [
        ("12", "opkg-x (1.1-1+deb12) bookworm; urgency=medium", "opkg-x (1.0-1) bookworm; urgency=medium"),
        ("13", "opkg-x (1.1-1+deb13) trixie; urgency=medium", "opkg-x (1.0-1) trixie; urgency=medium"),
        ("sid", "opkg-x (1.1-1+sid) unstable; urgency=medium", "opkg-x (1.0-1) unstable; urgency=medium"),
        (
            "99",
            "opkg-x (1.1-1+deb99) UNRELEASED; urgency=medium",
            "opkg-x (1.0-1) UNRELEASED; urgency=medium",
        ),
    ] {
        let output = generated(&opkg, &sample_tagged_target("debian", Some(release)));
        let changelog =
            output.meta_files.iter().find(|file| file.path.ends_with("debian/changelog")).unwrap();
        let headings: Vec<&str> =
            changelog.contents.lines().filter(|line| line.starts_with("opkg-x")).collect();
        assert_eq!(headings, [newest, older]);
        let version = newest.split(['(', ')']).nth(1).unwrap();
        let SourcePackage::Quilt(quilt) = &output.source else { panic!("{:?}", output.source) };
        assert_eq!(quilt.version, version);
        assert!(output.packages.iter().all(|package| package.file_name.contains(version)));
        let same = output.packages[1].relations.iter().find(|relation| relation.name == "opkg-x").unwrap();
        assert_eq!(same.bound.as_ref().unwrap().version, version);
    }
}

#[test]
fn the_site_is_the_origin() {
    for (vendor, distribution, origin) in [
        (Some("Site"), None, "Site"),
        (Some("Site"), Some("Cluster"), "Cluster"),
        (None, Some("A ${b}"), "A ${b}"),
    ] {
        let target = BuildTarget {
            vendor: vendor.map(str::to_owned),
            distribution: distribution.map(str::to_owned),
            ..sample_target("debian", Some("12"), None)
        };
        let output = generated(&sample_opkg("x"), &target);
        let SourcePackage::Quilt(quilt) = &output.source else { panic!("{:?}", output.source) };
        let of = |fields: &[opkg_sdk::artefacts::Field]| {
            fields.iter().find(|field| field.name == "Origin").map(|field| field.value.clone())
        };
        assert_eq!(of(&quilt.fields).as_deref(), Some(origin));
        assert!(output.packages.iter().all(|package| of(&package.fields).as_deref() == Some(origin)));
        let control = output.meta_files.iter().find(|file| file.path.ends_with("debian/control")).unwrap();
        let escaped = origin.replace("${", "${}{");
        assert!(control.contents.contains(&format!("\nOrigin: {escaped}\n")), "{}", control.contents);
    }
}
