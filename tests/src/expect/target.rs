//! The targets that are tested, with what the format says about them, and filters decided for them.

use super::config::{Filter, VersionConstraint};
use crate::package::PackageFormat;

/// A distribution in one version, on this machine's architecture.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What `--dist` gets; names the directory below the output as well.
    pub dist: &'static str,
    /// Of its packages.
    pub format: PackageFormat,
    /// The ids in filters that mean it.
    ids: &'static [&'static str],
    /// Decides where the argument names none.
    version: &'static str,
    /// What tells its packages from those for other releases, behind the release of their version.
    pub tag: &'static str,
}

/// Named without a version, as most people do.
pub const UNVERSIONED_TARGETS: [Target; 3] = [
    Target { dist: "rhel", format: PackageFormat::Rpm, ids: &["rhel"], version: "9", tag: ".el9" },
    Target {
        dist: "mandriva",
        format: PackageFormat::Rpm,
        ids: &["mdv", "mdk", "mandriva"],
        version: "9",
        tag: ".mga9",
    },
    Target { dist: "debian", format: PackageFormat::Deb, ids: &["debian"], version: "12", tag: "+deb13" },
];

/// Named with a version, so that every filter is decided.
pub const VERSIONED_TARGETS: [Target; 7] = [
    Target { dist: "rhel-8.9", format: PackageFormat::Rpm, ids: &["rhel"], version: "8.9", tag: ".el8" },
    Target { dist: "rhel-9", format: PackageFormat::Rpm, ids: &["rhel"], version: "9", tag: ".el9" },
    Target {
        dist: "mandriva-9",
        format: PackageFormat::Rpm,
        ids: &["mdv", "mdk", "mandriva"],
        version: "9",
        tag: ".mga9",
    },
    Target {
        dist: "fedora-43",
        format: PackageFormat::Rpm,
        ids: &["fedora", "fc"],
        version: "43",
        tag: ".fc43",
    },
    Target {
        dist: "suse-15.6",
        format: PackageFormat::Rpm,
        ids: &["suse", "sles", "opensuse"],
        version: "15.6",
        tag: ".lp156",
    },
    Target { dist: "debian-12", format: PackageFormat::Deb, ids: &["debian"], version: "12", tag: "+deb12" },
    // As Debian 13, where a package knows no Ubuntu; the generated ones do not.
    Target {
        dist: "ubuntu-24.04",
        format: PackageFormat::Deb,
        ids: &["debian"],
        version: "13",
        tag: "+ubuntu24.04",
    },
];

impl Target {
    /// Whether a filter lets it through.
    #[must_use]
    pub fn matches(&self, filter: &Filter) -> bool {
        self.matches_distribution(filter)
            && (filter.archs.is_empty()
                || filter.archs.iter().any(|arch| canonical_arch(arch) == host_arch()))
    }

    /// Whether a filter lets it through on some architecture.
    #[must_use]
    pub fn matches_distribution(&self, filter: &Filter) -> bool {
        let dist = |(id, bound): &(String, VersionConstraint)| {
            self.ids.contains(&id.as_str()) && self.satisfies(bound)
        };
        filter.dists.is_empty() || filter.dists.iter().any(dist)
    }

    fn satisfies(&self, bound: &VersionConstraint) -> bool {
        let Some((relation, version)) = bound else { return true };
        let number = |part: &str| part.parse::<u64>().unwrap();
        let wanted: Vec<u64> = version.split('.').map(number).collect();
        // At the precision that the filter gives.
        let mut mine: Vec<u64> = self.version.split('.').map(number).collect();
        mine.resize(wanted.len(), 0);
        match relation.as_str() {
            "<" => mine < wanted,
            "<=" => mine <= wanted,
            "=" => mine == wanted,
            ">=" => mine >= wanted,
            ">" => mine > wanted,
            other => panic!("{other} is no relation"),
        }
    }

    /// Where each package's documents have a directory.
    #[must_use]
    pub fn documentation(&self) -> &'static str {
        if self.ids.contains(&"suse") { "/usr/share/doc/packages" } else { "/usr/share/doc" }
    }

    /// What its policy calls a licence of the format, without a version or with any later one.
    #[must_use]
    pub fn license<'a>(&self, written: &'a str) -> &'a str {
        let spdx = self.ids.contains(&"fc") || self.ids.contains(&"suse");
        match (written, spdx) {
            ("GPL", true) => "GPL-1.0-or-later",
            ("GPL", false) => "GPL+",
            ("LGPL", true) => "LGPL-2.0-or-later",
            ("LGPL", false) => "LGPLv2+",
            (other, _) => other,
        }
    }

    /// The architecture of a package that is, or is not, made for one alone.
    #[must_use]
    pub fn arch(&self, specific: bool) -> String {
        let name = match (self.format, specific, host_arch()) {
            (PackageFormat::Rpm, false, _) => "noarch",
            (PackageFormat::Deb, false, _) => "all",
            (PackageFormat::Deb, true, "x86_64") => "amd64",
            (PackageFormat::Deb, true, "aarch64") => "arm64",
            (_, true, machine) => machine,
        };
        name.to_owned()
    }
}

fn host_arch() -> &'static str {
    std::env::consts::ARCH
}

fn canonical_arch(arch: &str) -> &str {
    match arch {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    }
}
