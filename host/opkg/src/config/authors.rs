//! `authors`: who made the software and the package.

use roxmltree::Node as XmlNode;

use super::reader::ElementReader;
use crate::closest_match;
use crate::diagnostic::Diagnostic;
use crate::model::{Author, Role};
use crate::text::escape_for_display;

const FIELDS: [&str; 6] = ["name", "nickname", "email", "institution", "beginYear", "endYear"];
const ROLES: [(&str, Role); 3] =
    [("upstream", Role::Upstream), ("maintainer", Role::Maintainer), ("uploader", Role::Uploader)];

/// All authors of an OPKG, of which one at least must be a maintainer.
pub(super) fn read_authors(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Vec<Author> {
    let lists = reader.children_named(root, "authors");
    let mut authors = Vec::new();
    for list in &lists {
        reader.check_container(*list, &["author"], &[]);
        let people = reader.children_named(*list, "author");
        if people.is_empty() {
            reader.report_empty(*list);
        }
        for author in people {
            authors.extend(read_author(reader, author));
        }
    }
    let is_maintained = |list: &XmlNode<'_, '_>| {
        list.children().any(|author| author.attribute("cat").is_some_and(|cat| cat.trim() == "maintainer"))
    };
    match lists.first() {
        None => reader.report_missing(root, "authors"),
        Some(_) if lists.iter().any(is_maintained) => {}
        Some(list) => {
            let diagnostic = Diagnostic::error("no-maintainer", "none of the authors is the maintainer")
                .help("give one `author` the attribute `cat=\"maintainer\"`");
            reader.report(reader.tag_range(*list), diagnostic);
        }
    }
    authors
}

/// One author; nothing where there is no name, which is an error.
fn read_author(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<Author> {
    reader.check_container(element, &FIELDS, &["cat"]);
    let role = read_role(reader, element);
    let name = reader.required_line(element, "name");
    if let Some((name, range)) = &name
        && let Some(c) = name.chars().find(|c| matches!(c, '<' | '>'))
    {
        let diagnostic = Diagnostic::error("author", format!("the author's name holds `{c}`"))
            .help("write the name alone; the address belongs into `email`");
        reader.report(range.clone(), diagnostic);
    }
    let email = reader.required_line(element, "email");
    if let Some((email, range)) = &email
        && let Err(error) = check_email(email)
    {
        reader.report(range.clone(), Diagnostic::error("author-email", error.to_string()).help(error.help()));
    }
    let nickname = reader.single_line(element, "nickname").map(|(text, _)| text);
    let institution = reader.single_line(element, "institution").map(|(text, _)| text);
    let first_year = read_year(reader, element, "beginYear");
    let last_year = read_year(reader, element, "endYear");
    if let (Some(first), Some(last)) = (first_year, last_year)
        && first > last
        && let Some(end) = reader.children_named(element, "endYear").first()
    {
        let diagnostic =
            Diagnostic::error("author-year", format!("the end, {last}, is before the beginning, {first}"))
                .help("swap the two, or correct one of them");
        reader.report(reader.text_range(*end), diagnostic);
    }
    // Where only the rest is wrong the name still counts, so that changes by this author are not reported, too.
    Some(Author {
        at: reader.add_node(reader.tag_range(element)),
        role: role.unwrap_or(Role::Upstream),
        name: name?.0,
        nickname,
        email: email.map(|(email, _)| email).unwrap_or_default(),
        institution,
        first_year,
        last_year,
    })
}

fn read_role(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<Role> {
    let Some((written, range)) = reader.attribute(element, "cat") else {
        let diagnostic = Diagnostic::error("author", "the author has no attribute `cat`")
            .help("say what the author is: `cat=\"upstream\"`, `\"maintainer\"` or `\"uploader\"`");
        reader.report(reader.tag_range(element), diagnostic);
        return None;
    };
    let role = ROLES.iter().find(|(name, _)| *name == written).map(|(_, role)| *role);
    if role.is_none() {
        let help = match closest_match(&written, ROLES.iter().map(|(name, _)| *name)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "write `upstream`, `maintainer` or `uploader`".to_owned(),
        };
        let message = format!("an author cannot be `{}`", escape_for_display(&written));
        reader.report(range, Diagnostic::error("author", message).help(help));
    }
    role
}

fn read_year(reader: &mut ElementReader<'_>, author: XmlNode<'_, '_>, name: &str) -> Option<u16> {
    let (written, range) = reader.single_line(author, name)?;
    // The type of XML Schema allows a sign and leading zeros.
    let year = written.parse().ok().filter(|year| (1..=9999).contains(year));
    if year.is_none() {
        let message = format!("`{}` is not a year", escape_for_display(&written));
        reader.report(
            range,
            Diagnostic::error("author-year", message).help("write a year with four digits, or leave it out"),
        );
    }
    year
}

/// Why an e-mail address cannot be used, with the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    #[error("`{}` is not an e-mail address", escape_for_display(.0))]
    Invalid(String),
    /// Reserved by RFC 2606 for addresses that do not exist; conversions put it where they know none.
    #[error("`{}` is a placeholder for an unknown address", escape_for_display(.0))]
    Placeholder(String),
}

impl EmailError {
    /// What the author should write.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "write it as `name@example.org`",
            Self::Placeholder(_) => "write the real one",
        }
    }
}

/// Checks the e-mail address of an author, which packages have between `<` and `>`.
///
/// # Errors
/// It is none, or one of the reserved domain `.invalid`.
pub fn check_email(email: &str) -> Result<(), EmailError> {
    let is_part = |part: &str| {
        let is_allowed = |c: char| !c.is_whitespace() && !"<>()[]\\,;:\"".contains(c);
        !part.is_empty() && part.chars().all(is_allowed)
    };
    let is_valid = email.split_once('@').is_some_and(|(person, host)| {
        is_part(person) && is_part(host) && !host.contains('@') && !host.starts_with('.')
    });
    if !is_valid {
        return Err(EmailError::Invalid(email.to_owned()));
    }
    if email.to_ascii_lowercase().ends_with(".invalid") {
        return Err(EmailError::Placeholder(email.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b", "o'neil+x@sub.example.org", "jürgen@exämple.org", "a@b."] {
            assert_eq!(check_email(good), Ok(()), "{good}");
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
            assert!(check_email(bad).is_err(), "{bad}");
        }
    }
}
