//! The database of older releases, from its dump.
#![allow(clippy::unwrap_used)]

mod common;

use opkg_oda::{Change, Class, Cluster, Imported, Stage, State, Store, export, import_old};
use proptest::prelude::*;

const DUMP: &str = include_str!("old/dump.sql");

fn applied(imported: &Imported) -> Cluster {
    let mut cluster = Cluster::default();
    imported.changes.iter().for_each(|it| cluster.apply(it));
    cluster
}

#[test]
fn a_dump_is_taken_over() {
    let imported = import_old(DUMP.as_bytes(), &Cluster::default(), 50);
    let findings: Vec<String> = imported.findings.iter().map(ToString::to_string).collect();
    let expected = [
        "line 67: a row of node_package_status has 5 fields instead of 11",
        "line 20: `../evil` is no name of a package",
        "line 39: the node's image 8 is not in the dump",
        "line 64: there is no stage 9",
        "line 66: the state of a package or target that the dump does not hold",
        "line 61: there is no client `nowhere`",
        "line 33: there is no image `noimage`",
        "line 33: a value without a package or without a name",
    ];
    assert_eq!(findings.len(), expected.len(), "{findings:#?}");
    for (finding, expected) in findings.iter().zip(expected) {
        assert!(finding.starts_with(expected), "{expected}\n{findings:#?}");
    }

    let scratch = common::Scratch::new();
    let mut store = scratch.create();
    store.commit(&imported.changes).unwrap();
    let cluster = store.load().unwrap();
    assert_eq!(cluster, applied(&imported));
    insta::assert_snapshot!(export::export(&cluster, &export::values(&mut store, &cluster).unwrap()));

    let package = |name: &str| cluster.package(&name.parse().unwrap()).unwrap();
    let row = |target: &str, name: &str| {
        let target = cluster.target(&target.parse().unwrap()).unwrap().id;
        cluster.row(opkg_oda::Key { target, package: package(name).id })
    };
    assert_eq!(package("base").class, Class::Core);
    let done = row("server:oscar_server", "sge").unwrap();
    assert_eq!(
        (done.requested, done.current, done.state),
        (Stage::Finished, Stage::PostClients, State::Idle)
    );
    assert!(cluster.assignments[&package("sge").id].values().all(Option::is_some));
    // An error was recorded as progress: the failed stage was not reached.
    let failed = row("server:oscar_server", "base").unwrap();
    assert_eq!((failed.current, failed.state), (Stage::RunConfigurator, State::Error));
    let failure = failed.failure.as_deref().unwrap();
    assert_eq!(
        (failure.stage, failure.message.as_str()),
        (Stage::InstallBinPkgs, "exit status 1 of a script")
    );
    assert_eq!(row("client:oscarnode2", "sge").unwrap().current, Stage::ShouldNotBeInstalled);
    assert_eq!(row("client:oscarnode1", "sge"), None);
}

#[test]
fn what_is_there_stays() {
    let first = import_old(DUMP.as_bytes(), &Cluster::default(), 50);
    let cluster = applied(&first);
    let again = import_old(DUMP.as_bytes(), &cluster, 60);
    assert!(again.changes.iter().all(|it| matches!(it, Change::Configure { .. })), "{:?}", again.changes);
}

#[test]
fn a_dump_in_latin_1_and_one_that_is_none() {
    let dump = DUMP.replace("6.0u9", "6.0é");
    let latin: Vec<u8> = dump.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
    let cluster = applied(&import_old(&latin, &Cluster::default(), 50));
    assert!(cluster.packages.values().any(|it| it.version.as_deref() == Some("6.0é")));
    for other in [&b""[..], b"\x7fELF\0\0", b"INSERT INTO x VALUES (1);", b"<?xml version='1.0'?>"] {
        let imported = import_old(other, &Cluster::default(), 50);
        assert!(imported.changes.is_empty());
        assert!(imported.findings.iter().any(|it| it.reason.starts_with("no table of an old database")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        let _ = import_old(text.as_bytes(), &Cluster::default(), 1);
    }

    /// What comes of a dump that was damaged can still be committed.
    #[test]
    fn no_damage_makes_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut dump = DUMP.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(dump.len());
            dump[at] = byte;
        }
        dump.truncate(cut.index(dump.len() * 2));
        let imported = import_old(&dump, &Cluster::default(), 1);
        let scratch = common::Scratch::new();
        let mut store = scratch.create();
        store.commit(&imported.changes).unwrap();
        prop_assert_eq!(store.load().unwrap(), applied(&imported));
    }
}
