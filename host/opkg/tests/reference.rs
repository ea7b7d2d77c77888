//! The reference for authors names everything that the format has.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/opkg-format.md");
    std::fs::read_to_string(page).unwrap()
}

/// Names that the page does not have between backquotes.
fn missing<'a>(page: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let quoted: BTreeSet<&str> = page.split('`').skip(1).step_by(2).collect();
    names.into_iter().filter(|name| !quoted.contains(name)).map(str::to_owned).collect()
}

#[test]
fn every_element_and_attribute_is_explained() {
    let schema = roxmltree::Document::parse(opkg::schema()).unwrap();
    let declared =
        schema.descendants().filter(|node| ["element", "attribute"].contains(&node.tag_name().name()));
    let names: BTreeSet<&str> = declared.filter_map(|node| node.attribute("name")).collect();
    assert!(names.len() > 30, "{names:?}");
    assert_eq!(missing(&page(), names), [""; 0]);
}

#[test]
fn every_hook_and_licence_is_explained() {
    let names = opkg::rules::hook_names();
    assert!(names.len() > 20, "{names:?}");
    assert_eq!(missing(&page(), names.iter().map(String::as_str)), [""; 0]);
    assert_eq!(missing(&page(), opkg::rules::LICENSES), [""; 0]);
    assert_eq!(missing(&page(), opkg::rules::CLASSES.map(|(name, _)| name)), [""; 0]);
}

/// What the page shows as examples is what it says.
#[test]
fn the_example_has_no_finding() {
    let page = page();
    let start = page.find("    <?xml").unwrap();
    let example: String = page[start..]
        .lines()
        .take_while(|line| line.starts_with("    "))
        .map(|line| format!("{}\n", &line[4..]))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let check = |config: String| {
        std::fs::write(directory.path().join("config.xml"), config).unwrap();
        let loaded = opkg::load(directory.path(), &opkg::Settings::default());
        loaded.diagnostics.into_iter().map(|found| found.code).collect::<Vec<_>>()
    };
    assert_eq!(check(example.clone()), ["license"]);
    let start = page.find("    <serverDeps>").unwrap();
    let relations: String = page[start..]
        .lines()
        .take_while(|line| line.starts_with("    "))
        .map(|line| format!("{}\n", &line[4..]))
        .collect();
    assert_eq!(check(example.replace("<changelog>", &format!("{relations}<changelog>"))), ["license"; 1]);
}
