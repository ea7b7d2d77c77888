//! Results for programs.

use opkg_conformance::{ExampleResult, Rule, RuleReport, RuleStatus};
use serde::Serialize;

use super::results::Results;
use super::text;

#[derive(Serialize)]
pub struct RuleJson {
    name: &'static str,
    sentence: &'static str,
    help: &'static str,
}

pub fn rules(rules: &[&'static Rule]) -> Vec<RuleJson> {
    rules
        .iter()
        .map(|rule| RuleJson { name: rule.name, sentence: rule.sentence, help: rule.advice })
        .collect()
}

#[derive(Serialize)]
pub struct ResultsJson<'a> {
    plugin: Option<&'a str>,
    opkgs: Option<usize>,
    targets: Option<usize>,
    passed: bool,
    rules: Vec<RuleResultJson<'a>>,
    examples: Vec<ExampleJson<'a>>,
}

#[derive(Serialize)]
struct RuleResultJson<'a> {
    name: &'static str,
    sentence: &'static str,
    help: &'static str,
    /// `passed`, `failed` or `untried`.
    status: &'static str,
    checks: usize,
    /// The first ones.
    findings: Vec<FindingJson<'a>>,
    /// How many there are.
    found: usize,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    opkg: Option<&'a str>,
    target: Option<&'a str>,
    found: &'a str,
}

#[derive(Serialize)]
struct ExampleJson<'a> {
    name: &'a str,
    /// `passed`, `failed`, `updated` or `invalid`.
    status: &'static str,
    reason: Option<&'a str>,
    differences: Vec<DifferenceJson<'a>>,
}

#[derive(Serialize)]
struct DifferenceJson<'a> {
    path: &'a str,
    diff: String,
}

pub fn results(results: &Results) -> ResultsJson<'_> {
    let report = results.report.as_ref();
    ResultsJson {
        plugin: report.map(|report| report.plugin.as_str()),
        opkgs: report.map(|report| report.opkgs),
        targets: report.map(|report| report.targets),
        passed: results.is_ok(),
        rules: report.map(|report| report.rules.iter().map(rule_result).collect()).unwrap_or_default(),
        examples: results
            .examples
            .iter()
            .map(|(example, result)| ExampleJson {
                name: &example.name,
                status: match result {
                    ExampleResult::Passed => "passed",
                    ExampleResult::Updated(_) => "updated",
                    ExampleResult::Failed(_) => "failed",
                    ExampleResult::Invalid(_) => "invalid",
                },
                reason: match result {
                    ExampleResult::Invalid(reason) => Some(reason.as_str()),
                    _ => None,
                },
                differences: match result {
                    ExampleResult::Failed(differences) => differences
                        .iter()
                        .map(|it| DifferenceJson { path: &it.path, diff: text::render_difference(it) })
                        .collect(),
                    _ => Vec::new(),
                },
            })
            .collect(),
    }
}

fn rule_result(report: &RuleReport) -> RuleResultJson<'_> {
    RuleResultJson {
        name: report.rule.name,
        sentence: report.rule.sentence,
        help: report.rule.advice,
        status: match report.status() {
            RuleStatus::Passed => "passed",
            RuleStatus::Failed => "failed",
            RuleStatus::Untried => "untried",
        },
        checks: report.entry.checks,
        findings: report
            .entry
            .findings
            .iter()
            .map(|it| FindingJson {
                opkg: it.opkg.as_deref(),
                target: it.target.as_deref(),
                found: &it.found,
            })
            .collect(),
        found: report.findings(),
    }
}
