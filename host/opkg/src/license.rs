//! Licences: those of the format's list, expressions of SPDX, and anything else, which is passed on as it is written.

use crate::closest_match;

/// The licences that the format lists.
pub const LICENSES: [&str; 7] = [
    "GPL",
    "LGPL",
    "BSD",
    "SISSL",
    "Freely distributable",
    "Maui license",
    "PBS license (see PBS_License.txt)",
];

/// Identifiers of SPDX for what software is under. There are hundreds more, of single programs.
const SPDX_LICENSES: &[&str] = &[
    "0BSD",
    "AFL-2.1",
    "AFL-3.0",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-1.0",
    "Artistic-1.0-Perl",
    "Artistic-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-2-Clause-Patent",
    "BSD-3-Clause",
    "BSD-3-Clause-Clear",
    "BSD-3-Clause-LBNL",
    "BSD-4-Clause",
    "BSD-4-Clause-UC",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "CDDL-1.0",
    "CDDL-1.1",
    "CECILL-2.0",
    "CECILL-2.1",
    "CECILL-B",
    "CECILL-C",
    "CPL-1.0",
    "ClArtistic",
    "ECL-2.0",
    "EPL-1.0",
    "EPL-2.0",
    "EUPL-1.1",
    "EUPL-1.2",
    "FSFAP",
    "FSFUL",
    "FSFULLR",
    "FTL",
    "GFDL-1.2-only",
    "GFDL-1.2-or-later",
    "GFDL-1.3-only",
    "GFDL-1.3-or-later",
    "GPL-1.0-only",
    "GPL-1.0-or-later",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "HPND",
    "ICU",
    "IJG",
    "IPL-1.0",
    "ISC",
    "ImageMagick",
    "LGPL-2.0-only",
    "LGPL-2.0-or-later",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "LPPL-1.3c",
    "Libpng",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-1.0",
    "MPL-1.1",
    "MPL-2.0",
    "MS-PL",
    "MS-RL",
    "MulanPSL-2.0",
    "NCSA",
    "NTP",
    "Nokia",
    "OFL-1.1",
    "OLDAP-2.8",
    "OSL-3.0",
    "OpenPBS-2.3",
    "OpenSSL",
    "PHP-3.01",
    "PSF-2.0",
    "PostgreSQL",
    "Python-2.0",
    "QPL-1.0",
    "Ruby",
    "SGI-B-2.0",
    "SISSL",
    "SMLNJ",
    "SSH-OpenSSH",
    "Sleepycat",
    "TCL",
    "TORQUE-1.1",
    "UPL-1.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Vim",
    "W3C",
    "WTFPL",
    "X11",
    "ZPL-2.1",
    "Zlib",
    "bzip2-1.0.6",
    "curl",
    "libtiff",
    "zlib-acknowledgement",
];

/// What may follow `WITH`.
const SPDX_EXCEPTIONS: &[&str] = &[
    "Autoconf-exception-2.0",
    "Autoconf-exception-3.0",
    "Bison-exception-2.2",
    "Bootloader-exception",
    "Classpath-exception-2.0",
    "Font-exception-2.0",
    "GCC-exception-2.0",
    "GCC-exception-3.1",
    "LLVM-exception",
    "Libtool-exception",
    "Linux-syscall-note",
    "OCaml-LGPL-linking-exception",
    "OpenJDK-assembly-exception-1.0",
    "Qt-GPL-exception-1.0",
    "WxWindows-exception-3.1",
];

/// Identifiers that SPDX has given up, since they left open what is meant, each with the present one.
const DEPRECATED_LICENSES: &[(&str, &str)] = &[
    ("AGPL-3.0", "AGPL-3.0-only"),
    ("GPL-1.0", "GPL-1.0-only"),
    ("GPL-1.0+", "GPL-1.0-or-later"),
    ("GPL-2.0", "GPL-2.0-only"),
    ("GPL-2.0+", "GPL-2.0-or-later"),
    ("GPL-3.0", "GPL-3.0-only"),
    ("GPL-3.0+", "GPL-3.0-or-later"),
    ("LGPL-2.0", "LGPL-2.0-only"),
    ("LGPL-2.0+", "LGPL-2.0-or-later"),
    ("LGPL-2.1", "LGPL-2.1-only"),
    ("LGPL-2.1+", "LGPL-2.1-or-later"),
    ("LGPL-3.0", "LGPL-3.0-only"),
    ("LGPL-3.0+", "LGPL-3.0-or-later"),
    ("GPLv2", "GPL-2.0-only"),
    ("GPLv2+", "GPL-2.0-or-later"),
    ("GPLv3", "GPL-3.0-only"),
    ("GPLv3+", "GPL-3.0-or-later"),
    ("LGPLv2+", "LGPL-2.0-or-later"),
    ("LGPLv3+", "LGPL-3.0-or-later"),
    ("Apache 2.0", "Apache-2.0"),
    ("ASL 2.0", "Apache-2.0"),
];

/// What the text of a licence is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LicenseText {
    /// One of [`LICENSES`].
    Listed,
    /// An expression of SPDX whose every identifier is known.
    Spdx,
    /// Anything else, with what it may have been meant to be.
    Free(Option<String>),
}

