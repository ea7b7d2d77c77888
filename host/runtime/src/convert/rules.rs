//! What plugins ask of the rules of OPKGs, and what those answer: the rules are the SDK's, so that there is one implementation.

use opkg::account::Account;
use opkg::model::{self as model_of_host, Opkg};
use opkg_sdk::{artefacts as sdk_artefacts, model as sdk, rules as sdk_rules};

use crate::bindings::v1::opkg::plugin::{artefacts, model, rules};

/// The OPKG in the SDK's own records.
pub(crate) mod to_sdk {
    use super::model_of_host as model;
    use super::sdk as wit;
    use super::*;

    model_to_wit!(script: script, attributes: { attributes: Vec::new(), });
}

pub(crate) fn context(raw: rules::FilterContext) -> sdk_rules::FilterContext {
    let identities = |list: Vec<rules::DistIdentity>| list.into_iter().map(identity).collect();
    sdk_rules::FilterContext {
        name: raw.name,
        identities: identities(raw.identities),
        fallback_identities: identities(raw.fallback_identities),
        arch: raw.arch,
        machine: raw.machine,
    }
}

fn identity(raw: rules::DistIdentity) -> sdk_rules::DistIdentity {
    let name = |it: rules::NamedRelease| sdk_rules::NamedRelease { name: it.name, number: it.number };
    sdk_rules::DistIdentity {
        id: raw.id,
        number: raw.number,
        default_number: raw.default_number,
        names: raw.names.into_iter().map(name).collect(),
    }
}

pub(crate) fn actions(raw: Vec<rules::ActionCommands>) -> Vec<sdk_rules::ActionCommands> {
    let action = |it: rules::ActionCommands| sdk_rules::ActionCommands {
        time: match it.time {
            model::ScriptTime::PreInstall => sdk::ScriptTime::PreInstall,
            model::ScriptTime::PostInstall => sdk::ScriptTime::PostInstall,
            model::ScriptTime::PreUpgrade => sdk::ScriptTime::PreUpgrade,
            model::ScriptTime::PostUpgrade => sdk::ScriptTime::PostUpgrade,
            model::ScriptTime::PreUninstall => sdk::ScriptTime::PreUninstall,
            model::ScriptTime::PostUninstall => sdk::ScriptTime::PostUninstall,
            model::ScriptTime::PreTransaction => sdk::ScriptTime::PreTransaction,
            model::ScriptTime::PostTransaction => sdk::ScriptTime::PostTransaction,
            model::ScriptTime::PreRemovalTransaction => sdk::ScriptTime::PreRemovalTransaction,
            model::ScriptTime::PostRemovalTransaction => sdk::ScriptTime::PostRemovalTransaction,
            model::ScriptTime::Triggered => sdk::ScriptTime::Triggered,
        },
        commands: it.commands,
    };
    raw.into_iter().map(action).collect()
}

pub(crate) fn filter(raw: model::Filter) -> sdk::Filter {
    let dist = |it: model::DistFilter| sdk::DistFilter {
        at: it.at,
        id: it.id,
        bound: it.bound.map(|bound| sdk::Bound {
            comparison: match bound.comparison {
                model::Comparison::Lt => sdk::Comparison::Lt,
                model::Comparison::Le => sdk::Comparison::Le,
                model::Comparison::Eq => sdk::Comparison::Eq,
                model::Comparison::Ge => sdk::Comparison::Ge,
                model::Comparison::Gt => sdk::Comparison::Gt,
            },
            version: bound.version,
        }),
    };
    sdk::Filter { dists: raw.dists.into_iter().map(dist).collect(), archs: raw.archs }
}

pub(crate) fn plan(plan: sdk_rules::OpkgPlan) -> rules::OpkgPlan {
    rules::OpkgPlan {
        parts: plan.parts.into_iter().map(part_plan).collect(),
        diagnostics: diagnostics(plan.diagnostics),
    }
}

pub(crate) fn diagnostics(found: Vec<sdk::Diagnostic>) -> Vec<model::Diagnostic> {
    found.into_iter().map(diagnostic).collect()
}

pub(crate) fn diagnostic(found: sdk::Diagnostic) -> model::Diagnostic {
    model::Diagnostic {
        severity: match found.severity {
            sdk::Severity::Error => model::Severity::Error,
            sdk::Severity::Warning => model::Severity::Warning,
            sdk::Severity::Note => model::Severity::Note,
        },
        at: found.at,
        message: found.message,
        help: found.help,
    }
}

pub(crate) fn filter_match(decision: sdk_rules::FilterMatch) -> rules::FilterMatch {
    let test = |it: sdk_rules::VersionTest| rules::VersionTest {
        id: it.id,
        comparison: comparison(it.comparison),
        number: it.number,
        written: it.written,
    };
    match decision {
        sdk_rules::FilterMatch::Always => rules::FilterMatch::Always,
        sdk_rules::FilterMatch::Never => rules::FilterMatch::Never,
        sdk_rules::FilterMatch::Conditional(open) => rules::FilterMatch::Conditional(rules::OpenCondition {
            versions: open.versions.into_iter().map(test).collect(),
            archs: open.archs,
        }),
    }
}

pub(crate) fn version_parts(parts: sdk_rules::VersionParts) -> rules::VersionParts {
    rules::VersionParts { epoch: parts.epoch, upstream: parts.upstream, release: parts.release }
}

