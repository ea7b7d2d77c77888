//! Licences as machine-readable copyright files name them (DEP-5), and what such a file says of each.

/// A licence of an OPKG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    /// One word, or several joined by `and`, `or`, `with`.
    pub name: String,
    pub text: Vec<String>,
}

/// A licence whose whole text every Debian system has below `/usr/share/common-licenses`.
struct CommonLicense {
    /// Its file there.
    file: &'static str,
    /// As a text names it.
    title: &'static str,
}

/// How a licence may be written, its short name, and its file and title if it is a common one. What OPKGs
/// write without a version is every version of it, as these licences themselves say.
const KNOWN_LICENSES: &[(&[&str], &str, Option<CommonLicense>)] = &[
    (
        &["GPL", "GPL+", "GPL-1.0-or-later"],
        "GPL-1+",
        common_license("GPL-1", "GNU General Public License, version 1"),
    ),
    (
        &["GPL-2.0-only", "GPLv2", "GPL-2.0"],
        "GPL-2",
        common_license("GPL-2", "GNU General Public License, version 2"),
    ),
    (
        &["GPL-2.0-or-later", "GPLv2+", "GPL-2.0+"],
        "GPL-2+",
        common_license("GPL-2", "GNU General Public License, version 2"),
    ),
    (
        &["GPL-3.0-only", "GPLv3", "GPL-3.0"],
        "GPL-3",
        common_license("GPL-3", "GNU General Public License, version 3"),
    ),
    (
        &["GPL-3.0-or-later", "GPLv3+", "GPL-3.0+"],
        "GPL-3+",
        common_license("GPL-3", "GNU General Public License, version 3"),
    ),
    (
        &["LGPL", "LGPL-2.0-or-later", "LGPLv2+"],
        "LGPL-2+",
        common_license("LGPL-2", "GNU Library General Public License, version 2"),
    ),
    (
        &["LGPL-2.1-only", "LGPL-2.1"],
        "LGPL-2.1",
        common_license("LGPL-2.1", "GNU Lesser General Public License, version 2.1"),
    ),
    (
        &["LGPL-2.1-or-later", "LGPL-2.1+"],
        "LGPL-2.1+",
        common_license("LGPL-2.1", "GNU Lesser General Public License, version 2.1"),
    ),
    (
        &["LGPL-3.0-only", "LGPLv3"],
        "LGPL-3",
        common_license("LGPL-3", "GNU Lesser General Public License, version 3"),
    ),
    (
        &["LGPL-3.0-or-later", "LGPLv3+"],
        "LGPL-3+",
        common_license("LGPL-3", "GNU Lesser General Public License, version 3"),
    ),
    (&["Apache-2.0", "ASL 2.0"], "Apache-2.0", common_license("Apache-2.0", "Apache License, version 2.0")),
    (&["MPL-2.0", "MPLv2.0"], "MPL-2.0", common_license("MPL-2.0", "Mozilla Public License, version 2.0")),
    (
        &["CC0-1.0", "CC0"],
        "CC0-1.0",
        common_license("CC0-1.0", "Creative Commons CC0 dedication, version 1.0"),
    ),
    (&["Artistic", "Artistic-1.0-Perl"], "Artistic", common_license("Artistic", "Artistic License")),
    (&["BSD"], "BSD", None),
    (&["BSD-2-Clause"], "BSD-2-clause", None),
    (&["BSD-3-Clause"], "BSD-3-clause", None),
    (&["MIT"], "Expat", None),
    (&["SISSL"], "SISSL", None),
    (&["Freely distributable"], "Freely-distributable", None),
    (&["Maui license"], "Maui", None),
    (&["PBS license (see PBS_License.txt)"], "PBS", None),
];

const fn common_license(file: &'static str, title: &'static str) -> Option<CommonLicense> {
    Some(CommonLicense { file, title })
}

