//! Relations translated for Debian, for control files and for packages.

use std::fmt::Write as _;

use opkg_sdk::artefacts::{NativeKind, NativeRelation};
use opkg_sdk::diagnostic;
use opkg_sdk::filter::{FilterContext, FilterMatch};
use opkg_sdk::opkg::{Bound, Comparison, Diagnostic, HookTime, Kind, Relation};
use opkg_sdk::parts::{PartPlan, ResolvedRelation};
use opkg_sdk::release_tag::{is_opkg_package, widen_bound};

use crate::arch::native_arch;
use crate::name::{self, NameTranslation};
use crate::version::{DebVersion, RELEASE_TAGS};

/// The control field that a relation stands in, in the order in which fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum RelationField {
    PreDepends,
    Depends,
    Suggests,
    Conflicts,
    Provides,
}

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

/// A relation to a package whose name is valid for dpkg.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    pub field: RelationField,
    pub name: String,
    pub version_constraint: VersionConstraint,
    /// Debian's names of the only architectures that have it; empty for all.
    pub archs: Vec<&'static str>,
    /// Whether the architecture that packages are built for has it.
    pub applies: bool,
}

impl Dependency {
    /// Unversioned, on every architecture.
    #[must_use]
    pub fn unversioned(field: RelationField, name: &str) -> Self {
        Self {
            field,
            name: name.into(),
            version_constraint: VersionConstraint::Any,
            archs: Vec::new(),
            applies: true,
        }
    }

    /// The record of a binary package. `own` is that package's version.
    #[must_use]
    pub fn to_record(&self, own: &DebVersion) -> NativeRelation {
        let bound = match &self.version_constraint {
            VersionConstraint::Any => None,
            VersionConstraint::SameBinary | VersionConstraint::SameSource => {
                Some(Bound { comparison: Comparison::Eq, version: own.to_string() })
            }
            VersionConstraint::Bound { sign, version } => {
                let comparison = match *sign {
                    "<<" => Comparison::Lt,
                    "<=" => Comparison::Le,
                    ">=" => Comparison::Ge,
                    ">>" => Comparison::Gt,
                    _ => Comparison::Eq,
                };
                Some(Bound { comparison, version: version.clone() })
            }
        };
        let kind = match self.field {
            RelationField::PreDepends => NativeKind::PreRequires(HookTime::PreInstall),
            RelationField::Depends => NativeKind::Requires,
            RelationField::Suggests => NativeKind::Suggests,
            RelationField::Conflicts => NativeKind::Conflicts,
            RelationField::Provides => NativeKind::Provides,
        };
        NativeRelation { kind, name: self.name.clone(), bound }
    }
}

/// `foo (>= 1.2) [amd64], bar`. May hold the substitution variables `${binary:Version}` and
/// `${source:Version}`.
#[must_use]
pub fn format_list<'a>(dependencies: impl IntoIterator<Item = &'a Dependency>) -> String {
    let mut text = String::new();
    for dependency in dependencies {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&dependency.name);
        // Writing to a string cannot fail.
        let _ = match &dependency.version_constraint {
            VersionConstraint::Any => Ok(()),
            VersionConstraint::SameBinary => write!(text, " (= ${{binary:Version}})"),
            VersionConstraint::SameSource => write!(text, " (= ${{source:Version}})"),
            VersionConstraint::Bound { sign, version } => write!(text, " ({sign} {version})"),
        };
        if !dependency.archs.is_empty() {
            let _ = write!(text, " [{}]", dependency.archs.join(" "));
        }
    }
    text
}

/// The relations of a part, in no order. `same` tells how the api package is named by its version.
pub fn from_part(
    part: &PartPlan<'_>,
    same: &VersionConstraint,
    tag: Option<&str>,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    let mut all = translate(&part.relations, tag, context, diagnostics);
    if let Some(api) = &part.same_version_requirement {
        all.push(Dependency {
            version_constraint: same.clone(),
            ..Dependency::unversioned(RelationField::Depends, api)
        });
    }
    all
}

