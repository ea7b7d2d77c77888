//! `changelog`: the version being built, and how it came to be.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use roxmltree::Node as XmlNode;

use super::reader::ElementReader;
use crate::date::{has_zone, parse_lenient};
use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::model::{Author, Change, NodeId, Release, Role, Timestamp, Version};
use crate::text::escape_for_display;

/// The item of an entry without one.
const PLACEHOLDER_ITEM: &str = "Changes not described.";

/// One `changelogEntry`, before dates are settled.
struct RawEntry {
    at: NodeId,
    /// Of the version that it belongs to.
    release_range: Range<usize>,
    tag_range: Range<usize>,
    author: String,
    /// Of the name of the author.
    author_range: Range<usize>,
    date: Option<Timestamp>,
    /// Of the date.
    date_range: Range<usize>,
    has_zone: bool,
    /// Why there is no date, with the range of its place.
    date_error: Option<(Diagnostic, Range<usize>)>,
    closes: Vec<u32>,
    items: Vec<String>,
}

/// The history, the release being built first. No date in it is later than `now`, in seconds since 1970.
pub(super) fn read_changelog(
    reader: &mut ElementReader<'_>,
    root: XmlNode<'_, '_>,
    authors: &[Author],
    now: Option<i64>,
) -> Vec<Release> {
    let Some(changelog) = reader.single_child(root, "changelog") else {
        reader.report_missing(root, "changelog");
        return Vec::new();
    };
    reader.check_container(changelog, &["versionEntry"], &[]);
    let releases = reader.children_named(changelog, "versionEntry");
    if releases.is_empty() {
        reader.report_missing(changelog, "versionEntry");
    }
    let maintainer = authors.iter().find(|author| author.role == Role::Maintainer);
    let maintainer = maintainer.map(|author| author.name.as_str()).unwrap_or_default();
    let mut history = Vec::new();
    for (index, release) in releases.into_iter().enumerate() {
        let is_current = index == 0;
        reader.check_container(release, &["changelogEntry"], &["version"]);
        let version = read_version(reader, release, is_current);
        let version_range = reader
            .attribute(release, "version")
            .map_or_else(|| reader.tag_range(release), |(_, range)| range);
        let mut entries = Vec::new();
        for (position, entry) in reader.children_named(release, "changelogEntry").into_iter().enumerate() {
            let is_newest = is_current && position == 0;
            entries.push(read_entry(reader, entry, version_range.clone(), maintainer, is_newest));
        }
        if entries.is_empty() && is_current {
            reader.report_missing(release, "changelogEntry");
        } else if entries.is_empty() {
            let diagnostic =
                Diagnostic::warning("changelog-item", "a version without any change is left out");
            reader.report(
                reader.tag_range(release),
                diagnostic.help("add a `changelogEntry`, or remove the `versionEntry`"),
            );
        } else if let Some(version) = version {
            history.push((version, entries));
        }
    }
    now.inspect(|now| limit_to_past(reader, &mut history, *now));
    check_versions(reader, &history);
    check_order(reader, &history);
    fill_missing_dates(reader, &mut history);
    check_authors(reader, &history, authors);
    into_releases(history, authors)
}

/// The attribute `version`: an error where it is that of the package, else the entry is left out.
fn read_version(
    reader: &mut ElementReader<'_>,
    release: XmlNode<'_, '_>,
    is_current: bool,
) -> Option<Version> {
    let Some((_, range)) = reader.attribute(release, "version") else {
        let diagnostic = if is_current {
            Diagnostic::error("version", "the version of the package is missing")
        } else {
            Diagnostic::warning("version", "an entry without a version is left out")
        };
        reader.report(reader.tag_range(release), diagnostic.help("add the attribute: `version=\"1.0-1\"`"));
        return None;
    };
    let written = release.attribute("version").unwrap_or_default();
    match written.parse() {
        Ok(version) => Some(version),
        Err(error) => {
            let help =
                "write `upstream-release`, for example `1.0-1`; letters, digits and `. _ + ~ ^` may occur";
            let diagnostic = if is_current {
                Diagnostic::error(
                    "version",
                    format!("`{}` cannot be built: {error}", escape_for_display(written)),
                )
            } else {
                Diagnostic::warning(
                    "version",
                    format!("the entry of `{}` is left out: {error}", escape_for_display(written)),
                )
            };
            reader.report(range, diagnostic.help(help));
            None
        }
    }
}

