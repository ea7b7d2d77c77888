//! The schema and its migrations.

use tokio_postgres::Client;

use crate::error::{PostgresError, Result};
use crate::statement::query;

/// One step for each version of the schema, in order; the first makes an empty database one of version 1.
/// Steps that have been released are never changed.
const MIGRATIONS: [&str; 1] = [include_str!("schema-1.sql")];

/// The version that this program reads and writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Whoever makes or migrates the schema does so alone.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1330662723)";

/// The version of the schema, and the oldest one whose programs may still work with it; absent where there is none.
async fn versions(client: &Client) -> Result<Option<(i64, i64)>> {
    let exists = query(client, "SELECT to_regclass('opm.schema') IS NOT NULL", &[]).await?;
    if !exists.first().is_some_and(|row| row.get(0)) {
        return Ok(None);
    }
    let rows = query(client, "SELECT version::bigint, oldest::bigint FROM opm.schema", &[]).await?;
    Ok(rows.first().map(|row| (row.get(0), row.get(1))))
}

/// Checks that this program may work with the database: its schema is of this version, or of a newer one that lets older
/// programs go on.
pub(crate) async fn check(client: &Client) -> Result<()> {
    match versions(client).await? {
        None => Err(PostgresError::NoSchema),
        Some((found, oldest)) if oldest > VERSION => {
            Err(PostgresError::SchemaTooNew { found, supported: VERSION })
        }
        Some(_) => Ok(()),
    }
}

/// Makes the schema, and what `fill` makes in it, all or nothing. The answer is whether there was none before.
pub(crate) async fn create(client: &Client, fill: impl AsyncFn(&Client) -> Result<()>) -> Result<bool> {
    client.batch_execute("BEGIN").await?;
    query(client, LOCK, &[]).await?;
    if versions(client).await?.is_some() {
        client.batch_execute("ROLLBACK").await?;
        return Ok(false);
    }
    for step in MIGRATIONS {
        client.batch_execute(step).await?;
    }
    fill(client).await?;
    client.batch_execute("COMMIT").await?;
    Ok(true)
}
