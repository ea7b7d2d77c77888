//! The targets that are tested, with what the format says about them, and filters decided for them.

use super::config::{Bound, Filter};
use crate::package::Format;

/// A distribution in one version, on this machine's architecture.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What `--dist` gets; names the directory below the output as well.
    pub argument: &'static str,
    /// Of its packages.
    pub format: Format,
    /// The ids in filters that mean it.
    ids: &'static [&'static str],
    /// Decides where the argument names none.
    version: &'static str,
}

/// Named without a version, as most people do.
pub const PLAIN: [Target; 3] = [
    Target { argument: "rhel", format: Format::Rpm, ids: &["rhel"], version: "9" },
    Target { argument: "mandriva", format: Format::Rpm, ids: &["mdv", "mdk", "mandriva"], version: "9" },
    Target { argument: "debian", format: Format::Deb, ids: &["debian"], version: "12" },
];

/// Named with a version, so that every filter is decided.
pub const EXACT: [Target; 7] = [
    Target { argument: "rhel-8.9", format: Format::Rpm, ids: &["rhel"], version: "8.9" },
    Target { argument: "rhel-9", format: Format::Rpm, ids: &["rhel"], version: "9" },
    Target { argument: "mandriva-9", format: Format::Rpm, ids: &["mdv", "mdk", "mandriva"], version: "9" },
    Target { argument: "fedora-43", format: Format::Rpm, ids: &["fedora", "fc"], version: "43" },
    Target {
        argument: "suse-15.6",
        format: Format::Rpm,
        ids: &["suse", "sles", "opensuse"],
        version: "15.6",
    },
    Target { argument: "debian-12", format: Format::Deb, ids: &["debian"], version: "12" },
    // As Debian 13, where a package knows no Ubuntu; the generated ones do not.
    Target { argument: "ubuntu-24.04", format: Format::Deb, ids: &["debian"], version: "13" },
];

impl Target {
    /// Whether a filter lets it through.
    #[must_use]
    pub fn matches(&self, filter: &Filter) -> bool {
        self.is_meant(filter)
            && (filter.archs.is_empty() || filter.archs.iter().any(|arch| canonical(arch) == machine()))
    }

    /// Whether a filter lets it through on some architecture.
    #[must_use]
    pub fn is_meant(&self, filter: &Filter) -> bool {
        let dist = |(id, bound): &(String, Bound)| self.ids.contains(&id.as_str()) && self.within(bound);
        filter.dists.is_empty() || filter.dists.iter().any(dist)
    }

    fn within(&self, bound: &Bound) -> bool {
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
        let name = match (self.format, specific, machine()) {
            (Format::Rpm, false, _) => "noarch",
            (Format::Deb, false, _) => "all",
            (Format::Deb, true, "x86_64") => "amd64",
            (Format::Deb, true, "aarch64") => "arm64",
            (_, true, machine) => machine,
        };
        name.to_owned()
    }
}

fn machine() -> &'static str {
    std::env::consts::ARCH
}

fn canonical(arch: &str) -> &str {
    match arch {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    }
}
