//! The newest entry of the changelog of a source package, in the format of deb-changelog(5).

use std::collections::BTreeSet;

/// What the entry says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChangelogEntry {
    /// The source package.
    pub(crate) source: String,
    /// With epoch and revision.
    pub(crate) version: String,
    /// Which of the archive's distributions it is for.
    pub(crate) distribution: String,
    /// How soon to upgrade: `low`, `medium`, `high`.
    pub(crate) urgency: Option<String>,
    /// `Name <address>`
    pub(crate) changed_by: String,
    /// In the form of RFC 5322.
    pub(crate) date: String,
    /// Numbers of bugs, ascending.
    pub(crate) closes: BTreeSet<u64>,
    /// The entry as it stands, without its last line and empty lines before that.
    pub(crate) lines: Vec<String>,
}

/// Why a changelog has no newest entry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangelogError {
    #[error("the changelog is empty")]
    Empty,
    #[error("{0:?} is not the first line of a changelog's entry")]
    InvalidHeading(String),
    #[error("{0:?} does not belong into an entry of a changelog")]
    UnexpectedLine(String),
    #[error("the newest entry of the changelog does not end")]
    Unterminated,
    #[error("the newest entry of the changelog has no date")]
    NoDate,
}

/// Reads the first entry of a changelog.
///
/// # Errors
/// The first line that breaks the format.
pub(crate) fn parse_newest_entry(text: &str) -> Result<ChangelogEntry, ChangelogError> {
    let mut lines = text.lines().map(str::trim_end).skip_while(|line| line.is_empty());
    let head = lines.next().ok_or(ChangelogError::Empty)?;
    let (source, version, distribution, settings) =
        parse_heading(head).ok_or_else(|| ChangelogError::InvalidHeading(head.to_owned()))?;
    let mut kept = vec![head.to_owned()];
    let (changed_by, date) = loop {
        let line = lines.next().ok_or(ChangelogError::Unterminated)?;
        if let Some(signature) = line.strip_prefix(" -- ") {
            break signature.split_once("  ").ok_or(ChangelogError::NoDate)?;
        }
        if !line.is_empty() && !line.starts_with("  ") {
            return Err(ChangelogError::UnexpectedLine(line.to_owned()));
        }
        kept.push(line.to_owned());
    };
    while kept.last().is_some_and(String::is_empty) {
        kept.pop();
    }
    let urgency = settings.split(',').find_map(|setting| setting.trim().strip_prefix("urgency="));
    Ok(ChangelogEntry {
        source: source.to_owned(),
        version: version.to_owned(),
        distribution: distribution.to_owned(),
        urgency: urgency.map(str::to_owned),
        changed_by: changed_by.trim().to_owned(),
        date: date.trim().to_owned(),
        closes: parse_closed_bugs(&kept[1..].join("\n")),
        lines: kept,
    })
}

/// `source (version) distributions; settings`
fn parse_heading(line: &str) -> Option<(&str, &str, &str, &str)> {
    let (source, rest) = line.split_once(" (")?;
    let (version, rest) = rest.split_once(") ")?;
    let (distribution, settings) = rest.split_once(';')?;
    let sound = !source.contains(char::is_whitespace) && !version.contains(char::is_whitespace);
    sound.then_some((source, version, distribution.trim(), settings))
}

/// The bugs behind every `Closes:`, `closes: bug#1, #2 , 3`, wherever lines are broken.
fn parse_closed_bugs(text: &str) -> BTreeSet<u64> {
    // All signs that matter are ASCII, and this keeps their places.
    let text = text.to_ascii_lowercase();
    let mut bugs = BTreeSet::new();
    for (place, word) in text.match_indices("closes:") {
        let mut rest = &text[place + word.len()..];
        loop {
            rest = rest.trim_start();
            rest = rest.strip_prefix("bug").unwrap_or(rest);
            rest = rest.strip_prefix('#').unwrap_or(rest);
            rest = rest.strip_prefix(char::is_whitespace).unwrap_or(rest);
            let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
            let (number, behind) = rest.split_at(end);
            let Ok(number) = number.parse() else { break };
            bugs.insert(number);
            let Some(more) = behind.strip_prefix(',') else { break };
            rest = more;
        }
    }
    bugs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "opkg-a (1:2.0-1) unstable; urgency=medium, binary-only=no\n\n  * One. (Closes: #5,\n    \
                        Bug#77)\n  [ closes: 3 ]\n\n -- Ada <ada@example.org>  Mon, 12 May 2025 09:30:00 +0200\n\n\
                        opkg-a (1:1.0-1) unstable; urgency=medium\n\n  * Closes: #1\n";

    #[test]
    fn the_newest_entry() {
        let entry = parse_newest_entry(TEXT).unwrap();
        assert_eq!((entry.source.as_str(), entry.version.as_str()), ("opkg-a", "1:2.0-1"));
        assert_eq!((entry.distribution.as_str(), entry.urgency.as_deref()), ("unstable", Some("medium")));
        assert_eq!(entry.changed_by, "Ada <ada@example.org>");
        assert_eq!(entry.date, "Mon, 12 May 2025 09:30:00 +0200");
        assert_eq!(entry.closes, BTreeSet::from([3, 5, 77]));
        assert_eq!(entry.lines.len(), 5);
        assert_eq!(entry.lines[4], "  [ closes: 3 ]");
    }

    #[test]
    fn what_is_no_entry() {
        for text in [
            "",
            "\n",
            "opkg-a 1.0 unstable;",
            "opkg a (1.0) unstable; urgency=low\n -- A <a>  B",
            "a (1.0) unstable\n -- A <a>  B",
            "a (1.0) unstable; urgency=low\n\n  * x\n",
            "a (1.0) unstable; urgency=low\n* x\n -- A <a>  B",
            "a (1.0) unstable; urgency=low\n -- A <a> B",
        ] {
            assert!(parse_newest_entry(text).is_err(), "{text:?}");
        }
    }
}
