//! Debian's releases, which its derivatives count by as well.

use opkg_sdk::version::ReleaseNumber;

/// Number and name, newest first.
pub const RELEASES: [(&str, &str); 5] =
    [("sid", "unstable"), ("13", "trixie"), ("12", "bookworm"), ("11", "bullseye"), ("10", "buster")];

/// Names of all releases, those before and after the known ones as well, newest first.
const CODENAMES: [(u64, &str); 12] = [
    (15, "duke"),
    (14, "forky"),
    (13, "trixie"),
    (12, "bookworm"),
    (11, "bullseye"),
    (10, "buster"),
    (9, "stretch"),
    (8, "jessie"),
    (7, "wheezy"),
    (6, "squeeze"),
    (5, "lenny"),
    (4, "etch"),
];

/// What an upload is for whose release has no name that is known: no archive takes it.
pub const UNKNOWN_SUITE: &str = "UNRELEASED";

/// Whether it is what the next release comes out of.
fn is_unstable(release: &ReleaseNumber) -> bool {
    release.major() == u64::MAX
}

/// What Debian's archive calls a release: uploads of what has no number yet are for `unstable`.
#[must_use]
pub fn suite(release: &ReleaseNumber) -> &'static str {
    let named = CODENAMES.iter().find(|(number, _)| *number == release.major()).map(|&(_, name)| name);
    if is_unstable(release) { "unstable" } else { named.unwrap_or(UNKNOWN_SUITE) }
}

/// What packages for a release have behind their own: `deb12`, as updates of Debian's own packages have (`+deb12u1`).
/// `sid` is later than all numbers.
#[must_use]
pub fn release_tag(release: &ReleaseNumber) -> String {
    if is_unstable(release) { "sid".to_owned() } else { format!("deb{}", release.major()) }
}

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
