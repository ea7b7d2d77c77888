//! What the package is: name, summary, description, licence, class, group, home page.

use opkg::escape_for_display;
use opkg::rules::{CLASSES, DEFAULT_GROUP, LICENSES, MAX_SUMMARY_CHARS, suggest_name};
use roxmltree::Node as XmlNode;

use crate::old_config::OldConfig;
use crate::report::ReportLocation;

/// Where nothing could become a name.
const PLACEHOLDER_NAME: &str = "unnamed";

/// The name, else that of the directory.
pub(crate) fn convert_name(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>, directory: &str) -> String {
    if let Some((element, written)) = old.first_text(root, "name")
        && let Some(name) = suggest_name(&written)
    {
        old.mark_text(element);
        old.record_conversion(element, "name", &written, &name);
        return name;
    }
    let name = suggest_name(directory).unwrap_or_else(|| PLACEHOLDER_NAME.into());
    old.report.add_needs_review(
        ReportLocation::Package,
        format!("nothing in `name` can be one: `{name}` stands in; correct it"),
    );
    name
}

/// The summary, cut at a word where it is too long, and the description, which begins with the whole of it
/// then; empty where there is none.
pub(crate) fn convert_texts(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>, name: &str) -> (String, String) {
    let mut description = String::new();
    let found = old
        .children_named(root, "description")
        .into_iter()
        .find(|it| OldConfig::single_line_text(*it).is_some());
    if let Some(element) = found {
        old.mark_text(element);
        old.report.add_converted(old.location(element), "`description`");
        description = normalize_lines(&OldConfig::own_text(element));
    }
    let Some((element, whole)) = old.first_text(root, "summary") else {
        old.report.add_needs_review(
            ReportLocation::Package,
            "there is no summary: the name stands in; say what the package does",
        );
        return (name.chars().take(MAX_SUMMARY_CHARS).collect(), description);
    };
    old.mark_text(element);
    let summary = truncate_summary(&whole);
    if summary == whole {
        old.report
            .add_converted(old.location(element), format!("`summary`: {}", escape_for_display(&summary)));
    } else {
        let text =
            format!("`summary` is too long: cut, and the whole of it begins the description: `{summary}`");
        old.report.add_changed(old.location(element), text);
        description = if description.is_empty() { whole } else { format!("{whole}\n\n{description}") };
    }
    (summary, description)
}

/// At most as long as a summary may be: as many words as fit, or as much of the first one.
fn truncate_summary(text: &str) -> String {
    if text.chars().count() <= MAX_SUMMARY_CHARS {
        return text.into();
    }
    let head: String = text.chars().take(MAX_SUMMARY_CHARS + 1).collect();
    let head = head.rsplit_once(' ').map_or(head.as_str(), |(words, _)| words);
    let head: String = head.chars().take(MAX_SUMMARY_CHARS).collect();
    head.trim_end_matches([' ', ',', ';', ':', '-']).to_owned()
}

/// The lines of a text without blanks around them, and no more than one empty line in a row.
fn normalize_lines(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        if !(line.is_empty() && kept.last().is_none_or(|last| last.is_empty())) {
            kept.push(line);
        }
    }
    kept.join("\n").trim_end().to_owned()
}

/// The listed licence that is meant, whatever its letters' case, else as it is.
pub(crate) fn convert_license(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>) -> String {
    let Some((element, written)) = old.first_text(root, "license") else {
        old.report.add_needs_review(
            ReportLocation::Package,
            "there is no licence: `unknown` stands in; find out which it is",
        );
        return "unknown".into();
    };
    let same = |a: &str, b: &str| {
        let letters = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        letters(a) == letters(b)
    };
    let license = LICENSES.iter().find(|known| same(known, &written)).map_or(written.as_str(), |known| known);
    old.mark_text(element);
    old.record_conversion(element, "license", &written, license);
    license.to_owned()
}

/// The class; nothing where there is none that is known.
pub(crate) fn convert_class(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>) -> Option<String> {
    let (element, written) = old.first_text(root, "class")?;
    let known = CLASSES.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(&written));
    let Some(class) = known else {
        let text =
            format!("there is no class `{}`; without one it is `third-party`", escape_for_display(&written));
        old.report.add_needs_review(old.location(element), text);
        return None;
    };
    old.mark_text(element);
    old.record_conversion(element, "class", &written, class);
    Some(class.to_owned())
}

/// The groups, all of them.
pub(crate) fn convert_groups(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>) -> Vec<String> {
    let mut groups = Vec::new();
    for element in old.children_named(root, "group") {
        if let Some(group) = OldConfig::single_line_text(element) {
            old.mark_text(element);
            old.record_conversion(element, "group", &group, &group);
            groups.push(group);
        }
    }
    if groups.is_empty() {
        old.report
            .add_changed(ReportLocation::Package, format!("there is no group: `{DEFAULT_GROUP}` stands in"));
        groups.push(DEFAULT_GROUP.into());
    }
    groups
}

/// The home page.
pub(crate) fn convert_uri(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>) -> Option<String> {
    let (element, url) = old.first_text(root, "url")?;
    old.mark_text(element);
    old.report
        .add_converted(old.location(element), format!("`url`, now `uri`: {}", escape_for_display(&url)));
    Some(url)
}
