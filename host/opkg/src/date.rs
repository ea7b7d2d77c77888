//! Dates of changes: `xsd:dateTime`, as far as packages can carry it.

use std::fmt;
use std::str::FromStr;

use time::{Date, Month};

use crate::model::Timestamp;

/// The years that a package can carry: formats count seconds from 1970, some with 32 bits.
const SUPPORTED_YEARS: std::ops::RangeInclusive<i32> = 1970..=2105;
/// XML Schema allows no offset from UTC beyond this, in minutes.
const MAX_OFFSET_MINUTES: i16 = 14 * 60;

/// Why a text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum ParseDateError {
    #[error("it does not have the form `2014-07-11T15:25:17+02:00`")]
    InvalidFormat,
    #[error("there is no such day")]
    InvalidDay,
    #[error("there is no such time of the day")]
    InvalidTime,
    #[error("there is no such offset from UTC")]
    InvalidOffset,
    #[error("the year is outside of {} to {}", SUPPORTED_YEARS.start(), SUPPORTED_YEARS.end())]
    YearOutOfRange,
}

impl FromStr for Timestamp {
    type Err = ParseDateError;

    /// `2014-07-11T15:25:17+02:00`; a fraction of the second is dropped, no zone means UTC.
    fn from_str(text: &str) -> Result<Self, ParseDateError> {
        let mut rest = text;
        let year = parse_digits(&mut rest, 4)?;
        expect_char(&mut rest, '-')?;
        let month = parse_digits(&mut rest, 2)?;
        expect_char(&mut rest, '-')?;
        let day = parse_digits(&mut rest, 2)?;
        expect_char(&mut rest, 'T')?;
        let hour = parse_digits(&mut rest, 2)?;
        expect_char(&mut rest, ':')?;
        let minute = parse_digits(&mut rest, 2)?;
        expect_char(&mut rest, ':')?;
        let second = parse_digits(&mut rest, 2)?;
        let mut fraction = "";
        if let Some(behind) = rest.strip_prefix('.') {
            let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
            (fraction, rest) = behind.split_at(end);
            if fraction.is_empty() {
                return Err(ParseDateError::InvalidFormat);
            }
        }
        let offset = parse_utc_offset(rest)?;

        let year = i32::from(year);
        let date = u8::try_from(month)
            .ok()
            .and_then(|month| Month::try_from(month).ok())
            .zip(u8::try_from(day).ok())
            .and_then(|(month, day)| Date::from_calendar_date(year, month, day).ok())
            .ok_or(ParseDateError::InvalidDay)?;
        // The end of a day may be written as 24:00:00.
        let is_end_of_day =
            hour == 24 && minute == 0 && second == 0 && fraction.bytes().all(|digit| digit == b'0');
        if !(hour < 24 && minute < 60 && second < 60 || is_end_of_day) {
            return Err(ParseDateError::InvalidTime);
        }
        let days = i64::from(date.to_julian_day() - time::UtcDateTime::UNIX_EPOCH.date().to_julian_day());
        let local = days * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
        let seconds = local - i64::from(offset) * 60;
        if !SUPPORTED_YEARS.contains(&year) || seconds < 0 || seconds > i64::from(u32::MAX) {
            return Err(ParseDateError::YearOutOfRange);
        }
        Ok(Self { seconds, offset })
    }
}

/// A number of exactly so many digits.
fn parse_digits(rest: &mut &str, count: usize) -> Result<u16, ParseDateError> {
    let (number, behind) = rest.split_at_checked(count).ok_or(ParseDateError::InvalidFormat)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseDateError::InvalidFormat);
    }
    *rest = behind;
    number.parse().map_err(|_| ParseDateError::InvalidFormat)
}

fn expect_char(rest: &mut &str, expected: char) -> Result<(), ParseDateError> {
    *rest = rest.strip_prefix(expected).ok_or(ParseDateError::InvalidFormat)?;
    Ok(())
}

