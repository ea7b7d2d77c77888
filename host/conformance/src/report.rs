//! What came of a run.

use crate::ledger::Entry;
use crate::rule::Rule;

/// Of all rules that were looked at.
#[derive(Debug, Clone)]
pub struct Report {
    /// Id and version.
    pub plugin: String,
    /// How many OPKGs there are.
    pub opkgs: usize,
    /// For how many targets they were compiled.
    pub targets: usize,
    pub rules: Vec<RuleReport>,
}

/// Of one rule.
#[derive(Debug, Clone)]
pub struct RuleReport {
    pub rule: &'static Rule,
    pub entry: Entry,
}

/// How a rule fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleStatus {
    Passed,
    Failed,
    /// There was nothing to look at, as with an order of versions that the format of packages does not have.
    Untried,
}

impl RuleReport {
    #[must_use]
    pub fn status(&self) -> RuleStatus {
        match (self.entry.checks, self.entry.findings.is_empty()) {
            (0, _) => RuleStatus::Untried,
            (_, true) => RuleStatus::Passed,
            (_, false) => RuleStatus::Failed,
        }
    }

    /// How many findings there are, those included that were not kept.
    #[must_use]
    pub fn findings(&self) -> usize {
        self.entry.findings.len() + self.entry.omitted
    }
}

impl Report {
    /// Whether no rule is broken.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The rules that are broken.
    pub fn failed(&self) -> impl Iterator<Item = &RuleReport> {
        self.rules.iter().filter(|it| it.status() == RuleStatus::Failed)
    }
}