/// Says what the text of a licence is.
#[must_use]
pub fn classify_license(text: &str) -> LicenseText {
    if LICENSES.contains(&text) {
        return LicenseText::Listed;
    }
    let words = expression_words(text);
    if is_expression(&words) {
        return LicenseText::Spdx;
    }
    // The same with each identifier as it should be written.
    let corrected: Vec<&str> = words.iter().map(|word| corrected_word(word).unwrap_or(word)).collect();
    if is_expression(&corrected) {
        let expression = corrected.join(" ").replace("( ", "(").replace(" )", ")");
        return LicenseText::Free(Some(expression));
    }
    let known =
        DEPRECATED_LICENSES.iter().find(|(old, _)| old.eq_ignore_ascii_case(text)).map(|(_, new)| *new);
    LicenseText::Free(known.or_else(|| closest_match(text, LICENSES)).map(str::to_owned))
}

/// Identifiers, operators and parentheses.
fn expression_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(inside) = rest.strip_prefix('(') {
            words.push("(");
            rest = inside;
        }
        let name = rest.trim_end_matches(')');
        if !name.is_empty() {
            words.push(name);
        }
        words.extend(std::iter::repeat_n(")", rest.len() - name.len()));
    }
    words
}

/// Whether words are an expression (SPDX 2.3, annex D): licences joined by `AND` and `OR`, in parentheses perhaps,
/// each with an exception perhaps.
fn is_expression(words: &[&str]) -> bool {
    let mut depth = 0usize;
    let mut wants_license = true;
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        match (wants_license, word) {
            (true, "(") => depth += 1,
            (true, license) if is_license(license) => {
                wants_license = false;
                if words.next_if_eq(&"WITH").is_some()
                    && !words.next().is_some_and(|exception| SPDX_EXCEPTIONS.contains(&exception))
                {
                    return false;
                }
            }
            (false, "AND" | "OR") => wants_license = true,
            (false, ")") if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    depth == 0 && !wants_license
}

fn is_license(word: &str) -> bool {
    // A licence of one's own, whose text comes along.
    let own = word.strip_prefix("LicenseRef-");
    let is_own = own.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    });
    is_own || SPDX_LICENSES.contains(&word)
}

/// How a word of an expression should be written, if that is known.
fn corrected_word(word: &str) -> Option<&'static str> {
    let current = DEPRECATED_LICENSES.iter().find(|(old, _)| old.eq_ignore_ascii_case(word));
    if let Some((_, current)) = current {
        return Some(current);
    }
    ["AND", "OR", "WITH"]
        .iter()
        .chain(SPDX_LICENSES)
        .chain(SPDX_EXCEPTIONS)
        .find(|known| known.eq_ignore_ascii_case(word))
        .copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn licences() {
        let free = |meant: &str| LicenseText::Free(Some(meant.to_owned()));
        for (text, expected) in [
            ("GPL", LicenseText::Listed),
            ("Maui license", LicenseText::Listed),
            ("MIT", LicenseText::Spdx),
            ("GPL-2.0-or-later", LicenseText::Spdx),
            ("MIT OR Apache-2.0", LicenseText::Spdx),
            ("(MIT OR Apache-2.0) AND BSD-3-Clause", LicenseText::Spdx),
            ("GPL-2.0-only WITH Classpath-exception-2.0", LicenseText::Spdx),
            ("LicenseRef-site AND MIT", LicenseText::Spdx),
            ("mit", free("MIT")),
            ("MIT or apache-2.0", free("MIT OR Apache-2.0")),
            ("(gpl-2.0+ and MIT)", free("(GPL-2.0-or-later AND MIT)")),
            ("GPL-3.0", free("GPL-3.0-only")),
            ("GPLv2+", free("GPL-2.0-or-later")),
            ("ASL 2.0", free("Apache-2.0")),
            ("GLP", free("GPL")),
            ("Freely distributabel", free("Freely distributable")),
            ("Our own, see LICENSE", LicenseText::Free(None)),
            ("MIT AND", LicenseText::Free(None)),
            ("(MIT", LicenseText::Free(None)),
            ("MIT)", LicenseText::Free(None)),
            ("MIT WITH MIT", LicenseText::Free(None)),
            ("MIT Apache-2.0", LicenseText::Free(None)),
            ("LicenseRef-", LicenseText::Free(None)),
        ] {
            assert_eq!(classify_license(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_meant_is_an_expression() {
        for (_, current) in DEPRECATED_LICENSES {
            assert_eq!(classify_license(current), LicenseText::Spdx, "{current}");
        }
    }

    proptest! {
        #![proptest_config(crate::testing::deterministic_config())]

        #[test]
        fn a_proposal_is_never_free_text(text in "((MIT|gpl-2.0|X11|and|OR|with|\\(|\\)|x)[ ]?){0,8}") {
            if let LicenseText::Free(Some(meant)) = classify_license(&text) {
                prop_assert!(!matches!(classify_license(&meant), LicenseText::Free(_)), "{} {}", text, meant);
            }
        }
    }
}
