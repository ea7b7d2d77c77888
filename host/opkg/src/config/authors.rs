//! `authors`: who made the software and the package.

use roxmltree::Node as Xml;

use super::reader::Reader;
use crate::diagnostic::Diagnostic;
use crate::model::{Author, Role};
use crate::nearest;
use crate::text::show;

const FIELDS: [&str; 6] = ["name", "nickname", "email", "institution", "beginYear", "endYear"];
const ROLES: [(&str, Role); 3] =
    [("upstream", Role::Upstream), ("maintainer", Role::Maintainer), ("uploader", Role::Uploader)];

/// All authors of an OPKG, of which one at least must be a maintainer.
pub(super) fn read(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> Vec<Author> {
    let lists = reader.named(root, "authors");
    let mut authors = Vec::new();
    for list in &lists {
        reader.check(*list, &["author"], &[]);
        let people = reader.named(*list, "author");
        if people.is_empty() {
            reader.report_empty(*list);
        }
        for author in people {
            authors.extend(read_author(reader, author));
        }
    }
    let is_maintained = |list: &Xml<'_, '_>| {
        list.children().any(|author| author.attribute("cat").is_some_and(|cat| cat.trim() == "maintainer"))
    };
    match lists.first() {
        None => reader.report_missing(root, "authors"),
        Some(_) if lists.iter().any(is_maintained) => {}
        Some(list) => {
            let finding = Diagnostic::error("no-maintainer", "nobody among the authors is the maintainer")
                .help("give one `author` the attribute `cat=\"maintainer\"`");
            reader.report(reader.tag(*list), finding);
        }
    }
    authors
}

/// One author; nothing where there is no name, which is an error.
fn read_author(reader: &mut Reader<'_>, element: Xml<'_, '_>) -> Option<Author> {
    reader.check(element, &FIELDS, &["cat"]);
    let role = read_role(reader, element);
    let name = reader.needed_line(element, "name");
    if let Some((name, range)) = &name
        && let Some(c) = name.chars().find(|c| matches!(c, '<' | '>'))
    {
        let finding = Diagnostic::error("author", format!("the author's name holds `{c}`"))
            .help("write the name alone; the address belongs into `email`");
        reader.report(range.clone(), finding);
    }
    let email = reader.needed_line(element, "email");
    if let Some((email, range)) = &email
        && let Some((message, help)) = fault_in_email(email)
    {
        reader.report(range.clone(), Diagnostic::error("author-email", message).help(help));
    }
    let nickname = reader.only_line(element, "nickname").map(|(text, _)| text);
    let institution = reader.only_line(element, "institution").map(|(text, _)| text);
    let first_year = read_year(reader, element, "beginYear");
    let last_year = read_year(reader, element, "endYear");
    if let (Some(first), Some(last)) = (first_year, last_year)
        && first > last
        && let Some(end) = reader.named(element, "endYear").first()
    {
        let finding =
            Diagnostic::error("author-year", format!("the end, {last}, is before the beginning, {first}"))
                .help("swap the two, or correct one of them");
        reader.report(reader.content(*end), finding);
    }
    // Where only the rest is wrong the name still counts, so that changes by this author are not reported, too.
    Some(Author {
        at: reader.node(reader.tag(element)),
        role: role.unwrap_or(Role::Upstream),
        name: name?.0,
        nickname,
        email: email.map(|(email, _)| email).unwrap_or_default(),
        institution,
        first_year,
        last_year,
    })
}

fn read_role(reader: &mut Reader<'_>, element: Xml<'_, '_>) -> Option<Role> {
    let Some((written, range)) = reader.attribute(element, "cat") else {
        let finding = Diagnostic::error("author", "the author has no attribute `cat`")
            .help("say what the author is: `cat=\"upstream\"`, `\"maintainer\"` or `\"uploader\"`");
        reader.report(reader.tag(element), finding);
        return None;
    };
    let role = ROLES.iter().find(|(name, _)| *name == written).map(|(_, role)| *role);
    if role.is_none() {
        let help = match nearest(&written, ROLES.iter().map(|(name, _)| *name)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "write `upstream`, `maintainer` or `uploader`".to_owned(),
        };
        let message = format!("an author cannot be `{}`", show(&written));
        reader.report(range, Diagnostic::error("author", message).help(help));
    }
    role
}

fn read_year(reader: &mut Reader<'_>, author: Xml<'_, '_>, name: &str) -> Option<u16> {
    let (written, range) = reader.only_line(author, name)?;
    // The type of XML Schema allows a sign and leading zeros.
    let year = written.parse().ok().filter(|year| (1..=9999).contains(year));
    if year.is_none() {
        let message = format!("`{}` is not a year", show(&written));
        reader.report(
            range,
            Diagnostic::error("author-year", message).help("write a year with four digits, or leave it out"),
        );
    }
    year
}

/// What is wrong with an e-mail address of an author, and what to do; nothing if it can be used. It is going to
/// stand between `<` and `>`.
#[must_use]
pub fn fault_in_email(email: &str) -> Option<(String, &'static str)> {
    let shown = show(email);
    let is_part = |part: &str| {
        let is_allowed = |c: char| !c.is_whitespace() && !"<>()[]\\,;:\"".contains(c);
        !part.is_empty() && part.chars().all(is_allowed)
    };
    let is_sane = email.split_once('@').is_some_and(|(person, host)| {
        is_part(person) && is_part(host) && !host.contains('@') && !host.starts_with('.')
    });
    if !is_sane {
        return Some((format!("`{shown}` is no e-mail address"), "write it as `name@example.org`"));
    }
    // Reserved by RFC 2606 for addresses that do not exist: what conversions put where they know none.
    if email.to_ascii_lowercase().ends_with(".invalid") {
        return Some((format!("`{shown}` stands for an address that was not known"), "write the real one"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b", "o'neil+x@sub.example.org", "jürgen@exämple.org", "a@b."] {
            assert_eq!(fault_in_email(good), None, "{good}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@b>",
            "<a@b>",
            "a@b,c@d",
            "a@.b",
            "unknown@example.invalid",
        ] {
            assert!(fault_in_email(bad).is_some(), "{bad}");
        }
    }
}
