//! The tables in the text of a MySQL dump. Nothing in it is executed: what is no `CREATE TABLE` and no `INSERT` is
//! passed over.

mod token;

use std::borrow::Cow;
use std::collections::BTreeMap;

use token::{Token, Tokens};

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
    pub(super) fn exact(&self, column: &str) -> Option<&'a str> {
        let at = self.columns.iter().position(|it| it == column)?;
        self.fields.get(at)?.as_deref()
    }

    /// A field without blanks around it; absent also where nothing else is in it.
    pub(super) fn text(&self, column: &str) -> Option<&'a str> {
        self.exact(column).map(str::trim).filter(|it| !it.is_empty())
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

/// What was read, and the lines of which something could not be.
pub(super) struct Dump {
    tables: BTreeMap<String, Table>,
    /// Line, counted from 1, and what is wrong there.
    pub(super) flaws: Vec<(usize, String)>,
}

/// Bytes that are not UTF-8 were ISO-8859-1, which such dumps were written in.
pub(super) fn decode(dump: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(dump) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(dump.iter().map(|it| char::from(*it)).collect()),
    }
}

/// Reads the tables whose names, in small letters, `wanted` has.
pub(super) fn read(text: &str, wanted: &[&str]) -> Dump {
    let mut dump = Dump { tables: BTreeMap::new(), flaws: Vec::new() };
    let mut tokens = Tokens::of(text);
    while let Some(token) = tokens.advance() {
        let line = tokens.line();
        let read = match token {
            Token::Word(it) if it.eq_ignore_ascii_case("create") => create(&mut tokens, wanted, &mut dump),
            Token::Word(it) if it.eq_ignore_ascii_case("insert") || it.eq_ignore_ascii_case("replace") => {
                insert(&mut tokens, wanted, &mut dump)
            }
            Token::Sign(';') => continue,
            _ => Ok(()),
        };
        if let Err(flaw) = read {
            dump.flaws.push((line, flaw));
        }
        tokens.skip_statement();
    }
    dump
}

impl Dump {
    /// A table by its name in small letters; an empty one where there is none.
    pub(super) fn records(&self, name: &str) -> impl Iterator<Item = Record<'_>> {
        self.tables.get(name).into_iter().flat_map(Table::records)
    }

    /// Whether there is such a table.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }
}

/// The name of a table without that of its database, in small letters.
fn table_name(tokens: &mut Tokens<'_>) -> Option<String> {
    let mut name = tokens.name()?;
    while tokens.take('.') {
        name = tokens.name()?;
    }
    Some(name.to_lowercase())
}

fn create(tokens: &mut Tokens<'_>, wanted: &[&str], dump: &mut Dump) -> Result<(), String> {
    tokens.take_word("temporary");
    if !tokens.take_word("table") {
        return Ok(());
    }
    for word in ["if", "not", "exists"] {
        tokens.take_word(word);
    }
    let name = table_name(tokens).ok_or("a table without a name")?;
    if !wanted.contains(&name.as_str()) {
        return Ok(());
    }
    if !tokens.take('(') {
        return Err(format!("the columns of {name} are missing"));
    }
    let mut columns = Vec::new();
    loop {
        let key =
            ["primary", "key", "unique", "index", "constraint", "fulltext", "spatial", "foreign", "check"];
        if !key.iter().any(|it| tokens.at_word(it)) {
            columns
                .push(tokens.name().ok_or_else(|| format!("a column of {name} has no name"))?.to_lowercase());
        }
        if !tokens.skip_element() {
            break;
        }
    }
    dump.tables.entry(name).or_default().columns = columns;
    Ok(())
}

fn insert(tokens: &mut Tokens<'_>, wanted: &[&str], dump: &mut Dump) -> Result<(), String> {
    for word in ["low_priority", "delayed", "high_priority", "ignore", "into"] {
        tokens.take_word(word);
    }
    let name = table_name(tokens).ok_or("rows for a table without a name")?;
    if !wanted.contains(&name.as_str()) {
        return Ok(());
    }
    let mut listed = Vec::new();
    if tokens.take('(') {
        while let Some(column) = tokens.name() {
            listed.push(column.to_lowercase());
            if !tokens.take(',') {
                break;
            }
        }
        if !tokens.take(')') {
            return Err(format!("the list of columns of {name} does not end"));
        }
    }
    if !tokens.take_word("values") && !tokens.take_word("value") {
        return Err(format!("rows of {name} in a form that is not known"));
    }
    let table = dump.tables.entry(name.clone()).or_default();
    if table.columns.is_empty() {
        table.columns.clone_from(&listed);
    }
    while tokens.take('(') {
        let line = tokens.line();
        let fields = tokens.fields().ok_or_else(|| format!("a row of {name} does not end"))?;
        let expected = if listed.is_empty() { table.columns.len() } else { listed.len() };
        if fields.len() != expected {
            let flaw = format!("a row of {name} has {} fields instead of {expected}", fields.len());
            dump.flaws.push((line, flaw));
        } else if listed.is_empty() || listed == table.columns {
            table.rows.push((line, fields));
        } else {
            let mut by_name: BTreeMap<&str, Option<String>> =
                listed.iter().map(String::as_str).zip(fields).collect();
            let fields = table.columns.iter().map(|it| by_name.remove(it.as_str()).flatten()).collect();
            table.rows.push((line, fields));
        }
        if !tokens.take(',') {
            break;
        }
    }
    Ok(())
}
