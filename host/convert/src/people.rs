//! `packager` and `maintainer` of the old form: the authors of the new one.

use opkg::rules::fault_in_email;
use opkg::show;
use roxmltree::Node as Xml;

use crate::new::Author;
use crate::old::Old;
use crate::report::At;

/// Stands where no address is known. `opkgc check` reports it as an error.
pub const PLACEHOLDER_EMAIL: &str = "unknown@example.invalid";
/// Stands where nobody is named.
const PLACEHOLDER_NAME: &str = "Unknown";

/// The years that a copyright can be of.
const YEARS: std::ops::RangeInclusive<u16> = 1900..=2105;

/// All authors; one at least is a maintainer.
pub(crate) fn read(old: &mut Old<'_>, root: Xml<'_, '_>) -> Vec<Author> {
    let mut authors: Vec<Author> = Vec::new();
    for (element, role) in [("maintainer", "upstream"), ("packager", "maintainer")] {
        for person in old.named(root, element) {
            if let Some(author) = read_person(old, person, element, role) {
                authors.push(author);
            }
        }
    }
    if !authors.iter().any(|author| author.role == "maintainer") {
        match authors.first().cloned() {
            Some(upstream) => {
                let text = format!("no packager: {} is the maintainer as well", show(&upstream.name));
                old.report.decide(At::Whole, text);
                authors.push(Author { role: "maintainer", ..upstream });
            }
            None => {
                let text = "nobody is named as packager: write the maintainer's name and e-mail address into `authors`";
                old.report.leave_open(At::Whole, text);
                authors.push(Author {
                    role: "maintainer",
                    name: PLACEHOLDER_NAME.into(),
                    email: PLACEHOLDER_EMAIL.into(),
                    institution: None,
                    first_year: None,
                    last_year: None,
                });
            }
        }
    }
    // The one who stands for upstream: the first, whatever the role.
    if let Some(first) = authors.first_mut() {
        read_vendor(old, root, first);
        read_copyright(old, root, first);
    }
    authors
}

fn read_person(
    old: &mut Old<'_>,
    person: Xml<'_, '_>,
    tag: &'static str,
    role: &'static str,
) -> Option<Author> {
    // Some wrote `Name <address>` into one element.
    let (holder, written) = match old.first(person, "name") {
        Some(found) => Some(found),
        None => Old::line_of(person).map(|text| (person, text)),
    }
    .unzip();
    let given = old.first(person, "email");
    if holder.is_none() && given.is_none() {
        return None;
    }
    old.place(person);
    let written = written.unwrap_or_default();
    let (mut name, address) = split_address(&written);
    if let Some(holder) = holder {
        old.place_text(holder);
        if name != written {
            old.keep(holder, "name", &written);
        }
    }
    let email = match &given {
        Some((element, email)) => {
            old.place_text(*element);
            read_email(old, *element, email)
        }
        None => address.filter(|address| fault_in_email(address).is_none()),
    };
    if name.is_empty() {
        let of_address = email.as_deref().and_then(|email| email.split('@').next());
        name = of_address.unwrap_or(PLACEHOLDER_NAME).into();
        old.report.leave_open(old.at(person), format!("the {tag} has no name: `{}` stands in", show(&name)));
    }
    let email = email.unwrap_or_else(|| {
        let text = format!("no e-mail address of {} is known: replace `{PLACEHOLDER_EMAIL}`", show(&name));
        old.report.leave_open(old.at(person), text);
        PLACEHOLDER_EMAIL.into()
    });
    old.report.take(old.at(person), format!("`{tag}`: {} <{}>, as {role}", show(&name), show(&email)));
    Some(Author { role, name, email, institution: None, first_year: None, last_year: None })
}

/// An address, if it is one.
fn read_email(old: &mut Old<'_>, element: Xml<'_, '_>, written: &str) -> Option<String> {
    if fault_in_email(written).is_none() {
        return Some(written.to_owned());
    }
    old.keep(element, "email", written);
    None
}

/// Takes `Name <address>` apart. What is left of a name holds no `<` or `>`.
pub(crate) fn split_address(written: &str) -> (String, Option<String>) {
    let address = written
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(address, _)| address.trim().to_owned());
    let name = match &address {
        Some(_) => written.split('<').next().unwrap_or_default().to_owned(),
        None => written.replace(['<', '>'], " "),
    };
    (opkg::fold(&name.replace('>', " ")), address)
}

fn read_vendor(old: &mut Old<'_>, root: Xml<'_, '_>, author: &mut Author) {
    let Some((element, vendor)) = old.first(root, "vendor") else { return };
    old.place_text(element);
    let text = format!("`vendor`: `{}` is the institution of {}", show(&vendor), show(&author.name));
    old.report.decide(old.at(element), text);
    author.institution = Some(vendor);
}

fn read_copyright(old: &mut Old<'_>, root: Xml<'_, '_>, author: &mut Author) {
    let Some((element, copyright)) = old.first(root, "copyright") else { return };
    let words = copyright.split(|c: char| !c.is_ascii_digit());
    let years: Vec<u16> =
        words.filter_map(|word| word.parse().ok()).filter(|year| YEARS.contains(year)).collect();
    let (Some(first), Some(last)) = (years.iter().min().copied(), years.iter().max().copied()) else {
        return;
    };
    old.place_text(element);
    author.first_year = Some(first);
    author.last_year = (first != last).then_some(last);
    let written = match author.last_year {
        None => first.to_string(),
        Some(last) => format!("{first}-{last}"),
    };
    let text = format!("`copyright`: {written} are the years of {}", show(&author.name));
    if written == copyright {
        old.report.decide(old.at(element), text);
    } else {
        old.decided(element, "copyright", &copyright, text);
    }
}
