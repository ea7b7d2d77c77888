//! Filters decided for a target (format, section 3).
#![allow(clippy::unwrap_used)]

use opkg_plugin::filter::{Condition, Decision, Identity, Subject};
use opkg_plugin::opkg::{Comparison, DistFilter, Filter};
use opkg_plugin::testing::bound;
use opkg_plugin::version::Version;

fn identity(id: &str, version: Option<&str>) -> Identity {
    Identity {
        id: id.into(),
        version: version.map(|text| Version::parse(text).unwrap()),
        default: Version::new([9]),
        read: Version::parse,
    }
}

fn subject(version: Option<&str>, arch: Option<&str>) -> Subject {
    Subject {
        name: "centos".into(),
        identities: vec![identity("rhel", version), identity("centos", version)],
        stand_ins: vec![identity("redhat", version)],
        arch: arch.map(str::to_owned),
        machine: "x86_64".into(),
    }
}

fn dist(id: &str, version: Option<(Comparison, &str)>) -> DistFilter {
    DistFilter { at: 5, id: id.into(), bound: version.and_then(|(comparison, text)| bound(comparison, text)) }
}

fn filter(dists: &[DistFilter], archs: &[&str]) -> Filter {
    Filter { dists: dists.to_vec(), archs: archs.iter().map(ToString::to_string).collect() }
}

fn decide(subject: &Subject, filter: &Filter) -> Decision {
    subject.decide(filter, &mut Vec::new())
}

#[test]
fn an_empty_filter_lets_everything_pass() {
    assert_eq!(decide(&subject(None, None), &filter(&[], &[])), Decision::Yes);
}

#[test]
fn the_family_and_the_member_match_and_nobody_else_does() {
    let subject = subject(Some("7"), None);
    for id in ["rhel", "centos"] {
        assert_eq!(decide(&subject, &filter(&[dist("debian", None), dist(id, None)], &[])), Decision::Yes);
    }
    for id in ["rocky", "debian", "nobody-knows"] {
        assert_eq!(decide(&subject, &filter(&[dist(id, None)], &[])), Decision::No, "{id}");
    }
}

#[test]
fn a_stand_in_answers_only_where_no_own_id_is_named() {
    let subject = subject(Some("7"), None);
    assert_eq!(decide(&subject, &filter(&[dist("redhat", None)], &[])), Decision::Yes);
    let own = dist("rhel", Some((Comparison::Eq, "6")));
    assert_eq!(decide(&subject, &filter(&[dist("redhat", None), own], &[])), Decision::No);
}

#[test]
fn dists_and_archs_must_both_match() {
    let rhel = dist("rhel", None);
    let both = filter(&[rhel], &["i386", "x86_64"]);
    assert_eq!(decide(&subject(None, Some("x86_64")), &both), Decision::Yes);
    assert_eq!(decide(&subject(None, Some("aarch64")), &both), Decision::No);
    let foreign = filter(&[dist("debian", None)], &["x86_64"]);
    assert_eq!(decide(&subject(None, None), &foreign), Decision::No);
}

#[test]
fn what_the_target_does_not_name_stays_open_and_defaults_settle_it() {
    let subject = subject(None, None);
    let open = filter(
        &[dist("rhel", Some((Comparison::Ge, "9"))), dist("rhel", Some((Comparison::Lt, "6")))],
        &["aarch64"],
    );
    let decision = decide(&subject, &open);
    let Decision::Depends(Condition { versions, archs }) = &decision else { panic!("{decision:?}") };
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0].written, "9");
    assert_eq!(archs, &["aarch64"]);
    assert!(!subject.settle(&decision), "the machine is another one");
    let here = decide(&subject, &Filter { archs: vec!["x86_64".into()], ..open });
    assert!(subject.settle(&here));
}

#[test]
fn one_sure_alternative_leaves_nothing_open() {
    let filter = filter(&[dist("rhel", Some((Comparison::Ge, "9"))), dist("centos", None)], &[]);
    assert_eq!(decide(&subject(None, None), &filter), Decision::Yes);
}

#[test]
fn a_guessed_minor_version_and_an_unreadable_one_are_told() {
    let mut findings = Vec::new();
    let precise = filter(
        &[dist("rhel", Some((Comparison::Ge, "7.4"))), dist("rhel", Some((Comparison::Eq, "x")))],
        &[],
    );
    assert_eq!(subject(Some("7"), None).decide(&precise, &mut findings), Decision::No);
    let told: Vec<(&str, &str)> =
        findings.iter().map(|finding| (finding.message.as_str(), finding.help.as_deref().unwrap())).collect();
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
