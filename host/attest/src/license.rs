//! Licences as bills of materials name them.

use opkg::rules::{LicenseText, classify_license};

/// Whether a text is an expression of licences that every tool reads. One that names a licence of somebody's own is none: the
/// bill of materials would have to bring its text.
pub(crate) fn is_expression(text: &str) -> bool {
    classify_license(text) == LicenseText::Spdx && !text.contains("LicenseRef-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in [
            "MIT",
            "GPL-2.0-or-later",
            "(MIT OR Apache-2.0) AND Zlib",
            "((MIT))",
            "GPL-2.0-only WITH Classpath-exception-2.0",
        ] {
            assert!(is_expression(good), "{good}");
        }
        for bad in [
            "",
            "GPL",
            "MIT or Zlib",
            "MIT OR",
            "OR MIT",
            "(MIT",
            "MIT)",
            "()",
            "MIT Zlib",
            "(MIT OR)",
            "LicenseRef-ours",
            "MIT AND LicenseRef-ours",
        ] {
            assert!(!is_expression(bad), "{bad}");
        }
    }
}
