//! Versions of plugins, and the tags that stand for them.

use semver::Version;

/// The version that a tag stands for. A tag has no `+`, for which `_` stands, as other tools of the kind have it.
#[must_use]
pub fn parse_tag(tag: &str) -> Option<Version> {
    Version::parse(&tag.replacen('_', "+", 1)).ok()
}

/// The tag that stands for a version; nothing where that is none of semantic versioning.
#[must_use]
pub fn tag_of_version(version: &str) -> Option<String> {
    Version::parse(version).ok().map(|it| it.to_string().replacen('+', "_", 1))
}

/// The tag of the newest version among some; one before its release counts only if `with_unreleased`, or if there is
/// nothing else.
#[must_use]
pub fn newest_version(tags: &[String], with_unreleased: bool) -> Option<&str> {
    let versions = tags.iter().filter_map(|tag| Some((parse_tag(tag)?, tag.as_str())));
    let rank = |version: &Version| with_unreleased || version.pre.is_empty();
    versions.max_by_key(|(version, _)| (rank(version), version.clone())).map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_found_by_what_versions_mean() {
        let tags = |list: &[&str]| list.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
        let list = tags(&["latest", "1.9.0", "1.10.0", "2.0.0-rc.1", "sha256-00.sig", "1.2"]);
        assert_eq!(newest_version(&list, false), Some("1.10.0"));
        assert_eq!(newest_version(&list, true), Some("2.0.0-rc.1"));
        assert_eq!(newest_version(&tags(&["0.1.0-a", "0.1.0-b"]), false), Some("0.1.0-b"));
        assert_eq!(newest_version(&tags(&["latest"]), true), None);
    }

    #[test]
    fn tags_stand_for_versions() {
        assert_eq!(tag_of_version("1.0.0+arch.2").as_deref(), Some("1.0.0_arch.2"));
        assert_eq!(parse_tag("1.0.0_arch.2").map(|it| it.to_string()).as_deref(), Some("1.0.0+arch.2"));
        assert_eq!(tag_of_version("1.0"), None);
    }
}
