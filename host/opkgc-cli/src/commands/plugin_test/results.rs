//! What came of the rules and of the examples.

use opkg_conformance::{Example, ExampleResult, Report};

/// What came of everything that was tried.
pub struct Results {
    /// None where only examples were tried.
    pub report: Option<Report>,
    pub examples: Vec<(Example, ExampleResult)>,
}

impl Results {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        let is_good =
            |result: &ExampleResult| matches!(result, ExampleResult::Passed | ExampleResult::Updated(_));
        self.report.as_ref().is_none_or(Report::is_ok)
            && self.examples.iter().all(|(_, result)| is_good(result))
    }
}
