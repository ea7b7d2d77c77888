//! Statements go to the server with the types of their values, in one round trip, and without being prepared: each may
//! meet another session of a pooler.

use std::borrow::Cow;

use futures_util::future::join_all;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::error::Result;

/// A value with its type.
pub(crate) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// Sends one statement.
pub(crate) async fn query(client: &Client, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>> {
    Ok(client.query_typed(sql, values).await?)
}

/// Sends several statements without waiting for the answers in between; the first that fails is the error.
pub(crate) async fn pipeline(client: &Client, statements: &[(&str, &[Value<'_>])]) -> Result<Vec<Vec<Row>>> {
    let sent = statements.iter().map(|(sql, values)| client.query_typed(sql, values));
    let answers = join_all(sent).await;
    Ok(answers.into_iter().collect::<std::result::Result<_, _>>()?)
}

/// A text as the server can keep it: it has no place for the character zero, which programs may print.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}
