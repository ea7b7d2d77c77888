//! Bounds on versions, with the meaning that they have in an OPKG: one without a release is about upstream parts alone,
//! as in RPM. dpkg compares whole versions, so that `1.0-1` is newer than `1.0`.

use opkg_sdk::diagnostic;
use opkg_sdk::opkg::{Bound, Comparison, Diagnostic, Kind, Relation};
use opkg_sdk::release_tag::{is_opkg_package, widen_bound};
use opkg_sdk::version::operator;

use crate::version::{DebVersion, RELEASE_TAGS};

/// Which versions a relation is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum VersionConstraint {
    Any,
    /// The version of the package that has the relation, as it was built: both are built anew for an architecture, or
    /// neither.
    SameBinary,
    /// The version of the source, which a package for all architectures keeps when others are built anew.
    SameSource,
    /// As in `>= 1.2`.
    Bound {
        /// `<<`, `<=`, `=`, `>=` or `>>`.
        sign: &'static str,
        /// Valid for dpkg.
        version: String,
    },
}

/// The bounds that together say what a relation's bound says; nothing if dpkg cannot read its version. `tag` is that of the
/// package that has the relation, see [`widen_bound`].
pub fn translate(
    relation: &Relation,
    bound: &Bound,
    tag: Option<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<VersionConstraint>> {
    let written = &bound.version;
    let Some(version) = DebVersion::parse_relation(written) else {
        diagnostic::push_unique(
            diagnostics,
            diagnostic::error(
                relation.at,
                format!("`{written}` cannot be a version of a Debian package"),
                "write `[epoch:]upstream[-release]`, such as `1.2` or `1:1.2-3`",
            ),
        );
        return None;
    };
    let mut note =
        |message: String| diagnostic::push_unique(diagnostics, diagnostic::note(relation.at, message));
    let text = version.to_string();
    if text != *written && format!("0:{text}") != *written {
        note(format!("version `{written}` is written `{text}` on Debian"));
    }
    if relation.kind == Kind::Provides && bound.comparison != Comparison::Eq {
        let message =
            format!("a Debian package provides one version of `{}` or none; it is left out", relation.name);
        let help = "write `rel=\"=\"`, or no version";
        diagnostic::push_unique(diagnostics, diagnostic::warning(relation.at, message, help));
        return Some(vec![VersionConstraint::Any]);
    }
    let is_exclusive = relation.kind == Kind::Conflicts && bound.comparison == Comparison::Eq;
    if relation.kind == Kind::Provides || version.revision.is_some() || is_exclusive {
        if is_exclusive && version.revision.is_none() {
            // Two bounds would conflict with either.
            note(format!("on Debian a conflict with `= {text}` is none with {text}-1: it means just that"));
        }
        let translated = Bound { comparison: bound.comparison, version: text };
        let bounds = match tag {
            Some(tag) if version.revision.is_some() && is_opkg_package(&relation.name) => {
                widen_bound(relation.kind, &translated, tag, RELEASE_TAGS)
            }
            _ => vec![translated],
        };
        return Some(bounds.into_iter().map(constraint).collect());
    }
    let bounds = bounds_of_upstream(bound.comparison, &version);
    if bounds.iter().any(|(sign_written, _)| *sign_written != sign(bound.comparison)) {
        let all: Vec<String> = bounds.iter().map(|(sign, version)| format!("`{sign} {version}`")).collect();
        let (comparison, includes) = match bound.comparison {
            Comparison::Gt => (Comparison::Gt, "is not among them"),
            other => (other, "is among them"),
        };
        note(format!(
            "`{} {text}` is written {} on Debian, so that {text}-1 {includes}, as in RPM",
            operator(comparison),
            all.join(" and ")
        ));
    }
    let of_upstream = |(sign, version): (&'static str, DebVersion)| VersionConstraint::Bound {
        sign,
        version: version.to_string(),
    };
    Some(bounds.into_iter().map(of_upstream).collect())
}

/// What whole versions are compared with, so that only their upstream parts decide.
fn bounds_of_upstream(comparison: Comparison, version: &DebVersion) -> Vec<(&'static str, DebVersion)> {
    let this = version.clone();
    let above = version.above_all_revisions();
    match comparison {
        Comparison::Lt => vec![("<<", this)],
        Comparison::Le => vec![("<<", above)],
        Comparison::Eq => vec![(">=", this), ("<<", above)],
        Comparison::Ge => vec![(">=", this)],
        Comparison::Gt => vec![(">=", above)],
    }
}

fn constraint(bound: Bound) -> VersionConstraint {
    VersionConstraint::Bound { sign: sign(bound.comparison), version: bound.version }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Lt => "<<",
        Comparison::Le => "<=",
        Comparison::Eq => "=",
        Comparison::Ge => ">=",
        Comparison::Gt => ">>",
    }
}
