//! ClusterShell's files of groups: YAML, where each source has groups, and the older lines `group: nodes`.
//!
//! Of YAML what `groups.d` takes to say it: mappings in two levels, texts with or without quotes, lists. Anything else
//! is an error that names its line, not something that is passed over.

use opkg_engine::groups::{GroupPart, GroupSourceError, GroupTable, Members, Place};

const SUBSET: &str = "only `GROUP: NODES` below a source is understood, with NODES a text or a list of texts";

/// Reads `local.cfg`: `group: nodes`.
///
/// # Errors
/// When a line makes no sense.
pub fn parse_lines(text: &str, file: &str) -> Result<GroupTable, GroupSourceError> {
    let mut table = GroupTable::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let place = Place { file: file.to_owned(), line: Some(number) };
        let (name, nodes) = line
            .split_once(':')
            .ok_or_else(|| GroupSourceError::invalid(&place, "what stands here is not `GROUP: NODES`"))?;
        let part = GroupPart { members: Members::Nodes(nodes.trim().into()), place: place.clone() };
        table.add(name.trim(), part).map_err(|message| GroupSourceError::invalid(&place, message))?;
    }
    Ok(table)
}

/// A line of YAML that says something.
struct Line<'a> {
    number: usize,
    /// Blanks before it.
    indent: usize,
    text: &'a str,
}

/// A line with a key, and what stands behind it there.
struct Entry<'a> {
    key: String,
    value: &'a str,
}

/// Reads YAML: the sources in it, each with its groups.
///
/// # Errors
/// When a line makes no sense, or is of a kind of YAML that groups do not take.
pub fn parse_yaml(text: &str, file: &str) -> Result<Vec<(String, GroupTable)>, GroupSourceError> {
    let fail = |number: usize, message: String| {
        Err(GroupSourceError::invalid(&Place { file: file.to_owned(), line: Some(number) }, message))
    };
    let lines = match read_lines(text) {
        Ok(lines) => lines,
        Err((number, message)) => return fail(number, message),
    };
    let mut sources: Vec<(String, GroupTable)> = Vec::new();
    let mut rest = lines.as_slice();
    while let Some((line, below)) = rest.split_first() {
        let length = below.iter().take_while(|line| line.indent > 0).count();
        let (groups, behind) = below.split_at(length);
        rest = behind;
        let entry = match read_entry(line.text) {
            Ok(entry) if line.indent == 0 && ["", "{}", "~", "null"].contains(&entry.value) => entry,
            Ok(_) => return fail(line.number, SUBSET.into()),
            Err(message) => return fail(line.number, message),
        };
        if sources.iter().any(|(name, _)| *name == entry.key) {
            return fail(line.number, format!("`{}` is there already", entry.key.escape_debug()));
        }
        match read_groups(groups, file) {
            Ok(table) => sources.push((entry.key, table)),
            Err((number, message)) => return fail(number, message),
        }
    }
    Ok(sources)
}

type YamlError = (usize, String);

/// Those that say something, without comments.
fn read_lines(text: &str) -> Result<Vec<Line<'_>>, YamlError> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let content = strip_comment(line).trim_end();
        let text = content.trim_start_matches(' ');
        if text.is_empty() || (text == "---" && lines.is_empty()) {
            continue;
        }
        if text.starts_with('\t') {
            return Err((number, "YAML takes blanks before a line, no tabulators".into()));
        }
        lines.push(Line { number, indent: content.len() - text.len(), text });
    }
    Ok(lines)
}

/// What stands before a comment: `#` at the beginning or behind a blank, outside of quotes.
fn strip_comment(line: &str) -> &str {
    let mut quote: Option<char> = None;
    // Where the last text with quotes ended.
    let mut closed: Option<(char, usize)> = None;
    let mut previous = ' ';
    for (at, letter) in line.char_indices() {
        match quote {
            Some(open) if letter == open => {
                quote = None;
                closed = Some((open, at));
            }
            Some(_) => {}
            // Two of them are one that belongs to the text.
            None if closed == Some((letter, at.wrapping_sub(1))) => quote = Some(letter),
            None if letter == '#' && previous.is_whitespace() => return line.get(..at).unwrap_or(line),
            // Within a word, an apostrophe is a letter.
            None if "'\"".contains(letter) && (previous.is_whitespace() || "[,".contains(previous)) => {
                quote = Some(letter);
            }
            None => {}
        }
        previous = letter;
    }
    line
}