/// Removes what another relation implies, as dpkg-gencontrol does, so that the packages that it makes
/// have the relations that are told of them. Sorts what remains.
#[must_use]
pub fn remove_redundant(mut all: Vec<Dependency>) -> Vec<Dependency> {
    all.sort();
    all.dedup();
    let is_redundant = |dependency: &Dependency| {
        let is_positive = dependency.field <= RelationField::Suggests;
        all.iter().any(|other| {
            let is_weaker = other.field < dependency.field && is_positive;
            let is_implied = dependency.version_constraint == VersionConstraint::Any && is_positive;
            other != dependency
                && other.name == dependency.name
                && other.archs.is_empty()
                && (other.field == dependency.field || is_weaker)
                && (other.version_constraint == dependency.version_constraint || is_implied)
        })
    };
    all.iter().filter(|dependency| !is_redundant(dependency)).cloned().collect()
}

/// The conflicts that are recorded but keep no api package from being installed beside another.
pub fn recorded_conflicts(
    part: &PartPlan<'_>,
    tag: Option<&str>,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    remove_redundant(translate(&part.opkg_conflicts, tag, context, diagnostics))
}

fn translate(
    relations: &[ResolvedRelation<'_>],
    tag: Option<&str>,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    let mut all = Vec::new();
    for resolved in relations {
        let Some(archs) = native_archs(&resolved.filter_match) else { continue };
        let applies = context.matches_by_default(&resolved.filter_match);
        let translated = translate_relation(resolved.relation, tag, diagnostics).into_iter();
        all.extend(translated.map(|dependency| Dependency { archs: archs.clone(), applies, ..dependency }));
    }
    all
}

/// What a relation is restricted to. Nothing if Debian has none of the architectures.
fn native_archs(decision: &FilterMatch) -> Option<Vec<&'static str>> {
    match decision {
        FilterMatch::Always => Some(Vec::new()),
        FilterMatch::Never => None,
        FilterMatch::Conditional(condition) if condition.archs.is_empty() => Some(Vec::new()),
        FilterMatch::Conditional(condition) => {
            let mut archs: Vec<_> = condition.archs.iter().filter_map(|arch| native_arch(arch)).collect();
            archs.sort_unstable();
            archs.dedup();
            (!archs.is_empty()).then_some(archs)
        }
    }
}

/// Nothing if it cannot be said, or needs not be; two where one bound is a range.
fn translate_relation(
    relation: &Relation,
    tag: Option<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    let Some(name) = translate_name(relation, diagnostics) else { return Vec::new() };
    let field = match relation.kind {
        Kind::Requires => RelationField::Depends,
        Kind::Suggests => RelationField::Suggests,
        Kind::Conflicts => RelationField::Conflicts,
        Kind::Provides => RelationField::Provides,
    };
    let versions = match &relation.bound {
        None => vec![VersionConstraint::Any],
        Some(bound) => translate_bound(relation, bound, tag, diagnostics),
    };
    if field == RelationField::Depends && versions == [VersionConstraint::Any] && name::is_essential(&name) {
        diagnostic::push_unique(
            diagnostics,
            diagnostic::note(
                relation.at,
                format!("`{name}` is on every Debian system, so the dependency is left out"),
            ),
        );
        return Vec::new();
    }
    let dependency =
        |version_constraint| Dependency { version_constraint, ..Dependency::unversioned(field, &name) };
    versions.into_iter().map(dependency).collect()
}