/// Minutes east of UTC.
fn parse_utc_offset(zone: &str) -> Result<i16, ParseDateError> {
    if zone.is_empty() || zone == "Z" {
        return Ok(0);
    }
    let (is_west, mut rest) = match (zone.strip_prefix('+'), zone.strip_prefix('-')) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return Err(ParseDateError::InvalidFormat),
    };
    let hours = parse_digits(&mut rest, 2)?;
    expect_char(&mut rest, ':')?;
    let minutes = parse_digits(&mut rest, 2)?;
    if !rest.is_empty() {
        return Err(ParseDateError::InvalidFormat);
    }
    let total = i16::try_from(hours * 60 + minutes).map_err(|_| ParseDateError::InvalidOffset)?;
    if minutes > 59 || total > MAX_OFFSET_MINUTES {
        return Err(ParseDateError::InvalidOffset);
    }
    Ok(if is_west { -total } else { total })
}

impl Timestamp {
    /// As letters and control files carry it, on the writer's clock: `Fri, 11 Jul 2014 15:25:17 +0200`. See
    /// RFC 5322, section 3.3.
    #[must_use]
    pub fn to_rfc5322(&self) -> String {
        let local = self.seconds.saturating_add(i64::from(self.offset) * 60);
        // Dates that were read are in range; of others, the nearest one that can be written.
        let moment = time::UtcDateTime::from_unix_timestamp(local.clamp(0, i64::from(u32::MAX)))
            .unwrap_or(time::UtcDateTime::UNIX_EPOCH);
        let (year, month, day) = moment.date().to_calendar_date();
        let (hour, minute, second) = moment.time().as_hms();
        let (weekday, month) = (moment.weekday().to_string(), month.to_string());
        let sign = if self.offset < 0 { '-' } else { '+' };
        let (zone_hours, zone_minutes) = (self.offset.unsigned_abs() / 60, self.offset.unsigned_abs() % 60);
        format!(
            "{weekday:.3}, {day:02} {month:.3} {year:04} {hour:02}:{minute:02}:{second:02} \
             {sign}{zone_hours:02}{zone_minutes:02}"
        )
    }
}

/// Reads a date that has not the form of the format, but can mean only one moment: programs print such ones.
///
/// | what is written | by |
/// |---|---|
/// | `2014-07-11T15:25:17+0200` | `date +%FT%T%z` |
/// | `2014-07-11 15:25:17 +0200` | `git log --date=iso` |
/// | `2014-07-11T 9:05:00+02:00`, `…T9:05:00+02:00` | `date +%k`, `%-H` |
/// | `2014-07-11T15:25+02:00`, `2014-07-11` | `date -Iminutes`, `date -I`: what is left out is zero |
/// | `…+02`, `…-05: 00`, `…Z+01:00`, `… UTC`, with `−` for `-` | databases, word processors, people |
///
/// A date that lacks the sign of its offset, or has its parts in another order, can mean several, and is none.
pub(crate) fn parse_lenient(text: &str) -> Option<Timestamp> {
    let text: String = text
        .chars()
        .map(|c| if matches!(c, '\u{2010}'..='\u{2013}' | '\u{2212}') { '-' } else { c })
        .collect();
    let (day, rest) = text.split_at_checked("2014-07-11".len())?;
    let rest = rest.trim_start().trim_start_matches(['T', 't']).trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    let clock = normalize_clock(clock)?;
    format!("{day}T{clock}{}", normalize_zone(zone)?).parse().ok()
}

/// `9:05` → `09:05:00`
fn normalize_clock(clock: &str) -> Option<String> {
    let mut parts = clock.split(':');
    let hour = parts.next().unwrap_or_default();
    let (minute, second) = (parts.next().unwrap_or("00"), parts.next().unwrap_or("00"));
    let is_complete = hour.is_empty() == clock.is_empty() && hour.len() <= 2 && parts.next().is_none();
    is_complete.then(|| format!("{hour:0>2}:{minute}:{second}"))
}

