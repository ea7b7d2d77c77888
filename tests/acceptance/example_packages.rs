//! The examples are correct, and show what they say.

use opkg_tests::expect;
use opkg_tests::opkgc::{Diagnostic, OpkgcEnvironment};

use crate::builds;

#[test]
fn examples_have_no_findings_but_notes_about_debian() {
    for directory in builds::example_directories() {
        let checked = OpkgcEnvironment::new().check(&directory);
        let is_expected = |found: &Diagnostic| found.severity == "note" && found.code == "debian";
        assert!(checked.diagnostics.iter().all(is_expected) && checked.code == Some(0), "{checked:#?}");
    }
}

#[test]
fn packages_of_examples_are_what_the_format_implies() {
    for compiled in builds::compiled_examples() {
        for target in &expect::UNVERSIONED_TARGETS {
            assert!(builds::assert_as_expected(compiled, target).is_some());
        }
    }
}
