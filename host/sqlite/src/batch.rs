//! Rows that come in large numbers, written many by one statement: to begin and end a statement costs as much as to
//! write a row.

use rusqlite::{CachedStatement, Connection, Statement, params_from_iter};

use crate::error::Result;

/// Rows that one statement writes.
const ROWS: usize = 512;

/// Rows of `COLUMNS` numbers for one table. Those that are pushed are in the table once [`Batch::flush`] has returned.
pub(super) struct Batch<'c, const COLUMNS: usize> {
    connection: &'c Connection,
    /// What comes before the rows, a row, and what comes after the rows.
    sql: [&'static str; 3],
    waiting: Vec<[Option<i64>; COLUMNS]>,
    /// For one row, and for [`ROWS`] of them; kept from one batch to the next.
    single: Option<CachedStatement<'c>>,
    full: Option<Statement<'c>>,
}

impl<'c, const COLUMNS: usize> Batch<'c, COLUMNS> {
    pub(super) fn new(connection: &'c Connection, sql: [&'static str; 3]) -> Self {
        Self { connection, sql, waiting: Vec::new(), single: None, full: None }
    }

    pub(super) fn push(&mut self, row: [Option<i64>; COLUMNS]) -> Result<()> {
        self.waiting.push(row);
        if self.waiting.len() < ROWS {
            return Ok(());
        }
        let statement = match &mut self.full {
            Some(statement) => statement,
            none => none.insert(self.connection.prepare(&text(self.sql, ROWS))?),
        };
        statement.execute(params_from_iter(self.waiting.as_flattened()))?;
        self.waiting.clear();
        Ok(())
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let statement = match &mut self.single {
            Some(statement) => statement,
            none => none.insert(self.connection.prepare_cached(&text(self.sql, 1))?),
        };
        for row in self.waiting.drain(..) {
            statement.execute(params_from_iter(row))?;
        }
        Ok(())
    }
}

fn text([before, row, after]: [&str; 3], rows: usize) -> String {
    [before, &vec![row; rows].join(", "), after].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    const SQL: [&str; 3] = [
        "INSERT INTO child (parent, value) VALUES ",
        "(?, ?)",
        " ON CONFLICT DO UPDATE SET value = excluded.value",
    ];

    fn connection(parents: i64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE parent (id INTEGER PRIMARY KEY);
                CREATE TABLE child (parent INTEGER PRIMARY KEY REFERENCES parent (id), value INTEGER) WITHOUT ROWID;",
            )
            .unwrap();
        for id in 0..parents {
            connection.execute("INSERT INTO parent VALUES (?1)", [id]).unwrap();
        }
        connection
    }

    fn children(connection: &Connection) -> BTreeMap<i64, Option<i64>> {
        let mut all = connection.prepare("SELECT parent, value FROM child").unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn all_rows_are_written_however_many_and_the_last_of_a_key_counts() {
        for count in [0, 1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 3] {
            let count = i64::try_from(count).unwrap();
            let connection = connection(200);
            let mut batch = Batch::new(&connection, SQL);
            let mut expected = BTreeMap::new();
            for number in 0..count {
                let (parent, value) = (number % 200, (number % 3 > 0).then_some(number));
                batch.push([Some(parent), value]).unwrap();
                expected.insert(parent, value);
            }
            batch.flush().unwrap();
            assert_eq!(children(&connection), expected, "{count} rows");
        }
    }

    #[test]
    fn a_row_that_refers_to_nothing_is_refused_wherever_it_is() {
        let many = i64::try_from(ROWS).unwrap();
        for wrong in [0, 1, many / 2, many - 1, many, many + 1] {
            let connection = connection(many + 2);
            connection.execute("DELETE FROM parent WHERE id = ?1", [wrong]).unwrap();
            let mut batch = Batch::new(&connection, SQL);
            let pushed = (0..many + 2).try_for_each(|parent| batch.push([Some(parent), None]));
            assert!(pushed.and_then(|()| batch.flush()).is_err(), "row {wrong}");
            assert!(!children(&connection).contains_key(&wrong));
        }
    }
}
