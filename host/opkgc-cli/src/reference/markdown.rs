//! `docs/config.xml.md`.

use std::fmt::{self, Write};

use opkg::reference::{self, AttributeReference, ElementReference, Entry, ReferenceError};

use super::in_words;
use super::script_arguments::{EVENTS, ORDER, REMOVAL_SCRIPT, WORDS};

const HEAD: &str = "\
# config.xml, element by element

This page is made from the schema that `opkgc schema` prints, by
`cargo run --package opkgc-cli --example reference`; `opkgc man` writes the same as the man page opkg(5). How it all fits
together is told in [the format of OPKGs](opkg-format.md).

An element that is named here with its parent stands right in that. Elements stand in the order of this page. Values are
text in which white space is folded.
";

/// The whole page.
///
/// # Errors
/// When something of the schema is not described.
pub fn markdown() -> Result<String, ReferenceError> {
    let elements = reference::elements()?;
    let mut page = HEAD.to_owned();
    // Writing into a text cannot fail.
    let _ = write_list(&mut page, &elements);
    for element in &elements {
        let _ = write_element(&mut page, element, &elements);
    }
    let _ = write_scripts(&mut page);
    Ok(page)
}

fn write_list(page: &mut String, elements: &[ElementReference]) -> fmt::Result {
    page.push_str("\n| element | stands in | how often |\n|---|---|---|\n");
    for element in elements {
        let link = anchor(&title(element));
        let parents = code_list(&element.parents);
        writeln!(page, "| [`{}`](#{link}) | {parents} | {} |", element.name, in_words(element.occurrence))?;
    }
    Ok(())
}

fn write_element(page: &mut String, element: &ElementReference, all: &[ElementReference]) -> fmt::Result {
    writeln!(page, "\n## {}\n\n{}\n", title(element), element.entry.text)?;
    page.push_str("| | |\n|---|---|\n");
    writeln!(page, "| how often | {} |", in_words(element.occurrence))?;
    let inside = all.iter().filter(|child| child.parents.contains(&element.name));
    let inside: Vec<String> = inside.map(|child| child.name.clone()).collect();
    if !inside.is_empty() {
        writeln!(page, "| holds | {} |", code_list(&inside))?;
    }
    for (what, said) in rows(&element.entry) {
        writeln!(page, "| {what} | {} |", cell(said))?;
    }
    writeln!(page, "| since | opkgc {} |", element.since)?;
    if !element.attributes.is_empty() {
        page.push_str("\n| attribute | | values | without it | RPM | Debian |\n|---|---|---|---|---|---|\n");
        for attribute in &element.attributes {
            writeln!(page, "{}", attribute_row(attribute))?;
        }
    }
    match &element.example {
        Some(example) if element.parents.is_empty() => writeln!(page, "\n```xml config.xml\n{example}```")?,
        Some(example) => writeln!(page, "\n```xml\n{example}```")?,
        None => {}
    }
    Ok(())
}

fn rows(entry: &Entry) -> impl Iterator<Item = (&'static str, &str)> {
    [
        ("values", &entry.values),
        ("without it", &entry.default),
        ("in an RPM", &entry.rpm),
        ("in a Debian package", &entry.debian),
    ]
    .into_iter()
    .filter_map(|(what, said)| Some((what, said.as_deref()?)))
}

fn attribute_row(attribute: &AttributeReference) -> String {
    let entry = &attribute.entry;
    let default = if attribute.is_required { Some("it is required") } else { entry.default.as_deref() };
    let cells = [
        Some(entry.text.as_str()),
        entry.values.as_deref(),
        default,
        entry.rpm.as_deref(),
        entry.debian.as_deref(),
    ];
    let cells: Vec<String> = cells.into_iter().map(|said| cell(said.unwrap_or_default())).collect();
    format!("| `{}` | {} |", attribute.name, cells.join(" | "))
}

/// A text in a table, where a bar would end the cell, and what looks like an element would be one.
fn cell(text: &str) -> String {
    let mut escaped = String::new();
    for (index, piece) in text.split('`').enumerate() {
        if index > 0 {
            escaped.push('`');
        }
        let is_code = index % 2 == 1;
        for c in piece.chars() {
            match c {
                '|' => escaped.push_str("\\|"),
                '<' | '>' | '*' | '_' | '[' | ']' | '~' if !is_code => escaped.extend(['\\', c]),
                c => escaped.push(c),
            }
        }
    }
    escaped
}

fn write_scripts(page: &mut String) -> fmt::Result {
    page.push_str("\n## Arguments of scripts\n\n");
    page.push_str(
        "What the package manager gives to `api-`, `server-` and `client-` scripts of these names. `$1` of RPM is how many \
         versions\nof the package will be there when the transaction is over; `$1` of Debian is a word, as Debian's policy \
         has it in chapter 6.\n",
    );
    writeln!(page, "{ORDER}\n{WORDS}")?;
    page.push_str("\n| what happens | script | RPM: `$1` | Debian: `$1`, `$2` … |\n|---|---|---|---|\n");
    for event in &EVENTS {
        let mut what = event.what;
        for call in event.calls {
            let shown =
                |said: Option<&str>| said.map_or_else(|| "is not run".to_owned(), |it| format!("`{it}`"));
            writeln!(page, "| {what} | {} | {} | {} |", call.script, shown(call.rpm), shown(call.debian))?;
            what = "";
        }
    }
    page.push_str("\nA script that undoes something when the package goes asks for both:\n\n");
    page.push_str("```sh scripts/client-post-uninstall\n");
    page.push_str(REMOVAL_SCRIPT);
    page.push_str("```\n");
    Ok(())
}

fn title(element: &ElementReference) -> String {
    match element.parents.as_slice() {
        [] => format!("`{}`", element.name),
        parents => format!("`{}` in {}", element.name, code_list(parents)),
    }
}

/// How a heading is linked to.
fn anchor(title: &str) -> String {
    let kept = title
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
        .collect::<String>();
    kept.replace(' ', "-")
}

fn code_list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_what_is_special_in_tables() {
        assert_eq!(cell("a|b <c> `<d|e>` f_g"), "a\\|b \\<c\\> `<d\\|e>` f\\_g");
        assert_eq!(anchor("`pkg` in `requires`, `suggests`"), "pkg-in-requires-suggests");
    }
}
