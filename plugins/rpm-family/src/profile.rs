//! What one RPM distribution in one release brings to the common work.

use opkg_sdk::filter::{FilterContext, VersionTest};
use opkg_sdk::model::BuildTarget;
use opkg_sdk::packaging::{ArchName, DistributionRelease, Refusal};
use opkg_sdk::version::ReleaseNumber;

use crate::license::LicenseNames;
use crate::release_macro::IfExpression;
use crate::rpm_version::RpmVersion;

/// A distribution and release that an OPKG is compiled for.
#[derive(Debug, Clone)]
pub struct ReleaseProfile {
    /// Decides filters.
    pub filter_context: FilterContext,
    /// Canonical names of architectures with RPM's own.
    pub archs: &'static [(&'static str, &'static str)],
    /// Writes a test of the release for `%if`, with macros that the distribution defines.
    pub version_expression: fn(&VersionTest) -> IfExpression,
    /// What becomes of `recommends`, `suggests`, `supplements` and `enhances`.
    pub weak_dependencies: WeakDependencies,
    /// Directory of the directories with each package's documents.
    pub documentation_dir: &'static str,
    /// Whether those have the version in their names.
    pub has_versioned_documentation: bool,
    /// What the release's own packages have behind their release: `el9`.
    pub release_tag: String,
    /// What licences are called.
    pub license_names: LicenseNames,
    /// The package, or a file of it, that has `groupadd` and `useradd`.
    pub account_tools: &'static str,
    /// Whether its packages of systemd and udev have triggers that read what others install into `/usr/lib/tmpfiles.d`,
    /// `sysctl.d`, `udev/rules.d` and `udev/hwdb.d`.
    pub has_file_triggers: bool,
    /// Directories that are links on the release, each with the directory that it leads to: `/usr/sbin` and `/usr/bin`.
    pub merged_directories: &'static [(&'static str, &'static str)],
    /// Decides what can be written in a package and a spec.
    pub rpm_version: RpmVersion,
    /// Macros, with values, by which RPM on the release that binary packages are made for knows it; given
    /// to `rpmbuild`, so that it decides the same anywhere.
    pub macros: Vec<(&'static str, String)>,
}

/// Which weak dependencies the release's RPM knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WeakDependencies {
    Always,
    /// `Suggests`, and no other.
    SuggestsAlone,
    Never,
    /// Some releases do.
    Conditional {
        /// For `%if`.
        expression: String,
        /// Whether the default release does.
        by_default: bool,
    },
}

/// Whether the release's RPM has what came with 4.13.
pub(crate) enum Support<'a> {
    Always,
    Never,
    /// As of [`WeakDependencies::Conditional`].
    Conditional {
        expression: &'a str,
        by_default: bool,
    },
}

impl ReleaseProfile {
    /// Whether the target names the release, so that a spec for it is for no other.
    #[must_use]
    pub fn is_release_known(&self) -> bool {
        self.filter_context.identities.iter().all(|identity| identity.version.is_some())
    }

    /// Whether the release is started by systemd: what has an older RPM had none yet.
    #[must_use]
    pub(crate) fn has_systemd(&self) -> bool {
        self.rpm_version >= RpmVersion::SYSTEMD_SINCE
    }

