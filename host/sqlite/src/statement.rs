//! Statements that change something.

use rusqlite::{Connection, Params};

use crate::error::Result;

/// Runs one that is kept for the next time.
pub(super) fn execute(connection: &Connection, sql: &'static str, values: impl Params) -> Result<()> {
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
