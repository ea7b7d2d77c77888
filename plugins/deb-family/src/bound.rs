//! Bounds on versions, with the meaning that they have in an OPKG: one without a release is about upstream parts alone,
//! as in RPM. dpkg compares whole versions, so that `1.0-1` is newer than `1.0`.

use opkg_sdk::diagnostic;
use opkg_sdk::model::{Bound, Comparison, Diagnostic, RelationKind};
use opkg_sdk::relation::{ResolvedPackage, has_alternatives};
use opkg_sdk::release_tag::{is_opkg_package, widen_bound};
use opkg_sdk::version::operator;

use crate::version::{DebVersion, release_tags};

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
    kind: RelationKind,
    package: &ResolvedPackage<'_>,
    bound: &Bound,
    tag: Option<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<VersionConstraint>> {
    let written = &bound.version;
    let Some(version) = package.version().and_then(|version| DebVersion::from_relation(&version)) else {
        diagnostic::push_unique(
            diagnostics,
            diagnostic::error(
                package.at,
                format!("`{written}` cannot be a version of a Debian package"),
                "write `[epoch:]upstream[-release]`, such as `1.2` or `1:1.2-3`",
            ),
        );
        return None;
    };
    let mut note =
        |message: String| diagnostic::push_unique(diagnostics, diagnostic::note(package.at, message));
    let text = version.to_string();
    if text != *written && format!("0:{text}") != *written {
        note(format!("version `{written}` is written `{text}` on Debian"));
    }
    if kind == RelationKind::Provides && bound.comparison != Comparison::Eq {
        let message =
            format!("a Debian package provides one version of `{}` or none; it is left out", package.name);
        let help = "write `rel=\"=\"`, or no version";
        diagnostic::push_unique(diagnostics, diagnostic::warning(package.at, message, help));
        return Some(vec![VersionConstraint::Any]);
    }
    // Each bound counts by itself, so that two would be met by any version.
    let is_exclusive =
        !has_alternatives(kind) && kind != RelationKind::Provides && bound.comparison == Comparison::Eq;
    if kind == RelationKind::Provides || version.revision.is_some() || is_exclusive {
        if is_exclusive && version.revision.is_none() {
            let what = if kind == RelationKind::Conflicts { "a conflict" } else { "a relation" };
            note(format!("on Debian {what} with `= {text}` is none with {text}-1: it means just that"));
        }
        let translated = Bound { comparison: bound.comparison, version: text };
        let bounds = match tag {
            Some(tag) if version.revision.is_some() && is_opkg_package(&package.name) => {
                widen_bound(kind, &translated, tag, &release_tags())
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

impl VersionConstraint {
    /// In a package whose version is `own`.
    #[must_use]
    pub fn to_bound(&self, own: &DebVersion) -> Option<Bound> {
        match self {
            Self::Any => None,
            Self::SameBinary | Self::SameSource => {
                Some(Bound { comparison: Comparison::Eq, version: own.to_string() })
            }
            Self::Bound { sign, version } => {
                let comparison = match *sign {
                    "<<" => Comparison::Lt,
                    "<=" => Comparison::Le,
                    ">=" => Comparison::Ge,
                    ">>" => Comparison::Gt,
                    _ => Comparison::Eq,
                };
                Some(Bound { comparison, version: version.clone() })
            }
        }
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
