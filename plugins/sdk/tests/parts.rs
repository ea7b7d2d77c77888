//! What each of the three packages gets (format, sections 3.3 and 3.5).
#![allow(clippy::unwrap_used)]

use opkg_plugin::filter::{Decision, Identity, Subject};
use opkg_plugin::opkg::{Comparison, DistFilter, Kind, Opkg, Part as Which, Scope};
use opkg_plugin::packaging::Refusal;
use opkg_plugin::parts::{Part, plan};
use opkg_plugin::testing::{add_file, bound, opkg, relation};
use opkg_plugin::version::Version;

fn subject(arch: Option<&str>) -> Subject {
    Subject {
        name: "rhel".into(),
        identities: vec![Identity {
            id: "rhel".into(),
            version: None,
            default: Version::new([9]),
            read: Version::parse,
        }],
        stand_ins: Vec::new(),
        arch: arch.map(str::to_owned),
        machine: "x86_64".into(),
    }
}

fn parts(opkg: &Opkg) -> [Part<'_>; 3] {
    plan(opkg, &subject(None), "/usr/share/doc/opkg-x", &mut Vec::new()).unwrap()
}

fn names<'a>(part: &'a Part<'_>) -> Vec<&'a str> {
    part.relations.iter().map(|resolved| resolved.relation.name.as_str()).collect()
}

#[test]
fn where_a_relation_was_written_says_who_gets_it() {
    let mut opkg = opkg("x");
    opkg.relations = vec![
        relation(1, Scope::Part(Which::Api), Kind::Requires, "api"),
        relation(2, Scope::Part(Which::Server), Kind::Requires, "server"),
        relation(3, Scope::Part(Which::Client), Kind::Suggests, "client"),
        relation(4, Scope::Common, Kind::Requires, "common"),
        relation(5, Scope::Whole, Kind::Provides, "whole"),
        relation(6, Scope::Whole, Kind::Conflicts, "rival"),
    ];
    let [api, server, client] = parts(&opkg);
    assert_eq!(names(&api), ["api"]);
    assert_eq!(names(&server), ["server", "common", "whole", "rival"]);
    assert_eq!(names(&client), ["client", "common", "whole", "rival"]);
    assert_eq!(api.opkg_conflicts[0].relation.name, "rival");
    assert!(server.opkg_conflicts.is_empty());
    assert_eq!(server.requires_same.as_deref(), Some("opkg-x"));
    assert_eq!((api.requires_same, client.requires_same), (None, None));
    assert_eq!((server.name.as_str(), server.summary.as_str()), ("opkg-x-server", "A sample, server part"));
}

#[test]
fn an_unconditional_relation_replaces_the_same_under_conditions() {
    let mut opkg = opkg("x");
    opkg.relations = vec![relation(1, Scope::Common, Kind::Requires, "a"); 4];
    for (index, version) in [(0, "8"), (1, "9")] {
        let filter = DistFilter { at: 1, id: "rhel".into(), bound: bound(Comparison::Eq, version) };
        opkg.relations[index].filter.dists = vec![filter];
    }
    opkg.relations[3].scope = Scope::Part(Which::Server);
    let [_, server, client] = parts(&opkg);
    assert_eq!((names(&server), names(&client)), (vec!["a"], vec!["a"]));
    assert_eq!(server.relations[0].decision, Decision::Yes);
}

#[test]
fn an_arch_filter_makes_the_part_that_gets_it_specific() {
    let mut opkg = opkg("x");
    opkg.relations = vec![
        relation(1, Scope::Part(Which::Server), Kind::Requires, "a"),
        relation(2, Scope::Part(Which::Client), Kind::Requires, "b"),
    ];
    // Even one that this architecture does not get; but not one of another distribution.
    opkg.relations[0].filter.archs = vec!["ppc".into()];
    opkg.relations[1].filter.archs = vec!["x86_64".into()];
    opkg.relations[1].filter.dists = vec![DistFilter { at: 1, id: "debian".into(), bound: None }];
    assert_eq!(parts(&opkg).map(|part| part.arch_specific), [false, true, false]);
    opkg.filter.archs = vec!["x86_64".into()];
    assert_eq!(parts(&opkg).map(|part| part.arch_specific), [true, true, true]);
}

#[test]
fn documents_go_where_the_distribution_wants_them() {
    let mut opkg = opkg("x");
    add_file(&mut opkg, Which::Api, "doc/manual/index.html");
    let [api, ..] = parts(&opkg);
    let found = api.files.iter().find(|file| file.documentation).unwrap();
    assert_eq!(found.path, "/usr/share/doc/opkg-x/manual/index.html");
}

#[test]
fn the_filter_of_the_whole_package() {
    let mut opkg = opkg("x");
    opkg.filter.archs = vec!["ppc64".into()];
    let refused = plan(&opkg, &subject(None), "/d", &mut Vec::new());
    let Err(Refusal::Unavailable(finding)) = refused else { panic!("not available there") };
    assert_eq!(finding.message, "opkg-x is not available for rhel on x86_64: its filters name only ppc64");

    opkg.filter.archs.clear();
    opkg.filter.dists = vec![DistFilter { at: 1, id: "rhel".into(), bound: bound(Comparison::Lt, "7") }];
    let mut findings = Vec::new();
    assert!(plan(&opkg, &subject(None), "/d", &mut findings).is_ok());
    assert_eq!(
        findings[0].message,
        "opkg-x is only for rhel < 7; rhel names no version, and its default release is not among them"
    );
}
