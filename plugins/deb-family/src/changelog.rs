//! The changelog in deb-changelog(5).

use opkg_sdk::model::{Change, HistoryEntry, Opkg};
use opkg_sdk::text::{format_rfc2822, wrap};

use crate::person;
use crate::version::DebVersion;

const LINE_WIDTH: usize = 80;

/// What packages are made for, as the changelog names it.
pub struct Upload<'a> {
    /// Of the source package.
    pub name: &'a str,
    /// The version being built.
    pub version: &'a DebVersion,
    /// What the archive of the distribution calls the release that they are for.
    pub suite: &'a str,
}

/// One stanza per release, in the order of the OPKG. Every line that holds text of the OPKG's author starts
/// with two blanks, or behind a marker that no text can imitate, so that none starts a stanza or ends one.
#[must_use]
pub fn render(opkg: &Opkg, upload: &Upload<'_>) -> String {
    let stanzas = opkg.history.iter().enumerate().filter_map(|(index, release)| {
        // Of those before, nobody knows what they were made for.
        let version =
            if index == 0 { upload.version.clone() } else { DebVersion::from_opkg(&release.version) };
        render_stanza(opkg, upload, &version, release)
    });
    let stanzas: Vec<String> = stanzas.collect();
    stanzas.join("\n")
}

fn render_stanza(
    opkg: &Opkg,
    upload: &Upload<'_>,
    version: &DebVersion,
    release: &HistoryEntry,
) -> Option<String> {
    let newest = release.changes.first()?;
    let signer = find_signer(opkg, newest)?;
    let mut text = format!("{} ({version}) {}; urgency=medium\n", upload.name, upload.suite);
    let authors = unique_authors(release);
    let signer_did_it_all = authors.len() == 1 && authors.first() == Some(&signer.name);
    if signer_did_it_all {
        text.push('\n');
    }
    for author in &authors {
        if !signer_did_it_all {
            text.push_str(&format!("\n  [ {author} ]\n"));
        }
        for change in release.changes.iter().filter(|change| person::sanitize_name(&change.author) == *author)
        {
            push_items(&mut text, change);
        }
    }
    text.push_str(&format!("\n -- {}  {}\n", signer.mailbox, format_rfc2822(newest.date)));
    Some(text)
}

struct Signer {
    name: String,
    mailbox: String,
}

/// A stanza wants an address, so without one in the newest change the first maintainer signs.
fn find_signer(opkg: &Opkg, newest: &Change) -> Option<Signer> {
    let (name, address) = match &newest.email {
        Some(address) => (&newest.author, address),
        None => person::maintainer(opkg).map(|author| (&author.name, &author.email))?,
    };
    Some(Signer { name: person::sanitize_name(name), mailbox: person::format_mailbox(name, address) })
}

/// In the order in which they first occur.
fn unique_authors(release: &HistoryEntry) -> Vec<String> {
    let mut authors: Vec<String> = Vec::new();
    for change in &release.changes {
        let name = person::sanitize_name(&change.author);
        if !authors.contains(&name) {
            authors.push(name);
        }
    }
    authors
}

fn push_items(text: &mut String, change: &Change) {
    let last = change.items.len().saturating_sub(1);
    for (index, item) in change.items.iter().enumerate() {
        let mut item = item.clone();
        if index == last && !change.closes.is_empty() {
            let bugs: Vec<_> = change.closes.iter().map(|bug| format!("#{bug}")).collect();
            item.push_str(&format!(" (Closes: {})", bugs.join(", ")));
        }
        for (index, line) in wrap(&item, LINE_WIDTH - 4).iter().enumerate() {
            let margin = if index == 0 { "  * " } else { "    " };
            text.push_str(&format!("{margin}{line}\n"));
        }
    }
}
