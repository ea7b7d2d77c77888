//! What the package is: name, summary, description, licence, class, group, home page.

use opkg::rules::{CLASSES, DEFAULT_GROUP, LICENSES, SUMMARY_CHARS, proposed_name};
use opkg::show;
use roxmltree::Node as Xml;

use crate::old::Old;
use crate::report::At;

/// Where nothing could become a name.
const PLACEHOLDER_NAME: &str = "unnamed";

/// The name, else that of the directory.
pub(crate) fn name(old: &mut Old<'_>, root: Xml<'_, '_>, directory: &str) -> String {
    if let Some((element, written)) = old.first(root, "name")
        && let Some(name) = proposed_name(&written)
    {
        old.place_text(element);
        old.became(element, "name", &written, &name);
        return name;
    }
    let name = proposed_name(directory).unwrap_or_else(|| PLACEHOLDER_NAME.into());
    old.report.leave_open(At::Whole, format!("nothing in `name` can be one: `{name}` stands in; correct it"));
    name
}

/// The summary, cut at a word where it is too long, and the description, which begins with the whole of it
/// then; empty where there is none.
pub(crate) fn texts(old: &mut Old<'_>, root: Xml<'_, '_>, name: &str) -> (String, String) {
    let mut description = String::new();
    let found = old.named(root, "description").into_iter().find(|it| Old::line_of(*it).is_some());
    if let Some(element) = found {
        old.place_text(element);
        old.report.take(old.at(element), "`description`");
        description = lines(&Old::raw(element));
    }
    let Some((element, whole)) = old.first(root, "summary") else {
        old.report
            .leave_open(At::Whole, "there is no summary: the name stands in; say what the package does");
        return (name.chars().take(SUMMARY_CHARS).collect(), description);
    };
    old.place_text(element);
    let summary = cut(&whole);
    if summary == whole {
        old.report.take(old.at(element), format!("`summary`: {}", show(&summary)));
    } else {
        let text =
            format!("`summary` is too long: cut, and the whole of it begins the description: `{summary}`");
        old.report.decide(old.at(element), text);
        description = if description.is_empty() { whole } else { format!("{whole}\n\n{description}") };
    }
    (summary, description)
}

/// At most as long as a summary may be: as many words as fit, or as much of the first one.
fn cut(text: &str) -> String {
    if text.chars().count() <= SUMMARY_CHARS {
        return text.into();
    }
    let head: String = text.chars().take(SUMMARY_CHARS + 1).collect();
    let head = head.rsplit_once(' ').map_or(head.as_str(), |(words, _)| words);
    let head: String = head.chars().take(SUMMARY_CHARS).collect();
    head.trim_end_matches([' ', ',', ';', ':', '-']).to_owned()
}

/// The lines of a text without blanks around them, and no more than one empty line in a row.
fn lines(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        if !(line.is_empty() && kept.last().is_none_or(|last| last.is_empty())) {
            kept.push(line);
        }
    }
    kept.join("\n").trim_end().to_owned()
}

/// The listed licence that is meant, whatever its letters' case, else as it is.
pub(crate) fn license(old: &mut Old<'_>, root: Xml<'_, '_>) -> String {
    let Some((element, written)) = old.first(root, "license") else {
        old.report.leave_open(At::Whole, "there is no licence: `unknown` stands in; find out which it is");
        return "unknown".into();
    };
    let same = |a: &str, b: &str| {
        let letters = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        letters(a) == letters(b)
    };
    let license = LICENSES.iter().find(|known| same(known, &written)).map_or(written.as_str(), |known| known);
    old.place_text(element);
    old.became(element, "license", &written, license);
    license.to_owned()
}

/// The class; nothing where there is none that is known.
pub(crate) fn class(old: &mut Old<'_>, root: Xml<'_, '_>) -> Option<String> {
    let (element, written) = old.first(root, "class")?;
    let known = CLASSES.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(&written));
    let Some(class) = known else {
        let text = format!("there is no class `{}`; without one it is `third-party`", show(&written));
        old.report.leave_open(old.at(element), text);
        return None;
    };
    old.place_text(element);
    old.became(element, "class", &written, class);
    Some(class.to_owned())
}

/// The groups, all of them.
pub(crate) fn groups(old: &mut Old<'_>, root: Xml<'_, '_>) -> Vec<String> {
    let mut groups = Vec::new();
    for element in old.named(root, "group") {
        if let Some(group) = Old::line_of(element) {
            old.place_text(element);
            old.became(element, "group", &group, &group);
            groups.push(group);
        }
    }
    if groups.is_empty() {
        old.report.decide(At::Whole, format!("there is no group: `{DEFAULT_GROUP}` stands in"));
        groups.push(DEFAULT_GROUP.into());
    }
    groups
}

/// The home page.
pub(crate) fn uri(old: &mut Old<'_>, root: Xml<'_, '_>) -> Option<String> {
    let (element, url) = old.first(root, "url")?;
    old.place_text(element);
    old.report.take(old.at(element), format!("`url`, now `uri`: {}", show(&url)));
    Some(url)
}
