//! The time, and how it is written.

use std::time::{SystemTime, UNIX_EPOCH};

use time::UtcDateTime;

/// A source of the present time.
pub trait Clock {
    /// In milliseconds since 1970.
    fn now(&self) -> i64;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// In seconds since 1970.
#[must_use]
pub fn now_seconds() -> i64 {
    SystemClock.now().div_euclid(1000)
}

/// A moment in milliseconds since 1970, as `2026-01-02 03:04:05`, in universal time.
#[must_use]
pub fn format_timestamp(milliseconds: i64) -> String {
    let Ok(moment) = UtcDateTime::from_unix_timestamp(milliseconds.div_euclid(1000)) else {
        return "?".into();
    };
    let (date, time) = (moment.date(), moment.time());
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// How long something took, or how long ago it was: the two largest units.
#[must_use]
pub fn format_duration(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_spans() {
        assert_eq!(format_timestamp(1_767_323_045_999), "2026-01-02 03:04:05");
        assert_eq!(format_timestamp(-1), "1969-12-31 23:59:59");
        assert_eq!(format_timestamp(i64::MAX), "?");
        let spans = [(-5, "0.0 s"), (1_250, "1.2 s"), (12_000, "12 s"), (200_000, "3 min 20 s")];
        for (time, text) in spans {
            assert_eq!(format_duration(time), text);
        }
        assert_eq!(format_duration(7_500_000), "2 h 5 min");
        assert_eq!(format_duration(356_400_000), "4 d 3 h");
    }
}
