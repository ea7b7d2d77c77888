//! The database of older releases, from its dump.

use crate::common::{Backend, on_both};
use opkg_oda::{
    Change, Cluster, ImportReport, NotADump, PackageClass, Stage, WorkState, export, import_mysql,
};
use proptest::prelude::*;

on_both! {
    a_dump_is_taken_over,
    what_is_there_stays,
    a_dump_in_latin_1_and_one_that_is_none,
    a_dump_that_was_cut_off,
}

const DUMP: &str = include_str!("mysql_import/dump.sql");

fn apply_all(imported: &ImportReport) -> Cluster {
    let mut cluster = Cluster::default();
    imported.changes.iter().for_each(|it| cluster.apply(it));
    cluster
}

fn a_dump_is_taken_over(backend: Backend) {
    let imported = import_mysql(DUMP.as_bytes(), &Cluster::default(), 50).unwrap();
    assert_eq!(imported.cut_off_at, None);
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
    let first = import_mysql(DUMP.as_bytes(), &Cluster::default(), 50).unwrap();
    let cluster = apply_all(&first);
    let again = import_mysql(DUMP.as_bytes(), &cluster, 60).unwrap();
    assert!(again.changes.iter().all(|it| matches!(it, Change::SetValues { .. })), "{:?}", again.changes);
}

fn a_dump_in_latin_1_and_one_that_is_none(_backend: Backend) {
    let dump = DUMP.replace("6.0u9", "6.0é");
    let latin: Vec<u8> = dump.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
    let cluster = apply_all(&import_mysql(&latin, &Cluster::default(), 50).unwrap());
    assert!(cluster.packages.values().any(|it| it.version.as_deref() == Some("6.0é")));
    let utf_16: Vec<u8> = format!("\u{feff}{DUMP}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (other, reason) in [
        (&b""[..], NotADump::NoTables),
        (b"\x7fELF\0\0", NotADump::Binary),
        (b"\x1f\x8b\x08", NotADump::Compressed),
        (&utf_16, NotADump::Utf16),
        (b"INSERT INTO x VALUES (1);", NotADump::NoTables),
        (b"<?xml version='1.0'?>", NotADump::NoTables),
    ] {
        assert_eq!(import_mysql(other, &Cluster::default(), 50), Err(reason));
    }
}

fn a_dump_that_was_cut_off(_backend: Backend) {
    let import = |dump: &str| import_mysql(dump.as_bytes(), &Cluster::default(), 50).unwrap();
    let between_statements =
        DUMP.find("DROP TABLE IF EXISTS `Images`").or_else(|| DUMP.find("CREATE TABLE Packages_requires"));
    let between_rows = DUMP.find("('third_party'").unwrap();
    let within_a_row = DUMP.find("NULL,2,'sge'").unwrap();
    for at in [between_statements.unwrap(), between_rows, within_a_row] {
        let imported = import(&DUMP[..at]);
        assert_eq!(imported.cut_off_at, Some(DUMP[..at].lines().count().max(1)), "{}", &DUMP[at - 20..at]);
    }
    // What its row was is said as well.
    assert!(import(&DUMP[..between_rows]).warnings[0].reason.contains("a row of packages is missing"));
    assert!(import(&DUMP[..within_a_row]).warnings[0].reason.contains("a row of packages does not end"));
    let hex = "CREATE TABLE Packages (id int, package text, version text);
        INSERT INTO Packages VALUES (1,0x67616E676C6961,X'312E30');";
    let cluster = apply_all(&import(hex));
    let package = cluster.packages.values().next().unwrap();
    assert_eq!((package.name.as_str(), package.version.as_deref()), ("ganglia", Some("1.0")));
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
        let Ok(imported) = import_mysql(&dump, &Cluster::default(), 1) else { return Ok(()) };
        let scratch = Backend::Sqlite.scratch();
        let mut store = scratch.create();
        store.commit(&imported.changes).unwrap();
        prop_assert_eq!(store.load().unwrap(), apply_all(&imported));
    }
}
