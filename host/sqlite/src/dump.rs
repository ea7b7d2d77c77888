//! All rows of all tables, out of a database and into another one.

use opkg_oda::tables::{ColumnType, LAST_RUN, MAX_ROWS, Row, TABLES, Table, Value};
use rusqlite::types::{ToSqlOutput, Value as SqlValue};
use rusqlite::{Connection, params_from_iter};

use crate::error::{Result, SqliteError};

/// Hands over everything; consistent if the caller has begun a transaction.
pub(super) fn dump(
    connection: &Connection,
    receive: &mut dyn FnMut(&'static Table, Vec<Row>) -> Result<()>,
) -> Result<()> {
    for table in &TABLES {
        let sql = format!("SELECT {} FROM {} ORDER BY {}", column_names(table), table.name, table.order);
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut batch = Vec::new();
        while let Some(row) = rows.next()? {
            let columns = table.columns.iter().enumerate();
            let values = columns.map(|(number, (_, kind))| value(*kind, row.get(number)?));
            batch.push(values.collect::<Result<Row>>()?);
            if batch.len() == MAX_ROWS {
                receive(table, std::mem::take(&mut batch))?;
            }
        }
        if !batch.is_empty() {
            receive(table, batch)?;
        }
    }
    let last: i64 = connection.query_row(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'run'), 0)",
        [],
        |row| row.get(0),
    )?;
    receive(&LAST_RUN, vec![vec![Value::Integer(last)]])
}

fn value(kind: ColumnType, value: SqlValue) -> Result<Value> {
    match (kind, value) {
        (_, SqlValue::Null) => Ok(Value::Null),
        (ColumnType::Integer, SqlValue::Integer(number)) => Ok(Value::Integer(number)),
        (ColumnType::Boolean, SqlValue::Integer(number)) => Ok(Value::Boolean(number != 0)),
        (ColumnType::Text, SqlValue::Text(text)) => Ok(Value::Text(text)),
        (kind, other) => Err(SqliteError::Corrupt(format!("{other:?} stands where {kind:?} should"))),
    }
}

/// Removes everything, in the caller's transaction; references are checked at its end.
pub(super) fn clear(connection: &Connection) -> Result<()> {
    connection.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    for table in TABLES.iter().rev() {
        connection.execute(&format!("DELETE FROM {}", table.name), [])?;
    }
    Ok(())
}

/// Adds rows to a table.
pub(super) fn insert(connection: &Connection, table: &Table, rows: &[Row]) -> Result<()> {
    if *table == LAST_RUN {
        return insert_last_run(connection, rows);
    }
    let places = vec!["?"; table.columns.len()].join(", ");
    let (extra, constant) = if table.name == "phase" { (", only", ", 1") } else { ("", "") };
    let sql =
        format!("INSERT INTO {} ({}{extra}) VALUES ({places}{constant})", table.name, column_names(table));
    let mut statement = connection.prepare_cached(&sql)?;
    for row in rows {
        statement.execute(params_from_iter(row.iter().map(parameter)))?;
    }
    Ok(())
}

/// A run that is there for a moment keeps its id from being used.
fn insert_last_run(connection: &Connection, rows: &[Row]) -> Result<()> {
    for row in rows {
        let Some(Value::Integer(id @ 1..)) = row.first() else { continue };
        let is_there = connection.prepare_cached("SELECT 1 FROM run WHERE id = ?1")?.exists([id])?;
        if !is_there {
            let sql = "INSERT INTO run (id, started, host, process, command) VALUES (?1, 0, '', 0, '')";
            connection.execute(sql, [id])?;
            connection.execute("DELETE FROM run WHERE id = ?1", [id])?;
        }
    }
    Ok(())
}

fn parameter(value: &Value) -> ToSqlOutput<'_> {
    match value {
        Value::Null => ToSqlOutput::Owned(SqlValue::Null),
        Value::Integer(number) => ToSqlOutput::Owned(SqlValue::Integer(*number)),
        Value::Boolean(is_true) => ToSqlOutput::Owned(SqlValue::Integer(i64::from(*is_true))),
        Value::Text(text) => ToSqlOutput::from(text.as_str()),
    }
}

fn column_names(table: &Table) -> String {
    table.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
