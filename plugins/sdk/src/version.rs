//! Numbers of distribution releases: `9`, `9.4`, `22.04`, `2010.1`.

use std::cmp::Ordering;
use std::fmt;

use crate::model::Comparison;

/// Numeric components, most significant first; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseNumber(Vec<u64>);

/// What comparing a target with a bound tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundMatch {
    /// Whether the bound holds.
    pub is_satisfied: bool,
    /// The target names fewer components than the bound and the missing ones, counted as 0, decided.
    pub is_guess: bool,
}

impl ReleaseNumber {
    /// A version of these components; of none it is `0`.
    #[must_use]
    pub fn new(components: impl Into<Vec<u64>>) -> Self {
        let mut components = components.into();
        if components.is_empty() {
            components.push(0);
        }
        Self(components)
    }

    /// Reads digits separated by dots. Nothing else is a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split('.')
            .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten())
            .collect::<Option<Vec<u64>>>()
            .map(Self)
    }

    /// Most significant first.
    #[must_use]
    pub fn components(&self) -> &[u64] {
        &self.0
    }

    /// The first component.
    #[must_use]
    pub fn major(&self) -> u64 {
        self.0.first().copied().unwrap_or_default()
    }

    /// Whether a target of this version satisfies a bound, at the precision of the bound (format, 3.1):
    /// `5` means every 5.x, `<= 5` includes 5.9, `> 5` begins with 6.
    #[must_use]
    pub fn satisfies(&self, comparison: Comparison, bound: &ReleaseNumber) -> BoundMatch {
        let known = self.0.len().min(bound.0.len());
        let prefix = self.0[..known].cmp(&bound.0[..known]);
        let rest = &bound.0[known..];
        let guessed = prefix == Ordering::Equal && !rest.is_empty();
        let order = match prefix {
            Ordering::Equal if rest.iter().any(|&component| component > 0) => Ordering::Less,
            other => other,
        };
        BoundMatch { is_satisfied: ordering_satisfies(comparison, order), is_guess: guessed }
    }
}

/// Whether a comparison is true of things that stand in this order.
#[must_use]
pub fn ordering_satisfies(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Lt => order.is_lt(),
        Comparison::Le => order.is_le(),
        Comparison::Eq => order.is_eq(),
        Comparison::Ge => order.is_ge(),
        Comparison::Gt => order.is_gt(),
    }
}

/// As it is written in specs, control files and messages.
#[must_use]
pub fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Eq => "=",
        Comparison::Ge => ">=",
        Comparison::Gt => ">",
    }
}

impl fmt::Display for ReleaseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, component) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            write!(f, "{component}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use Comparison::{Eq, Ge, Gt, Le, Lt};

    fn bound_match(target: &str, comparison: Comparison, bound: &str) -> BoundMatch {
        ReleaseNumber::parse(target).unwrap().satisfies(comparison, &ReleaseNumber::parse(bound).unwrap())
    }

    #[test]
    fn a_bound_counts_at_its_own_precision() {
        for (target, comparison, bound, expected) in [
            ("5.4", Eq, "5", true),
            ("5.0", Ge, "5", true),
            ("5.9", Gt, "5", false),
            ("6.0", Gt, "5", true),
            ("5.9", Le, "5", true),
            ("6", Le, "5", false),
            ("5.4", Eq, "5.4", true),
            ("5.4.2", Eq, "5.4", true),
            ("5.5", Eq, "5.4", false),
            ("10", Gt, "9", true),
            ("4.9", Lt, "5", true),
            ("22.04", Ge, "20.10", true),
            ("15.6", Lt, "15.10", true),
        ] {
            let answer = bound_match(target, comparison, bound);
            assert_eq!(answer.is_satisfied, expected, "{target} {} {bound}", operator(comparison));
            assert!(!answer.is_guess);
        }
    }

    #[test]
    fn a_missing_minor_version_counts_as_zero_and_is_told_where_it_decides() {
        assert_eq!(bound_match("5", Eq, "5.4"), BoundMatch { is_satisfied: false, is_guess: true });
        assert_eq!(bound_match("5", Eq, "5.0"), BoundMatch { is_satisfied: true, is_guess: true });
        assert_eq!(bound_match("5", Lt, "5.4"), BoundMatch { is_satisfied: true, is_guess: true });
        assert_eq!(bound_match("6", Ge, "5.4"), BoundMatch { is_satisfied: true, is_guess: false });
    }

    #[test]
    fn only_numbers_are_versions() {
        for text in ["", ".", "5.", "3as", "+5", "-1", "99999999999999999999999", "5 "] {
            assert_eq!(ReleaseNumber::parse(text), None, "{text:?}");
        }
    }
}
