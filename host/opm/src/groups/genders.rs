//! The genders file: attributes of nodes. Each attribute is a group, `compute`, and each attribute with its value another
//! one, `os=rocky9`.
//!
//! The format is that of `libgenders(3)`: on each line nodes, blanks, attributes with commas between them.

use std::sync::Arc;

use opkg_engine::groups::{GroupPart, GroupSourceError, GroupTable, Members, Place};
use opkg_engine::hostlist::{HostList, split_list};

/// Reads the text of a file.
///
/// # Errors
/// When a line makes no sense.
pub fn parse(text: &str, file: &str) -> Result<GroupTable, GroupSourceError> {
    let mut table = GroupTable::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        let place = Place { file: file.to_owned(), line: Some(number) };
        read_line(line, &place, &mut table).map_err(|message| GroupSourceError::invalid(&place, message))?;
    }
    Ok(table)
}

fn read_line(line: &str, place: &Place, table: &mut GroupTable) -> Result<(), String> {
    // A node without attributes is in no group.
    let Some((nodes, attributes)) = line.split_once(char::is_whitespace) else { return Ok(()) };
    let attributes = attributes.trim_start();
    if attributes.contains(char::is_whitespace) {
        return Err("there are blanks between attributes".into());
    }
    let part = |nodes: Arc<str>| GroupPart { members: Members::Nodes(nodes), place: place.clone() };
    let all: Arc<str> = nodes.into();
    for attribute in attributes.split(',') {
        let (name, value) = match attribute.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (attribute, None),
        };
        table.add(name, part(Arc::clone(&all)))?;
        match value {
            Some(value) if value.contains("%n") => {
                for list in split_list(nodes) {
                    let list = HostList::parse(list).map_err(|error| error.to_string())?;
                    for node in list.names() {
                        table.add(
                            &format!("{name}={}", substitute(value, &node)),
                            part(node.as_str().into()),
                        )?;
                    }
                }
            }
            Some(value) => table.add(&format!("{name}={}", substitute(value, "")), part(Arc::clone(&all)))?,
            None => {}
        }
    }
    Ok(())
}

/// A value for a node: `%n` is its name, `%%` a per cent sign.
fn substitute(value: &str, node: &str) -> String {
    let mut text = String::new();
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('%', Some('n')) => {
                text.push_str(node);
                letters.next();
            }
            ('%', Some('%')) => {
                text.push('%');
                letters.next();
            }
            _ => text.push(letter),
        }
    }
    text
}
