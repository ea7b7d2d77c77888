//! Debian's releases, which its derivatives count by as well.

use opkg_sdk::version::ReleaseNumber;

/// Number and name, newest first.
pub const RELEASES: [(&str, &str); 5] =
    [("sid", "unstable"), ("13", "trixie"), ("12", "bookworm"), ("11", "bullseye"), ("10", "buster")];

/// A number of any release, or the name of a known one. What has no number yet is later than all others.
#[must_use]
pub fn parse_release(text: &str) -> Option<ReleaseNumber> {
    let text = text.to_ascii_lowercase();
    if matches!(text.as_str(), "sid" | "unstable") {
        return Some(ReleaseNumber::new([u64::MAX]));
    }
    let number = RELEASES.iter().find(|(_, name)| *name == text).map_or(text.as_str(), |(number, _)| number);
    ReleaseNumber::parse(number)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_numbers_and_names() {
        assert_eq!(parse_release("Bookworm"), parse_release("12"));
        assert!(parse_release("sid").unwrap().components() > parse_release("99").unwrap().components());
        assert_eq!(parse_release("twelve"), None);
    }
}
