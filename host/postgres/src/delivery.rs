//! Brings what engines of this machine did while the server was away into the database.

use std::io;
use std::path::Path;

use opkg_oda::Delivered;
use tokio_postgres::types::Type;

use crate::error::{PostgresError, Result};
use crate::spool::{self, KeptResults};
use crate::statement::{Value, query};
use crate::write::to_json;
use crate::writer::Writer;

/// Delivers what the directory of a writer holds of engines that work no more.
pub(crate) fn deliver(writer: &mut Writer) -> Result<Vec<Delivered>> {
    let Some(directory) = writer.results_directory.clone() else { return Ok(Vec::new()) };
    let found = spool::find(&directory).map_err(|error| unreadable(&directory, &error))?;
    let mut delivered = Vec::new();
    for kept in found {
        delivered.extend(deliver_one(writer, &kept)?);
    }
    Ok(delivered)
}

/// Delivers a file, and removes it; puts it aside where the server takes nothing of it. One of another database is left alone.
fn deliver_one(writer: &mut Writer, kept: &KeptResults) -> Result<Vec<Delivered>> {
    let steps = match send(writer, kept) {
        Ok(Some(steps)) => steps,
        Ok(None) if kept.header.database == writer.connection.address().to_string() => {
            let reason = "the database does not know the run; was it put back from a backup?";
            return put_aside(kept, reason).map(|refused| vec![refused]);
        }
        Ok(None) => return Ok(Vec::new()),
        Err(error) if error.is_connection_lost() => return Err(error),
        Err(error) => return put_aside(kept, &error.reason()).map(|refused| vec![refused]),
    };
    let delivered = Delivered::Steps(steps);
    match &kept.damage {
        Some(damage) => Ok(vec![delivered, put_aside(kept, damage)?]),
        None => {
            kept.remove().map_err(|error| unreadable(kept.path(), &error))?;
            Ok(vec![delivered])
        }
    }
}

/// How many steps of a file are in the database now that were not; absent where that does not know their engine.
fn send(writer: &mut Writer, kept: &KeptResults) -> Result<Option<u64>> {
    let (process, writes) = (to_json(&kept.header.process)?, to_json(&kept.writes)?);
    let steps: Option<i64> = writer.connection.repeatedly(async |client| {
        let sql = "SELECT opm.deliver_results($1, $2::text::jsonb, $3::text::jsonb)";
        let values: [Value<'_>; 3] =
            [(&kept.header.engine, Type::INT8), (&process, Type::TEXT), (&writes, Type::TEXT)];
        let rows = query(client, sql, &values).await?;
        Ok(rows.first().and_then(|row| row.get(0)))
    })?;
    Ok(steps.map(i64::unsigned_abs))
}

fn put_aside(kept: &KeptResults, reason: &str) -> Result<Delivered> {
    let path = kept.set_aside().map_err(|error| unreadable(kept.path(), &error))?;
    Ok(Delivered::Refused { path, reason: reason.to_owned() })
}

fn unreadable(path: &Path, error: &io::Error) -> PostgresError {
    PostgresError::Unsupported(format!(
        "what is to be delivered to it cannot be read: {}: {error}",
        path.display()
    ))
}
