//! The interface `rules`: what every distribution decides alike, in records alone. It is what the other modules decide; the host
//! calls this to serve plugins in languages that have no SDK, and a plugin in Rust may, where indexes and records suit it better
//! than references.

mod convert;
mod digest;

pub use crate::bindings::opkg::plugin::rules::{
    ActionCommands, DistIdentity, FilterContext, FilterMatch, NamedRelease, OpenCondition, OpkgPlan,
    PartPlan, PlannedPackage, PlannedRelation, PlannedScript, VersionParts, VersionTest,
};
pub use crate::file_commands::{Unkept, attribute_commands, ghost_commands};
pub use crate::package_version::order_prereleases;
pub use crate::perl::is_core_module as is_core_perl_module;
pub use crate::release_tag::{TagSyntax, widen_bound};
pub use crate::text::shell_quote;
pub use digest::digest;

use crate::filter;
use crate::model::{Diagnostic, Filter, Opkg, ScriptTime};
use crate::package_version::WrittenVersion;
use crate::parts::{self, InstalledFile};
use crate::relation::ResolvedRelation;
use crate::{packed_files, scriptlet};

/// What each package gets of the OPKG. `documentation` is the absolute directory of the api package's documents. `actions` set
/// `OPKG_ACTION` and `OPKG_OLD_VERSION`: see [`scriptlet::for_file`]; at a time that has none, both are empty.
///
/// # Errors
/// The OPKG's own filters exclude the target: for [`Refusal::Unavailable`](crate::packaging::Refusal::Unavailable).
pub fn plan(
    opkg: &Opkg,
    context: &FilterContext,
    documentation: &str,
    actions: &[ActionCommands],
) -> Result<OpkgPlan, Diagnostic> {
    let context = filter::FilterContext::from(context);
    let mut diagnostics = Vec::new();
    let parts = parts::decide(opkg, &context, documentation, &mut diagnostics)?;
    let input = Input { opkg, context: &context, documentation, actions };
    Ok(OpkgPlan { parts: parts.iter().map(|part| input.part_plan(part)).collect(), diagnostics })
}

/// Decides a filter. The second is what to tell the user about it.
#[must_use]
pub fn decide(context: &FilterContext, filter: &Filter) -> (FilterMatch, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let decision = filter::FilterContext::from(context).evaluate(filter, &mut diagnostics);
    (decision.into(), diagnostics)
}

/// Reads a version of a relation. What follows the last `-` is the release, unless it names a pre-release and the version is
/// not one of an OPKG. Nothing where it cannot be read.
#[must_use]
pub fn split_version(version: &str, is_opkg: bool) -> Option<VersionParts> {
    let parse = if is_opkg { WrittenVersion::parse_opkg } else { WrittenVersion::parse };
    parse(version).map(VersionParts::from)
}

/// What [`plan`] was given.
struct Input<'a> {
    opkg: &'a Opkg,
    context: &'a filter::FilterContext,
    documentation: &'a str,
    actions: &'a [ActionCommands],
}

impl Input<'_> {
    fn part_plan(&self, part: &parts::PartPlan<'_>) -> PartPlan {
        let Self { opkg, documentation, .. } = *self;
        let relations = |of: &[ResolvedRelation<'_>]| of.iter().map(|it| self.relation(it)).collect();
        PartPlan {
            part: part.kind.clone(),
            name: part.name.clone(),
            summary: part.summary.clone(),
            relations: relations(&part.relations),
            recorded_conflicts: relations(&part.opkg_conflicts),
            same_version: part.same_version_requirement.clone(),
            is_arch_specific: part.is_arch_specific,
            program_archs: part.program_archs.iter().map(ToString::to_string).collect(),
            files: packed_files::of_part(opkg, part, documentation),
            scripts: part.files.iter().filter_map(|file| self.script(file)).collect(),
            service_rules: indexes(&opkg.service_rules, &part.service_rules),
            alternatives: indexes(&opkg.alternatives, &part.alternatives),
            triggers: indexes(&opkg.triggers, &part.triggers),
        }
    }

    fn relation(&self, relation: &ResolvedRelation<'_>) -> PlannedRelation {
        let package = |package: &crate::relation::ResolvedPackage<'_>| PlannedPackage {
            at: package.at,
            name: package.name.to_string(),
            bound: package.bound.cloned(),
            version: package.version().map(VersionParts::from),
            is_opkg: package.is_opkg,
        };
        PlannedRelation {
            at: relation.at,
            kind: relation.kind,
            any_of: relation.any_of.iter().map(package).collect(),
            by_default: self.context.matches_by_default(&relation.filter_match),
            filter_match: relation.filter_match.clone().into(),
        }
    }

    fn script(&self, file: &InstalledFile<'_>) -> Option<PlannedScript> {
        let source = index(&self.opkg.files, file.source)?;
        let script = scriptlet::for_file(file, self.opkg, |time| self.action_commands(time))?;
        Some(PlannedScript {
            source,
            time: script.time,
            is_carried: script.is_embedded(),
            body: script.body,
            required_programs: script.required_programs,
        })
    }

    fn action_commands(&self, time: ScriptTime) -> String {
        match self.actions.iter().find(|action| action.time == time) {
            Some(action) => action.commands.clone(),
            None => "OPKG_ACTION=\nOPKG_OLD_VERSION=\n".to_owned(),
        }
    }
}

/// Where those that were chosen of a list stand in it.
fn indexes<T>(all: &[T], chosen: &[&T]) -> Vec<u32> {
    chosen.iter().filter_map(|it| index(all, it)).collect()
}

fn index<T>(all: &[T], one: &T) -> Option<u32> {
    let position = all.iter().position(|it| std::ptr::eq(it, one))?;
    u32::try_from(position).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
