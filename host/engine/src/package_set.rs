//! Package sets: XML files that name packages which belong together.

use std::collections::BTreeSet;

use opkg_oda::PackageName;
use roxmltree::{Document, ParsingOptions};

/// Bytes of a file that is read. The time that an XML parser takes grows with the square of the attributes.
pub const MAX_FILE_SIZE: u64 = 64 << 10;
/// Elements and texts of it.
const MAX_NODES: u32 = 50_000;

/// A set of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSet {
    /// Its name; empty where it has none.
    pub name: String,
    /// In the order of the file, each once.
    pub packages: Vec<PackageName>,
}

/// Why a file is no package set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct PackageSetError {
    /// Counted from 1.
    pub line: u32,
    /// One clause.
    pub reason: String,
}

/// Reads `<package_set><name>…</name><packages><opkg>NAME</opkg>…</packages></package_set>`. Other elements are
/// left alone; a document type is refused, since it may hold anything.
///
/// # Errors
/// When it is anything else, or names something that cannot be a package.
pub fn parse(text: &str) -> Result<PackageSet, PackageSetError> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| PackageSetError { line: error.pos().row, reason: error.to_string() })?;
    let malformed = |node: roxmltree::Node<'_, '_>, reason: String| PackageSetError {
        line: document.text_pos_at(node.range().start).row,
        reason,
    };
    let root = document.root_element();
    if root.tag_name().name() != "package_set" {
        let reason = format!("<{}> stands where <package_set> should", root.tag_name().name().escape_debug());
        return Err(malformed(root, reason));
    }
    let named = |name: &'static str| move |it: &roxmltree::Node<'_, '_>| it.has_tag_name(name);
    let words = |node: roxmltree::Node<'_, '_>| node.text().unwrap_or_default().trim().to_owned();
    let name = root.children().find(named("name")).map(words).unwrap_or_default();
    let mut packages = Vec::new();
    let mut seen = BTreeSet::new();
    for list in root.children().filter(named("packages")) {
        for opkg in list.children().filter(named("opkg")) {
            let package: PackageName = words(opkg)
                .parse()
                .map_err(|error: opkg_oda::ParseError| malformed(opkg, error.to_string()))?;
            if seen.insert(package.clone()) {
                packages.push(package);
            }
        }
    }
    if packages.is_empty() {
        return Err(malformed(root, "it names no package: there is no <opkg> within <packages>".into()));
    }
    Ok(PackageSet { name, packages })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_set_is_read() {
        let set = parse(
            "<?xml version='1.0'?>\n<!-- sets -->\n<package_set>\n <name> Default </name>\n <version>1</version>\n \
             <packages>\n  <opkg>ganglia</opkg>\n  <opkg> c3 </opkg>\n  <opkg>ganglia</opkg>\n </packages>\n\
             </package_set>",
        )
        .unwrap();
        assert_eq!(set.name, "Default");
        let names: Vec<&str> = set.packages.iter().map(PackageName::as_str).collect();
        assert_eq!(names, ["ganglia", "c3"]);
    }

    #[test]
    fn anything_else_is_refused_with_its_line() {
        for (bad, line) in [
            ("", 1),
            ("<oscar/>", 1),
            ("<package_set/>", 1),
            ("<package_set>\n<packages>\n<opkg>a b</opkg></packages></package_set>", 3),
            ("<package_set><packages><opkg>../x</opkg></packages></package_set>", 1),
            ("<package_set>\n<packages></package_set>", 2),
            ("<!DOCTYPE p [<!ENTITY a 'b'>]><package_set/>", 1),
        ] {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.line, line, "{bad}: {error}");
        }
        let many = format!("<package_set>{}</package_set>", "<a/>".repeat(MAX_NODES as usize));
        assert!(parse(&many).is_err());
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "\\PC{0,200}|(<package_set>|<packages>|<opkg>|</opkg>|a|&|<!--|\\]){0,20}") {
            let _ = parse(&text);
        }
    }
}
