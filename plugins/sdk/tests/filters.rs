//! Filters decided for a target (format, section 3).
#![allow(clippy::unwrap_used)]

use opkg_sdk::filter::{Condition, DistIdentity, FilterContext, FilterMatch, VersionSyntax};
use opkg_sdk::model::{Comparison, DistFilter, Filter};
use opkg_sdk::testing::some_bound;
use opkg_sdk::version::ReleaseNumber;

fn identity(id: &str, version: Option<&str>) -> DistIdentity {
    DistIdentity {
        id: id.into(),
        version: version.map(|text| ReleaseNumber::parse(text).unwrap()),
        default_version: ReleaseNumber::new([9]),
        version_syntax: VersionSyntax::numbers(),
    }
}

fn context(version: Option<&str>, arch: Option<&str>) -> FilterContext {
    FilterContext {
        name: "centos".into(),
        identities: vec![identity("rhel", version), identity("centos", version)],
        fallback_identities: vec![identity("redhat", version)],
        arch: arch.map(str::to_owned),
        host_arch: "x86_64".into(),
    }
}

fn dist(id: &str, version: Option<(Comparison, &str)>) -> DistFilter {
    DistFilter {
        at: 5,
        id: id.into(),
        bound: version.and_then(|(comparison, text)| some_bound(comparison, text)),
    }
}

fn filter(dists: &[DistFilter], archs: &[&str]) -> Filter {
    Filter { dists: dists.to_vec(), archs: archs.iter().map(ToString::to_string).collect() }
}

fn decide(context: &FilterContext, filter: &Filter) -> FilterMatch {
    context.evaluate(filter, &mut Vec::new())
}

#[test]
fn an_empty_filter_lets_everything_pass() {
    assert_eq!(decide(&context(None, None), &filter(&[], &[])), FilterMatch::Always);
}

#[test]
fn the_family_and_the_member_match_and_nobody_else_does() {
    let context = context(Some("7"), None);
    for id in ["rhel", "centos"] {
        assert_eq!(
            decide(&context, &filter(&[dist("debian", None), dist(id, None)], &[])),
            FilterMatch::Always
        );
    }
    for id in ["rocky", "debian", "nobody-knows"] {
        assert_eq!(decide(&context, &filter(&[dist(id, None)], &[])), FilterMatch::Never, "{id}");
    }
}

#[test]
fn a_stand_in_answers_only_where_no_own_id_is_named() {
    let context = context(Some("7"), None);
    assert_eq!(decide(&context, &filter(&[dist("redhat", None)], &[])), FilterMatch::Always);
    let own = dist("rhel", Some((Comparison::Eq, "6")));
    assert_eq!(decide(&context, &filter(&[dist("redhat", None), own], &[])), FilterMatch::Never);
}

#[test]
fn dists_and_archs_must_both_match() {
    let rhel = dist("rhel", None);
    let both = filter(&[rhel], &["i386", "x86_64"]);
    assert_eq!(decide(&context(None, Some("x86_64")), &both), FilterMatch::Always);
    assert_eq!(decide(&context(None, Some("aarch64")), &both), FilterMatch::Never);
    let foreign = filter(&[dist("debian", None)], &["x86_64"]);
    assert_eq!(decide(&context(None, None), &foreign), FilterMatch::Never);
}

#[test]
fn what_the_target_does_not_name_stays_open_and_defaults_settle_it() {
    let context = context(None, None);
    let open = filter(
        &[dist("rhel", Some((Comparison::Ge, "9"))), dist("rhel", Some((Comparison::Lt, "6")))],
        &["aarch64"],
    );
    let decision = decide(&context, &open);
    let FilterMatch::Conditional(Condition { versions, archs }) = &decision else { panic!("{decision:?}") };
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0].source_text, "9");
    assert_eq!(archs, &["aarch64"]);
    assert!(!context.matches_by_default(&decision), "the machine is another one");
    let here = decide(&context, &Filter { archs: vec!["x86_64".into()], ..open });
    assert!(context.matches_by_default(&here));
}

#[test]
fn one_sure_alternative_leaves_nothing_open() {
    let filter = filter(&[dist("rhel", Some((Comparison::Ge, "9"))), dist("centos", None)], &[]);
    assert_eq!(decide(&context(None, None), &filter), FilterMatch::Always);
}

#[test]
fn a_guessed_minor_version_and_an_unreadable_one_are_told() {
    let mut diagnostics = Vec::new();
    let precise = filter(
        &[dist("rhel", Some((Comparison::Ge, "7.4"))), dist("rhel", Some((Comparison::Eq, "x")))],
        &[],
    );
    assert_eq!(context(Some("7"), None).evaluate(&precise, &mut diagnostics), FilterMatch::Never);
    let told: Vec<(&str, &str)> = diagnostics
        .iter()
        .map(|diagnostic| (diagnostic.message.as_str(), diagnostic.help.as_deref().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "`rhel >= 7.4` is more precise than the target centos, whose minor version counts as 0 here",
                "name the minor version, for example `rhel-7.4`"
            ),
            (
                "`x` is not a version of rhel, so this filter never matches",
                "write the number of a release, such as `9` or `9.4`"
            ),
        ]
    );
}
