//! The examples are correct, and show what they say.

use opkg_tests::expect;
use opkg_tests::opkgc::Opkgc;

use crate::builds;

#[test]
fn examples_have_no_findings() {
    for directory in builds::example_directories() {
        let checked = Opkgc::new().check(&directory);
        assert!(checked.findings.is_empty() && checked.code == Some(0), "{checked:#?}");
    }
}

#[test]
fn packages_of_examples_are_what_the_format_implies() {
    for compiled in builds::examples() {
        for target in &expect::PLAIN {
            assert!(builds::compare(compiled, target).is_some());
        }
    }
}
