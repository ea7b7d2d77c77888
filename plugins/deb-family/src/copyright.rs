//! `debian/copyright` in the machine-readable format 1.0 (DEP-5).

use askama::Template;
use opkg_sdk::model::{Author, Opkg, Role};
use opkg_sdk::text::{wrap, year};

use crate::license;
use crate::person;

/// Of the text of a field that goes on, without the blank before each line.
const LINE_WIDTH: usize = 79;

#[derive(Template)]
#[template(path = "copyright", escape = "none")]
struct Copyright {
    name: String,
    contacts: Vec<String>,
    source: Option<String>,
    holders: Vec<String>,
    license: String,
    license_text: Vec<String>,
}

/// The file. Years are those that the authors give, else those of their changes, else those of all changes,
/// and never today's.
///
/// # Errors
/// Those of the template, which has none of its own.
pub fn render(opkg: &Opkg) -> Result<String, askama::Error> {
    let upstream: Vec<&Author> = opkg.authors.iter().filter(|author| author.role == Role::Upstream).collect();
    let contacts =
        if upstream.is_empty() { person::maintainer(opkg).into_iter().collect() } else { upstream };
    let license = license::parse(&opkg.license);
    let copyright = Copyright {
        name: opkg.name.clone(),
        contacts: contacts.into_iter().map(person::author_mailbox).collect(),
        source: opkg.uri.as_deref().map(person::collapse_whitespace).filter(|uri| !uri.is_empty()),
        holders: copyright_holders(opkg),
        license: license.name,
        license_text: wrap_paragraphs(&license.text),
    };
    copyright.render()
}

/// Lines of a field that goes on, without the blank before each: `.` stands for an empty one.
fn wrap_paragraphs(paragraphs: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in paragraphs {
        if !lines.is_empty() {
            lines.push(".".to_owned());
        }
        lines.extend(wrap(paragraph, LINE_WIDTH));
    }
    lines
}

/// Every author once, `2009-2014 Name <address>`, in the order of the file.
fn copyright_holders(opkg: &Opkg) -> Vec<String> {
    let mut holders: Vec<String> = Vec::new();
    for author in &opkg.authors {
        // A notice is text, where quotes are only in the way.
        let person = person::author_mailbox(author).replace('"', "");
        let holder = match copyright_years(opkg, author) {
            Some((first, last)) if first < last => format!("{first}-{last} {person}"),
            Some((first, _)) => format!("{first} {person}"),
            None => person,
        };
        if !holders.contains(&holder) {
            holders.push(holder);
        }
    }
    holders
}

fn copyright_years(opkg: &Opkg, author: &Author) -> Option<(i32, i32)> {
    let first = author.first_year.map(i32::from);
    let last = author.last_year.map(i32::from);
    let all = || opkg.history.iter().flat_map(|release| &release.changes);
    let changes = || all().filter(|change| change.author == author.name).map(|change| year(change.date));
    let everybodys = || all().map(|change| year(change.date));
    match (first, last) {
        (Some(first), Some(last)) => Some((first, last)),
        // Somebody who began and has not ended was still there at their last change.
        (Some(first), None) => Some((first, changes().max().unwrap_or(first).max(first))),
        (None, Some(last)) => Some((changes().min().unwrap_or(last).min(last), last)),
        (None, None) => Some((
            changes().min().or_else(|| everybodys().min())?,
            changes().max().or_else(|| everybodys().max())?,
        )),
    }
}
