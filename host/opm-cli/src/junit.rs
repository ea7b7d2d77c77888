//! Results of tests as JUnit writes them, for systems that build and test.
//!
//! There is no standard; what is written here is what Ant's and Maven's files have in common, in their order.

use opkg::{XmlContext, xml_escaped};
use opkg_engine::testing::{TestCounts, TestNode, TestStatus};

/// One run of tests.
#[derive(Debug)]
pub struct TestSuite<'a> {
    /// `munge on server:head`
    pub name: String,
    /// `munge`; what groups its tests.
    pub package: String,
    /// The machine.
    pub hostname: &'a str,
    /// When it began, in milliseconds since 1970.
    pub started: i64,
    /// In milliseconds.
    pub duration_ms: i64,
    /// How it went as a whole.
    pub status: &'a TestStatus,
    /// Its tests.
    pub parts: &'a [TestNode],
    /// What was printed last.
    pub system_out: &'a str,
}

/// All suites as one document.
#[must_use]
pub fn render_document(suites: &[TestSuite<'_>]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for (id, suite) in suites.iter().enumerate() {
        text.push_str(&render_suite(id, suite));
    }
    text.push_str("</testsuites>\n");
    text
}

fn render_suite(id: usize, suite: &TestSuite<'_>) -> String {
    let mut cases = Vec::new();
    for part in suite.parts {
        collect_cases(part, &suite.package, false, &mut cases);
    }
    let mut counts = TestCounts::of(suite.parts);
    // What ran nothing, or failed as a whole, is told by a case of its own.
    let fails = matches!(suite.status, TestStatus::Failed(_) | TestStatus::Errored(_));
    let is_told = counts.failed + counts.errored > 0;
    if cases.is_empty() || (fails && !is_told) {
        cases.push(render_case(&suite.package, &suite.package, suite.duration_ms, suite.status, false));
        match suite.status {
            TestStatus::Passed => counts.passed += 1,
            TestStatus::Failed(_) => counts.failed += 1,
            TestStatus::Tolerated(_) => counts.tolerated += 1,
            TestStatus::Skipped(_) => counts.skipped += 1,
            TestStatus::Errored(_) => counts.errored += 1,
        }
    }
    let mut text = format!(
        "  <testsuite id=\"{id}\" name=\"{}\" package=\"{}\" hostname=\"{}\" timestamp=\"{}\" tests=\"{}\" \
         failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">\n    <properties/>\n",
        attribute(&suite.name),
        attribute(&suite.package),
        attribute(suite.hostname),
        opkg_engine::clock::format_timestamp(suite.started).replace(' ', "T"),
        counts.total(),
        counts.failed,
        counts.errored,
        counts.skipped + counts.tolerated,
        format_seconds(suite.duration_ms),
    );
    cases.iter().for_each(|it| text.push_str(it));
    text.push_str(&format!(
        "    <system-out>{}</system-out>\n    <system-err/>\n  </testsuite>\n",
        element(suite.system_out)
    ));
    text
}

/// The cases of a part: `class` names the batches that it is in.
fn collect_cases(part: &TestNode, class: &str, tolerated: bool, cases: &mut Vec<String>) {
    if part.children.is_empty() {
        return cases.push(render_case(&part.name, class, part.duration_ms, &part.status, tolerated));
    }
    // Dots part the names of classes, so that they show as a tree.
    let class = format!("{class}.{}", part.name.replace('.', "_"));
    let tolerated = tolerated || matches!(part.status, TestStatus::Tolerated(_));
    part.children.iter().for_each(|it| collect_cases(it, &class, tolerated, cases));
}

fn render_case(name: &str, class: &str, took: i64, status: &TestStatus, tolerated: bool) -> String {
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{}\"",
        attribute(name),
        attribute(class),
        format_seconds(took)
    );
    let body = |tag: &str, kind: &str, reason: &str| {
        let message = attribute(reason.lines().next().unwrap_or_default());
        let kind = if kind.is_empty() { String::new() } else { format!(" type=\"{kind}\"") };
        format!(
            "{head}>\n      <{tag}{kind} message=\"{message}\">{}</{tag}>\n    </testcase>\n",
            element(reason)
        )
    };
    match status {
        TestStatus::Passed => format!("{head}/>\n"),
        TestStatus::Failed(reason) if !tolerated => body("failure", "failed", reason),
        TestStatus::Failed(reason) | TestStatus::Tolerated(reason) => {
            body("skipped", "", &format!("allowed to fail: {reason}"))
        }
        TestStatus::Skipped(reason) => body("skipped", "", reason),
        TestStatus::Errored(reason) => body("error", "error", reason),
    }
}

fn format_seconds(milliseconds: i64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

fn attribute(text: &str) -> String {
    xml_escaped(text, XmlContext::Attribute)
}

fn element(text: &str) -> String {
    xml_escaped(text, XmlContext::Text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn sample_part(name: &str, status: TestStatus, parts: Vec<TestNode>) -> TestNode {
        TestNode { name: name.into(), description: String::new(), status, duration_ms: 1234, children: parts }
    }

    fn sample_suite<'a>(status: &'a TestStatus, parts: &'a [TestNode]) -> TestSuite<'a> {
        TestSuite {
            name: "munge on server:head".into(),
            package: "munge".into(),
            hostname: "head",
            started: 1_767_323_045_000,
            duration_ms: 65_002,
            status,
            parts,
            system_out: "a < b\n\u{1b}[1m & \"c\"\n",
        }
    }

    #[test]
    fn as_systems_read_it() {
        let failed = |text: &str| TestStatus::Failed(text.into());
        let parts = [
            sample_part(
                "all.apb",
                failed("b.apt did not pass"),
                vec![
                    sample_part("a.apt", TestStatus::Passed, vec![]),
                    sample_part(
                        "b.apt",
                        failed("differs\n  expected: \"<&>\"\n  came:     \"\u{7}\""),
                        vec![],
                    ),
                    sample_part("c.apt", TestStatus::Skipped("b.apt did not pass".into()), vec![]),
                    sample_part(
                        "some.apb",
                        TestStatus::Tolerated("d.apt".into()),
                        vec![sample_part("d.apt", failed("no"), vec![])],
                    ),
                    sample_part("f.apt", TestStatus::Tolerated("no".into()), vec![]),
                ],
            ),
            sample_part("e.apt", TestStatus::Errored("only root".into()), vec![]),
        ];
        let status = failed("1 of 5");
        let nothing = TestStatus::Skipped("it has no tests".into());
        insta::assert_snapshot!(render_document(&[
            sample_suite(&status, &parts),
            sample_suite(&nothing, &[])
        ]));
    }

    proptest! {
        #[test]
        fn whatever_is_in_it_comes_back(name: String, reason: String) {
            let status = TestStatus::Failed(reason.clone());
            let parts = [sample_part(&name, status.clone(), vec![])];
            let text = render_document(&[sample_suite(&status, &parts)]);
            let document = roxmltree::Document::parse(&text).unwrap();
            let found = |name: &str| document.descendants().find(|it| it.has_tag_name(name)).unwrap();
            let kept = |text: &str| -> String {
                text.chars().map(|c| match c {
                    '\n' | '\t' => c,
                    '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
                    _ => c,
                }).collect()
            };
            prop_assert_eq!(found("failure").text().unwrap_or_default(), kept(&reason));
            prop_assert_eq!(found("testcase").attribute("name").unwrap(), kept(&name).replace(['\n', '\t'], " "));
        }
    }
}
