//! Times as administrators write them.

use std::time::Duration;

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
