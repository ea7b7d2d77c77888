//! Times as administrators write them.

use std::time::Duration;

use opkg_oda::ParseError;

/// Reads `90s`, `30m`, `2h` or `7d`; nothing is no time.
///
/// # Errors
/// It is none of these; what is wrong, in one line.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let parse = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 24 * 3600,
            _ => return None,
        };
        let number = Some(number).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
        let seconds = number.parse::<u32>().ok().filter(|it| *it > 0)?;
        Some(Duration::from_secs(u64::from(seconds) * unit))
    };
    parse().ok_or_else(|| format!("`{}` is no time: write `90s`, `30m`, `2h` or `7d`", text.escape_debug()))
}

/// Reads `12h`, `90d`, `12w` or `1y`, or the same in words, `1 year`; a year has 365 days.
///
/// # Errors
/// It is none of these.
pub fn parse_age(text: &str) -> Result<Duration, ParseError> {
    let parse = || {
        let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(digits)?;
        let hours = match unit.strip_prefix(' ').unwrap_or(unit) {
            "h" | "hour" | "hours" => 1,
            "d" | "day" | "days" => 24,
            "w" | "week" | "weeks" => 7 * 24,
            "y" | "year" | "years" => 365 * 24,
            _ => return None,
        };
        let number: u16 = number.parse().ok()?;
        Some(Duration::from_secs(u64::from(number) * hours * 3600))
    };
    let rule = "a number of hours, days, weeks or years: `12h`, `90d`, `12w`, `1 year`";
    parse().ok_or_else(|| ParseError::new("age", text, rule))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ages() {
        assert_eq!(parse_age("2d").unwrap(), parse_age("48h").unwrap());
        assert_eq!(parse_age("1 year").unwrap(), parse_age("365 days").unwrap());
        assert_eq!(parse_age("2y").unwrap(), parse_age("730d").unwrap());
        assert_eq!(parse_age("0d").unwrap(), Duration::ZERO);
        for bad in ["", "d", "2", "-2d", "+2d", "2m", "99999d", "2.5d", "2ü", "1  year", "1 month", "year"] {
            assert!(parse_age(bad).is_err(), "{bad}");
        }
    }
}
