//! The schema and its migrations.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{PostgresError, Result};
use crate::statement::{Value, query};

/// One step for each version of the schema, in order; the first makes an empty database one of version 1.
/// Steps that have been released are never changed.
const MIGRATIONS: [&str; 3] =
    [include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

/// What programs call, and who may do what, in the newest version.
const FUNCTIONS: [&str; 5] = [
    include_str!("schema/writes.sql"),
    include_str!("schema/engines.sql"),
    include_str!("schema/reads.sql"),
    include_str!("schema/enrollment.sql"),
    include_str!("schema/roles.sql"),
];

/// The version that this program reads and writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The oldest version whose programs may work with a database of [`VERSION`]: nodes that are not updated yet go on.
const OLDEST: i64 = 1;

/// Whoever makes or migrates the schema does so alone.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1330662723)";

/// The version of the schema, and the oldest one whose programs may still work with it; absent where there is none.
async fn versions(client: &Client) -> Result<Option<(i64, i64)>> {
    let exists = query(client, "SELECT to_regclass('opm.schema') IS NOT NULL", &[]).await?;
    if !exists.first().is_some_and(|row| row.get(0)) {
        return Ok(None);
    }
    let rows = query(client, "SELECT version::bigint, oldest::bigint FROM opm.schema", &[]).await?;
    let row = rows.first().ok_or(PostgresError::NoRights)?;
    Ok(Some((row.get(0), row.get(1))))
}

/// Checks that this program may work with the database: its schema is of this version, or of a newer one that lets older
/// programs go on.
pub(crate) async fn check(client: &Client) -> Result<()> {
    match versions(client).await? {
        None => Err(PostgresError::NoSchema),
        Some((found, oldest)) if oldest > VERSION => {
            Err(PostgresError::SchemaTooNew { found, supported: VERSION })
        }
        Some((found, _)) if found < VERSION => Err(PostgresError::SchemaTooOld { found, needed: VERSION }),
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
    run_steps(client, 0).await?;
    fill(client).await?;
    client.batch_execute("COMMIT").await?;
    Ok(true)
}

/// Brings the schema to [`VERSION`], all steps or none; a newer one stays as it is. The answer is whether it was older.
pub(crate) async fn migrate(client: &Client) -> Result<bool> {
    client.batch_execute("BEGIN").await?;
    query(client, LOCK, &[]).await?;
    let Some((found, _)) = versions(client).await? else { return Err(PostgresError::NoSchema) };
    let done = usize::try_from(found).unwrap_or(MIGRATIONS.len());
    if done < MIGRATIONS.len() {
        run_steps(client, done).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(done < MIGRATIONS.len())
}

/// Runs the steps after the first `done`, in the caller's transaction.
async fn run_steps(client: &Client, done: usize) -> Result<()> {
    for step in MIGRATIONS.iter().skip(done) {
        client.batch_execute(step).await?;
    }
    for functions in FUNCTIONS {
        client.batch_execute(functions).await?;
    }
    let sql = "UPDATE opm.schema SET version = $1, oldest = $2";
    let values: [Value<'_>; 2] = [(&VERSION, Type::INT8), (&OLDEST, Type::INT8)];
    query(client, sql, &values).await.map(drop)
}
