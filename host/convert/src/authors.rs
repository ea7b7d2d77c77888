//! `packager` and `maintainer` of the old form: the authors of the new one.

use opkg::escape_for_display;
use opkg::rules::check_email;
use roxmltree::Node as XmlNode;

use crate::new_config::NewAuthor;
use crate::old_config::OldConfig;
use crate::report::ReportLocation;

/// Stands where no address is known. `opkgc check` reports it as an error.
pub const PLACEHOLDER_EMAIL: &str = "unknown@example.invalid";
/// Stands where nobody is named.
const PLACEHOLDER_NAME: &str = "Unknown";

/// The years that a copyright can be of.
const COPYRIGHT_YEARS: std::ops::RangeInclusive<u16> = 1900..=2105;

/// All authors; one at least is a maintainer.
pub(crate) fn convert_authors(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>) -> Vec<NewAuthor> {
    let mut authors: Vec<NewAuthor> = Vec::new();
    for (element, role) in [("maintainer", "upstream"), ("packager", "maintainer")] {
        for person in old.children_named(root, element) {
            if let Some(author) = convert_person(old, person, element, role) {
                authors.push(author);
            }
        }
    }
    if !authors.iter().any(|author| author.role == "maintainer") {
        match authors.first().cloned() {
            Some(upstream) => {
                let text =
                    format!("no packager: {} is the maintainer as well", escape_for_display(&upstream.name));
                old.report.add_changed(ReportLocation::Package, text);
                authors.push(NewAuthor { role: "maintainer", ..upstream });
            }
            None => {
                let text = "nobody is named as packager: write the maintainer's name and e-mail address into `authors`";
                old.report.add_needs_review(ReportLocation::Package, text);
                authors.push(NewAuthor {
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
        convert_vendor(old, root, first);
        convert_copyright(old, root, first);
    }
    authors
}

fn convert_person(
    old: &mut OldConfig<'_>,
    person: XmlNode<'_, '_>,
    tag: &'static str,
    role: &'static str,
) -> Option<NewAuthor> {
    // Some wrote `Name <address>` into one element.
    let (holder, written) = match old.first_text(person, "name") {
        Some(found) => Some(found),
        None => OldConfig::single_line_text(person).map(|text| (person, text)),
    }
    .unzip();
    let given = old.first_text(person, "email");
    if holder.is_none() && given.is_none() {
        return None;
    }
    old.mark_element(person);
    let written = written.unwrap_or_default();
    let (mut name, address) = split_address(&written);
    if let Some(holder) = holder {
        old.mark_text(holder);
        if name != written {
            old.keep_original(holder, "name", &written);
        }
    }
    let email = match &given {
        Some((element, email)) => {
            old.mark_text(*element);
            accept_email(old, *element, email)
        }
        None => address.filter(|address| check_email(address).is_ok()),
    };
    if name.is_empty() {
        let of_address = email.as_deref().and_then(|email| email.split('@').next());
        name = of_address.unwrap_or(PLACEHOLDER_NAME).into();
        old.report.add_needs_review(
            old.location(person),
            format!("the {tag} has no name: `{}` stands in", escape_for_display(&name)),
        );
    }
    let email = email.unwrap_or_else(|| {
        let text = format!(
            "no e-mail address of {} is known: replace `{PLACEHOLDER_EMAIL}`",
            escape_for_display(&name)
        );
        old.report.add_needs_review(old.location(person), text);
        PLACEHOLDER_EMAIL.into()
    });
    old.report.add_converted(
        old.location(person),
        format!("`{tag}`: {} <{}>, as {role}", escape_for_display(&name), escape_for_display(&email)),
    );
    Some(NewAuthor { role, name, email, institution: None, first_year: None, last_year: None })
}

/// An address, if it is one.
fn accept_email(old: &mut OldConfig<'_>, element: XmlNode<'_, '_>, written: &str) -> Option<String> {
    if check_email(written).is_ok() {
        return Some(written.to_owned());
    }
    old.keep_original(element, "email", written);
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
    (opkg::collapse_whitespace(&name.replace('>', " ")), address)
}

fn convert_vendor(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>, author: &mut NewAuthor) {
    let Some((element, vendor)) = old.first_text(root, "vendor") else { return };
    old.mark_text(element);
    let text = format!(
        "`vendor`: `{}` is the institution of {}",
        escape_for_display(&vendor),
        escape_for_display(&author.name)
    );
    old.report.add_changed(old.location(element), text);
    author.institution = Some(vendor);
}

fn convert_copyright(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>, author: &mut NewAuthor) {
    let Some((element, copyright)) = old.first_text(root, "copyright") else { return };
    let words = copyright.split(|c: char| !c.is_ascii_digit());
    let years: Vec<u16> =
        words.filter_map(|word| word.parse().ok()).filter(|year| COPYRIGHT_YEARS.contains(year)).collect();
    let (Some(first), Some(last)) = (years.iter().min().copied(), years.iter().max().copied()) else {
        return;
    };
    old.mark_text(element);
    author.first_year = Some(first);
    author.last_year = (first != last).then_some(last);
    let written = match author.last_year {
        None => first.to_string(),
        Some(last) => format!("{first}-{last}"),
    };
    let text = format!("`copyright`: {written} are the years of {}", escape_for_display(&author.name));
    if written == copyright {
        old.report.add_changed(old.location(element), text);
    } else {
        old.record_change(element, "copyright", &copyright, text);
    }
}
