//! Results for people: a line a rule, and below it what was found.

use std::fmt::Write as _;

use opkg_conformance::{ExampleResult, FileDifference, Finding, Report, Rule, RuleReport, RuleStatus};
use similar::TextDiff;

use super::results::Results;

/// Findings of one rule that are shown.
const MAX_SHOWN: usize = 5;

/// Lines of the differences of one file.
const MAX_DIFF_LINES: usize = 100;

pub fn render_rules(rules: &[&Rule]) -> String {
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or_default();
    rules.iter().map(|rule| format!("{:width$}  {}\n", rule.name, rule.sentence)).collect()
}

pub fn render(results: &Results) -> String {
    let mut text = String::new();
    if let Some(report) = &results.report {
        text.push_str(&render_report(report));
    }
    for (example, result) in &results.examples {
        let said = match result {
            ExampleResult::Passed => "ok      ",
            ExampleResult::Updated(_) => "written ",
            ExampleResult::Failed(_) | ExampleResult::Invalid(_) => "FAILED  ",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{said}example {}", example.name);
        match result {
            ExampleResult::Passed | ExampleResult::Updated(_) => {}
            ExampleResult::Invalid(reason) => {
                let _ = writeln!(text, "        {reason}");
            }
            ExampleResult::Failed(differences) => {
                differences.iter().for_each(|it| text.push_str(&render_difference(it)));
                let _ = writeln!(text, "        help: if that is meant, `--update` writes it anew");
            }
        }
    }
    text
}

fn render_report(report: &Report) -> String {
    let mut text = format!("{}: {} OPKGs, {} targets\n", report.plugin, report.opkgs, report.targets);
    report.rules.iter().for_each(|rule| text.push_str(&render_rule(rule)));
    let failed = report.failed().count();
    let _ = match failed {
        0 => writeln!(text, "all of {} rules hold", report.rules.len()),
        _ => writeln!(text, "{failed} of {} rules do not hold", report.rules.len()),
    };
    text
}

fn render_rule(report: &RuleReport) -> String {
    let (name, checks) = (report.rule.name, report.entry.checks);
    let mut text = match report.status() {
        RuleStatus::Passed => return format!("ok      {name}\n"),
        RuleStatus::Untried => return format!("-       {name}: there was nothing to look at\n"),
        RuleStatus::Failed => {
            format!(
                "FAILED  {name}: {} of {checks} checks\n        {}\n",
                report.findings(),
                report.rule.sentence
            )
        }
    };
    for finding in report.entry.findings.iter().take(MAX_SHOWN) {
        let _ = writeln!(text, "        {}{}", place(finding), finding.found);
    }
    if report.findings() > MAX_SHOWN {
        let _ = writeln!(text, "        and {} more", report.findings() - MAX_SHOWN);
    }
    let _ = writeln!(text, "        help: {}", report.rule.advice);
    text
}

/// `OPKG for TARGET: `, as far as it is about these.
pub fn place(finding: &Finding) -> String {
    match (&finding.opkg, &finding.target) {
        (Some(opkg), Some(target)) => format!("{opkg} for {target}: "),
        (Some(one), None) | (None, Some(one)) => format!("{one}: "),
        (None, None) => String::new(),
    }
}

pub fn render_difference(difference: &FileDifference) -> String {
    match (&difference.expected, &difference.found) {
        (None, _) => format!("        {} was not expected\n", difference.path),
        (_, None) => format!("        {} is missing\n", difference.path),
        (Some(expected), Some(found)) => {
            let diff = TextDiff::from_lines(expected, found);
            let path = &difference.path;
            let text = diff.unified_diff().header(&format!("expected/{path}"), path).to_string();
            let mut lines: Vec<&str> = text.lines().collect();
            let omitted = lines.len().saturating_sub(MAX_DIFF_LINES);
            lines.truncate(MAX_DIFF_LINES);
            let mut text: String = lines.iter().map(|line| format!("    {line}\n")).collect();
            if omitted > 0 {
                let _ = writeln!(text, "    … {omitted} more lines");
            }
            text
        }
    }
}
