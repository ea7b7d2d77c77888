//! Days and moments, enough of them to read what changelogs say. The Gregorian calendar without zones.

/// Days from 1970-01-01 to this date.
#[must_use]
pub fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    // Counted in years that begin in March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The date, `2014-07-11`, of a day counted from 1970-01-01.
#[must_use]
pub fn format_date(day: i64) -> String {
    let year =
        (1970 + day.div_euclid(366)..).find(|year| days_from_date(year + 1, 1, 1) > day).unwrap_or_default();
    let month = (1..12).find(|month| days_from_date(year, month + 1, 1) > day).unwrap_or(12);
    format!("{year}-{month:02}-{:02}", day - days_from_date(year, month, 1) + 1)
}

/// A moment as `config.xml` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Seconds since 1970, UTC.
    pub seconds: i64,
    /// The writer's offset in seconds.
    pub offset: i64,
}

impl Timestamp {
    /// Reads `2014-07-11T15:25:17+02:00`; the zone may be absent, the hour may have a blank for its first
    /// digit, seconds may have a fraction. Nothing if it is no date.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.trim().split_once('T')?;
        let mut date = date.split('-').map(str::parse::<i64>);
        let days = days_from_date(date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
        let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (time, zone) = time.split_at(zone);
        let offset = match zone {
            "" | "Z" => 0,
            zone => {
                let (hours, minutes) = zone[1..].split_once(':')?;
                let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
                if zone.starts_with('-') { -seconds } else { seconds }
            }
        };
        let mut time = time.split(':');
        let hour: i64 = time.next()?.trim().parse().ok()?;
        let minute: i64 = time.next()?.parse().ok()?;
        let second: i64 = time.next()?.split('.').next()?.parse().ok()?;
        Some(Self { seconds: days * 86400 + hour * 3600 + minute * 60 + second - offset, offset })
    }

    /// The day that the writer's calendar showed.
    #[must_use]
    pub fn day(self) -> i64 {
        (self.seconds + self.offset).div_euclid(86400)
    }
}

/// The day of an RFC 2822 date, `Thu, 11 Jul 2014 15:25:17 +0200`: the one that it shows.
#[must_use]
pub fn parse_rfc2822_day(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(',')?.1.split_whitespace();
    let day = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    Some(days_from_date(words.next()?.parse().ok()?, i64::try_from(month).ok()? + 1, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        assert_eq!(days_from_date(1970, 1, 1), 0);
        assert_eq!(format_date(days_from_date(1999, 12, 31)), "1999-12-31");
        assert_eq!(format_date(days_from_date(2024, 2, 29)), "2024-02-29");
        assert_eq!(days_from_date(2000, 2, 29) + 1, days_from_date(2000, 3, 1));
        let read = |text| Timestamp::parse(text).map(|moment| moment.seconds);
        assert_eq!(read("2014-07-11T15:25:17+02:00"), Some(1_405_085_117));
        assert_eq!(read("2014-07-11T13:25:17.5"), Some(1_405_085_117));
        assert_eq!(read("2014-07-11T 9:25:17-04:00"), Some(1_405_085_117));
        assert_eq!(read("2014-07-1TT18:59:47+02:00"), None);
        assert_eq!(parse_rfc2822_day("Fri, 11 Jul 2014 15:25:17 +0200"), Some(days_from_date(2014, 7, 11)));
    }
}
