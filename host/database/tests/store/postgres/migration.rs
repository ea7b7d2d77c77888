//! A database of an older version becomes one of this version, and programs of the older one go on.

use opkg_oda::{Change, Error, Stage};

use crate::common::{self, Backend, Scratch, state_key};

/// A database of version 1, as programs of that version made it.
fn version_1() -> Option<Scratch> {
    Backend::Postgres.is_there().then(|| {
        let scratch = Backend::Postgres.scratch();
        scratch.sql(include_str!("../../../../postgres/src/schema/1.sql"));
        scratch.sql(include_str!("functions-1.sql"));
        scratch
    })
}

/// Tables, columns, constraints, indexes, policies and functions, a line each.
fn catalog(scratch: &Scratch) -> String {
    scratch.sql(
        "SELECT format('%s %s %s %s', relname, attname, format_type(atttypid, atttypmod), attnotnull) AS line
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'opm'::regnamespace AND attnum > 0 AND relkind IN ('r', 'i', 'S')
        UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid))
            FROM pg_constraint WHERE connamespace = 'opm'::regnamespace
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'opm'
        UNION ALL SELECT format('%s %s %s %s', tablename, policyname, cmd, qual)
            FROM pg_policies WHERE schemaname = 'opm'
        UNION ALL SELECT format('%s %s %s', relname, relrowsecurity, relforcerowsecurity)
            FROM pg_class WHERE relnamespace = 'opm'::regnamespace AND relkind = 'r'
        UNION ALL SELECT format('%s %s', pg_get_functiondef(oid), proacl)
            FROM pg_proc WHERE pronamespace = 'opm'::regnamespace
        UNION ALL SELECT format('schema %s %s', version, oldest) FROM opm.schema
        ORDER BY line",
    )
}

#[test]
fn it_becomes_what_a_new_one_is() {
    let Some(old) = version_1() else { return };
    assert!(old.location().migrate().unwrap());
    let new = Backend::Postgres.scratch();
    drop(new.create());
    assert_eq!(catalog(&old), catalog(&new));
    // Done again it changes nothing.
    assert!(!old.location().migrate().unwrap());
    assert_eq!(catalog(&old), catalog(&new));
}

#[test]
fn what_was_there_stays() {
    let Some(old) = version_1() else { return };
    old.sql(
        "INSERT INTO opm.target (id, kind, name) VALUES (1, 1, 'head'), (2, 3, 'node');
        INSERT INTO opm.package (id, name, class) VALUES (1, 'ganglia', 1);
        INSERT INTO opm.state (target, package, requested, current, state, attempts, changed)
            VALUES (2, 1, 8, 3, 0, 0, 5);
        INSERT INTO opm.run (started, host, process, command) VALUES (1, 'head', 7, 'opm run')",
    );
    let error = old.location().open().err().unwrap();
    assert!(matches!(error, Error::SchemaTooOld { found: 1, needed: 3, .. }), "{error}");
    assert!(old.location().migrate().unwrap());
    let mut store = old.open();
    let cluster = store.load().unwrap();
    assert_eq!(cluster.state(state_key(2, 1)).unwrap().current, Stage::from_id(3).unwrap());
    assert_eq!(store.runs(9).unwrap().len(), 1);
}

#[test]
fn no_answer_of_an_older_version_stays_in_the_journal() {
    let Some(old) = version_1() else { return };
    old.sql(include_str!("../../../../postgres/src/schema/2.sql"));
    let lines = [
        ("opm configure P --set secret=hunter2", "opm configure P --set secret=…"),
        ("opm --conf=a=b configure P --set=é=hun ter2 --unset b", "opm --conf=a=b configure P --set=é=…"),
        ("opm configure P --settings /x --set a=1 b=hunter2", "opm configure P --settings /x --set a=…"),
        ("opm configure --set=a=hunter2 --set b=hunter2 P", "opm configure --set=a=…"),
        ("opm configure P --set a=1\nb=hunter2", "opm configure P --set a=…"),
        ("opm configure P --answers=a=b", "opm configure P --answers=a=b"),
        ("opm configure P --unset a", "opm configure P --unset a"),
        ("opm simulate --set a=b", "opm simulate --set a=b"),
    ];
    for (number, (line, _)) in lines.iter().enumerate() {
        old.sql(&format!("INSERT INTO opm.command VALUES ({number}, 1, 'ada', 'head', '{line}', NULL)"));
    }
    old.sql("UPDATE opm.schema SET version = 2, oldest = 1");
    assert!(old.location().migrate().unwrap());
    let kept: Vec<String> =
        old.open().commands(99).unwrap().into_iter().map(|kept| kept.command).rev().collect();
    assert_eq!(kept, lines.map(|(_, shown)| shown));
}

/// What a program of version 1 calls does what it did, while others are newer.
#[test]
fn a_program_of_version_1_goes_on() {
    let Some(scratch) = version_1() else { return };
    scratch.location().migrate().unwrap();
    scratch.open().commit(&common::sample_cluster()).unwrap();
    let said = scratch.sql(
        "SELECT version >= 1 AND oldest <= 1 FROM opm.schema;
        SELECT opm.commit(NULL, NULL,
            '[{\"kind\": \"request\", \"rows\": [{\"target\": 3, \"package\": 1, \"stage\": 8, \"changed\": 5}]}]');
        SELECT engine, target IS NULL FROM opm.claim_targets(NULL,
            '{\"host\": \"old\", \"process\": 1, \"boot\": \"b\", \"process_start\": 1}', ARRAY[3::bigint]);
        SELECT opm.start_run(1, 1, '{\"started\": 1, \"host\": \"old\", \"process\": 1, \"command\": \"opm\"}');
        SELECT opm.begin_write(1, 2);
        SELECT opm.renew_digests(opm.apply('[{\"kind\": \"run-ended\", \"rows\": [{\"run\": 1, \"ended\": 2, \"verdict\": 0}]}]'));
        SELECT opm.renew_lease(1), opm.take_listener_place();
        SELECT opm.end_engine(1, false)",
    );
    let said: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(said, ["t", "1|t", "1", "t", "t|t"]);
    let mut store = scratch.open();
    assert!(store.load_state(state_key(3, 1)).unwrap().is_some());
    assert_eq!(store.runs(1).unwrap()[0].ended_at, Some(2));
    store.commit(&[Change::SetPhase(opkg_oda::Phase::Netboot)]).unwrap();
}
