//! Licences as the policies of distributions name them.

/// How a distribution wants a licence to be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenseNames {
    /// As the OPKG does.
    Written,
    /// The short names that Fedora brought up in 2007, and others took over: `GPLv2+`.
    Short,
    /// SPDX: `GPL-2.0-or-later`.
    Spdx,
}

/// Name in SPDX, short name, and what else means it. What OPKGs write without a version is every version of
/// it, as these licences themselves say. Several licences may share a short name, which then stands for none
/// of them in particular and is no spelling of any.
const KNOWN_LICENSES: &[(&str, &str, &[&str])] = &[
    ("GPL-1.0-or-later", "GPL+", &["GPL", "GPL+"]),
    ("GPL-2.0-only", "GPLv2", &["GPLv2", "GPL-2.0"]),
    ("GPL-2.0-or-later", "GPLv2+", &["GPLv2+", "GPL-2.0+"]),
    ("GPL-3.0-only", "GPLv3", &["GPLv3", "GPL-3.0"]),
    ("GPL-3.0-or-later", "GPLv3+", &["GPLv3+", "GPL-3.0+"]),
    ("LGPL-2.0-only", "LGPLv2", &["LGPL-2.0"]),
    ("LGPL-2.0-or-later", "LGPLv2+", &["LGPL", "LGPL-2.0+"]),
    ("LGPL-2.1-only", "LGPLv2", &["LGPL-2.1"]),
    ("LGPL-2.1-or-later", "LGPLv2+", &["LGPL-2.1+"]),
    ("LGPL-3.0-only", "LGPLv3", &["LGPLv3", "LGPL-3.0"]),
    ("LGPL-3.0-or-later", "LGPLv3+", &["LGPLv3+", "LGPL-3.0+"]),
    ("AGPL-3.0-only", "AGPLv3", &["AGPLv3", "AGPL-3.0"]),
    ("AGPL-3.0-or-later", "AGPLv3+", &["AGPLv3+", "AGPL-3.0+"]),
    ("Apache-2.0", "ASL 2.0", &["ASL 2.0"]),
    ("MPL-1.1", "MPLv1.1", &["MPLv1.1"]),
    ("MPL-2.0", "MPLv2.0", &["MPLv2.0"]),
    ("Artistic-2.0", "Artistic 2.0", &["Artistic 2.0"]),
    ("CC0-1.0", "CC0", &["CC0"]),
    ("BSD-2-Clause", "BSD", &[]),
    ("BSD-3-Clause", "BSD", &[]),
    ("Zlib", "zlib", &["zlib"]),
];

impl LicenseNames {
    /// The licence by this policy's name. One that is not known, or not by one name only, stays as it is
    /// written: the authors' words are not ours to read more out of.
    #[must_use]
    pub fn name(self, written: &str) -> &str {
        let known =
            KNOWN_LICENSES.iter().find(|(spdx, _, others)| *spdx == written || others.contains(&written));
        match (self, known) {
            (Self::Short, Some((_, short, _))) => short,
            (Self::Spdx, Some((spdx, ..))) => spdx,
            (Self::Written, _) | (_, None) => written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LicenseNames::{Short, Spdx, Written};

    #[test]
    fn each_policy_has_its_names() {
        for (written, short, spdx) in [
            ("GPL", "GPL+", "GPL-1.0-or-later"),
            ("LGPL", "LGPLv2+", "LGPL-2.0-or-later"),
            ("GPL-2.0-or-later", "GPLv2+", "GPL-2.0-or-later"),
            ("GPLv3+", "GPLv3+", "GPL-3.0-or-later"),
            ("Apache-2.0", "ASL 2.0", "Apache-2.0"),
            ("BSD-3-Clause", "BSD", "BSD-3-Clause"),
            // Which one is not said.
            ("BSD", "BSD", "BSD"),
            ("LGPLv2+", "LGPLv2+", "LGPLv2+"),
            ("MIT OR Apache-2.0", "MIT OR Apache-2.0", "MIT OR Apache-2.0"),
            ("Maui license", "Maui license", "Maui license"),
        ] {
            assert_eq!((Short.name(written), Spdx.name(written)), (short, spdx));
            assert_eq!(Written.name(written), written);
        }
    }
}