fn read_entry(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    release: Range<usize>,
    maintainer: &str,
    is_newest: bool,
) -> RawEntry {
    reader.check_container(element, &["item"], &["authorName", "date", "closes"]);
    let tag = reader.tag_range(element);
    let date_range = reader.attribute(element, "date").map_or_else(|| tag.clone(), |(_, range)| range);
    let (date, error) = match read_date(reader, element) {
        Ok(date) => (Some(date), None),
        Err(error) => (None, Some(error)),
    };
    let (author, author_range) = read_author(reader, element, maintainer, is_newest);
    let closes = read_closes(reader, element);
    let mut items = Vec::new();
    for item in reader.children_named(element, "item") {
        items.extend(reader.text_line(item));
    }
    if items.is_empty() {
        let diagnostic = Diagnostic::warning(
            "changelog-item",
            format!("no change is described; `{PLACEHOLDER_ITEM}` is used instead"),
        );
        reader.report(tag.clone(), diagnostic.help("say what has changed: `<item>…</item>`"));
        items.push(PLACEHOLDER_ITEM.into());
    }
    RawEntry {
        at: reader.add_node(tag.clone()),
        release_range: release,
        tag_range: tag,
        author,
        author_range,
        date,
        date_range,
        has_zone: element.attribute("date").is_some_and(has_zone),
        date_error: error,
        closes,
        items,
    }
}

/// Who made a change, and where that stands. An address behind the name is left out: addresses come from the
/// authors, and are not to be taken for part of a name.
fn read_author(
    reader: &mut ElementReader<'_>,
    entry: XmlNode<'_, '_>,
    maintainer: &str,
    is_newest: bool,
) -> (String, Range<usize>) {
    let written = reader.attribute(entry, "authorName");
    if let Some((written, range)) = written {
        let name = written.split(['<', '>']).next().unwrap_or_default().trim_end();
        if !name.is_empty() {
            if name != written {
                let message = format!("only `{}` is the author's name", escape_for_display(name));
                let diagnostic = Diagnostic::warning("changelog-author", message);
                reader.report(range.clone(), diagnostic.help("the address belongs into `authors`"));
            }
            return (name.to_owned(), range);
        }
    }
    let message = "nobody is named as the author of this change";
    let diagnostic = if is_newest {
        Diagnostic::error("changelog-author", message)
    } else {
        Diagnostic::warning("changelog-author", format!("{message}; the maintainer is used instead"))
    };
    reader.report(reader.tag_range(entry), diagnostic.help("add the attribute: `authorName=\"…\"`"));
    (maintainer.to_owned(), reader.tag_range(entry))
}

/// The attribute `date`, or what is wrong with it.
fn read_date(
    reader: &mut ElementReader<'_>,
    entry: XmlNode<'_, '_>,
) -> Result<Timestamp, (Diagnostic, Range<usize>)> {
    let Some((_, range)) = reader.attribute(entry, "date") else {
        return Err((Diagnostic::error("changelog-date", "the change has no date"), reader.tag_range(entry)));
    };
    let written = entry.attribute("date").unwrap_or_default().trim();
    let error = match written.parse() {
        Ok(date) => return Ok(date),
        Err(error) => error,
    };
    if let Some(date) = parse_lenient(written) {
        let (code, message) = if written.contains("T ") {
            ("changelog-date-blank", "the hour has a blank where a `0` should be".to_owned())
        } else {
            ("changelog-date-form", format!("`{}` is read as `{date}`", escape_for_display(written)))
        };
        let help = format!("write `{date}`; in scripts, `date --iso-8601=seconds` prints this form");
        reader.report(range, Diagnostic::warning(code, message).help(help));
        return Ok(date);
    }
    Err((
        Diagnostic::error(
            "changelog-date",
            format!("`{}` is not a valid date: {error}", escape_for_display(written)),
        ),
        range,
    ))
}