    /// Whether the release's RPM knows `(a or b)`; where the spec has to decide it, by the expression that also tells
    /// whether there are weak dependencies, which came with the same releases.
    #[must_use]
    pub(crate) fn alternatives(&self) -> Support<'_> {
        match &self.weak_dependencies {
            WeakDependencies::Conditional { expression, by_default } => {
                Support::Conditional { expression, by_default: *by_default }
            }
            _ if self.rpm_version >= RpmVersion::ALTERNATIVES_SINCE => Support::Always,
            _ => Support::Never,
        }
    }

    /// Whether the release's RPM has file triggers, which are as old as `(a or b)`.
    #[must_use]
    pub(crate) fn file_triggers(&self) -> Support<'_> {
        self.alternatives()
    }

    /// Whether a path lies in a directory that has two names on the release.
    #[must_use]
    pub(crate) fn is_merged(&self, path: &str) -> bool {
        let lies_in = |directory| strip_directory(path, directory).is_some();
        self.merged_directories.iter().any(|(link, directory)| lies_in(link) || lies_in(directory))
    }

    /// A path on the release, by the name of its directory that is no link.
    #[must_use]
    pub(crate) fn real_path(&self, path: &str) -> String {
        let real =
            |(link, directory): &(&str, &str)| Some(format!("{directory}/{}", strip_directory(path, link)?));
        self.merged_directories.iter().find_map(real).unwrap_or_else(|| path.to_owned())
    }

    /// RPM's name of the architecture that is built for.
    #[must_use]
    pub fn arch(&self) -> &str {
        self.archs
            .iter()
            .find(|(canonical, _)| *canonical == self.filter_context.build_arch())
            .map_or("noarch", |(_, native)| native)
    }

    /// RPM's names of an architecture for `ExclusiveArch`. Those of the 32-bit PC are many.
    #[must_use]
    pub fn arch_names<'a>(&self, canonical: &'a str) -> Vec<&'a str> {
        match canonical {
            "i386" => vec!["i386", "i486", "i586", "i686", "athlon", "geode", "pentium3", "pentium4"],
            "arm" => vec!["armv5tel", "armv6l", "armv6hl", "armv7l", "armv7hl", "armv7hnl"],
            other => vec![self.arch_macro(other)],
        }
    }

    /// An architecture in `%ifarch`, where the 32-bit PC has many names. One that the distribution does not
    /// have keeps its name, and is never true.
    #[must_use]
    pub fn arch_macro<'a>(&self, canonical: &'a str) -> &'a str {
        let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match canonical {
            "i386" => "%{ix86}",
            "arm" => "%{arm}",
            other => match self.archs.iter().find(|(name, _)| *name == other) {
                Some((_, native)) => native,
                None if plain(canonical) => canonical,
                None => "unknown",
            },
        }
    }
}

fn strip_directory<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    path.strip_prefix(directory)?.strip_prefix('/')
}

/// Architectures as a plugin describes them, from canonical names with RPM's own.
#[must_use]
pub fn arch_names(archs: &[(&str, &str)]) -> Vec<ArchName> {
    let named = |(canonical, native): &(&str, &str)| ArchName {
        canonical: (*canonical).to_owned(),
        native: (*native).to_owned(),
    };
    archs.iter().map(named).collect()
}

/// Releases as a plugin describes them, newest first. They have no names beside their numbers.
#[must_use]
pub fn releases(known: &[&str], default: &str) -> Vec<DistributionRelease> {
    let release = |version: &&str| DistributionRelease {
        version: (*version).to_owned(),
        name: None,
        is_default: *version == default,
    };
    known.iter().map(release).collect()
}

/// The target's version, if it names one.
///
/// # Errors
/// [`Refusal::UnknownTarget`] if that is no number; `known` are examples.
pub fn parse_target_version(target: &BuildTarget, known: &[&str]) -> Result<Option<ReleaseNumber>, Refusal> {
    let Some(text) = &target.version else { return Ok(None) };
    match ReleaseNumber::parse(text) {
        Some(version) => Ok(Some(version)),
        None => Err(Refusal::UnknownTarget(format!(
            "`{text}` is not a version of {}: write a number, such as {}",
            target.dist,
            known.join(", ")
        ))),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use opkg_sdk::testing::sample_target;

    /// Of a distribution that has nothing but its RPM.
    pub(crate) fn sample_profile(rpm_version: RpmVersion) -> ReleaseProfile {
        ReleaseProfile {
            filter_context: FilterContext::new(&sample_target("demo", Some("1"), None), Vec::new()),
            release_tag: "demo1".to_owned(),
            archs: &[("x86_64", "x86_64")],
            version_expression: |_| IfExpression { text: "0".to_owned(), is_exact: true },
            weak_dependencies: WeakDependencies::Always,
            documentation_dir: "/usr/share/doc",
            has_versioned_documentation: false,
            license_names: LicenseNames::Spdx,
            account_tools: "shadow-utils",
            has_file_triggers: true,
            merged_directories: &[],
            rpm_version,
            macros: Vec::new(),
        }
    }
}