fn translate_name(relation: &Relation, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
    let written = &relation.name;
    match name::translate(written) {
        NameTranslation::Unchanged => Some(written.clone()),
        NameTranslation::Translated(adapted) => {
            let message = format!("`{written}` is called `{adapted}` on Debian");
            diagnostic::push_unique(diagnostics, diagnostic::note(relation.at, message));
            Some(adapted)
        }
        NameTranslation::Unsupported => {
            diagnostic::push_unique(
                diagnostics,
                diagnostic::error(
                    relation.at,
                    format!("`{written}` cannot be the name of a Debian package"),
                    "name the Debian package in a group of its own with \
                     `<filters><dist>debian</dist></filters>`, and keep this one for the others with \
                     `<filters><dist>rhel</dist><dist>fc</dist><dist>suse</dist><dist>mdv</dist></filters>`",
                ),
            );
            None
        }
    }
}

fn translate_bound(
    relation: &Relation,
    bound: &Bound,
    tag: Option<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<VersionConstraint> {
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
        return Vec::new();
    };
    let text = version.to_string();
    if text != *written && format!("0:{text}") != *written {
        let message = format!("version `{written}` is written `{text}` on Debian");
        diagnostic::push_unique(diagnostics, diagnostic::note(relation.at, message));
    }
    if relation.kind == Kind::Provides && bound.comparison != Comparison::Eq {
        diagnostic::push_unique(
            diagnostics,
            diagnostic::warning(
                relation.at,
                format!(
                    "a Debian package provides one version of `{}` or none; it is left out",
                    relation.name
                ),
                "write `rel=\"=\"`, or no version",
            ),
        );
        return vec![VersionConstraint::Any];
    }
    if relation.kind != Kind::Provides && bound.comparison == Comparison::Eq && version.revision.is_none() {
        let message = format!("on Debian `= {text}` is no {text}-1: without a release, it means just that");
        diagnostic::push_unique(diagnostics, diagnostic::note(relation.at, message));
    }
    let translated = Bound { comparison: bound.comparison, version: text };
    let bounds = match tag {
        Some(tag) if version.revision.is_some() && is_opkg_package(&relation.name) => {
            widen_bound(relation.kind, &translated, tag, RELEASE_TAGS)
        }
        _ => vec![translated],
    };
    let constraint = |bound: Bound| {
        let sign = match bound.comparison {
            Comparison::Lt => "<<",
            Comparison::Le => "<=",
            Comparison::Eq => "=",
            Comparison::Ge => ">=",
            Comparison::Gt => ">>",
        };
        VersionConstraint::Bound { sign, version: bound.version }
    };
    bounds.into_iter().map(constraint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simplified(all: &[(RelationField, &str, Option<&str>, &[&'static str])]) -> String {
        let all = all.iter().map(|&(field, name, version, archs)| Dependency {
            version_constraint: version.map_or(VersionConstraint::Any, |it| VersionConstraint::Bound {
                sign: ">=",
                version: it.into(),
            }),
            archs: archs.to_vec(),
            ..Dependency::unversioned(field, name)
        });
        format_list(&remove_redundant(all.collect()))
    }

    #[test]
    fn what_is_said_already_is_left_out() {
        use RelationField::{Depends, PreDepends, Suggests};
        assert_eq!(simplified(&[(Depends, "b", None, &[]), (Depends, "a", None, &[])]), "a, b");
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (Depends, "a", Some("1"), &[])]), "a (>= 1)");
        assert_eq!(simplified(&[(Depends, "a", None, &["amd64"]), (Depends, "a", None, &[])]), "a");
        assert_eq!(simplified(&[(Suggests, "a", None, &[]), (Depends, "a", Some("1"), &[])]), "a (>= 1)");
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (PreDepends, "a", None, &[])]), "a");
    }

    #[test]
    fn what_says_more_stays() {
        use RelationField::{Conflicts, Depends, Suggests};
        let both = "a, a (>= 1) [amd64]";
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (Depends, "a", Some("1"), &["amd64"])]), both);
        assert_eq!(simplified(&[(Suggests, "a", Some("1"), &[]), (Depends, "a", None, &[])]), "a, a (>= 1)");
        assert_eq!(simplified(&[(Conflicts, "a", None, &[]), (Depends, "a", None, &[])]), "a, a");
    }
}
