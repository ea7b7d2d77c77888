//! Text for people and shells: wrapping, quoting, dates.

use time::{OffsetDateTime, UtcOffset};

use crate::model::Timestamp;

/// Breaks one paragraph into lines of at most `width` characters. Words are what blanks and line ends
/// (of ASCII) separate; none is ever split, so a long one stands in a line of its own, and no line is empty.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split_ascii_whitespace() {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if used + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
                used += 1 + length;
            }
            _ => {
                lines.push(word.to_owned());
                used = length;
            }
        }
    }
    lines
}

/// One word of a POSIX shell, whatever the text holds.
#[must_use]
pub fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// `Thu Dec 03 2013`, in UTC: how RPM changelogs date.
#[must_use]
pub fn format_rpm_date(at: Timestamp) -> String {
    let moment = to_datetime(at.seconds).to_offset(UtcOffset::UTC);
    format!(
        "{} {} {:02} {:04}",
        weekday_abbreviation(moment),
        month_abbreviation(moment),
        moment.day(),
        moment.year()
    )
}

/// `Tue, 03 Dec 2013 10:00:12 +0100`, RFC 2822, in the writer's own time zone.
#[must_use]
pub fn format_rfc2822(at: Timestamp) -> String {
    let offset = UtcOffset::from_whole_seconds(i32::from(at.offset) * 60).unwrap_or(UtcOffset::UTC);
    let moment = to_datetime(at.seconds).checked_to_offset(offset).unwrap_or_else(|| to_datetime(at.seconds));
    let offset = moment.offset();
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}",
        weekday_abbreviation(moment),
        moment.day(),
        month_abbreviation(moment),
        moment.year(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        if offset.is_negative() { '-' } else { '+' },
        offset.whole_hours().unsigned_abs(),
        offset.minutes_past_hour().unsigned_abs(),
    )
}

/// The year in the writer's own time zone.
#[must_use]
pub fn year(at: Timestamp) -> i32 {
    let local = at.seconds.saturating_add(i64::from(at.offset) * 60);
    to_datetime(local).year()
}

/// Out of the calendar's range, the epoch stands in.
fn to_datetime(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn weekday_abbreviation(moment: OffsetDateTime) -> &'static str {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][usize::from(moment.weekday().number_days_from_monday())]
}

fn month_abbreviation(moment: OffsetDateTime) -> &'static str {
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        [usize::from(u8::from(moment.month())) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates() {
        let at = Timestamp { seconds: 1_386_061_212, offset: 60 };
        assert_eq!(format_rpm_date(at), "Tue Dec 03 2013");
        assert_eq!(format_rfc2822(at), "Tue, 03 Dec 2013 10:00:12 +0100");
        let west = Timestamp { seconds: 1_386_061_212, offset: -330 };
        assert_eq!(format_rfc2822(west), "Tue, 03 Dec 2013 03:30:12 -0530");
        assert_eq!(format_rpm_date(Timestamp { seconds: i64::MAX, offset: 0 }), "Thu Jan 01 1970");
        let new_year = 1_388_534_400;
        assert_eq!(year(Timestamp { seconds: new_year, offset: 0 }), 2014);
        assert_eq!(year(Timestamp { seconds: new_year, offset: -60 }), 2013);
    }

    proptest! {
        #[test]
        fn wrapping_keeps_every_word(text in "\\PC{0,200}", width in 1_usize..100) {
            let lines = wrap(&text, width);
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            let wrapped: Vec<&str> = lines.iter().flat_map(|line| line.split_ascii_whitespace()).collect();
            prop_assert_eq!(words, wrapped);
            for line in &lines {
                prop_assert!(!line.is_empty());
                prop_assert!(line.chars().count() <= width || !line.contains(' '));
            }
        }
    }
}