/// ` -0400` → `-04:00`
fn normalize_zone(zone: &str) -> Option<String> {
    let zone: String = zone.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    let offset = ["UTC", "GMT", "Z"].into_iter().find_map(|name| zone.strip_prefix(name)).unwrap_or(&zone);
    let Some(digits) = offset.strip_prefix(['+', '-']) else {
        return offset.is_empty().then(|| "Z".to_owned());
    };
    let sign = &offset[..1];
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "00"),
    };
    (!hours.is_empty()).then(|| format!("{sign}{hours:0>2}:{minutes}"))
}

/// Whether a date as it is written says how far its clock is from UTC.
pub(crate) fn has_zone(text: &str) -> bool {
    let clock = text.split_once(['T', 't', ' ']).map_or("", |(_, clock)| clock);
    clock.contains(['Z', 'z', '+', '-', '\u{2212}'])
}

impl fmt::Display for Timestamp {
    /// As it is read, on the writer's clock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.seconds.saturating_add(i64::from(self.offset) * 60);
        let Ok(moment) = time::UtcDateTime::from_unix_timestamp(local) else {
            return write!(f, "@{}", self.seconds);
        };
        let (year, month, day) = moment.date().to_calendar_date();
        let (hour, minute, second) = moment.time().as_hms();
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", u8::from(month))?;
        if self.offset == 0 {
            return f.write_str("Z");
        }
        let sign = if self.offset < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", self.offset.unsigned_abs() / 60, self.offset.unsigned_abs() % 60)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates() {
        for (text, seconds, offset) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2014-07-11T15:25:17+02:00", 1_405_085_117, 120),
            ("2014-07-11T13:25:17", 1_405_085_117, 0),
            ("2014-07-11T13:25:17.999999999999999999999", 1_405_085_117, 0),
            ("2014-07-11T08:25:17-05:00", 1_405_085_117, -300),
            ("2014-07-12T03:25:17+14:00", 1_405_085_117, 840),
            ("2000-02-29T23:59:59Z", 951_868_799, 0),
            ("2000-02-29T24:00:00Z", 951_868_800, 0),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp { seconds, offset }), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for (text, expected) in [
            ("", ParseDateError::InvalidFormat),
            ("2014-07-1TT18:59:47+02:00", ParseDateError::InvalidFormat),
            ("2014-07-11", ParseDateError::InvalidFormat),
            ("2014-07-11 15:25:17", ParseDateError::InvalidFormat),
            ("2014-07-11T15:25", ParseDateError::InvalidFormat),
            ("2014-07-11T15:25:17+2:00", ParseDateError::InvalidFormat),
            ("2014-07-11T15:25:17+0200", ParseDateError::InvalidFormat),
            ("2014-07-11T15:25:17.Z", ParseDateError::InvalidFormat),
            ("2014-07-11T15:25:17z", ParseDateError::InvalidFormat),
            ("2014-07-11T15:25:17+02:00 ", ParseDateError::InvalidFormat),
            ("+014-07-11T15:25:17Z", ParseDateError::InvalidFormat),
            ("2014-07-ééT15:25:17Z", ParseDateError::InvalidFormat),
            ("2013-02-29T00:00:00Z", ParseDateError::InvalidDay),
            ("2013-13-01T00:00:00Z", ParseDateError::InvalidDay),
            ("2013-00-01T00:00:00Z", ParseDateError::InvalidDay),
            ("2013-01-00T00:00:00Z", ParseDateError::InvalidDay),
            ("2013-01-01T25:00:00Z", ParseDateError::InvalidTime),
            ("2013-01-01T24:00:01Z", ParseDateError::InvalidTime),
            ("2013-01-01T24:00:00.1Z", ParseDateError::InvalidTime),
            ("2013-01-01T23:60:00Z", ParseDateError::InvalidTime),
            ("2013-01-01T23:59:60Z", ParseDateError::InvalidTime),
            ("2013-01-01T23:59:59+14:01", ParseDateError::InvalidOffset),
            ("2013-01-01T23:59:59-99:99", ParseDateError::InvalidOffset),
            ("2013-01-01T23:59:59+01:60", ParseDateError::InvalidOffset),
            ("1969-12-31T23:59:59Z", ParseDateError::YearOutOfRange),
            ("1970-01-01T00:00:00+01:00", ParseDateError::YearOutOfRange),
            ("9999-12-31T23:59:59Z", ParseDateError::YearOutOfRange),
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn what_programs_print_is_read_as_meant() {
        for (text, meant) in [
            ("2013-12-03T 9:05:00+01:00", "2013-12-03T09:05:00+01:00"),
            ("2013-12-03T9:05:00", "2013-12-03T09:05:00Z"),
            ("2007-10-03T14:51:00-0400", "2007-10-03T14:51:00-04:00"),
            ("2007-10-03T14:51:00-05: 00", "2007-10-03T14:51:00-05:00"),
            ("2007-10-03 14:51:00 +0200", "2007-10-03T14:51:00+02:00"),
            ("2007-10-03t14:51:00z", "2007-10-03T14:51:00Z"),
            ("2007-10-03T14:51:00Z+01:00", "2007-10-03T14:51:00+01:00"),
            ("2007-10-03T14:51:00 UTC", "2007-10-03T14:51:00Z"),
            ("2007-10-03T14:51:00\u{2212}04:00", "2007-10-03T14:51:00-04:00"),
            ("2007-10-03T14:51:00.5+02", "2007-10-03T14:51:00+02:00"),
            ("2007-10-03T14:51+02:00", "2007-10-03T14:51:00+02:00"),
            ("2007-10-03", "2007-10-03T00:00:00Z"),
        ] {
            let date = parse_lenient(text).map(|date| date.to_string());
            assert_eq!(date.as_deref(), Some(meant), "{text}");
            assert!(text.parse::<Timestamp>().is_err(), "{text} has the form of the format");
        }
        // Nobody can know which moment these are.
        for text in [
            "",
            "yesterday",
            "2014-07-1TT18:59:47+02:00",
            "2007-10-03T14:51:00Z°01:00",
            "2007-10-03T14:51:00 0400",
            "2007-10-03T14:51:00 EST",
            "2007-10-03T14:51:00-4:0",
            "2007-10-03T14:51:00+",
            "03-10-2007T14:51:00Z",
            "2007-02-30",
            "2007-10-03T:51:00Z",
            "2007-10-03T14:51:00:00Z",
        ] {
            assert_eq!(parse_lenient(text), None, "{text}");
        }
    }

    #[test]
    fn zones() {
        for text in ["2007-10-03T14:51:00Z", "2007-10-03 14:51:00 +0200", "2007-10-03T14:51:00-04:00"] {
            assert!(has_zone(text), "{text}");
        }
        for text in ["2007-10-03T14:51:00", "2007-10-03", ""] {
            assert!(!has_zone(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(crate::testing::deterministic_config())]

        #[test]
        fn what_is_printed_is_what_was_read(seconds in 60_000i64..4_102_444_800, offset in -840i16..=840) {
            let moment = Timestamp { seconds, offset };
            prop_assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = (text.parse::<Timestamp>(), parse_lenient(&text), has_zone(&text));
        }
    }

    #[test]
    fn dates_of_letters() {
        for (text, letter) in [
            ("2014-07-11T15:25:17+02:00", "Fri, 11 Jul 2014 15:25:17 +0200"),
            ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"),
            ("2024-02-29T23:59:59-03:30", "Thu, 29 Feb 2024 23:59:59 -0330"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_rfc5322(), letter);
        }
        let beyond = Timestamp { seconds: i64::MAX, offset: -60 };
        assert_eq!(beyond.to_rfc5322(), "Sun, 07 Feb 2106 06:28:15 -0100");
    }
}
