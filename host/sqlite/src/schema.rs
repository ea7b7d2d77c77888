//! The schema and its migrations.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::digest;
use crate::error::{Result, SqliteError};

/// Marks a file of SQLite as a database of this program: `OPMD`.
pub(super) const APPLICATION_ID: i64 = 0x4f50_4d44;

/// One step for each version of the schema, in order; the first makes an empty database one of version 1.
/// Steps that have been released are never changed.
const MIGRATIONS: [&str; 7] = [
    include_str!("schema-1.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
    include_str!("schema-6.sql"),
    include_str!("schema-7.sql"),
];

/// The first version in which targets have digests.
const DIGEST_VERSION: i64 = 4;

/// The version that this program reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The version of a database.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Whether the database is one of this program.
pub(super) fn has_application_id(connection: &Connection) -> Result<bool> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(id == APPLICATION_ID)
}

/// Makes an empty file a database of this program. Without a journal on the disk: what fails halfway is thrown away.
pub(super) fn create(connection: &mut Connection) -> Result<()> {
    set_journal_mode(connection, "MEMORY")?;
    migrate(connection)
}

/// From now on readers and one writer at a time do not wait for each other; the file remembers it.
pub(super) fn finish_creation(connection: &Connection) -> Result<()> {
    set_journal_mode(connection, "WAL")
}

fn set_journal_mode(connection: &Connection, wanted: &str) -> Result<()> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", wanted, |row| row.get(0))?;
    match mode.eq_ignore_ascii_case(wanted) {
        true => Ok(()),
        false => Err(SqliteError::Unsupported(format!(
            "SQLite cannot use the journal mode `{wanted}` there, only `{mode}`"
        ))),
    }
}

/// Brings the schema to [`VERSION`], all steps or none.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    // A step may make a table anew that others refer to; what they refer to is checked at the end.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    let migrated = run_migrations(connection);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    migrated
}

fn run_migrations(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    let applied = usize::try_from(found)
        .map_err(|_| SqliteError::Corrupt(format!("invalid schema version {found}")))?;
    for step in MIGRATIONS.iter().skip(applied) {
        transaction.execute_batch(step)?;
    }
    if found < DIGEST_VERSION {
        digest::renew_all(&transaction)?;
    }
    if transaction.prepare("PRAGMA foreign_key_check")?.exists([])? {
        return Err(SqliteError::Corrupt("it refers to rows that are not there".into()));
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Looks for things that no version of the schema has: they would run with every write.
pub(super) fn reject_triggers_and_views(connection: &Connection) -> Result<()> {
    let mut found =
        connection.prepare("SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view')")?;
    let mut rows = found.query([])?;
    match rows.next()? {
        None => Ok(()),
        Some(row) => {
            let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
            Err(SqliteError::Corrupt(format!(
                "it has a {kind}, `{}`, which OPM never creates",
                name.escape_debug()
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::SqliteStore;
    use opkg_oda::{
        Change, Event, EventFilter, EventId, PackageId, RunId, RunStatus, Stage, StepKind, Store, TargetId,
    };

    #[test]
    fn a_journal_of_the_first_version_is_kept_and_takes_tests() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oda.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.execute_batch(
            "INSERT INTO target (id, kind, name) VALUES (1, 1, 'head');
            INSERT INTO package (id, name, class) VALUES (4, 'munge', 1), (5, 'torque', 1);
            INSERT INTO run VALUES (7, 10, 20, 1, 'head', 3, 'opm');
            INSERT INTO event VALUES (7, 1, 11, 1, 4, 1, 'install', 12, 1, 'no', 3, NULL, 0, '/log', 'tail'),
                (7, 2, 13, 1, 5, 3, 'api-post-image', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
            INSERT INTO event_package VALUES (7, 1, 0, 5), (7, 1, 1, 4), (7, 2, 0, 4);",
        )
        .unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        drop(old);

        let mut store = SqliteStore::open(&path).unwrap();
        let test = Event {
            id: EventId { run: RunId(7), number: 3 },
            started_at: 14,
            target: TargetId(1),
            packages: vec![PackageId(5)],
            stage: Stage::Finished,
            kind: StepKind::Test,
            name: "torque_validate.apb".into(),
            log_path: None,
            result: None,
        };
        store.commit(&[Change::StartEvent(Box::new(test.clone()))]).unwrap();
        let events = store.events(&EventFilter::default()).unwrap();
        assert_eq!(events.len(), 3);
        assert_eq!(events[0], test);
        assert_eq!((events[1].kind, events[1].packages.as_slice()), (StepKind::Hook, &[PackageId(4)][..]));
        let result = events[2].result.as_ref().unwrap();
        assert_eq!((result.status, result.log_tail.as_str()), (RunStatus::Failed, "tail"));
        assert_eq!(events[2].packages, [PackageId(5), PackageId(4)]);
        drop(store);

        let new = Connection::open(&path).unwrap();
        assert_eq!(version(&new).unwrap(), VERSION);
        let mut violations = new.prepare("PRAGMA foreign_key_check").unwrap();
        assert!(violations.query([]).unwrap().next().unwrap().is_none());
        let refused = new.execute("INSERT INTO event_package VALUES (7, 9, 0, 4)", []);
        assert!(refused.is_err(), "what refers to events refers to those of the new table");
    }

    #[test]
    fn targets_of_an_older_version_are_known_to_be_alike() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oda.db");
        let old = Connection::open(&path).unwrap();
        MIGRATIONS[..3].iter().for_each(|step| old.execute_batch(step).unwrap());
        old.execute_batch(
            "INSERT INTO target (id, kind, name) VALUES (1, 1, 'head'), (2, 3, 'a'), (3, 3, 'b'), (4, 3, 'c'), (5, 3, 'd');
            INSERT INTO package (id, name, class) VALUES (4, 'munge', 1);
            INSERT INTO state (target, package, requested, current, state, attempts, changed, version) VALUES
                (2, 4, 8, 4, 0, 0, 10, '1.0'), (3, 4, 8, 4, 0, 0, 20, '1.0'), (4, 4, 8, 4, 0, 0, 20, '1.1');",
        )
        .unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", 3).unwrap();
        drop(old);

        let mut store = SqliteStore::open(&path).unwrap();
        let (all, overview) = (store.load().unwrap(), store.load_overview().unwrap());
        assert_eq!(all.states.keys().collect::<Vec<_>>(), overview.states.keys().collect::<Vec<_>>());
        let sharing = |id| overview.states[&TargetId(id)].sharing();
        assert_eq!(sharing(2), sharing(3));
        assert_ne!(sharing(2), sharing(4));
        assert_eq!(overview.states[&TargetId(4)], all.states[&TargetId(4)]);
    }

    #[test]
    fn no_answer_of_an_older_version_stays_in_the_journal() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oda.db");
        let old = Connection::open(&path).unwrap();
        MIGRATIONS[..6].iter().for_each(|step| old.execute_batch(step).unwrap());
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
        for (line, _) in lines {
            let sql = "INSERT INTO command (at, who, host, command) VALUES (1, 'ada', 'head', ?1)";
            old.execute(sql, [line]).unwrap();
        }
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", 6).unwrap();
        drop(old);

        let mut store = SqliteStore::open(&path).unwrap();
        let kept: Vec<String> =
            store.commands(99).unwrap().into_iter().map(|kept| kept.command).rev().collect();
        assert_eq!(kept, lines.map(|(_, shown)| shown));
        drop(store);
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"hunter2"), "nor in the free parts of pages");
    }
}
