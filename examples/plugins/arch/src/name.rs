//! Names and versions that pacman accepts.

use opkg_sdk::diagnostic::{error, note, push_unique};
use opkg_sdk::model::{Diagnostic, Opkg};
use opkg_sdk::package_version::{WrittenVersion, order_prereleases};
use opkg_sdk::perl;
use opkg_sdk::relation::ResolvedPackage;
use opkg_sdk::version::operator;

/// The version being built, translated for pacman.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacmanVersion {
    /// Left out where it is 0.
    pub epoch: u32,
    /// `pkgver`: no `-`.
    pub upstream: String,
    /// `pkgrel`: digits, and digits after one dot.
    pub release: String,
}

impl PacmanVersion {
    /// `[epoch:]upstream-release`
    #[must_use]
    pub fn to_full_string(&self) -> String {
        let epoch = if self.epoch == 0 { String::new() } else { format!("{}:", self.epoch) };
        format!("{epoch}{}-{}", self.upstream, self.release)
    }
}

/// The version of an OPKG. One that pacman would not accept is changed as little as possible, with a note.
#[must_use]
pub fn package_version(opkg: &Opkg, diagnostics: &mut Vec<Diagnostic>) -> PacmanVersion {
    let Some(written) = opkg.history.first().map(|release| &release.version) else {
        // The interface promises that there is one.
        return PacmanVersion { epoch: 0, upstream: "0".into(), release: "0".into() };
    };
    let upstream = adapt_upstream(&written.upstream);
    let version = if is_valid_release(&written.release) {
        PacmanVersion { epoch: written.epoch, upstream, release: written.release.clone() }
    } else {
        PacmanVersion {
            epoch: written.epoch,
            upstream: format!("{upstream}_{}", written.release),
            release: "1".into(),
        }
    };
    let original = PacmanVersion {
        release: written.release.clone(),
        upstream: written.upstream.clone(),
        ..version.clone()
    };
    if version != original {
        let message = format!(
            "version `{}` is written `{}` on Arch Linux",
            original.to_full_string(),
            version.to_full_string()
        );
        push_unique(diagnostics, note(opkg.at, message));
    }
    version
}

/// `name`, or `name>=1.2`, as in `depends`; nothing, and an error, for what pacman cannot express.
pub fn format_relation(relation: &ResolvedPackage<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
    let Some(name) = package_name(&relation.name) else {
        let message = format!("`{}` cannot be the name of a package on Arch Linux", relation.name);
        let help = "name the package that Arch Linux has instead under `<filters><dist>arch</dist></filters>`, and \
                    keep this one for the others with filters that name them";
        push_unique(diagnostics, error(relation.at, message, help));
        return None;
    };
    if name != relation.name {
        let message = format!("`{}` is called `{name}` on Arch Linux", relation.name);
        push_unique(diagnostics, note(relation.at, message));
    }
    match relation.bound {
        None => Some(name),
        Some(bound) if is_core_module(&relation.name) => {
            let message = format!(
                "`{}` is part of `{name}`, which counts its versions otherwise, so `{} {}` is left out",
                relation.name,
                operator(bound.comparison),
                bound.version
            );
            push_unique(diagnostics, note(relation.at, message));
            Some(name)
        }
        Some(bound) => {
            if let Some(version) = relation.version().and_then(|it| relation_version(&it)) {
                return Some(format!("{name}{}{version}", operator(bound.comparison)));
            }
            let message = format!("`{}` is not a valid version for pacman", bound.version);
            let help = "write letters, digits, `.`, `_`, `+`, `~`, with a release after one `-`";
            push_unique(diagnostics, error(relation.at, message, help));
            None
        }
    }
}

/// The upstream part in the order that all families have. pacman knows no `~`, but takes letters that follow a number
/// at once for something before it (vercmp(8)).
fn adapt_upstream(upstream: &str) -> String {
    let ordered = order_prereleases(upstream);
    let mut adapted = String::with_capacity(ordered.len());
    let mut rest = ordered.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '~' if rest.peek().is_some_and(|next| next.is_alphabetic()) => {}
            '~' | '/' | ':' => adapted.push('_'),
            other => adapted.push(other),
        }
    }
    adapted
}

/// The version of a relation; without a release, pacman compares without releases.
fn relation_version(parts: &WrittenVersion<'_>) -> Option<String> {
    let epoch = parts.epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let release = parts.release.map(|release| format!("-{release}")).unwrap_or_default();
    let version = format!("{epoch}{}{release}", adapt_upstream(parts.upstream));
    is_valid_version(&version).then_some(version)
}

fn is_core_module(written: &str) -> bool {
    perl::capability_module(written).is_some_and(perl::is_core_module)
}

/// A package's name: as it is, or that of the package with a module of Perl.
fn package_name(written: &str) -> Option<String> {
    let module = written.strip_prefix("perl(").and_then(|rest| rest.strip_suffix(')'));
    let name = match module {
        Some(_) if is_core_module(written) => "perl".to_owned(),
        Some(module) => format!("perl-{}", module.replace("::", "-").to_ascii_lowercase()),
        None => written.to_ascii_lowercase(),
    };
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
    (name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_allowed)).then_some(name)
}

fn is_valid_version(version: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._+:-".contains(c);
    !version.is_empty() && version.matches('-').count() <= 1 && version.chars().all(is_allowed)
}

fn is_valid_release(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    digits(major) && digits(minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(package_name("openmpi").as_deref(), Some("openmpi"));
        assert_eq!(package_name("perl(XML::Simple)").as_deref(), Some("perl-xml-simple"));
        assert_eq!(package_name("perl(File::Copy)").as_deref(), Some("perl"));
        assert_eq!(package_name("MySQL-python").as_deref(), Some("mysql-python"));
        for capability in ["/usr/bin/foo", "libfoo.so.1()(64bit)", "-x", "a b", "a;b", ""] {
            assert_eq!(package_name(capability), None, "{capability}");
        }
    }

    #[test]
    fn a_prerelease_is_before_its_release() {
        for (written, expected) in
            [("1.0-rc1", "1.0rc1"), ("1.0_beta.2", "1.0beta2"), ("1.0-2", "1.0.2"), ("1.0", "1.0")]
        {
            assert_eq!(adapt_upstream(written), expected);
        }
        let read = |text| relation_version(&WrittenVersion::parse(text)?);
        assert_eq!(read("2:1.0-rc1-3").as_deref(), Some("2:1.0rc1-3"));
        assert_eq!(read("1.0,2"), None);
    }

    #[test]
    fn releases() {
        assert!(["1", "12", "1.1"].into_iter().all(is_valid_release));
        assert!(!["", "1.", "1.1.1", "1oscar", "0.beta"].into_iter().any(is_valid_release));
    }
}
