//! Versions as RPM writes them.

use opkg_sdk::diagnostic;
use opkg_sdk::model::{Diagnostic, Node, Version};
use opkg_sdk::package_version::{WrittenVersion, order_prereleases};
use opkg_sdk::release_tag::TagSyntax;

use crate::profile::ReleaseProfile;
use crate::rpm_version::RpmVersion;

/// `1.el9` is newer than 1, and older than 1.0 and 1.1: RPM takes numbers for newer than letters.
#[must_use]
pub fn release_tags() -> TagSyntax {
    TagSyntax { separator: ".".to_owned(), after_all: ".0".to_owned() }
}

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
    /// The version of an OPKG. RPM allows no `-` in it: see [`order_prereleases`].
    pub fn from_version(version: &Version) -> Self {
        Self {
            epoch: version.epoch,
            version: order_prereleases(&version.upstream),
            release: version.release.clone(),
        }
    }

    /// The same of a package that is told from those for other releases.
    #[must_use]
    pub fn with_tag(self, tag: &str) -> Self {
        Self { release: format!("{}{}{tag}", self.release, release_tags().separator), ..self }
    }

    /// Tells what became of a version, and whether RPM refuses it.
    pub fn report_changes(
        &self,
        version: &Version,
        at: Node,
        profile: &ReleaseProfile,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        report_rewriting(&version.upstream, &self.version, at, diagnostics);
        let whole = format!("{}{}", self.version, self.release);
        if let Some(bad) = whole.chars().find(|&character| !is_version_character(character)) {
            diagnostics.push(diagnostic::error(
                at,
                format!("RPM allows no `{bad}` in a version"),
                "use letters, digits and `.`, `_`, `+`, `~`, `^`",
            ));
        }
        report_unknown_signs(&format!("{}-{}", self.version, self.release), at, profile, diagnostics);
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

/// The version of a relation, `[epoch:]version[-release]`, as RPM writes it; nothing if RPM cannot read it. Without a
/// release, RPM compares versions alone, which is what is meant.
pub fn relation_version(
    parts: &WrittenVersion<'_>,
    at: Node,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<String> {
    let version = order_prereleases(parts.upstream);
    let mut text = version.clone();
    if let Some(release) = parts.release {
        text = format!("{text}-{release}");
    }
    if !version.chars().chain(parts.release.unwrap_or_default().chars()).all(is_version_character) {
        return None;
    }
    report_rewriting(parts.upstream, &version, at, diagnostics);
    report_unknown_signs(&text, at, profile, diagnostics);
    Some(match parts.epoch {
        Some(epoch) => format!("{epoch}:{text}"),
        None => text,
    })
}

/// Tells what became of an upstream part.
fn report_rewriting(written: &str, version: &str, at: Node, diagnostics: &mut Vec<Diagnostic>) {
    if version == written {
        return;
    }
    let reason = match written.contains('-') {
        true => "which allows no `-` there",
        false => "so that it is older than the release itself",
    };
    let message = format!("version `{written}` is `{version}` in RPM, {reason}");
    diagnostic::push_unique(diagnostics, diagnostic::note(at, message));
}

/// Refuses signs that the release's RPM does not know: it would not install such a package, or take what comes before
/// a version for something later.
fn report_unknown_signs(text: &str, at: Node, profile: &ReleaseProfile, diagnostics: &mut Vec<Diagnostic>) {
    for (sign, means, since) in
        [('~', "before", RpmVersion::TILDE_SINCE), ('^', "after", RpmVersion::CARET_SINCE)]
    {
        if text.contains(sign) && profile.rpm_version < since {
            let RpmVersion(major, minor) = since;
            let message = format!(
                "RPM knows `{sign}` in a version, as in `{text}` ({means} what it follows), since {major}.{minor}; \
                 that of {} is older",
                profile.filter_context.name
            );
            let help = "leave this target out, or give the package a version without it";
            diagnostic::push_unique(diagnostics, diagnostic::error(at, message, help));
        }
    }
}

fn is_version_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '+' | '~' | '^')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::profile::testing::sample_profile;
    use opkg_sdk::model::Severity;

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
        let profile = sample_profile(RpmVersion(4, 16));
        let read = |text: &str| relation_version(&WrittenVersion::parse(text)?, 0, &profile, &mut Vec::new());
        for same in ["1", "1:2.0-1", "1.0~rc1-1.el9", "0:1"] {
            assert_eq!(read(same).as_deref(), Some(same));
        }
        for (written, expected) in [
            ("1.0-rc1", "1.0~rc1"),
            ("2:1.0_beta-2", "2:1.0~beta-2"),
            ("1-2-3", "1.2-3"),
            ("1.0.dev", "1.0~dev"),
        ] {
            assert_eq!(read(written).as_deref(), Some(expected));
        }
        for bad in ["", ":1", "a:1", "1-", "1 2", "%{x}", "1,2", "1-2 3"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn signs_that_old_rpms_do_not_know_are_refused() {
        let refused = |rpm_version, upstream: &str| {
            let version = Version { epoch: 0, upstream: upstream.into(), release: "1".into() };
            let (profile, mut of_package, mut of_relation) =
                (sample_profile(rpm_version), Vec::new(), Vec::new());
            Evr::from_version(&version).report_changes(&version, 0, &profile, &mut of_package);
            let written = WrittenVersion::parse(upstream).unwrap();
            relation_version(&written, 0, &profile, &mut of_relation).unwrap();
            let has_error =
                |all: &[Diagnostic]| all.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
            assert_eq!(has_error(&of_package), has_error(&of_relation), "{upstream}");
            has_error(&of_package)
        };
        assert!(refused(RpmVersion(4, 8), "1.0-rc1") && refused(RpmVersion(4, 9), "1.0~rc1"));
        assert!(!refused(RpmVersion(4, 10), "1.0-rc1") && !refused(RpmVersion(4, 8), "1.0-2"));
        assert!(refused(RpmVersion(4, 14), "1.0^git1") && !refused(RpmVersion(6, 0), "1.0^git1"));
    }
}