/// The groups of a source. The first line says how far all of them are indented.
fn read_groups(lines: &[Line<'_>], file: &str) -> Result<GroupTable, YamlError> {
    let mut table = GroupTable::default();
    let indent = lines.first().map_or(0, |line| line.indent);
    let mut rest = lines;
    while let Some((line, below)) = rest.split_first() {
        let located = |message: String| (line.number, message);
        if line.indent != indent {
            return Err(located(SUBSET.into()));
        }
        // The dashes of a list may stand below its key.
        let is_below =
            |below: &&Line<'_>| below.indent > indent || (below.indent == indent && is_list_item(below.text));
        let length = below.iter().take_while(is_below).count();
        let (values, behind) = below.split_at(length);
        rest = behind;
        let entry = read_entry(line.text).map_err(located)?;
        if table.get(&entry.key).is_some() {
            return Err(located(format!("`{}` is there already", entry.key.escape_debug())));
        }
        table.declare(&entry.key).map_err(located)?;
        let mut add = |number: usize, nodes: String| {
            let place = Place { file: file.to_owned(), line: Some(number) };
            let added = table.add(&entry.key, GroupPart { members: Members::Nodes(nodes.into()), place });
            added.map_err(|message| (number, message))
        };
        for (number, nodes) in read_value(line.number, entry.value, values)? {
            add(number, nodes)?;
        }
    }
    Ok(table)
}

fn is_list_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// The texts of a group, each with its line: what stands behind the key, and the lines below.
fn read_value(number: usize, value: &str, below: &[Line<'_>]) -> Result<Vec<(usize, String)>, YamlError> {
    let unsupported = |number: usize| (number, SUBSET.to_owned());
    let Some(first) = below.first() else {
        return match (value, value.strip_prefix('[').and_then(|list| list.strip_suffix(']'))) {
            ("" | "~" | "null", _) => Ok(Vec::new()),
            (_, Some(list)) => {
                let texts = split_flow(list).ok_or_else(|| unsupported(number))?;
                let texts = texts.into_iter().map(|text| read_text(text).map(|text| (number, text)));
                texts.collect::<Result<_, _>>().map_err(|message| (number, message))
            }
            (text, None) => Ok(vec![(number, read_text(text).map_err(|message| (number, message))?)]),
        };
    };
    if is_list_item(first.text) && value.is_empty() {
        let item = |line: &Line<'_>| {
            let text = line
                .text
                .strip_prefix('-')
                .filter(|_| is_list_item(line.text) && line.indent == first.indent);
            let text = text.ok_or_else(|| unsupported(line.number))?.trim_start();
            read_text(text).map(|text| (line.number, text)).map_err(|message| (line.number, message))
        };
        return below.iter().map(item).collect();
    }
    // A text without quotes goes on below; a blank stands for the end of a line.
    let mut text =
        if value.is_empty() { String::new() } else { plain(value).map_err(|message| (number, message))? };
    for line in below {
        if is_list_item(line.text) || read_entry(line.text).is_ok() || line.text.contains(['\'', '"']) {
            return Err(unsupported(line.number));
        }
        text.push(' ');
        // A line that goes on may begin with any letter.
        text.push_str(line.text);
    }
    Ok(vec![(number, text.trim_start().to_owned())])
}

/// The parts of `a, 'b,c', "d"`; one behind the last comma may be missing.
fn split_flow(list: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = list.trim();
    while !rest.is_empty() {
        let end = match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => rest.get(1..)?.find(quote)? + 2,
            _ => rest.find(',').unwrap_or(rest.len()),
        };
        let (part, behind) = rest.split_at_checked(end)?;
        parts.push(part.trim());
        let behind = behind.trim_start();
        rest = if behind.is_empty() { behind } else { behind.strip_prefix(',')?.trim_start() };
    }
    Some(parts)
}

/// `key: value`
fn read_entry(text: &str) -> Result<Entry<'_>, String> {
    let (key, value) = match text.strip_prefix(['\'', '"']) {
        Some(_) => {
            let end = text.get(1..).and_then(|rest| rest.find(['\'', '"'])).ok_or(SUBSET)? + 2;
            let (key, value) = text.split_at_checked(end).ok_or(SUBSET)?;
            (key, value.trim_start().strip_prefix(':').ok_or(SUBSET)?)
        }
        None => match text.split_once(": ") {
            Some(entry) => entry,
            None => (text.strip_suffix(':').ok_or(SUBSET)?, ""),
        },
    };
    if !value.is_empty() && !value.starts_with(' ') && text.starts_with(['\'', '"']) {
        return Err(SUBSET.into());
    }
    Ok(Entry { key: read_text(key.trim_end())?, value: value.trim() })
}

/// A text with or without quotes, on one line.
fn read_text(text: &str) -> Result<String, String> {
    let closed = |quote: char| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inner.to_owned())
    };
    match text.chars().next() {
        Some('\'') => {
            let inner =
                closed('\'').filter(|_| text.len() > 1).ok_or("a text with quotes must end on its line")?;
            if inner.replace("''", "").contains('\'') {
                Err(SUBSET.into())
            } else {
                Ok(inner.replace("''", "'"))
            }
        }
        Some('"') => {
            let inner =
                closed('"').filter(|_| text.len() > 1).ok_or("a text with quotes must end on its line")?;
            if inner.contains(['"', '\\']) {
                Err("escapes in a text with quotes are not understood".into())
            } else {
                Ok(inner)
            }
        }
        _ => plain(text),
    }
}

/// A text without quotes.
fn plain(text: &str) -> Result<String, String> {
    match text.chars().next() {
        None => Ok(String::new()),
        Some('@') => Err(format!("`{}` must stand in quotes", text.escape_debug())),
        Some(letter) if "&*!|>%`{}[],?#".contains(letter) => Err(SUBSET.into()),
        _ if text.contains(": ") || is_list_item(text) => Err(SUBSET.into()),
        _ => Ok(text.to_owned()),
    }
}