fn read_closes(reader: &mut ElementReader<'_>, entry: XmlNode<'_, '_>) -> Vec<u32> {
    let Some((written, range)) = reader.attribute(entry, "closes") else {
        return Vec::new();
    };
    let mut numbers = Vec::new();
    for word in written.split(' ').filter(|word| !word.is_empty()) {
        match word.strip_prefix('#').unwrap_or(word).parse::<u32>() {
            Ok(number) if !word.contains('+') => numbers.push(number),
            _ => {
                let diagnostic = Diagnostic::warning(
                    "changelog-closes",
                    format!("`{}` is not a bug number, and is left out", escape_for_display(word)),
                )
                .help("write numbers with blanks between them: `closes=\"12 345\"`");
                reader.report(range.clone(), diagnostic);
            }
        }
    }
    numbers
}

/// Gives entries without a date that of the next older one that has one, else of the next newer; only the
/// newest entry must have its own.
fn fill_missing_dates(reader: &mut ElementReader<'_>, history: &mut [(Version, Vec<RawEntry>)]) {
    let mut entries: Vec<&mut RawEntry> = history.iter_mut().flat_map(|(_, entries)| entries).collect();
    let written: Vec<Option<Timestamp>> = entries.iter().map(|entry| entry.date).collect();
    let mut older = None;
    let mut older_of = vec![None; written.len()];
    for index in (0..written.len()).rev() {
        older_of[index] = older;
        older = written[index].or(older);
    }
    let mut newer = None;
    for (index, entry) in entries.iter_mut().enumerate() {
        if let Some((mut diagnostic, range)) = entry.date_error.take() {
            let help = "write it like `2014-07-11T15:25:17+02:00`";
            let fallback = older_of[index].or(newer);
            if let Some(date) = fallback.filter(|_| index > 0) {
                diagnostic.severity = Severity::Warning;
                entry.date = Some(date);
                diagnostic = diagnostic
                    .help(format!("{help}; until then the date of the neighbouring entry is used, {date}"));
            } else {
                diagnostic = diagnostic.help(help);
            }
            reader.report(range, diagnostic);
        }
        newer = written[index].or(newer);
    }
}

/// Package managers refuse what is dated in the future: a date that is later than now becomes now. Reported once.
fn limit_to_past(reader: &mut ElementReader<'_>, history: &mut [(Version, Vec<RawEntry>)], now: i64) {
    let mut is_reported = false;
    for entry in history.iter_mut().flat_map(|(_, entries)| entries) {
        let Some(date) = entry.date.filter(|date| date.seconds > now) else { continue };
        entry.date = Some(Timestamp { seconds: now, offset: date.offset });
        if std::mem::replace(&mut is_reported, true) {
            continue;
        }
        let clock = Timestamp { seconds: now, offset: date.offset };
        let message =
            format!("the date is in the future: {date} is later than now, {clock}, which is used instead");
        let help = if entry.has_zone {
            "correct the date, or the clock of this machine"
        } else {
            "a date without a zone is UTC: write that of your clock, `+02:00` for example, behind the time"
        };
        reader.report(entry.date_range.clone(), Diagnostic::warning("changelog-future", message).help(help));
    }
}

