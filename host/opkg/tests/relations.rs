//! Relations of every kind, alternatives and OPKGs in `config.xml`: what is read, and what is said of what cannot be.

#![allow(clippy::unwrap_used)]

mod support;

use opkg::line_column;
use opkg::model::{Part, RelatedName, RelatedPackage, Relation, Scope};
use support::{Fixture, config_with, summarize_diagnostics};

/// The flawless file with something in the server part, on line 19 from column 3 on.
fn config(in_server_part: &str) -> String {
    let old = "<serverDeps>\n    <requires>\n      <pkg>sensors</pkg>\n    </requires>\n";
    config_with(old, &format!("<serverDeps>\n{in_server_part}\n"))
}

fn package(package: &RelatedPackage) -> String {
    let name = match &package.name {
        RelatedName::Native(name) => name.clone(),
        RelatedName::Opkg { name, part } => {
            format!("opkg {name}{}", part.map(|part| format!(" {part:?}")).unwrap_or_default())
        }
    };
    let bound = package.bound.as_ref().map(|it| format!(" {:?} {}", it.comparison, it.version));
    name + &bound.unwrap_or_default()
}

fn describe(relation: &Relation) -> String {
    let any_of: Vec<String> = relation.any_of.iter().map(package).collect();
    format!("{:?} {}", relation.kind, any_of.join(" | "))
}

#[test]
fn every_kind_is_read() {
    let kinds = [
        ("requires", "Requires"),
        ("preRequires", "PreRequires"),
        ("recommends", "Recommends"),
        ("suggests", "Suggests"),
        ("supplements", "Supplements"),
        ("enhances", "Enhances"),
        ("provides", "Provides"),
        ("conflicts", "Conflicts"),
        ("breaks", "Breaks"),
        ("obsoletes", "Obsoletes"),
        ("replaces", "Obsoletes"),
    ];
    for (element, kind) in kinds {
        let text = format!("<{element}><pkg rel='=' version='1-1'>x</pkg><opkg>yy</opkg></{element}>");
        let fixture = Fixture::with_config(config(&text));
        assert_eq!(fixture.diagnostics(), Vec::<String>::new(), "{element}");
        let opkg = fixture.opkg();
        let own = opkg.relations.iter().filter(|relation| relation.at != opkg.at);
        let found: Vec<String> = own.map(describe).collect();
        assert_eq!(found, [format!("{kind} x Eq 1-1"), format!("{kind} opkg yy")]);
    }
}

