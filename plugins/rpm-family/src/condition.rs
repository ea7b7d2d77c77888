//! What a target leaves open, as conditions of a spec.

use opkg_sdk::diagnostic;
use opkg_sdk::filter::{Condition, FilterMatch, VersionTest};
use opkg_sdk::model::{Diagnostic, Node, Opkg};
use opkg_sdk::version::operator;

use crate::profile::ReleaseProfile;

/// What the whole package is restricted to, as far as the target leaves that open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRestriction {
    /// For `%if`: true of the releases that the package is for.
    pub expression: String,
    /// What RPM says on any other.
    pub message: String,
    /// Whether the release that binary packages are made for is one of them.
    pub includes_default: bool,
}

/// The restriction of the package as a whole to releases. Architectures have a field of their own in a spec.
pub fn package_restriction(
    opkg: &Opkg,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ReleaseRestriction> {
    let decision = profile.filter_context.evaluate(&opkg.filter, &mut Vec::new());
    let FilterMatch::Conditional(condition) = decision else { return None };
    let at = opkg.filter.dists.first().map_or(opkg.at, |dist| dist.at);
    let expression = version_expression(at, &condition.versions, profile, diagnostics)?;
    // The words of these tests are ids of the plugin's own and versions that it could read, so that neither
    // holds a brace.
    let releases: Vec<String> = condition
        .versions
        .iter()
        .map(|test| format!("{} {} {}", test.id, operator(test.comparison), test.source_text))
        .collect();
    let message = format!("opkg-{} is only for {}", opkg.name, releases.join(" or "));
    let of_versions = FilterMatch::Conditional(Condition { archs: Vec::new(), ..condition });
    Some(ReleaseRestriction {
        expression,
        message,
        includes_default: profile.filter_context.matches_by_default(&of_versions),
    })
}

/// Lines that open a condition, `%if …` or `%ifarch …`, outermost first.
pub fn condition_lines(
    at: Node,
    condition: &Condition,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(expression) = version_expression(at, &condition.versions, profile, diagnostics) {
        lines.push(format!("%if {expression}"));
    }
    if !condition.archs.is_empty() {
        let archs: Vec<&str> = condition.archs.iter().map(|arch| profile.arch_macro(arch)).collect();
        lines.push(format!("%ifarch {}", archs.join(" ")));
    }
    lines
}

/// Alternatives for `%if`; nothing if there are none. Tells where a spec cannot test as much as is asked for.
fn version_expression(
    at: Node,
    tests: &[VersionTest],
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<String> {
    let mut alternatives = Vec::new();
    for test in tests {
        let expression = (profile.version_expression)(test);
        if !expression.is_exact {
            let message = format!(
                "a spec can test only the major version of {}, so `{} {} {}` is tested by that alone",
                test.id,
                test.id,
                operator(test.comparison),
                test.source_text
            );
            diagnostic::push_unique(
                diagnostics,
                diagnostic::warning(at, message, "name the version of the target"),
            );
        }
        alternatives.push(expression.text);
    }
    match alternatives.as_slice() {
        [] => None,
        [single] => Some(single.clone()),
        several => Some(several.iter().map(|test| format!("({test})")).collect::<Vec<_>>().join(" || ")),
    }
}
