//! Tests of the release for `%if`. Each distribution defines a macro that counts its releases.

use opkg_sdk::model::Comparison;

/// A macro whose value is a number made of the components of the version.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseMacro {
    /// Without `%`.
    pub name: &'static str,
    /// What one of each component counts, the most significant first. Components that follow cannot be
    /// seen by a spec.
    pub weights: &'static [u64],
}

/// A test for `%if`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfExpression {
    /// False where the macro is not defined.
    pub text: String,
    /// Whether the macro tells as much of the version as the test asks for; if not, what it does not tell
    /// counts as 0.
    pub is_exact: bool,
}

impl ReleaseMacro {
    /// Whether this distribution is the one that is built on, in any release.
    #[must_use]
    pub fn defined_expr(&self) -> String {
        format!("0%{{?{}}}", self.name)
    }

    /// The macro's value on a release.
    #[must_use]
    pub fn value(&self, version: &[u64]) -> u64 {
        version
            .iter()
            .zip(self.weights)
            .fold(0, |sum, (component, weight)| component.saturating_mul(*weight).saturating_add(sum))
    }

    /// Compares the release with a version, at the precision that this version has.
    #[must_use]
    pub fn comparison_expr(&self, comparison: Comparison, version: &[u64]) -> IfExpression {
        let seen = version.len().clamp(1, self.weights.len());
        let unseen = version.get(seen..).unwrap_or_default();
        let within = unseen.iter().any(|component| *component > 0);
        let first = self.value(version);
        let next = first.saturating_add(self.weights.get(seen - 1).copied().unwrap_or(1));
        let value = self.defined_expr();
        let text = match comparison {
            Comparison::Eq if within => "0".to_owned(),
            Comparison::Eq if next == first + 1 => format!("{value} == {first}"),
            Comparison::Eq => format!("{value} >= {first} && {value} < {next}"),
            Comparison::Ge if within => format!("{value} >= {next}"),
            Comparison::Ge => format!("{value} >= {first}"),
            Comparison::Gt => format!("{value} >= {next}"),
            Comparison::Lt if !within => format!("{value} && {value} < {first}"),
            Comparison::Lt | Comparison::Le => format!("{value} && {value} < {next}"),
        };
        IfExpression { text, is_exact: unseen.is_empty() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Comparison::{Eq, Ge, Gt, Le, Lt};

    const RHEL: ReleaseMacro = ReleaseMacro { name: "rhel", weights: &[1] };
    const MANDRIVA: ReleaseMacro = ReleaseMacro { name: "mdkversion", weights: &[100, 10, 1] };

    #[test]
    fn a_macro_of_the_major_version() {
        for (comparison, version, text, exact) in [
            (Eq, &[5][..], "0%{?rhel} == 5", true),
            (Ge, &[5], "0%{?rhel} >= 5", true),
            (Gt, &[5], "0%{?rhel} >= 6", true),
            (Lt, &[5], "0%{?rhel} && 0%{?rhel} < 5", true),
            (Le, &[5], "0%{?rhel} && 0%{?rhel} < 6", true),
            (Eq, &[5, 4], "0", false),
            (Ge, &[5, 4], "0%{?rhel} >= 6", false),
            (Le, &[5, 4], "0%{?rhel} && 0%{?rhel} < 6", false),
            (Eq, &[5, 0], "0%{?rhel} == 5", false),
        ] {
            assert_eq!(
                RHEL.comparison_expr(comparison, version),
                IfExpression { text: text.into(), is_exact: exact }
            );
        }
    }

    #[test]
    fn a_macro_of_several_components() {
        assert_eq!(
            MANDRIVA.comparison_expr(Eq, &[2010]).text,
            "0%{?mdkversion} >= 201000 && 0%{?mdkversion} < 201100"
        );
        assert_eq!(MANDRIVA.comparison_expr(Gt, &[2008, 1]).text, "0%{?mdkversion} >= 200820");
        assert_eq!(MANDRIVA.value(&[2010, 1]), 201_010);
    }
}
