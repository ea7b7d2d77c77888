//! Relations, as the package manager has them.

use opkg_sdk::artefacts::{NativeKind, NativePackage, NativeRelation};
use opkg_sdk::diagnostic::{error, push_unique};
use opkg_sdk::model::{Bound, Comparison, Diagnostic, RelationKind, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::relation::{ResolvedPackage, ResolvedRelation};

use crate::target::ID;

/// Of the part: that to another part of the OPKG, then those of the OPKG.
pub fn relations(
    plan: &PartPlan<'_>,
    own_version: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<NativeRelation> {
    let same_version = plan
        .same_version_requirement
        .iter()
        .map(|name| NativeRelation {
            kind: NativeKind::Requires,
            name: name.clone(),
            bound: Some(Bound {
                comparison: Comparison::Eq,
                version: own_version.to_owned(),
            }),
            alternatives: Vec::new(),
            condition: None,
        });
    let mut relations: Vec<NativeRelation> = same_version.collect();
    for relation in &plan.relations {
        relations.extend(native_relation(relation, diagnostics));
    }
    relations
}

fn native_relation(
    relation: &ResolvedRelation<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<NativeRelation> {
    let mut packages = relation
        .any_of
        .iter()
        .map(|package| native_package(package, diagnostics));
    let first = packages.next()?;
    Some(NativeRelation {
        kind: native_kind(relation.kind),
        name: first.name,
        bound: first.bound,
        alternatives: packages.collect(),
        condition: None,
    })
}

/// CHANGE: what the distribution calls a package, and how it writes versions.
fn native_package(
    package: &ResolvedPackage<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> NativePackage {
    if package.name.contains([' ', '|']) {
        let message = format!("`{}` cannot be the name of a package of {ID}", package.name);
        let help = "name the package that is meant, in a group with filters for this distribution";
        push_unique(diagnostics, error(package.at, message, help));
    }
    NativePackage {
        name: package.name.to_string(),
        bound: package.bound.cloned(),
    }
}

fn native_kind(kind: RelationKind) -> NativeKind {
    match kind {
        RelationKind::Requires => NativeKind::Requires,
        RelationKind::PreRequires => NativeKind::PreRequires(ScriptTime::PreInstall),
        RelationKind::Recommends => NativeKind::Recommends,
        RelationKind::Suggests => NativeKind::Suggests,
        RelationKind::Supplements => NativeKind::Supplements,
        RelationKind::Enhances => NativeKind::Enhances,
        RelationKind::Provides => NativeKind::Provides,
        RelationKind::Conflicts => NativeKind::Conflicts,
        RelationKind::Breaks => NativeKind::Breaks,
        RelationKind::Obsoletes => NativeKind::Obsoletes,
    }
}
