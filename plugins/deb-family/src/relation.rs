//! Relations translated for Debian, for control files and for packages.

use std::fmt::Write as _;

use opkg_sdk::artefacts::{NativeKind, NativePackage, NativeRelation};
use opkg_sdk::diagnostic;
use opkg_sdk::filter::{FilterContext, FilterMatch};
use opkg_sdk::model::{Diagnostic, Opkg, Part, RelationKind, ScriptTime};
use opkg_sdk::parts::{self, PartPlan};
use opkg_sdk::relation::{ResolvedPackage, ResolvedRelation, conjunction, has_alternatives};
use opkg_sdk::version::operator;

use crate::arch::native_arch;
use crate::bound::{self, VersionConstraint};
use crate::name::{self, NameTranslation};
use crate::version::DebVersion;

/// The control field that a relation stands in, in the order in which fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum RelationField {
    PreDepends,
    Depends,
    Recommends,
    Suggests,
    Enhances,
    Conflicts,
    Breaks,
    Replaces,
    Provides,
}

/// A package by a name that is valid for dpkg, in some of its versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RelatedPackage {
    pub name: String,
    pub version_constraint: VersionConstraint,
}

/// A relation to a package, or to alternatives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    pub field: RelationField,
    /// Of which one is enough; never empty.
    pub any_of: Vec<RelatedPackage>,
    /// Debian's names of the only architectures that have it; empty for all.
    pub archs: Vec<&'static str>,
    /// Whether the architecture that packages are built for has it.
    pub applies: bool,
}

impl Dependency {
    /// On every architecture.
    #[must_use]
    pub fn new(field: RelationField, name: &str, version_constraint: VersionConstraint) -> Self {
        let package = RelatedPackage { name: name.into(), version_constraint };
        Self { field, any_of: vec![package], archs: Vec::new(), applies: true }
    }

    /// Unversioned, on every architecture.
    #[must_use]
    pub fn unversioned(field: RelationField, name: &str) -> Self {
        Self::new(field, name, VersionConstraint::Any)
    }

    /// The record of a binary package, whose version is `own`. Nothing if it is to no package.
    #[must_use]
    pub fn to_record(&self, own: &DebVersion) -> Option<NativeRelation> {
        let mut packages = self.any_of.iter().map(|package| NativePackage {
            name: package.name.clone(),
            bound: package.version_constraint.to_bound(own),
        });
        let kind = match self.field {
            RelationField::PreDepends => NativeKind::PreRequires(ScriptTime::PreInstall),
            RelationField::Depends => NativeKind::Requires,
            RelationField::Recommends => NativeKind::Recommends,
            RelationField::Suggests => NativeKind::Suggests,
            RelationField::Enhances => NativeKind::Enhances,
            RelationField::Conflicts => NativeKind::Conflicts,
            RelationField::Breaks => NativeKind::Breaks,
            RelationField::Replaces => NativeKind::Obsoletes,
            RelationField::Provides => NativeKind::Provides,
        };
        let NativePackage { name, bound } = packages.next()?;
        Some(NativeRelation { kind, name, bound, alternatives: packages.collect(), condition: None })
    }

