//! One OPKG means the same on each family: the order of its versions, and which packages its relations take.
#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;
use std::process::Command;

use opkg_deb_family::version_order as deb_order;
use opkg_rpm_family::release_macro::IfExpression;
use opkg_rpm_family::{LicenseNames, RpmVersion, WeakDependencies, version_order as rpm_order};
use opkg_sdk::artefacts::{Compression, NativeKind, NativeRelation, Output};
use opkg_sdk::filter::FilterContext;
use opkg_sdk::model::{Comparison, Opkg, Part, RelationKind, Scope, Version};
use opkg_sdk::testing::{sample_opkg, sample_relation, sample_target, some_bound};
use opkg_sdk::version::ordering_satisfies;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn on_debian(opkg: &Opkg) -> Output {
    let target = sample_target("debian", Some("1"), None);
    let profile = opkg_deb_family::ReleaseProfile {
        filter_context: FilterContext::new(&target, Vec::new()),
        release_tag: "deb1".to_owned(),
        suite: "buzz".to_owned(),
        compression: Compression::Xz,
        accepted_keys: Vec::new(),
        has_sysctl_trigger: false,
    };
    opkg_deb_family::generate(opkg, &target, &profile).unwrap()
}

fn on_rpm(opkg: &Opkg) -> Output {
    let target = sample_target("rhel", Some("1"), None);
    let profile = opkg_rpm_family::ReleaseProfile {
        filter_context: FilterContext::new(&target, Vec::new()),
        release_tag: "el1".to_owned(),
        archs: &[("x86_64", "x86_64")],
        version_expression: |_| IfExpression { text: "0".to_owned(), is_exact: true },
        weak_dependencies: WeakDependencies::Always,
        documentation_dir: "/usr/share/doc",
        has_versioned_documentation: false,
        license_names: LicenseNames::Spdx,
        account_tools: "shadow-utils",
        has_file_triggers: true,
        merged_directories: &[],
        rpm_version: RpmVersion(4, 16),
        macros: Vec::new(),
    };
    opkg_rpm_family::generate(opkg, &target, &profile).unwrap()
}

/// The version of the packages, as the family writes it.
fn package_version(output: &Output) -> String {
    let package = &output.packages[0];
    format!("{}:{}-{}", package.epoch, package.version, package.release)
}

/// An OPKG of this version, `[epoch:]upstream-release`.
fn versioned(text: &str) -> Opkg {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (upstream, release) = rest.rsplit_once('-').unwrap();
    let mut opkg = sample_opkg("x");
    opkg.history[0].version =
        Version { epoch: epoch.parse().unwrap(), upstream: upstream.to_owned(), release: release.to_owned() };
    opkg
}

/// The bounds on `target` that a server package gets.
fn bounds(output: &Output) -> Vec<NativeRelation> {
    let server = output.packages.iter().find(|package| package.name == "opkg-x-server").unwrap();
    let named =
        |relation: &&NativeRelation| relation.name == "target" && relation.kind == NativeKind::Requires;
    server.relations.iter().filter(named).cloned().collect()
}

fn takes(bounds: &[NativeRelation], version: &str, compare: fn(&str, &str) -> Ordering) -> bool {
    assert!(!bounds.is_empty());
    bounds.iter().all(|relation| {
        let bound = relation.bound.as_ref().unwrap();
        ordering_satisfies(bound.comparison, compare(version, &bound.version))
    })
}

/// `2.10-rc1`, `1_3.0`: what people call versions, in all spellings of a pre-release.
fn upstream() -> impl Strategy<Value = String> {
    let numbers = prop::collection::vec((prop::sample::select(vec![".", "-", "_"]), 0..12_u8), 0..3);
    let early = prop::option::of((
        prop::sample::select(vec!["-", "_", ".", "~"]),
        prop::sample::select(vec!["rc", "beta", "alpha", "pre", "dev"]),
        prop::sample::select(vec!["", "1", "2", ".1", "-2", "_1"]),
    ));
    (0..4_u8, numbers, early).prop_map(|(first, numbers, early)| {
        let mut text = first.to_string();
        for (separator, number) in numbers {
            text.push_str(&format!("{separator}{number}"));
        }
        if let Some((separator, word, number)) = early {
            text.push_str(&format!("{separator}{word}{number}"));
        }
        text
    })
}

fn release() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["1", "2", "10", "0.1", "1.el9"])
}

