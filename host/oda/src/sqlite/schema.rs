//! The tables, and how older ones become like them.

use rusqlite::Connection;

use super::fault::{Fault, Result};

/// Marks a file of SQLite as a database of this program: `OPMD`.
pub(super) const APPLICATION: i64 = 0x4f50_4d44;

/// One step for each version of the schema, in order; the first makes an empty database one of version 1.
/// Steps that have been released are never changed.
const STEPS: [&str; 1] = [include_str!("schema-1.sql")];

/// The version that this program reads and writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// The version of a database.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Whether the database is one of this program.
pub(super) fn ours(connection: &Connection) -> Result<bool> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(id == APPLICATION)
}

/// Makes an empty file a database of this program.
pub(super) fn create(connection: &mut Connection) -> Result<()> {
    // Readers and one writer at a time do not wait for each other; the file remembers it.
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::Refused(format!("no write-ahead log can be made there, but `{mode}`")));
    }
    migrate(connection)
}

/// Brings the schema to [`VERSION`], all steps or none.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    let done =
        usize::try_from(found).map_err(|_| Fault::Flaw(format!("its schema has the version {found}")))?;
    for step in STEPS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Looks for things that no version of the schema has: they would run with every write.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let mut found =
        connection.prepare("SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view')")?;
    let mut rows = found.query([])?;
    match rows.next()? {
        None => Ok(()),
        Some(row) => {
            let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
            Err(Fault::Flaw(format!(
                "it has a {kind}, `{}`, that this program never makes",
                name.escape_debug()
            )))
        }
    }
}
