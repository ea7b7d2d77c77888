//! What is behind each finding: a page for every code that the compiler gives, as `opkgc explain` shows it.
//!
//! A page is a file `explanations/CODE.md`: a title, what the finding means, an example that gives it, a way out of it, and
//! why there is the rule. Tests hold the pages against the sources, and run the examples.

use opkg::diagnostic::Diagnostic;
use opkg_shell::Shell;

/// The page about a code.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation {
    pub code: &'static str,
    /// Markdown, the title on its first line.
    page: &'static str,
}

/// Defines the table of codes, each with its page.
macro_rules! explanations {
    ($($code:literal,)*) => {
        &[$(Explanation { code: $code, page: include_str!(concat!("../explanations/", $code, ".md")) },)*]
    };
}

/// All of them, by code. A code is never given another meaning: programs that read findings go by it.
pub const EXPLANATIONS: &[Explanation] = explanations! {
    "alternative",
    "alternative-path",
    "ambiguous-name",
    "any-of",
    "author",
    "author-email",
    "author-year",
    "bare-opkg-name",
    "changelog-author",
    "changelog-closes",
    "changelog-date",
    "changelog-date-blank",
    "changelog-date-form",
    "changelog-future",
    "changelog-item",
    "changelog-order",
    "changelog-version-order",
    "changelog-version-twice",
    "class",
    "config-missing",
    "config-too-large",
    "config-unreadable",
    "control-character",
    "directory",
    "doctype",
    "doctype-subset",
    "duplicate-element",
    "empty-attribute",
    "empty-element",
    "encoding",
    "encoding-doubtful",
    "encoding-windows-1252",
    "file-architecture",
    "file-clash",
    "file-kind",
    "file-limit",
    "file-mode",
    "file-name",
    "file-owner",
    "file-place",
    "file-rule",
    "file-rule-unused",
    "file-shadowed",
    "file-unreadable",
    "filter-arch",
    "filter-dist",
    "filter-too-long",
    "form",
    "group",
    "hook-component",
    "key-not-accepted",
    "license",
    "link",
    "missing-element",
    "name",
    "no-maintainer",
    "no-packages",
    "no-target",
    "no-upload",
    "not-packaged",
    "old-form",
    "order",
    "payload",
    "payload-contents",
    "payload-left",
    "payload-lock",
    "payload-missing",
    "relation",
    "relation-contradiction",
    "relation-implicit",
    "relation-inside-version",
    "relation-name",
    "relation-opkg",
    "relation-part",
    "relation-twice",
    "relation-version",
    "root",
    "same-name",
    "same-package",
    "script-carried",
    "script-encoding",
    "script-helper",
    "script-interpreter",
    "script-line-ends",
    "script-mark",
    "script-name",
    "script-syntax",
    "script-twice",
    "service-rule",
    "service-unknown",
    "shared-libraries",
    "single-alternative",
    "stray-text",
    "summary",
    "sysusers-line",
    "template-text",
    "test-definition",
    "test-never-run",
    "test-program",
    "test-shared-name",
    "too-many-findings",
    "too-many-relations",
    "trigger",
    "trigger-script",
    "unknown-attribute",
    "unknown-dist",
    "unknown-element",
    "uri",
    "version",
    "xml",
    "xml-limit",
};

/// The page about a code; nothing for those of plugins, whose findings say all there is to say.
#[must_use]
pub fn find(code: &str) -> Option<&'static Explanation> {
    EXPLANATIONS.binary_search_by(|page| page.code.cmp(code)).ok().map(|index| &EXPLANATIONS[index])
}

impl Explanation {
    /// What is wrong, on one line.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.page.lines().next().unwrap_or_default().trim_start_matches(['#', ' '])
    }

    /// The page with the code in its title.
    #[must_use]
    pub fn text(&self) -> String {
        let (_, rest) = self.page.split_once('\n').unwrap_or_default();
        format!("# {}: {}\n{rest}", self.code, self.title())
    }
}

/// The codes of findings that were shown, so that their pages can be named once, in the end.
#[derive(Debug, Default)]
pub struct ShownCodes(Vec<&'static str>);

impl ShownCodes {
    /// These were shown.
    pub fn add(&mut self, findings: &[Diagnostic]) {
        for page in findings.iter().filter_map(|finding| find(&finding.code)) {
            if !self.0.contains(&page.code) {
                self.0.push(page.code);
            }
        }
    }

    /// Tells how to read more, if there is more.
    pub fn print_hint(&self, shell: Shell) {
        match self.0.as_slice() {
            [] => {}
            [code] => shell.status(&format!("help: `opkgc explain {code}` says more")),
            codes => {
                shell.status(&format!("help: `opkgc explain CODE` says more about {}", codes.join(", ")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_code_is_found_and_has_a_page_of_the_same_form() {
        for known in EXPLANATIONS {
            assert_eq!(find(known.code), Some(known), "the table is sorted by code");
            assert!(known.page.starts_with("# ") && known.page.ends_with('\n'), "{}", known.code);
            let sections: Vec<&str> = known.page.lines().filter(|line| line.starts_with("## ")).collect();
            assert_eq!(sections, ["## Example", "## Way out", "## Why"], "{}", known.code);
            let is_long = |line: &&str| line.chars().count() > 100;
            assert_eq!(known.page.lines().find(is_long), None, "{}", known.code);
        }
        assert_eq!(find("debian"), None);
    }

    #[test]
    fn a_page_is_named_once() {
        let mut shown = ShownCodes::default();
        for code in ["uri", "debian", "name", "uri"] {
            shown.add(&[Diagnostic::note(code, "")]);
        }
        assert_eq!(shown.0, ["uri", "name"]);
    }
}