fn comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::{Eq, Ge, Gt, Le, Lt};
    prop::sample::select(vec![Lt, Le, Eq, Ge, Gt])
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn versions_stand_in_the_same_order(
        (one, one_release) in (upstream(), release()),
        (other, other_release) in (upstream(), release()),
    ) {
        let [one, other] = [(one, one_release), (other, other_release)]
            .map(|(upstream, release)| versioned(&format!("{upstream}-{release}")));
        let [on_debian, on_rpm] = [on_debian, on_rpm].map(|generate| {
            [&one, &other].map(|opkg| package_version(&generate(opkg)))
        });
        prop_assert_eq!(
            deb_order::compare(&on_debian[0], &on_debian[1]),
            rpm_order::compare(&on_rpm[0], &on_rpm[1]),
            "{:?} on Debian, {:?} in RPM", on_debian, on_rpm
        );
    }

    #[test]
    fn a_prerelease_is_older_than_its_release(
        base in 0..20_u8,
        separator in prop::sample::select(vec!["-", "_", ".", "~"]),
        word in prop::sample::select(vec!["rc", "RC", "beta", "alpha", "pre", "preview", "dev"]),
        number in prop::sample::select(vec!["", "1", ".2", "10"]),
    ) {
        let early = versioned(&format!("1.{base}{separator}{word}{number}-9"));
        let late = versioned(&format!("1.{base}-1"));
        let [early_deb, late_deb] = [&early, &late].map(|opkg| package_version(&on_debian(opkg)));
        let [early_rpm, late_rpm] = [&early, &late].map(|opkg| package_version(&on_rpm(opkg)));
        prop_assert_eq!(deb_order::compare(&early_deb, &late_deb), Ordering::Less, "{} {}", early_deb, late_deb);
        prop_assert_eq!(rpm_order::compare(&early_rpm, &late_rpm), Ordering::Less, "{} {}", early_rpm, late_rpm);
    }

    #[test]
    fn relations_take_the_same_packages(
        comparison in comparison(),
        bound in (upstream(), prop::option::of(release())),
        found in (upstream(), release()),
        is_near in any::<bool>(),
    ) {
        let (upstream, release) = &bound;
        let written = release.map_or(upstream.clone(), |release| format!("{upstream}-{release}"));
        let found = if is_near { (upstream.clone(), found.1) } else { found };
        let mut opkg = sample_opkg("x");
        opkg.relations = vec![sample_relation(3, Scope::Part(Part::Server), RelationKind::Requires, "target")];
        opkg.relations[0].any_of[0].bound = some_bound(comparison, &written);
        let target = versioned(&format!("{}-{}", found.0, found.1));
        let (deb, rpm) = (bounds(&on_debian(&opkg)), bounds(&on_rpm(&opkg)));
        let (deb_version, rpm_version) = (package_version(&on_debian(&target)), package_version(&on_rpm(&target)));
        prop_assert_eq!(
            takes(&deb, &deb_version, deb_order::compare),
            takes(&rpm, &rpm_version, rpm_order::compare),
            "{:?} of {} on Debian, {:?} of {} in RPM", deb, deb_version, rpm, rpm_version
        );
    }
}

/// Whatever Debian's own packages are called: a bound without a release is decided by upstream parts alone.
#[test]
fn dpkg_agrees_about_bounds_without_a_release() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "dpkg is not installed");
        return;
    }
    let dpkg = |one: &str, sign: &str, other: &str| {
        Command::new("dpkg").args(["--compare-versions", one, sign, other]).status().unwrap().success()
    };
    let sign = |comparison| match comparison {
        Comparison::Lt => "lt",
        Comparison::Le => "le",
        Comparison::Eq => "eq",
        Comparison::Ge => "ge",
        Comparison::Gt => "gt",
    };
    let upstreams =
        ["1.0~rc1", "1.0", "1.0a", "1.0+git1", "1.0.1", "1.0rc", "1.0rc1", "1:0.1", "1.00", "1.0~"];
    for written in ["1.0", "1.0rc", "1.0-rc1", "1.0a"] {
        for comparison in [Comparison::Lt, Comparison::Le, Comparison::Eq, Comparison::Ge, Comparison::Gt] {
            let mut opkg = sample_opkg("x");
            opkg.relations =
                vec![sample_relation(3, Scope::Part(Part::Server), RelationKind::Requires, "target")];
            opkg.relations[0].any_of[0].bound = some_bound(comparison, written);
            let bounds = bounds(&on_debian(&opkg));
            for upstream in upstreams {
                let meant = dpkg(upstream, sign(comparison), &written.replace('-', "~"));
                for revision in ["", "-0", "-1", "-1+b1", "-zz.99", "-1~bpo12+1"] {
                    let version = format!("{upstream}{revision}");
                    let taken = bounds.iter().all(|relation| {
                        let bound = relation.bound.as_ref().unwrap();
                        dpkg(&version, sign(bound.comparison), &bound.version)
                    });
                    assert_eq!(taken, meant, "{version} and {written} as {bounds:?}");
                }
            }
        }
    }
}
