//! What a target leaves open, as conditions of a spec.

use opkg_plugin::filter::{Condition, Decision, VersionTest};
use opkg_plugin::finding;
use opkg_plugin::opkg::{Diagnostic, Node, Opkg};
use opkg_plugin::version::sign;

use crate::flavour::Flavour;

/// What the whole package is restricted to, as far as the target leaves that open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Only {
    /// For `%if`: true of the releases that the package is for.
    pub expression: String,
    /// What RPM says on any other.
    pub message: String,
    /// Whether the release that binary packages are made for is one of them.
    pub settled: bool,
}

/// The restriction of the package as a whole to releases. Architectures have a field of their own in a spec.
pub fn of_package(opkg: &Opkg, flavour: &Flavour, findings: &mut Vec<Diagnostic>) -> Option<Only> {
    let decision = flavour.subject.decide(&opkg.filter, &mut Vec::new());
    let Decision::Depends(condition) = decision else { return None };
    let at = opkg.filter.dists.first().map_or(opkg.at, |dist| dist.at);
    let expression = versions(at, &condition.versions, flavour, findings)?;
    // The words of these tests are ids of the plugin's own and versions that it could read, so that neither
    // holds a brace.
    let releases: Vec<String> = condition
        .versions
        .iter()
        .map(|test| format!("{} {} {}", test.id, sign(test.comparison), test.written))
        .collect();
    let message = format!("opkg-{} is only for {}", opkg.name, releases.join(" or "));
    let of_versions = Decision::Depends(Condition { archs: Vec::new(), ..condition });
    Some(Only { expression, message, settled: flavour.subject.settle(&of_versions) })
}

/// Lines that open a condition, `%if …` or `%ifarch …`, outermost first.
pub fn lines(
    at: Node,
    condition: &Condition,
    flavour: &Flavour,
    findings: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(expression) = versions(at, &condition.versions, flavour, findings) {
        lines.push(format!("%if {expression}"));
    }
    if !condition.archs.is_empty() {
        let archs: Vec<&str> = condition.archs.iter().map(|arch| flavour.arch_macro(arch)).collect();
        lines.push(format!("%ifarch {}", archs.join(" ")));
    }
    lines
}

/// Alternatives for `%if`; nothing if there are none. Tells where a spec cannot test as much as is asked for.
fn versions(
    at: Node,
    tests: &[VersionTest],
    flavour: &Flavour,
    findings: &mut Vec<Diagnostic>,
) -> Option<String> {
    let mut alternatives = Vec::new();
    for test in tests {
        let expression = (flavour.expression)(test);
        if !expression.exact {
            let message = format!(
                "a spec can test only the major version of {}, so `{} {} {}` is tested by that alone",
                test.id,
                test.id,
                sign(test.comparison),
                test.written
            );
            finding::add(findings, finding::warning(at, message, "name the version of the target"));
        }
        alternatives.push(expression.text);
    }
    match alternatives.as_slice() {
        [] => None,
        [single] => Some(single.clone()),
        several => Some(several.iter().map(|test| format!("({test})")).collect::<Vec<_>>().join(" || ")),
    }
}