/// Reads the licence of an OPKG, or an SPDX expression.
#[must_use]
pub fn parse(written: &str) -> License {
    if let Some((_, name, common)) =
        KNOWN_LICENSES.iter().find(|(spellings, ..)| spellings.contains(&written))
    {
        return License { name: (*name).into(), text: license_text(written, name, common.as_ref()) };
    }
    License {
        name: translate_expression(written).unwrap_or_else(|| to_short_name(written)),
        text: stated_license_text(written),
    }
}

fn license_text(written: &str, name: &str, common: Option<&CommonLicense>) -> Vec<String> {
    let Some(CommonLicense { file, title }) = common else {
        return stated_license_text(written);
    };
    let later = if name.ends_with('+') { " or (at your option) any later version" } else { "" };
    vec![
        format!(
            "The files of this package may be used, changed and passed on under the terms of the {title}{later}."
        ),
        format!("On Debian systems, the full text of that licence is in /usr/share/common-licenses/{file}."),
    ]
}

/// Nothing is added to what the authors say: their words are not ours to read more out of.
fn stated_license_text(written: &str) -> Vec<String> {
    vec![format!(
        "The authors of this package state its licence as \"{written}\". Where that licence asks for its full \
         text to come along, look for it among the documents of the package."
    )]
}

/// `MIT OR (GPL-2.0-or-later AND BSD-3-Clause)` as DEP-5 has it, if every licence in it is a single word.
fn translate_expression(written: &str) -> Option<String> {
    let words: Vec<&str> = written.split_whitespace().collect();
    // DEP-5 has no parentheses, and reads `and` before `or`, as SPDX does.
    if words.len().is_multiple_of(2) || written.contains(['(', ')']) {
        return None;
    }
    let translated: Option<Vec<String>> = words
        .iter()
        .enumerate()
        .map(|(index, word)| {
            if index % 2 == 1 {
                return matches!(*word, "AND" | "OR" | "and" | "or").then(|| word.to_ascii_lowercase());
            }
            let known = KNOWN_LICENSES.iter().find(|(spellings, ..)| spellings.contains(word));
            known
                .map(|(_, name, _)| (*name).to_owned())
                .or_else(|| is_short_name(word).then(|| (*word).to_owned()))
        })
        .collect();
    translated.map(|words| words.join(" "))
}

fn is_short_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// One word that reads like the text.
fn to_short_name(written: &str) -> String {
    let mut word = String::new();
    for c in written.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '+' | '.') {
            word.push(c);
        } else if !word.is_empty() && !word.ends_with('-') {
            word.push('-');
        }
    }
    let word = word.trim_end_matches(['-', '.']).trim_start_matches(['.', '+']);
    if word.is_empty() { "Other".to_owned() } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names() {
        for (written, expected) in [
            ("GPL", "GPL-1+"),
            ("LGPL", "LGPL-2+"),
            ("GPL-2.0-or-later", "GPL-2+"),
            ("MIT", "Expat"),
            ("MIT OR Apache-2.0", "Expat or Apache-2.0"),
            ("Zlib AND BSD-3-Clause", "Zlib and BSD-3-clause"),
            ("Freely distributable", "Freely-distributable"),
            ("PBS license (see PBS_License.txt)", "PBS"),
            ("My own, see FILE", "My-own-see-FILE"),
            ("(MIT OR X) AND Y", "MIT-OR-X-AND-Y"),
            ("…", "Other"),
        ] {
            assert_eq!(parse(written).name, expected, "{written}");
        }
    }

    #[test]
    fn common_licences_are_found_on_the_system() {
        let text = parse("GPL").text.join("\n");
        assert!(text.contains("version 1 or (at your option) any later version."), "{text}");
        assert!(text.contains("/usr/share/common-licenses/GPL-1."), "{text}");
        assert!(parse("GPL-2.0-only").text.join("\n").contains("License, version 2."));
        assert!(parse("Apache-2.0").text.join("\n").contains("version 2.0."));
    }
}