#[test]
fn alternatives_and_opkgs_are_read_with_their_places() {
    let text = "<requires>\n<any>\n<pkg>a</pkg>\n<opkg part='api' rel='>=' version='1:2.0-rc1'>lam-mpi</opkg>\n</any>\n\
                <opkg rel='&lt;' version='2.0'>munge</opkg></requires>";
    let text = config(text);
    let opkg = Fixture::with_config(&text).opkg();
    let found: Vec<String> = opkg.relations.iter().take(2).map(describe).collect();
    assert_eq!(found, ["Requires a | opkg lam-mpi Api Ge 1:2.0-rc1", "Requires opkg munge Lt 2.0"]);
    let place = |node| match opkg.location(node).unwrap() {
        opkg::diagnostic::Location::Config(range) => line_column(&text, range.start),
        other => panic!("{other:?}"),
    };
    let [any, munge, ..] = opkg.relations.as_slice() else { panic!() };
    assert_eq!(
        (place(any.at), place(any.any_of[0].at), place(any.any_of[1].at)),
        ((20, 1), (21, 6), (22, 47))
    );
    assert_eq!((place(munge.at), munge.scope), ((24, 32), Scope::Part(Part::Server)));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, expected) in [
        ("<requires><opkg>LAM/MPI</opkg></requires>", &["error relation-opkg 19:17"][..]),
        ("<requires><opkg>opkg-munge</opkg></requires>", &["warning relation-opkg 19:17"]),
        ("<requires><opkg/></requires>", &["note empty-element 19:11"]),
        ("<requires><opkg part='servr'>munge</opkg></requires>", &["error relation-part 19:23"]),
        ("<requires><opkg part=''>munge</opkg></requires>", &["note empty-attribute 19:17"]),
        ("<requires><opkg rel='=' version='1.0-'>munge</opkg></requires>", &["error relation-version 19:34"]),
        (
            "<requires><opkg rel='=' version='1.0-_'>munge</opkg></requires>",
            &["error relation-version 19:34"],
        ),
        ("<requires><opkg versoin='1'>munge</opkg></requires>", &["warning unknown-attribute 19:17"]),
        ("<requires><pkg part='api'>munge</pkg></requires>", &["warning unknown-attribute 19:16"]),
        ("<requires><any/></requires>", &["note empty-element 19:11"]),
        ("<requires><any><pkg>a</pkg></any></requires>", &["note single-alternative 19:11"]),
        ("<requires><any><pkg>a b</pkg><pkg>c</pkg></any></requires>", &["error relation-name 19:21"]),
        (
            "<requires><any><pkg>a</pkg><pkg>b</pkg><pkg>a</pkg></any></requires>",
            &["note relation-twice 19:45"],
        ),
        (
            "<requires><any><pkg>a</pkg><pkg>b</pkg></any><any><pkg>a</pkg><pkg>b</pkg></any></requires>",
            &["note relation-twice 19:46"],
        ),
        (
            "<requires><any><pkg>a</pkg><pkg>b</pkg><any/></any></requires>",
            &["warning unknown-element 19:40"],
        ),
        ("<conflicts><any><pkg>a</pkg><pkg>b</pkg></any></conflicts>", &["error any-of 19:12"]),
        ("<supplements><any><pkg>a</pkg><pkg>b</pkg></any></supplements>", &["error any-of 19:14"]),
        ("<recomends><pkg>a</pkg></recomends>", &["warning unknown-element 19:1"]),
        ("<requires><pkgs>a</pkgs><pkg>b</pkg></requires>", &["warning unknown-element 19:11"]),
        ("<requires><pkg>b</pkg><filters/></requires>", &["warning order 19:23"]),
        ("<requires arch='x86_64'><pkg>b</pkg></requires>", &["warning unknown-attribute 19:11"]),
        (
            "<requires><opkg>xx</opkg></requires><breaks><opkg>xx</opkg></breaks>",
            &["warning relation-contradiction 19:51"],
        ),
        ("<requires><any><pkg>x</pkg><pkg>y</pkg></any></requires><conflicts><pkg>x</pkg></conflicts>", &[]),
    ] {
        let found = Fixture::with_config(config(text)).diagnostics();
        assert_eq!(found, expected, "{text}");
    }
    let nine: String = (0..9).map(|number| format!("<pkg>a{number}</pkg>")).collect();
    let found =
        Fixture::with_config(config(&format!("<requires><any>{nine}</any></requires>"))).diagnostics();
    assert_eq!(found, ["error any-of 19:11"]);
}

#[test]
fn messages_name_what_was_meant() {
    let mut told = String::new();
    for text in [
        "<requires><opkg>LAM/MPI</opkg></requires>",
        "<requires><opkg>opkg-munge-server</opkg></requires>",
        "<requires><opkg part='servr'>munge</opkg></requires>",
        "<requires><opkg part='both'>munge</opkg></requires>",
        "<requires><opkg rel='=' version='1.0-'>munge</opkg></requires>",
        "<requires><any><pkg>a</pkg></any></requires>",
        "<breaks><any><pkg>a</pkg><pkg>b</pkg></any></breaks>",
        "<recomends><pkg>a</pkg></recomends>",
        "<replace><pkg>a</pkg></replace>",
        "<requires><pckg>a</pckg><pkg>b</pkg></requires>",
        "<requires><opkg versoin='1'>munge</opkg></requires>",
        "<requires><opkg>xx</opkg></requires><breaks><opkg>xx</opkg></breaks>",
    ] {
        let loaded = Fixture::with_config(config(text)).load();
        told.push_str(&format!("{text}\n"));
        for (diagnostic, place) in loaded.diagnostics.iter().zip(summarize_diagnostics(&loaded)) {
            let help = diagnostic.help.as_deref().unwrap();
            told.push_str(&format!("{place}: {}\n    {help}\n", diagnostic.message));
        }
    }
    insta::assert_snapshot!(told);
}