    /// Whether it leaves `other`, which is in no stronger field, nothing to say.
    fn covers(&self, other: &Self) -> bool {
        let is_positive = other.field <= RelationField::Suggests;
        let is_in_field = self.field == other.field || (self.field < other.field && is_positive);
        let meets = |one: &RelatedPackage, other: &RelatedPackage| {
            let is_implied = other.version_constraint == VersionConstraint::Any && is_positive;
            one.name == other.name && (one.version_constraint == other.version_constraint || is_implied)
        };
        is_in_field
            && self.archs.is_empty()
            && self.any_of.iter().all(|one| other.any_of.iter().any(|other| meets(one, other)))
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
        for (index, package) in dependency.any_of.iter().enumerate() {
            if index > 0 {
                text.push_str(" | ");
            }
            text.push_str(&package.name);
            // Writing to a string cannot fail.
            let _ = match &package.version_constraint {
                VersionConstraint::Any => Ok(()),
                VersionConstraint::SameBinary => write!(text, " (= ${{binary:Version}})"),
                VersionConstraint::SameSource => write!(text, " (= ${{source:Version}})"),
                VersionConstraint::Bound { sign, version } => write!(text, " ({sign} {version})"),
            };
            if !dependency.archs.is_empty() {
                let _ = write!(text, " [{}]", dependency.archs.join(" "));
            }
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
        all.push(Dependency::new(RelationField::Depends, api, same.clone()));
    }
    all
}

/// Other parts, of whatever version, give up to this one what has moved into it (Debian Policy, 7.6.1); which files they had is
/// not known here. Nothing breaks them: that would have each upgrade deconfigure them, which runs their scripts as a removal
/// does, and would keep `dpkg -i` from upgrading.
pub fn to_siblings(opkg: &Opkg, part: &PartPlan<'_>) -> Vec<Dependency> {
    if part.files.iter().all(|file| file.attributes.is_ghost) {
        return Vec::new();
    }
    let names = [Part::Api, Part::Server, Part::Client].map(|kind| parts::package_name(opkg, &kind));
    let siblings = names.iter().filter(|name| **name != part.name);
    siblings.map(|name| Dependency::unversioned(RelationField::Replaces, name)).collect()
}

/// Removes what another relation implies, as dpkg-gencontrol does, so that the packages that it makes
/// have the relations that are told of them. Sorts what remains.
#[must_use]
pub fn remove_redundant(mut all: Vec<Dependency>) -> Vec<Dependency> {
    all.sort();
    all.dedup();
    let is_redundant = |dependency: &Dependency| {
        all.iter().any(|other| {
            // Of two that say the same, the first stays.
            other != dependency
                && other.covers(dependency)
                && (other < dependency || !dependency.covers(other))
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
        let translated = translate_relation(resolved, tag, diagnostics).into_iter();
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

/// Nothing if it cannot be said, or needs not be; several where only they together say it.
fn translate_relation(
    resolved: &ResolvedRelation<'_>,
    tag: Option<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    let mut alternatives: Vec<Vec<RelatedPackage>> = Vec::new();
    for package in &resolved.any_of {
        alternatives.extend(translate_package(package, resolved.kind, tag, diagnostics));
    }
    if alternatives.len() < resolved.any_of.len() {
        return Vec::new();
    }
    if let Some(name) = essential_alternative(resolved.kind, &alternatives) {
        let message = format!("`{name}` is on every Debian system, so the dependency is left out");
        diagnostic::push_unique(diagnostics, diagnostic::note(resolved.at, message));
        return Vec::new();
    }
    if resolved.kind == RelationKind::Supplements {
        report_supplements(resolved, diagnostics);
    }
    let is_versioned = resolved.any_of.iter().any(|package| package.bound.is_some());
    let clauses = conjunction(&alternatives);
    let in_field = |field: &RelationField| {
        let dependency = |any_of: &Vec<RelatedPackage>| Dependency {
            field: *field,
            any_of: any_of.clone(),
            archs: Vec::new(),
            applies: true,
        };
        clauses.iter().map(dependency).collect::<Vec<_>>()
    };
    fields(resolved.kind, is_versioned).iter().flat_map(in_field).collect()
}

/// The fields that a relation stands in.
fn fields(kind: RelationKind, is_versioned: bool) -> &'static [RelationField] {
    match kind {
        RelationKind::Requires => &[RelationField::Depends],
        RelationKind::PreRequires => &[RelationField::PreDepends],
        RelationKind::Recommends => &[RelationField::Recommends],
        RelationKind::Suggests => &[RelationField::Suggests],
        RelationKind::Enhances | RelationKind::Supplements => &[RelationField::Enhances],
        RelationKind::Provides => &[RelationField::Provides],
        RelationKind::Conflicts => &[RelationField::Conflicts],
        RelationKind::Breaks => &[RelationField::Breaks],
        // Debian Policy, 7.6.1: `Breaks` lets apt upgrade a package that is to give up its files, beside the new one.
        RelationKind::Obsoletes if is_versioned => &[RelationField::Breaks, RelationField::Replaces],
        // 7.6.2: one that goes as a whole.
        RelationKind::Obsoletes => &[RelationField::Conflicts, RelationField::Replaces],
    }
}

/// The name of a package that every system has, where that is enough.
fn essential_alternative(kind: RelationKind, alternatives: &[Vec<RelatedPackage>]) -> Option<&str> {
    if !matches!(kind, RelationKind::Requires | RelationKind::PreRequires) {
        return None;
    }
    let any = alternatives.iter().filter_map(|bounds| match bounds.as_slice() {
        [RelatedPackage { name, version_constraint: VersionConstraint::Any }] => Some(name.as_str()),
        _ => None,
    });
    any.into_iter().find(|name| name::is_essential(name))
}

fn report_supplements(resolved: &ResolvedRelation<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let name = resolved.any_of.first().map_or("", |package| &package.name);
    let message = format!(
        "nothing installs a Debian package because of another one that is there: `supplements` `{name}` becomes `Enhances`, \
         which only mentions it"
    );
    let help = "let the other package recommend this one where it is yours, or ask for this one";
    diagnostic::push_unique(diagnostics, diagnostic::warning(resolved.at, message, help));
}

/// The package with the bounds that say together what its bound says, or each by itself: see [`bound::translate`]. Nothing
/// where Debian cannot say it, which is told.
fn translate_package(
    package: &ResolvedPackage<'_>,
    kind: RelationKind,
    tag: Option<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<RelatedPackage>> {
    let Named { name, has_own_versions } = translate_name(package, kind, diagnostics)?;
    let constraints = match package.bound {
        Some(bound) if has_own_versions => bound::translate(kind, package, bound, tag, diagnostics)?,
        _ => vec![VersionConstraint::Any],
    };
    let versioned = |version_constraint| RelatedPackage { name: name.clone(), version_constraint };
    Some(constraints.into_iter().map(versioned).collect())
}

/// The package that a relation is to.
struct Named {
    name: String,
    /// Whether the relation's version is one of the package.
    has_own_versions: bool,
}

fn translate_name(
    package: &ResolvedPackage<'_>,
    kind: RelationKind,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Named> {
    let written = package.name.as_ref();
    let at = package.at;
    let found = match name::translate(written) {
        NameTranslation::Unchanged => {
            return Some(Named { name: written.to_owned(), has_own_versions: true });
        }
        NameTranslation::PartOf(_) if !has_alternatives(kind) => {
            // Neither conflicts with the whole, nor provides it.
            NameTranslation::Unsupported
        }
        other => other,
    };
    let (found, named) = match found {
        NameTranslation::Unchanged => return None,
        NameTranslation::Translated(name) => {
            let message = format!("`{written}` is called `{name}` on Debian");
            (diagnostic::note(at, message), Some(Named { name, has_own_versions: true }))
        }
        NameTranslation::PartOf(name) => {
            let message = match package.bound {
                None => format!("`{written}` is part of `{name}` on Debian"),
                Some(bound) => format!(
                    "`{written}` is part of `{name}` on Debian, which counts its versions otherwise, so \
                     `{} {}` is left out",
                    operator(bound.comparison),
                    bound.version
                ),
            };
            (diagnostic::note(at, message), Some(Named { name: name.to_owned(), has_own_versions: false }))
        }
        NameTranslation::Guessed(name) => {
            let message =
                format!("`{written}` would be called `{name}` on Debian, where no such package is known");
            let help = format!(
                "name the package that has it in a group of its own with {ONLY_DEBIAN}, or make sure that \
                 `{name}` can be installed"
            );
            (diagnostic::warning(at, message, help), Some(Named { name, has_own_versions: true }))
        }
        NameTranslation::Unsupported => {
            let help = format!(
                "name the Debian package in a group of its own with {ONLY_DEBIAN}, and keep this one for the \
                 others with `<filters><dist>rhel</dist><dist>fc</dist><dist>suse</dist><dist>mdv</dist></filters>`"
            );
            (diagnostic::error(at, format!("`{written}` cannot be the name of a Debian package"), help), None)
        }
    };
    diagnostic::push_unique(diagnostics, found);
    named
}

const ONLY_DEBIAN: &str = "`<filters><dist>debian</dist></filters>`";

#[cfg(test)]
mod tests {
    use super::*;

    fn simplified(all: &[(RelationField, &str, Option<&str>, &[&'static str])]) -> String {
        let all = all.iter().map(|&(field, names, version, archs)| {
            let package = |name: &str| RelatedPackage {
                name: name.to_owned(),
                version_constraint: version.map_or(VersionConstraint::Any, |version| {
                    VersionConstraint::Bound { sign: ">=", version: version.into() }
                }),
            };
            let any_of = names.split('|').map(package).collect();
            Dependency { any_of, archs: archs.to_vec(), ..Dependency::unversioned(field, "") }
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
        assert_eq!(simplified(&[(Depends, "a|b", None, &[]), (Depends, "b", Some("1"), &[])]), "b (>= 1)");
        assert_eq!(simplified(&[(Depends, "b|a", None, &[]), (Depends, "a|b", None, &[])]), "a | b");
    }

    #[test]
    fn what_says_more_stays() {
        use RelationField::{Conflicts, Depends, Suggests};
        assert_eq!(simplified(&[(Depends, "a|b", None, &[]), (Depends, "c", None, &[])]), "a | b, c");
        assert_eq!(
            simplified(&[(Depends, "a|b", None, &[]), (Depends, "a", None, &["amd64"])]),
            "a [amd64], a | b"
        );
        let both = "a, a (>= 1) [amd64]";
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (Depends, "a", Some("1"), &["amd64"])]), both);
        assert_eq!(simplified(&[(Suggests, "a", Some("1"), &[]), (Depends, "a", None, &[])]), "a, a (>= 1)");
        assert_eq!(simplified(&[(Conflicts, "a", None, &[]), (Depends, "a", None, &[])]), "a, a");
    }
}
