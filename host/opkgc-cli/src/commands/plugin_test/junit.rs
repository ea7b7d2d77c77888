//! Results as JUnit writes them, for systems that build and test: what Ant's and Maven's files have in common.

use std::fmt::Write as _;

use opkg::{XmlContext, xml_escaped};
use opkg_conformance::{ExampleResult, RuleReport, RuleStatus};

use super::results::Results;
use super::text;

/// What becomes of a case.
enum Told {
    Passed,
    Skipped(String),
    Failed(String),
}

pub fn render(results: &Results) -> String {
    let mut document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    if let Some(report) = &results.report {
        let cases: Vec<_> = report.rules.iter().map(|rule| (rule.rule.name, told_of_rule(rule))).collect();
        document.push_str(&suite(&report.plugin, "rules", &cases));
    }
    if !results.examples.is_empty() {
        let cases: Vec<_> = results
            .examples
            .iter()
            .map(|(example, result)| (example.name.as_str(), told_of_example(result)))
            .collect();
        document.push_str(&suite("examples", "examples", &cases));
    }
    document.push_str("</testsuites>\n");
    document
}

fn told_of_rule(report: &RuleReport) -> Told {
    match report.status() {
        RuleStatus::Passed => Told::Passed,
        RuleStatus::Untried => Told::Skipped("there was nothing to look at".to_owned()),
        RuleStatus::Failed => {
            let lines = report.entry.findings.iter().map(|it| format!("{}{}\n", text::place(it), it.found));
            Told::Failed(format!(
                "{}\n{}{}",
                report.rule.sentence,
                lines.collect::<String>(),
                report.rule.advice
            ))
        }
    }
}

fn told_of_example(result: &ExampleResult) -> Told {
    match result {
        ExampleResult::Passed | ExampleResult::Updated(_) => Told::Passed,
        ExampleResult::Invalid(reason) => Told::Failed(reason.clone()),
        ExampleResult::Failed(differences) => {
            let differences: String = differences.iter().map(text::render_difference).collect();
            Told::Failed(format!("what came is not what was expected\n{differences}"))
        }
    }
}

fn suite(name: &str, class: &str, cases: &[(&str, Told)]) -> String {
    let count = |is_it: fn(&Told) -> bool| cases.iter().filter(|(_, told)| is_it(told)).count();
    let (failures, skipped) =
        (count(|it| matches!(it, Told::Failed(_))), count(|it| matches!(it, Told::Skipped(_))));
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">\n",
        attribute(name),
        cases.len()
    );
    for (name, told) in cases {
        let head = format!("    <testcase name=\"{}\" classname=\"{class}\"", attribute(name));
        // Writing to a string cannot fail.
        let _ = match told {
            Told::Passed => writeln!(text, "{head}/>"),
            Told::Skipped(reason) => {
                writeln!(text, "{head}>\n      <skipped message=\"{}\"/>\n    </testcase>", attribute(reason))
            }
            Told::Failed(reason) => writeln!(
                text,
                "{head}>\n      <failure type=\"failed\" message=\"{}\">{}</failure>\n    </testcase>",
                attribute(reason.lines().next().unwrap_or_default()),
                xml_escaped(reason, XmlContext::Text)
            ),
        };
    }
    text.push_str("  </testsuite>\n");
    text
}

fn attribute(text: &str) -> String {
    xml_escaped(text, XmlContext::Attribute)
}
