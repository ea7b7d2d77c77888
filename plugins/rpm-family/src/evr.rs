//! Versions as RPM writes them.

use opkg_sdk::diagnostic;
use opkg_sdk::opkg::{Diagnostic, Node, Version};
use opkg_sdk::release_tag::TagSyntax;

/// `1.el9` is newer than 1, and older than 1.0 and 1.1: RPM takes numbers for newer than letters.
pub const RELEASE_TAGS: TagSyntax = TagSyntax { separator: ".", after_all: ".0" };

/// Epoch, version and release of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evr {
    /// 0 is written nowhere.
    pub epoch: u32,
    /// Without `-`.
    pub version: String,
    /// Without `-`.
    pub release: String,
}

impl Evr {
    /// The version of an OPKG. RPM allows no `-` in it: before the name of a pre-release it becomes `~`,
    /// which sorts before the release itself, anywhere else `.`.
    pub fn from_version(version: &Version) -> Self {
        let mut parts = version.upstream.split('-');
        let mut upstream = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            upstream.push(if is_prerelease(part) { '~' } else { '.' });
            upstream.push_str(part);
        }
        Self { epoch: version.epoch, version: upstream, release: version.release.clone() }
    }

    /// The same of a package that is told from those for other releases.
    #[must_use]
    pub fn with_tag(self, tag: &str) -> Self {
        Self { release: format!("{}{}{tag}", self.release, RELEASE_TAGS.separator), ..self }
    }

    /// Tells what became of a version, and whether RPM refuses it.
    pub fn report_changes(&self, version: &Version, at: Node, diagnostics: &mut Vec<Diagnostic>) {
        if self.version != version.upstream {
            let message = format!(
                "version `{}` is `{}` in RPM, which allows no `-` there",
                version.upstream, self.version
            );
            diagnostic::push_unique(diagnostics, diagnostic::note(at, message));
        }
        let whole = format!("{}{}", self.version, self.release);
        if let Some(bad) = whole.chars().find(|&character| !is_version_character(character)) {
            diagnostics.push(diagnostic::error(
                at,
                format!("RPM allows no `{bad}` in a version"),
                "use letters, digits and `.`, `_`, `+`, `~`, `^`",
            ));
        }
    }
}

/// `[epoch:]version-release`
impl std::fmt::Display for Evr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.epoch > 0 {
            write!(f, "{}:", self.epoch)?;
        }
        write!(f, "{}-{}", self.version, self.release)
    }
}

/// Whether RPM can read this in a relation: `[epoch:]version[-release]`.
pub fn is_relation_version(text: &str) -> bool {
    let rest = match text.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        Some(_) => return false,
        None => text,
    };
    let mut parts = rest.splitn(2, '-');
    let part = |text: &str| !text.is_empty() && text.chars().all(is_version_character);
    parts.next().is_some_and(part) && parts.next().is_none_or(part)
}

fn is_version_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '+' | '~' | '^')
}

/// `rc1`, `beta`, `alpha.2`, `pre3`, `dev`, `b2`; not `rhel` or `patch1`.
fn is_prerelease(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    let word = lower.trim_end_matches(|character: char| !character.is_ascii_alphabetic());
    let digits = lower.len() > word.len();
    match word {
        "rc" | "beta" | "alpha" | "pre" | "preview" | "dev" => true,
        "a" | "b" => digits,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rpm(upstream: &str) -> String {
        Evr::from_version(&Version { epoch: 0, upstream: upstream.into(), release: "1".into() }).version
    }

    #[test]
    fn a_dash_becomes_what_sorts_the_same() {
        assert_eq!(rpm("1.0"), "1.0");
        assert_eq!(rpm("1.0-rc1"), "1.0~rc1");
        assert_eq!(rpm("1.0-BETA"), "1.0~BETA");
        assert_eq!(rpm("1.0-b2-3"), "1.0~b2.3");
        assert_eq!(rpm("1.0-b"), "1.0.b");
        assert_eq!(rpm("2.0-patch1"), "2.0.patch1");
    }

    #[test]
    fn versions_of_relations() {
        for good in ["1", "1:2.0-1", "1.0~rc1-1.el9", "0:1"] {
            assert!(is_relation_version(good), "{good}");
        }
        for bad in ["", "1-2-3", ":1", "a:1", "1-", "1 2", "%{x}", "1,2"] {
            assert!(!is_relation_version(bad), "{bad}");
        }
    }
}
