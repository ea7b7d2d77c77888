//! Names with addresses, as control files, changelogs and copyright files want them.

use opkg_sdk::model::{Author, Opkg, Role};

/// `Name <address>`, in one line and with nothing in it that a reader of lists of such could stumble over.
#[must_use]
pub fn format_mailbox(name: &str, address: &str) -> String {
    let name = sanitize_name(name);
    let address: String = address.chars().filter(|c| !c.is_whitespace() && !"<>,\"".contains(*c)).collect();
    // RFC 5322 takes these for something else, unless quoted. A full stop is usual and understood.
    if name.contains(|c: char| "(),:;@[]".contains(c)) {
        format!("\"{name}\" <{address}>")
    } else {
        format!("{name} <{address}>")
    }
}

/// A name in one line, without the characters that no quoting helps.
#[must_use]
pub fn sanitize_name(name: &str) -> String {
    collapse_whitespace(&name.replace(['<', '>', '"', '\\'], " "))
}

/// Text with its white space folded.
#[must_use]
pub fn collapse_whitespace(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first maintainer.
#[must_use]
pub fn maintainer(opkg: &Opkg) -> Option<&Author> {
    opkg.authors.iter().find(|author| author.role == Role::Maintainer)
}

/// The other maintainers and the uploaders, each once.
#[must_use]
pub fn uploaders(opkg: &Opkg) -> Vec<String> {
    let first = maintainer(opkg).map(author_mailbox);
    let mut all: Vec<String> = Vec::new();
    for author in opkg.authors.iter().filter(|author| author.role != Role::Upstream) {
        let person = author_mailbox(author);
        if Some(&person) != first.as_ref() && !all.contains(&person) {
            all.push(person);
        }
    }
    all
}

/// An author's mailbox.
#[must_use]
pub fn author_mailbox(author: &Author) -> String {
    format_mailbox(&author.name, &author.email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes() {
        for (name, address, expected) in [
            ("Erich Focht", "efocht@example.org", "Erich Focht <efocht@example.org>"),
            ("J. R. Doe", "j@example.org", "J. R. Doe <j@example.org>"),
            ("Doe, Jane", "j@example.org", "\"Doe, Jane\" <j@example.org>"),
            ("Jane (work) Doe", "j@example.org", "\"Jane (work) Doe\" <j@example.org>"),
            ("Jane <x> \"Doe\"\\", "<j@example.org>", "Jane x Doe <j@example.org>"),
            ("Jane\n Doe", "j @example.org\n", "Jane Doe <j@example.org>"),
        ] {
            assert_eq!(format_mailbox(name, address), expected);
        }
    }
}
