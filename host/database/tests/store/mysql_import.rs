//! The database of older releases, from its dump.

use crate::common::{Backend, on_both};
use opkg_oda::{Change, Cluster, ImportReport, PackageClass, Stage, WorkState, export, import_mysql};
use proptest::prelude::*;

on_both! {
    a_dump_is_taken_over,
    what_is_there_stays,
    a_dump_in_latin_1_and_one_that_is_none,
}

const DUMP: &str = include_str!("mysql_import/dump.sql");

fn apply_all(imported: &ImportReport) -> Cluster {
    let mut cluster = Cluster::default();
    imported.changes.iter().for_each(|it| cluster.apply(it));
    cluster
}

fn a_dump_is_taken_over(backend: Backend) {
    let imported = import_mysql(DUMP.as_bytes(), &Cluster::default(), 50);
    let findings: Vec<String> = imported.warnings.iter().map(ToString::to_string).collect();
    let expected = [
        "line 67: a row of node_package_status has 5 fields instead of 11",
        "line 20: `../evil` is not a valid name of a package, expected ",
        "line 39: the node's image 8 is not in the dump",
        "line 64: there is no stage 9",
        "line 66: the state of a package or target that is not in the dump",
        "line 61: there is no client `nowhere`",
        "line 33: there is no image `noimage`",
        "line 33: a value without a package or without a name",
    ];
    assert_eq!(findings.len(), expected.len(), "{findings:#?}");
    for (finding, expected) in findings.iter().zip(expected) {
        assert!(finding.starts_with(expected), "{expected}\n{findings:#?}");
    }

    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&imported.changes).unwrap();
    let cluster = store.load().unwrap();
    assert_eq!(cluster, apply_all(&imported));
    insta::assert_snapshot!("mysql_dump", export::export(&cluster, &store.all_values().unwrap(), &|_| false));

    let package = |name: &str| cluster.find_package(&name.parse().unwrap()).unwrap();
    let row = |target: &str, name: &str| {
        let target = cluster.find_target(&target.parse().unwrap()).unwrap().id;
        cluster.state(opkg_oda::StateKey { target, package: package(name).id })
    };
    assert_eq!(package("base").class, PackageClass::Core);
    let done = row("server:oscar_server", "sge").unwrap();
    assert_eq!(
        (done.requested, done.current, done.work_state),
        (Stage::Finished, Stage::PostClients, WorkState::Idle)
    );
    assert!(cluster.assigned_clients(package("sge").id).all(|(_, handed_over_at)| handed_over_at.is_some()));
    // An error was recorded as progress: the failed stage was not reached.
    let failed = row("server:oscar_server", "base").unwrap();
    assert_eq!((failed.current, failed.work_state), (Stage::RunConfigurator, WorkState::Failed));
    let failure = failed.failure.as_deref().unwrap();
    assert_eq!(
        (failure.stage, failure.message.as_str()),
        (Stage::InstallBinPkgs, "exit status 1 of a script")
    );
    assert_eq!(row("client:oscarnode2", "sge").unwrap().current, Stage::ShouldNotBeInstalled);
    assert_eq!(row("client:oscarnode1", "sge"), None);
}

fn what_is_there_stays(_backend: Backend) {
    let first = import_mysql(DUMP.as_bytes(), &Cluster::default(), 50);
    let cluster = apply_all(&first);
    let again = import_mysql(DUMP.as_bytes(), &cluster, 60);
    assert!(again.changes.iter().all(|it| matches!(it, Change::SetValues { .. })), "{:?}", again.changes);
}

fn a_dump_in_latin_1_and_one_that_is_none(_backend: Backend) {
    let dump = DUMP.replace("6.0u9", "6.0é");
    let latin: Vec<u8> = dump.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
    let cluster = apply_all(&import_mysql(&latin, &Cluster::default(), 50));
    assert!(cluster.packages.values().any(|it| it.version.as_deref() == Some("6.0é")));
    for other in [&b""[..], b"\x7fELF\0\0", b"INSERT INTO x VALUES (1);", b"<?xml version='1.0'?>"] {
        let imported = import_mysql(other, &Cluster::default(), 50);
        assert!(imported.changes.is_empty());
        assert!(imported.warnings.iter().any(|it| it.reason.starts_with("not a dump of an OSCAR database")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        let _ = import_mysql(text.as_bytes(), &Cluster::default(), 1);
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
        let imported = import_mysql(&dump, &Cluster::default(), 1);
        let scratch = Backend::Sqlite.scratch();
        let mut store = scratch.create();
        store.commit(&imported.changes).unwrap();
        prop_assert_eq!(store.load().unwrap(), apply_all(&imported));
    }
}
