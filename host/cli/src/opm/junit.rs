//! Results of tests as JUnit writes them, for systems that build and test.
//!
//! There is no standard; what is written here is what Ant's and Maven's files have in common, in their order.

use opkg_opm::testing::{Counts, Part, Verdict};

/// The tests of one exam.
#[derive(Debug)]
pub struct Suite<'a> {
    /// `munge on server:head`
    pub name: String,
    /// `munge`; what groups its tests.
    pub package: String,
    /// The machine.
    pub host: &'a str,
    /// When it began, in milliseconds since 1970.
    pub started: i64,
    /// In milliseconds.
    pub took: i64,
    /// How it went as a whole.
    pub verdict: &'a Verdict,
    /// Its tests.
    pub parts: &'a [Part],
    /// What was printed last.
    pub printed: &'a str,
}

/// All suites as one document.
#[must_use]
pub fn document(suites: &[Suite<'_>]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for (id, suite) in suites.iter().enumerate() {
        text.push_str(&of_suite(id, suite));
    }
    text.push_str("</testsuites>\n");
    text
}

fn of_suite(id: usize, suite: &Suite<'_>) -> String {
    let mut cases = Vec::new();
    for part in suite.parts {
        collect(part, &suite.package, false, &mut cases);
    }
    let mut counts = Counts::of(suite.parts);
    // What ran nothing, or failed as a whole, is told by a case of its own.
    let fails = matches!(suite.verdict, Verdict::Failed(_) | Verdict::Broken(_));
    let is_told = counts.failed + counts.broken > 0;
    if cases.is_empty() || (fails && !is_told) {
        cases.push(case(&suite.package, &suite.package, suite.took, suite.verdict, false));
        match suite.verdict {
            Verdict::Passed => counts.passed += 1,
            Verdict::Failed(_) => counts.failed += 1,
            Verdict::Tolerated(_) => counts.tolerated += 1,
            Verdict::Skipped(_) => counts.skipped += 1,
            Verdict::Broken(_) => counts.broken += 1,
        }
    }
    let mut text = format!(
        "  <testsuite id=\"{id}\" name=\"{}\" package=\"{}\" hostname=\"{}\" timestamp=\"{}\" tests=\"{}\" \
         failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">\n    <properties/>\n",
        escape(&suite.name),
        escape(&suite.package),
        escape(suite.host),
        crate::opm::clock::date(suite.started).replace(' ', "T"),
        counts.all(),
        counts.failed,
        counts.broken,
        counts.skipped + counts.tolerated,
        seconds(suite.took),
    );
    cases.iter().for_each(|it| text.push_str(it));
    text.push_str(&format!(
        "    <system-out>{}</system-out>\n    <system-err/>\n  </testsuite>\n",
        escape(suite.printed)
    ));
    text
}

/// The cases of a part: `class` names the batches that it is in.
fn collect(part: &Part, class: &str, tolerated: bool, cases: &mut Vec<String>) {
    if part.parts.is_empty() {
        return cases.push(case(&part.name, class, part.took, &part.verdict, tolerated));
    }
    // Dots part the names of classes, so that they show as a tree.
    let class = format!("{class}.{}", part.name.replace('.', "_"));
    let tolerated = tolerated || matches!(part.verdict, Verdict::Tolerated(_));
    part.parts.iter().for_each(|it| collect(it, &class, tolerated, cases));
}

fn case(name: &str, class: &str, took: i64, verdict: &Verdict, tolerated: bool) -> String {
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{}\"",
        escape(name),
        escape(class),
        seconds(took)
    );
    let body = |element: &str, kind: &str, reason: &str| {
        let message = escape(reason.lines().next().unwrap_or_default());
        let kind = if kind.is_empty() { String::new() } else { format!(" type=\"{kind}\"") };
        format!(
            "{head}>\n      <{element}{kind} message=\"{message}\">{}</{element}>\n    </testcase>\n",
            escape(reason)
        )
    };
    match verdict {
        Verdict::Passed => format!("{head}/>\n"),
        Verdict::Failed(reason) if !tolerated => body("failure", "failed", reason),
        Verdict::Failed(reason) | Verdict::Tolerated(reason) => {
            body("skipped", "", &format!("need not pass: {reason}"))
        }
        Verdict::Skipped(reason) => body("skipped", "", reason),
        Verdict::Broken(reason) => body("error", "error", reason),
    }
}

fn seconds(milliseconds: i64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// Text for an element or an attribute in double quotes. Characters that XML cannot hold are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn part(name: &str, verdict: Verdict, parts: Vec<Part>) -> Part {
        Part { name: name.into(), description: String::new(), verdict, took: 1234, parts }
    }

    fn suite<'a>(verdict: &'a Verdict, parts: &'a [Part]) -> Suite<'a> {
        Suite {
            name: "munge on server:head".into(),
            package: "munge".into(),
            host: "head",
            started: 1_767_323_045_000,
            took: 65_002,
            verdict,
            parts,
            printed: "a < b\n\u{1b}[1m & \"c\"\n",
        }
    }

    #[test]
    fn as_systems_read_it() {
        let failed = |text: &str| Verdict::Failed(text.into());
        let parts = [
            part(
                "all.apb",
                failed("b.apt did not pass"),
                vec![
                    part("a.apt", Verdict::Passed, vec![]),
                    part("b.apt", failed("differs\n  expected: \"<&>\"\n  came:     \"\u{7}\""), vec![]),
                    part("c.apt", Verdict::Skipped("b.apt did not pass".into()), vec![]),
                    part(
                        "some.apb",
                        Verdict::Tolerated("d.apt".into()),
                        vec![part("d.apt", failed("no"), vec![])],
                    ),
                    part("f.apt", Verdict::Tolerated("no".into()), vec![]),
                ],
            ),
            part("e.apt", Verdict::Broken("only root".into()), vec![]),
        ];
        let verdict = failed("1 of 5");
        let nothing = Verdict::Skipped("it brings no tests".into());
        insta::assert_snapshot!(document(&[suite(&verdict, &parts), suite(&nothing, &[])]));
    }

    proptest! {
        #[test]
        fn whatever_is_in_it_comes_back(name: String, reason: String) {
            let verdict = Verdict::Failed(reason.clone());
            let parts = [part(&name, verdict.clone(), vec![])];
            let text = document(&[suite(&verdict, &parts)]);
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
