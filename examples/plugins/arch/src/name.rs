//! Names and versions that pacman accepts.

use opkg_plugin::finding;
use opkg_plugin::opkg::{Bound, Diagnostic, Opkg, Relation};
use opkg_plugin::version::sign;

/// The version being built, in pacman's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Left out where it is 0.
    pub epoch: u32,
    /// `pkgver`: no `-`.
    pub upstream: String,
    /// `pkgrel`: digits, and digits after one dot.
    pub release: String,
}

impl Version {
    /// `[epoch:]upstream-release`
    #[must_use]
    pub fn full(&self) -> String {
        let epoch = if self.epoch == 0 { String::new() } else { format!("{}:", self.epoch) };
        format!("{epoch}{}-{}", self.upstream, self.release)
    }
}

/// The version of an OPKG. One that pacman would not accept is changed as little as possible, with a note.
#[must_use]
pub fn own_version(opkg: &Opkg, findings: &mut Vec<Diagnostic>) -> Version {
    let Some(written) = opkg.history.first().map(|release| &release.version) else {
        // The interface promises that there is one.
        return Version { epoch: 0, upstream: "0".into(), release: "0".into() };
    };
    let upstream = written.upstream.replace(['-', '/', ':'], "_");
    let version = if is_release(&written.release) {
        Version { epoch: written.epoch, upstream, release: written.release.clone() }
    } else {
        Version {
            epoch: written.epoch,
            upstream: format!("{upstream}_{}", written.release),
            release: "1".into(),
        }
    };
    let original =
        Version { release: written.release.clone(), upstream: written.upstream.clone(), ..version.clone() };
    if version != original {
        let message = format!("version `{}` is written `{}` on Arch Linux", original.full(), version.full());
        finding::add(findings, finding::note(opkg.at, message));
    }
    version
}

/// `name`, or `name>=1.2`, as in `depends`; nothing, and an error, for what pacman cannot express.
pub fn relation(relation: &Relation, findings: &mut Vec<Diagnostic>) -> Option<String> {
    let Some(name) = package(&relation.name) else {
        let message = format!("Arch Linux knows no package by the name `{}`", relation.name);
        let help = "name the package that Arch Linux has instead under `<filters><dist>arch</dist></filters>`, and \
                    keep this one for the others with filters that name them";
        finding::add(findings, finding::error(relation.at, message, help));
        return None;
    };
    if name != relation.name {
        let message = format!("`{}` is called `{name}` on Arch Linux", relation.name);
        finding::add(findings, finding::note(relation.at, message));
    }
    match &relation.bound {
        None => Some(name),
        Some(bound) if is_version(bound) => {
            Some(format!("{name}{}{}", sign(bound.comparison), bound.version))
        }
        Some(bound) => {
            let message = format!("`{}` is no version for pacman", bound.version);
            let help = "write letters, digits, `.`, `_`, `+`, `~`, with a release after one `-`";
            finding::add(findings, finding::error(relation.at, message, help));
            None
        }
    }
}

/// A package's name: as it is, or that of the package with a module of Perl.
fn package(written: &str) -> Option<String> {
    let module = written.strip_prefix("perl(").and_then(|rest| rest.strip_suffix(')'));
    let name = match module {
        Some(module) => format!("perl-{}", module.replace("::", "-").to_ascii_lowercase()),
        None => written.to_ascii_lowercase(),
    };
    let sound = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
    (name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(sound)).then_some(name)
}

fn is_version(bound: &Bound) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._+~:-".contains(c);
    !bound.version.is_empty() && bound.version.matches('-').count() <= 1 && bound.version.chars().all(sound)
}

fn is_release(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    digits(major) && digits(minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(package("openmpi").as_deref(), Some("openmpi"));
        assert_eq!(package("perl(XML::Simple)").as_deref(), Some("perl-xml-simple"));
        assert_eq!(package("MySQL-python").as_deref(), Some("mysql-python"));
        for capability in ["/usr/bin/foo", "libfoo.so.1()(64bit)", "-x", "a b", "a;b", ""] {
            assert_eq!(package(capability), None, "{capability}");
        }
    }

    #[test]
    fn releases() {
        assert!(["1", "12", "1.1"].into_iter().all(is_release));
        assert!(!["", "1.", "1.1.1", "1oscar", "0.beta"].into_iter().any(is_release));
    }
}
