//! What is built of real OPKGs is what the format implies.

use opkg_tests::{expect, parallel};

use crate::builds;

#[test]
fn packages_of_the_corpus_are_what_the_format_implies() {
    let targets = expect::UNVERSIONED_TARGETS;
    let work: Vec<_> =
        builds::compiled_corpus().iter().flat_map(|one| targets.iter().map(move |it| (one, it))).collect();
    let built =
        parallel::map(&work, |(compiled, target)| builds::assert_as_expected(compiled, target).is_some());
    let made = built.iter().filter(|made| **made).count();
    assert!(built.is_empty() || made > 50, "only {made} builds of {}", built.len());
}
