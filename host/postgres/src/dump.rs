//! All rows of all tables, out of a database and into another one.

use opkg_oda::tables::{ColumnType, LAST_RUN, MAX_ROWS, Row, TABLES, Table, Value};
use serde_json::{Map, Value as Json};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::Result;
use crate::statement::{clean, query};
use crate::write::to_json;

/// Begins to read a table, in the caller's transaction.
pub(crate) async fn open_cursor(client: &Client, table: &Table) -> Result<()> {
    let columns = table.columns.iter().map(|(name, kind)| match kind {
        ColumnType::Integer => format!("{name}::bigint"),
        ColumnType::Text | ColumnType::Boolean => (*name).to_owned(),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    Ok(client
        .batch_execute(&format!(
            "DECLARE rows CURSOR FOR SELECT {columns} FROM opm.{} ORDER BY {}",
            table.name, table.order
        ))
        .await?)
}

/// The next rows of the table that is being read; none at its end.
pub(crate) async fn fetch(client: &Client, table: &Table) -> Result<Vec<Row>> {
    let rows = query(client, &format!("FETCH {MAX_ROWS} FROM rows"), &[]).await?;
    let values = |row: &tokio_postgres::Row| -> Row {
        let columns = table.columns.iter().enumerate();
        let value = |(number, (_, kind)): (usize, &(&str, ColumnType))| match kind {
            ColumnType::Integer => row.get::<_, Option<i64>>(number).map_or(Value::Null, Value::Integer),
            ColumnType::Text => row.get::<_, Option<String>>(number).map_or(Value::Null, Value::Text),
            ColumnType::Boolean => row.get::<_, Option<bool>>(number).map_or(Value::Null, Value::Boolean),
        };
        columns.map(value).collect()
    };
    if rows.is_empty() {
        client.batch_execute("CLOSE rows").await?;
    }
    Ok(rows.iter().map(values).collect())
}

/// The largest id that any run ever had.
pub(crate) async fn last_run(client: &Client) -> Result<i64> {
    let sql = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM opm.run_id_seq";
    Ok(query(client, sql, &[]).await?.first().map_or(0, |row| row.get(0)))
}

/// Removes everything, with the engines that had claimed something, in the caller's transaction.
pub(crate) async fn clear(client: &Client) -> Result<()> {
    let tables = TABLES.iter().map(|table| format!("opm.{}", table.name)).collect::<Vec<_>>().join(", ");
    Ok(client.batch_execute(&format!("TRUNCATE {tables}, opm.claim, opm.engine, opm.target_seen")).await?)
}

/// Adds rows to a table.
pub(crate) async fn insert(client: &Client, table: &Table, rows: &[Row]) -> Result<()> {
    if *table == LAST_RUN {
        for row in rows {
            if let Some(Value::Integer(id @ 1..)) = row.first() {
                query(client, "SELECT setval('opm.run_id_seq', $1)", &[(id, Type::INT8)]).await?;
            }
        }
        return Ok(());
    }
    let names = table.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let objects = rows.iter().map(|row| {
        let fields = table.columns.iter().zip(row);
        fields.map(|((name, _), value)| ((*name).to_owned(), json(value))).collect::<Map<_, _>>()
    });
    let objects = to_json(&objects.collect::<Vec<_>>())?;
    // What follows from the other columns.
    let (column, value) = match table.name {
        "event" => (", is_failed", ", coalesce(verdict IN (1, 2), false)"),
        _ => ("", ""),
    };
    let sql = format!(
        "INSERT INTO opm.{0} ({names}{column})
        SELECT {names}{value} FROM jsonb_populate_recordset(NULL::opm.{0}, $1::text::jsonb)",
        table.name
    );
    query(client, &sql, &[(&objects, Type::TEXT)]).await.map(drop)
}

/// Computes what a copy does not hold, in the caller's transaction.
pub(crate) async fn finish(client: &Client) -> Result<()> {
    let sql =
        "SELECT opm.renew_digests(ARRAY(SELECT id FROM opm.target WHERE NOT gone)), opm.drop_stale_roles()";
    query(client, sql, &[]).await.map(drop)
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(number) => Json::from(*number),
        Value::Boolean(is_true) => Json::from(*is_true),
        Value::Text(text) => Json::from(clean(text).into_owned()),
    }
}