fn part_plan(plan: sdk_rules::PartPlan) -> rules::PartPlan {
    rules::PartPlan {
        part: match plan.part {
            sdk::Part::Api => model::Part::Api,
            sdk::Part::Server => model::Part::Server,
            sdk::Part::Client => model::Part::Client,
            sdk::Part::Extra(name) => model::Part::Extra(name),
        },
        name: plan.name,
        summary: plan.summary,
        relations: plan.relations.into_iter().map(relation).collect(),
        recorded_conflicts: plan.recorded_conflicts.into_iter().map(relation).collect(),
        same_version: plan.same_version,
        is_arch_specific: plan.is_arch_specific,
        program_archs: plan.program_archs,
        files: plan.files.into_iter().map(packed_file).collect(),
        scripts: plan.scripts.into_iter().map(script).collect(),
        service_rules: plan.service_rules,
        alternatives: plan.alternatives,
        triggers: plan.triggers,
    }
}

fn relation(relation: sdk_rules::PlannedRelation) -> rules::PlannedRelation {
    let package = |it: sdk_rules::PlannedPackage| rules::PlannedPackage {
        at: it.at,
        name: it.name,
        bound: it.bound.map(bound),
        version: it.version.map(version_parts),
        is_opkg: it.is_opkg,
    };
    rules::PlannedRelation {
        at: relation.at,
        kind: match relation.kind {
            sdk::RelationKind::Requires => model::RelationKind::Requires,
            sdk::RelationKind::PreRequires => model::RelationKind::PreRequires,
            sdk::RelationKind::Recommends => model::RelationKind::Recommends,
            sdk::RelationKind::Suggests => model::RelationKind::Suggests,
            sdk::RelationKind::Supplements => model::RelationKind::Supplements,
            sdk::RelationKind::Enhances => model::RelationKind::Enhances,
            sdk::RelationKind::Provides => model::RelationKind::Provides,
            sdk::RelationKind::Conflicts => model::RelationKind::Conflicts,
            sdk::RelationKind::Breaks => model::RelationKind::Breaks,
            sdk::RelationKind::Obsoletes => model::RelationKind::Obsoletes,
        },
        any_of: relation.any_of.into_iter().map(package).collect(),
        filter_match: filter_match(relation.filter_match),
        by_default: relation.by_default,
    }
}

fn bound(bound: sdk::Bound) -> model::Bound {
    model::Bound { comparison: comparison(bound.comparison), version: bound.version }
}

fn comparison(comparison: sdk::Comparison) -> model::Comparison {
    match comparison {
        sdk::Comparison::Lt => model::Comparison::Lt,
        sdk::Comparison::Le => model::Comparison::Le,
        sdk::Comparison::Eq => model::Comparison::Eq,
        sdk::Comparison::Ge => model::Comparison::Ge,
        sdk::Comparison::Gt => model::Comparison::Gt,
    }
}

fn script(script: sdk_rules::PlannedScript) -> rules::PlannedScript {
    rules::PlannedScript {
        source: script.source,
        time: match script.time {
            sdk::ScriptTime::PreInstall => model::ScriptTime::PreInstall,
            sdk::ScriptTime::PostInstall => model::ScriptTime::PostInstall,
            sdk::ScriptTime::PreUpgrade => model::ScriptTime::PreUpgrade,
            sdk::ScriptTime::PostUpgrade => model::ScriptTime::PostUpgrade,
            sdk::ScriptTime::PreUninstall => model::ScriptTime::PreUninstall,
            sdk::ScriptTime::PostUninstall => model::ScriptTime::PostUninstall,
            sdk::ScriptTime::PreTransaction => model::ScriptTime::PreTransaction,
            sdk::ScriptTime::PostTransaction => model::ScriptTime::PostTransaction,
            sdk::ScriptTime::PreRemovalTransaction => model::ScriptTime::PreRemovalTransaction,
            sdk::ScriptTime::PostRemovalTransaction => model::ScriptTime::PostRemovalTransaction,
            sdk::ScriptTime::Triggered => model::ScriptTime::Triggered,
        },
        body: script.body,
        is_carried: script.is_carried,
        required_programs: script.required_programs,
    }
}

fn packed_file(file: sdk_artefacts::PackedFile) -> artefacts::PackedFile {
    let mut marks = artefacts::FileMarks::empty();
    for (mark, told) in [
        (sdk_artefacts::FileMarks::DOCUMENTATION, artefacts::FileMarks::DOCUMENTATION),
        (sdk_artefacts::FileMarks::CONFIGURATION, artefacts::FileMarks::CONFIGURATION),
        (sdk_artefacts::FileMarks::REPLACED, artefacts::FileMarks::REPLACED),
        (sdk_artefacts::FileMarks::GHOST, artefacts::FileMarks::GHOST),
        (sdk_artefacts::FileMarks::LICENSE, artefacts::FileMarks::LICENSE),
        (sdk_artefacts::FileMarks::MISSING_OK, artefacts::FileMarks::MISSING_OK),
    ] {
        if file.marks.contains(mark) {
            marks |= told;
        }
    }
    artefacts::PackedFile {
        path: file.path,
        content: match file.content {
            sdk_artefacts::Content::Source(node) => artefacts::Content::Source(node),
            sdk_artefacts::Content::Text(text) => artefacts::Content::Text(text),
            sdk_artefacts::Content::GzipText(text) => artefacts::Content::GzipText(text),
            sdk_artefacts::Content::Directory => artefacts::Content::Directory,
            sdk_artefacts::Content::Link(to) => artefacts::Content::Link(to),
        },
        mode: file.mode,
        owner: file.owner,
        group: file.group,
        capabilities: file.capabilities,
        marks,
    }
}
