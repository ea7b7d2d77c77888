//! Versions of packages as OPKGs write them, which every family has to read alike: where the release begins, what
//! is a pre-release, and what a bound without a release is about.

/// A version as a relation writes it, `[epoch:]upstream[-release]`, in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenVersion<'a> {
    /// Absent where none is written, which counts as 0.
    pub epoch: Option<u32>,
    /// May hold a `-`.
    pub upstream: &'a str,
    /// Absent where the bound is about the upstream part alone: then `= 1.0` is true of 1.0-1, and `> 1.0` is not.
    pub release: Option<&'a str>,
}

impl<'a> WrittenVersion<'a> {
    /// Reads a version. What follows the last `-` is the release, unless it names a pre-release: `1.0-rc1` is a
    /// version before 1.0, not its release `rc1`.
    ///
    /// Nothing if there is no upstream part, the epoch is no number of 32 bits, or a `-` ends it.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (epoch, rest) = split_epoch(text)?;
        let (upstream, release) = match rest.rsplit_once('-') {
            Some((_, "")) => return None,
            Some((upstream, release)) if !starts_prerelease(release, true) => (upstream, Some(release)),
            _ => (rest, None),
        };
        (!upstream.is_empty()).then_some(Self { epoch, upstream, release })
    }

    /// Reads a version in the scheme of OPKGs: whatever follows the last `-` is the release, as in that of the package
    /// itself.
    ///
    /// Nothing if there is no upstream part, the epoch is no number of 32 bits, or a `-` ends it.
    #[must_use]
    pub fn parse_opkg(text: &'a str) -> Option<Self> {
        let (epoch, rest) = split_epoch(text)?;
        let (upstream, release) = match rest.rsplit_once('-') {
            Some((upstream, release)) => (upstream, Some(release)),
            None => (rest, None),
        };
        (!upstream.is_empty() && release != Some("")).then_some(Self { epoch, upstream, release })
    }
}

/// Nothing if the epoch is too large; what precedes a `:` and is no number, is none.
fn split_epoch(text: &str) -> Option<(Option<u32>, &str)> {
    Some(match text.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (Some(epoch.parse().ok()?), rest)
        }
        _ => (None, text),
    })
}

/// The upstream part as all families order it: a pre-release follows a `~`, which sorts before the release itself,
/// whatever separated it, and its number follows at once (`1.0-rc1`, `1.0_beta.2`, `1.0.alpha`): some families would
/// take `rc.1` for later than `rc2`. Any other `-` is a `.`.
#[must_use]
pub fn order_prereleases(upstream: &str) -> String {
    const SEPARATORS: [char; 3] = ['-', '_', '.'];
    let mut ordered = String::with_capacity(upstream.len());
    let mut rest = upstream;
    while let Some(start) = rest.find(SEPARATORS) {
        let (before, from_separator) = rest.split_at(start);
        rest = from_separator.trim_start_matches(SEPARATORS);
        let separator = &from_separator[..from_separator.len() - rest.len()];
        ordered.push_str(before);
        let has_version_before = !ordered.is_empty();
        match separator {
            _ if has_version_before && starts_prerelease(rest, separator.contains('-')) => ordered.push('~'),
            // It says already that it comes before.
            _ if has_version_before && rest.starts_with('~') => {}
            _ if ends_with_prerelease(&ordered) && rest.starts_with(|next: char| next.is_ascii_digit()) => {}
            separator if separator.contains('-') => ordered.push('.'),
            separator => ordered.push_str(separator),
        }
    }
    ordered.push_str(rest);
    ordered
}

/// Whether the last that was written is the word of a pre-release.
fn ends_with_prerelease(ordered: &str) -> bool {
    ordered
        .rsplit_once('~')
        .is_some_and(|(_, word)| starts_prerelease(word, false) && word.chars().all(char::is_alphabetic))
}

/// `rc1`, `beta`, `alpha.2`, `pre3`, `dev`; not `rhel` or `patch1`. A letter and a number, as in `b2`, are one where
/// `short_forms` are: after a `-`.
fn starts_prerelease(text: &str, short_forms: bool) -> bool {
    let end = text.find(|character: char| !character.is_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    match word.to_ascii_lowercase().as_str() {
        "rc" | "beta" | "alpha" | "pre" | "preview" | "dev" => true,
        "a" | "b" => short_forms && rest.starts_with(|next: char| next.is_ascii_digit()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prerelease_follows_a_tilde() {
        for (written, ordered) in [
            ("1.0", "1.0"),
            ("1.0-rc1", "1.0~rc1"),
            ("1.0-BETA", "1.0~BETA"),
            ("1.0_alpha.2", "1.0~alpha2"),
            ("1.0.rc1", "1.0~rc1"),
            ("1.0-rc.1", "1.0~rc1"),
            ("1.0~rc.1", "1.0~rc1"),
            ("1.0-pre-2", "1.0~pre2"),
            ("1.0-rc1.2", "1.0~rc1.2"),
            ("1.0-rc.git5", "1.0~rc.git5"),
            ("1.0-b2-3", "1.0~b2.3"),
            ("1.0--rc1", "1.0~rc1"),
            ("1.0~rc1", "1.0~rc1"),
            ("1.0-~rc1", "1.0~rc1"),
            ("1.0-rc1_pre2", "1.0~rc1~pre2"),
            // None of these.
            ("1.0-b", "1.0.b"),
            ("1.0.b2", "1.0.b2"),
            ("1.0rc1", "1.0rc1"),
            ("2.0-patch1", "2.0.patch1"),
            ("2.0-rcs", "2.0.rcs"),
            ("1.0_2", "1.0_2"),
            ("1..2", "1..2"),
            ("-rc1", ".rc1"),
            ("", ""),
        ] {
            assert_eq!(order_prereleases(written), ordered, "{written}");
            assert_eq!(order_prereleases(ordered), ordered, "{written} a second time");
        }
    }

    #[test]
    fn parts_of_a_version() {
        for (text, epoch, upstream, release) in [
            ("1.2", None, "1.2", None),
            ("1.2-3", None, "1.2", Some("3")),
            ("2:1.2-3.el9", Some(2), "1.2", Some("3.el9")),
            ("0:1", Some(0), "1", None),
            ("1-2-3", None, "1-2", Some("3")),
            ("1.0-rc1", None, "1.0-rc1", None),
            ("1.0-rc1-2", None, "1.0-rc1", Some("2")),
            ("1.0-b3", None, "1.0-b3", None),
            ("1.0-0.1.rc1", None, "1.0", Some("0.1.rc1")),
            ("a:1", None, "a:1", None),
        ] {
            assert_eq!(
                WrittenVersion::parse(text),
                Some(WrittenVersion { epoch, upstream, release }),
                "{text}"
            );
        }
        for text in ["", "-1", "1:", "1-", "1-2-", ":1", "4294967296:1"] {
            assert_eq!(WrittenVersion::parse(text), None, "{text}");
            assert_eq!(WrittenVersion::parse_opkg(text), None, "{text}");
        }
        for (text, upstream, release) in
            [("1.2", "1.2", None), ("1.0-rc1", "1.0", Some("rc1")), ("1.0-rc1-2", "1.0-rc1", Some("2"))]
        {
            let found = WrittenVersion::parse_opkg(text);
            assert_eq!(found, Some(WrittenVersion { epoch: None, upstream, release }), "{text}");
        }
    }
}
