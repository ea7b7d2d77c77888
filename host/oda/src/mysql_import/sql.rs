//! The tables in the text of a MySQL dump. Nothing in it is executed: statements other than `CREATE TABLE` and
//! `INSERT` are skipped.

mod token;

use std::collections::BTreeMap;

use token::{Token, Tokenizer};

/// A table of the dump.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Their names in small letters, in the order of the rows' fields.
    columns: Vec<String>,
    rows: Vec<(usize, Vec<Option<String>>)>,
}

/// One row, its fields by their column's name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// Where it stands, counted from 1.
    pub(super) line: usize,
    columns: &'a [String],
    fields: &'a [Option<String>],
}

impl<'a> Record<'a> {
    /// A field to the letter; absent where there is no such column and where it is NULL.
    pub(super) fn raw(&self, column: &str) -> Option<&'a str> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.fields.get(at)?.as_deref()
    }

    /// A field without blanks around it; absent also where nothing else is in it.
    pub(super) fn text(&self, column: &str) -> Option<&'a str> {
        self.raw(column).map(str::trim).filter(|text| !text.is_empty())
    }

    /// A field that is a number.
    pub(super) fn number(&self, column: &str) -> Option<i64> {
        self.text(column)?.parse().ok()
    }
}

impl Table {
    /// Its rows, as they stand in the dump.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let columns = &self.columns;
        self.rows.iter().map(move |(line, fields)| Record { line: *line, columns, fields })
    }
}

pub(super) struct SqlDump {
    tables: BTreeMap<String, Table>,
    pub(super) errors: Vec<SqlError>,
    /// Whether it ends in the middle of a statement.
    pub(super) ends_early: bool,
}

/// A statement or a row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SqlError {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) kind: SqlErrorKind,
}

/// What is wrong with a statement. The strings are names of tables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SqlErrorKind {
    #[error("a table without a name")]
    UnnamedTable,
    #[error("the columns of {0} are missing")]
    MissingColumns(String),
    #[error("a column of {0} has no name")]
    UnnamedColumn(String),
    #[error("the list of columns of {0} does not end")]
    UnterminatedColumns(String),
    #[error("unsupported form of `INSERT INTO {0}`")]
    UnsupportedInsert(String),
    #[error("a row of {0} is missing")]
    MissingRow(String),
    #[error("a row of {0} does not end")]
    UnterminatedRow(String),
    #[error("a row of {table} has {found} fields instead of {expected}")]
    FieldCount { table: String, found: usize, expected: usize },
}

/// Reads the tables whose names, in small letters, `wanted` has.
pub(super) fn parse(text: &str, wanted: &[&str]) -> SqlDump {
    let mut dump = SqlDump { tables: BTreeMap::new(), errors: Vec::new(), ends_early: false };
    let mut tokens = Tokenizer::new(text);
    while let Some(token) = tokens.next_token() {
        let line = tokens.line();
        let result = match token {
            Token::Word(word) if word.eq_ignore_ascii_case("create") => {
                parse_create_table(&mut tokens, wanted, &mut dump)
            }
            Token::Word(word)
                if word.eq_ignore_ascii_case("insert") || word.eq_ignore_ascii_case("replace") =>
            {
                parse_insert(&mut tokens, wanted, &mut dump)
            }
            Token::Punctuation(';') => continue,
            _ => Ok(()),
        };
        if let Err(kind) = result {
            dump.errors.push(SqlError { line, kind });
        }
        dump.ends_early = !tokens.skip_statement();
    }
    dump
}

impl SqlDump {
    /// A table by its name in small letters; an empty one where there is none.
    pub(super) fn records(&self, name: &str) -> impl Iterator<Item = Record<'_>> {
        self.tables.get(name).into_iter().flat_map(Table::records)
    }

    /// Whether there is such a table.
    pub(super) fn has_table(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }
}

/// The name of a table without that of its database, in small letters.
fn parse_table_name(tokens: &mut Tokenizer<'_>) -> Option<String> {
    let mut name = tokens.parse_name()?;
    while tokens.eat('.') {
        name = tokens.parse_name()?;
    }
    Some(name.to_lowercase())
}

fn parse_create_table(
    tokens: &mut Tokenizer<'_>,
    wanted: &[&str],
    dump: &mut SqlDump,
) -> Result<(), SqlErrorKind> {
    tokens.eat_word("temporary");
    if !tokens.eat_word("table") {
        return Ok(());
    }
    for word in ["if", "not", "exists"] {
        tokens.eat_word(word);
    }
    let name = parse_table_name(tokens).ok_or(SqlErrorKind::UnnamedTable)?;
    if !wanted.contains(&name.as_str()) {
        return Ok(());
    }
    if !tokens.eat('(') {
        return Err(SqlErrorKind::MissingColumns(name));
    }
    let mut columns = Vec::new();
    loop {
        let keywords =
            ["primary", "key", "unique", "index", "constraint", "fulltext", "spatial", "foreign", "check"];
        if !keywords.iter().any(|word| tokens.check_word(word)) {
            let column = tokens.parse_name().ok_or_else(|| SqlErrorKind::UnnamedColumn(name.clone()))?;
            columns.push(column.to_lowercase());
        }
        if !tokens.skip_definition() {
            break;
        }
    }
    dump.tables.entry(name).or_default().columns = columns;
    Ok(())
}

fn parse_insert(tokens: &mut Tokenizer<'_>, wanted: &[&str], dump: &mut SqlDump) -> Result<(), SqlErrorKind> {
    for word in ["low_priority", "delayed", "high_priority", "ignore", "into"] {
        tokens.eat_word(word);
    }
    let name = parse_table_name(tokens).ok_or(SqlErrorKind::UnnamedTable)?;
    if !wanted.contains(&name.as_str()) {
        return Ok(());
    }
    let mut listed = Vec::new();
    if tokens.eat('(') {
        while let Some(column) = tokens.parse_name() {
            listed.push(column.to_lowercase());
            if !tokens.eat(',') {
                break;
            }
        }
        if !tokens.eat(')') {
            return Err(SqlErrorKind::UnterminatedColumns(name));
        }
    }
    if !tokens.eat_word("values") && !tokens.eat_word("value") {
        return Err(SqlErrorKind::UnsupportedInsert(name));
    }
    let table = dump.tables.entry(name.clone()).or_default();
    if table.columns.is_empty() {
        table.columns.clone_from(&listed);
    }
    loop {
        // Also behind a comma: the dump was cut off between two rows.
        if !tokens.eat('(') {
            return Err(SqlErrorKind::MissingRow(name));
        }
        let line = tokens.line();
        let fields = tokens.parse_fields().ok_or_else(|| SqlErrorKind::UnterminatedRow(name.clone()))?;
        let expected = if listed.is_empty() { table.columns.len() } else { listed.len() };
        if fields.len() != expected {
            let kind = SqlErrorKind::FieldCount { table: name.clone(), found: fields.len(), expected };
            dump.errors.push(SqlError { line, kind });
        } else if listed.is_empty() || listed == table.columns {
            table.rows.push((line, fields));
        } else {
            let mut by_name: BTreeMap<&str, Option<String>> =
                listed.iter().map(String::as_str).zip(fields).collect();
            let fields =
                table.columns.iter().map(|column| by_name.remove(column.as_str()).flatten()).collect();
            table.rows.push((line, fields));
        }
        if !tokens.eat(',') {
            return Ok(());
        }
    }
}
