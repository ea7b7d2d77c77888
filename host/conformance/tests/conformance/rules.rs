//! What is told of the rules.

use std::collections::BTreeSet;

use opkg_conformance::{render_page, rules};

#[test]
fn every_rule_has_a_name_of_its_own_and_a_section() {
    let page = render_page();
    let mut names = BTreeSet::new();
    for rule in rules() {
        assert!(names.insert(rule.name), "{} twice", rule.name);
        assert!(rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.name);
        assert!(
            rule.sentence.ends_with('.') && rule.reason.ends_with('.') && rule.advice.ends_with('.'),
            "{}",
            rule.name
        );
        assert!(page.contains(&format!("\n### {}\n\n{}\n", rule.name, rule.sentence)), "{}", rule.name);
    }
    assert_eq!(page.matches("\n### ").count(), names.len());
}

#[test]
fn the_page_is_what_the_rules_say() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugin-conformance.md");
    let is_written = std::fs::read_to_string(page).unwrap() == render_page();
    assert!(is_written, "`cargo run --package opkgc-cli --example reference` writes it anew");
}