/// Reports versions that stand here twice, and the first that is later than that above it. Where it is not about the
/// version being built it is history, and a note.
fn check_versions(reader: &mut ElementReader<'_>, history: &[(Version, Vec<RawEntry>)]) {
    let tag =
        |entries: &[RawEntry]| entries.first().map(|entry| entry.release_range.clone()).unwrap_or_default();
    let current = history.first().map(|(version, _)| version);
    let severity =
        |version: &Version| if Some(version) == current { Severity::Warning } else { Severity::Note };
    let mut seen: HashMap<&Version, Range<usize>> = HashMap::new();
    for (version, entries) in history {
        if let Some(first) = seen.get(version) {
            let message = format!("the version `{version}` stands in the changelog twice");
            let diagnostic = Diagnostic::new(severity(version), "changelog-version-twice", message)
                .help("put the changes into one `versionEntry`, or correct one of the versions")
                .related(Location::Config(first.clone()), "the first");
            reader.report(tag(entries), diagnostic);
        }
        seen.entry(version).or_insert_with(|| tag(entries));
    }
    let misplaced = history.windows(2).find_map(|pair| match pair {
        [above, below] if above.0.compare(&below.0) == Some(Ordering::Less) => Some((above, below)),
        _ => None,
    });
    if let Some(((earlier, above), (later, below))) = misplaced {
        let message = format!("the version `{later}` is later than `{earlier}` above it");
        let diagnostic = Diagnostic::new(severity(earlier), "changelog-version-order", message)
            .help("the first version is the package's: put the latest there, or give it an epoch, `1:1.0-1`")
            .related(Location::Config(tag(above)), "the earlier version");
        reader.report(tag(below), diagnostic);
    }
}

/// Warns once where an entry is newer than the one above it. Entries without a date of their own do not count.
fn check_order(reader: &mut ElementReader<'_>, history: &[(Version, Vec<RawEntry>)]) {
    let all = history.iter().flat_map(|(_, entries)| entries);
    let dated: Vec<(Timestamp, &RawEntry)> = all.filter_map(|entry| Some((entry.date?, entry))).collect();
    let misplaced = dated.windows(2).find_map(|pair| match pair {
        [(earlier, above), (later, below)] if earlier.seconds < later.seconds => Some((above, below)),
        _ => None,
    });
    if let Some((above, below)) = misplaced {
        let diagnostic = Diagnostic::warning("changelog-order", "this change is newer than the one above it")
            .help("put the newest first; in the packages they are sorted, but the first version remains the package's")
            .related(Location::Config(above.tag_range.clone()), "the older one");
        reader.report(below.tag_range.clone(), diagnostic);
    }
}

/// Notes, once for each, people who changed something and are not among the authors.
fn check_authors(reader: &mut ElementReader<'_>, history: &[(Version, Vec<RawEntry>)], authors: &[Author]) {
    let mut known: HashSet<&str> = authors.iter().map(|author| author.name.as_str()).collect();
    for entry in history.iter().flat_map(|(_, entries)| entries) {
        if !entry.author.is_empty() && known.insert(&entry.author) {
            let message = format!(
                "`{}` is not among the authors, so has no e-mail address",
                escape_for_display(&entry.author)
            );
            let diagnostic = Diagnostic::note("changelog-author", message);
            reader.report(
                entry.author_range.clone(),
                diagnostic.help("add an `author` of that name, `cat=\"uploader\"` for example"),
            );
        }
    }
}

/// The release being built stays first; the others, and the changes in each, go newest first.
fn into_releases(history: Vec<(Version, Vec<RawEntry>)>, authors: &[Author]) -> Vec<Release> {
    let emails: HashMap<&str, &str> =
        authors.iter().rev().map(|author| (author.name.as_str(), author.email.as_str())).collect();
    let mut releases: Vec<Release> = history
        .into_iter()
        .filter_map(|(version, entries)| {
            let mut changes: Vec<Change> = entries
                .into_iter()
                .filter_map(|entry| {
                    let email = emails.get(entry.author.as_str()).map(|email| (*email).to_owned());
                    let RawEntry { at, author, date, closes, items, .. } = entry;
                    Some(Change { at, author, email, date: date?, closes, items })
                })
                .collect();
            changes.sort_by_key(|change| std::cmp::Reverse(change.date.seconds));
            (!changes.is_empty()).then_some(Release { version, changes })
        })
        .collect();
    if let Some((_, others)) = releases.split_first_mut() {
        others.sort_by_key(|release| {
            std::cmp::Reverse(release.changes.first().map(|change| change.date.seconds))
        });
    }
    releases
}
