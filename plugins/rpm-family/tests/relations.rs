//! Relations of every kind as specs have them, and what is said where a release's RPM has no such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::sample_profile;
use opkg_rpm_family::{ReleaseProfile, RpmVersion, WeakDependencies};
use opkg_sdk::artefacts::Output;
use opkg_sdk::model::{Opkg, Part, RelationKind, Scope, Severity};
use opkg_sdk::packaging::Refusal;
use opkg_sdk::testing::{sample_opkg, sample_relation, sample_relations, sample_target};

fn related() -> Opkg {
    let mut opkg = sample_opkg("x");
    opkg.relations = sample_relations();
    opkg
}

fn generated(weak: Option<WeakDependencies>, rpm_version: RpmVersion) -> Output {
    let target = sample_target("rhel", weak.as_ref().map(|_| "9"), None);
    let profile = sample_profile(&target);
    let weak_dependencies = weak.unwrap_or_else(|| profile.weak_dependencies.clone());
    let profile = ReleaseProfile { weak_dependencies, rpm_version, ..profile };
    opkg_rpm_family::generate(&related(), &target, &profile).expect("this can be packaged")
}

/// The relations of the spec with their conditions, and what is said of them.
fn summary(output: &Output) -> String {
    let spec = &output.meta_files[0].contents;
    let is_relation = |line: &&str| {
        let name = line.split([':', '(', ' ']).next().unwrap();
        let kinds = [
            "Requires",
            "Recommends",
            "Suggests",
            "Supplements",
            "Enhances",
            "Conflicts",
            "Obsoletes",
            "Provides",
            "%package",
            "%if",
            "%endif",
        ];
        kinds.contains(&name) && !line.contains("%{error")
    };
    let lines = spec.lines().take_while(|line| *line != "%prep").filter(is_relation);
    let said = output.diagnostics.iter().map(|it| {
        let help = it.help.as_deref().unwrap_or("-");
        format!("{:?} at {:?}: {}\n  {help}", it.severity, it.at.unwrap(), it.message)
    });
    lines.map(str::to_owned).chain(said).collect::<Vec<_>>().join("\n")
}

#[test]
fn on_an_rpm_that_knows_them_all() {
    insta::assert_snapshot!(summary(&generated(Some(WeakDependencies::Always), RpmVersion(4, 16))));
}

#[test]
fn on_an_rpm_that_knows_none_but_the_oldest() {
    insta::assert_snapshot!(summary(&generated(Some(WeakDependencies::Never), RpmVersion(4, 11))));
}

#[test]
fn on_an_rpm_that_knows_suggests_alone() {
    insta::assert_snapshot!(summary(&generated(Some(WeakDependencies::SuggestsAlone), RpmVersion(4, 9))));
}

#[test]
fn on_a_release_that_is_left_open() {
    insta::assert_snapshot!(summary(&generated(None, RpmVersion(4, 16))));
}

#[test]
fn a_capability_cannot_be_replaced() {
    let mut opkg = sample_opkg("x");
    opkg.relations =
        vec![sample_relation(9, Scope::Part(Part::Server), RelationKind::Obsoletes, "perl(Old)")];
    let target = sample_target("rhel", Some("9"), None);
    let refused = opkg_rpm_family::generate(&opkg, &target, &sample_profile(&target));
    let Err(Refusal::Failed(found)) = refused else { panic!("{refused:?}") };
    assert_eq!((found[0].severity, found[0].at), (Severity::Error, Some(9)), "{found:?}");
}
