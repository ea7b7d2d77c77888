//! Licences as bills of materials name them.

/// Licences of software that is usual on clusters, by their identifiers in the list of SPDX. Others are told in the OPKG's own
/// words.
const KNOWN: &[&str] = &[
    "0BSD",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-1.0-Perl",
    "Artistic-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD-4-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "CDDL-1.0",
    "CDDL-1.1",
    "CPL-1.0",
    "ECL-2.0",
    "EPL-1.0",
    "EPL-2.0",
    "EUPL-1.2",
    "GFDL-1.3-only",
    "GFDL-1.3-or-later",
    "GPL-1.0-only",
    "GPL-1.0-or-later",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "ISC",
    "LGPL-2.0-only",
    "LGPL-2.0-or-later",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MPL-1.1",
    "MPL-2.0",
    "MS-PL",
    "NCSA",
    "OFL-1.1",
    "OpenSSL",
    "PostgreSQL",
    "Python-2.0",
    "QPL-1.0",
    "Ruby",
    "Sleepycat",
    "TCL",
    "Unlicense",
    "Vim",
    "W3C",
    "X11",
    "Zlib",
    "ZPL-2.1",
    "curl",
];

/// Whether a text is an expression of licences that every tool reads: identifiers, parentheses, `AND` and `OR`.
pub(crate) fn is_expression(text: &str) -> bool {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut wants_operand) = (0_u32, true);
    for word in spaced.split_whitespace() {
        let fits = match word {
            "(" => {
                depth += 1;
                wants_operand
            }
            ")" => {
                let closes = depth > 0 && !wants_operand;
                depth = depth.saturating_sub(1);
                closes
            }
            "AND" | "OR" => !std::mem::replace(&mut wants_operand, true),
            licence => KNOWN.contains(&licence) && std::mem::replace(&mut wants_operand, false),
        };
        if !fits {
            return false;
        }
    }
    depth == 0 && !wants_operand
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in ["MIT", "GPL-2.0-or-later", "(MIT OR Apache-2.0) AND Zlib", "((MIT))"] {
            assert!(is_expression(good), "{good}");
        }
        for bad in
            ["", "GPL", "MIT or Zlib", "MIT OR", "OR MIT", "(MIT", "MIT)", "()", "MIT Zlib", "(MIT OR)"]
        {
            assert!(!is_expression(bad), "{bad}");
        }
    }
}
