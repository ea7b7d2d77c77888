//! The changelog as RPM wants it: one list of dated entries, newest first.

use std::cmp::Reverse;

use opkg_sdk::model::{Change, Opkg, Timestamp};
use opkg_sdk::text::format_rpm_date;

use crate::escape::wrap_paragraph;
use crate::evr::Evr;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangelogEntry {
    /// `Tue Dec 03 2013`, on the writer's calendar.
    pub date: String,
    /// `Name <address> - [epoch:]version-release`
    pub header: String,
    /// Noon, UTC, of that date: the moment that RPM keeps.
    pub seconds: i64,
    /// Each item begins with `- `, its further lines with blanks.
    pub lines: Vec<String>,
}

const SECONDS_PER_DAY: i64 = 86_400;
const LINE_WIDTH: usize = 78;

/// All entries of all releases. RPM refuses a list that is not in the order of dates; entries of one day
/// keep the order of the file.
pub fn from_opkg(opkg: &Opkg) -> Vec<ChangelogEntry> {
    let mut entries: Vec<ChangelogEntry> = opkg
        .history
        .iter()
        .flat_map(|release| {
            let evr = Evr::from_version(&release.version);
            release.changes.iter().map(move |change| to_entry(change, &evr))
        })
        .collect();
    entries.sort_by_key(|entry| Reverse(entry.seconds));
    entries
}

fn to_entry(change: &Change, evr: &Evr) -> ChangelogEntry {
    let author = match &change.email {
        Some(email) => format!("{} <{email}>", change.author),
        None => change.author.clone(),
    };
    let mut items = change.items.clone();
    if !change.closes.is_empty() {
        let bugs: Vec<String> = change.closes.iter().map(|bug| format!("#{bug}")).collect();
        let bugs = format!("({})", bugs.join(", "));
        match items.last_mut() {
            Some(last) => *last = format!("{last} {bugs}"),
            None => items.push(bugs),
        }
    }
    let lines = items.iter().flat_map(|item| {
        let lines = wrap_paragraph(item, LINE_WIDTH, 2);
        lines
            .into_iter()
            .enumerate()
            .map(|(index, line)| if index == 0 { format!("- {line}") } else { format!("  {line}") })
    });
    let lines = lines.collect();
    let noon = noon_utc(change.date);
    let date = format_rpm_date(Timestamp { seconds: noon, offset: 0 });
    ChangelogEntry { date, header: format!("{author} - {evr}"), seconds: noon, lines }
}

fn noon_utc(date: Timestamp) -> i64 {
    let local = date.seconds.saturating_add(i64::from(date.offset) * 60);
    (local.div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY).saturating_add(SECONDS_PER_DAY / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_dated_by_its_writers_calendar() {
        let just_after_midnight = Timestamp { seconds: 1_386_025_200 + 60, offset: 60 };
        assert_eq!(
            format_rpm_date(Timestamp { seconds: noon_utc(just_after_midnight), offset: 0 }),
            "Tue Dec 03 2013"
        );
    }
}
