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

/// Enumerations that both sides have alike.
macro_rules! same_variants {
    ($($visibility:vis $name:ident: $from:ident::$type:ident => $to:ident { $($variant:ident)+ })+) => {
        $($visibility fn $name(from: $from::$type) -> $to::$type {
            match from {
                $($from::$type::$variant => $to::$type::$variant,)+
            }
        })+
    };
}

same_variants! {
    comparison: sdk::Comparison => model { Lt Le Eq Ge Gt }
    sdk_comparison: model::Comparison => sdk { Lt Le Eq Ge Gt }
    relation_kind: sdk::RelationKind => model {
        Requires PreRequires Recommends Suggests Supplements Enhances Provides Conflicts Breaks Obsoletes
    }
    pub(crate) sdk_relation_kind: model::RelationKind => sdk {
        Requires PreRequires Recommends Suggests Supplements Enhances Provides Conflicts Breaks Obsoletes
    }
    script_time: sdk::ScriptTime => model {
        PreInstall PostInstall PreUpgrade PostUpgrade PreUninstall PostUninstall PreTransaction PostTransaction
        PreRemovalTransaction PostRemovalTransaction Triggered
    }
    sdk_script_time: model::ScriptTime => sdk {
        PreInstall PostInstall PreUpgrade PostUpgrade PreUninstall PostUninstall PreTransaction PostTransaction
        PreRemovalTransaction PostRemovalTransaction Triggered
    }
    severity: sdk::Severity => model { Error Warning Note }
    pub(crate) digest_algorithm: artefacts::DigestAlgorithm => sdk_artefacts { Md5 Sha1 Sha256 Sha512 }
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
        time: sdk_script_time(it.time),
        commands: it.commands,
    };
    raw.into_iter().map(action).collect()
}

pub(crate) fn filter(raw: model::Filter) -> sdk::Filter {
    let dist =
        |it: model::DistFilter| sdk::DistFilter { at: it.at, id: it.id, bound: it.bound.map(sdk_bound) };
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
        severity: severity(found.severity),
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
        kind: relation_kind(relation.kind),
        any_of: relation.any_of.into_iter().map(package).collect(),
        filter_match: filter_match(relation.filter_match),
        by_default: relation.by_default,
    }
}

pub(crate) fn bound(bound: sdk::Bound) -> model::Bound {
    model::Bound { comparison: comparison(bound.comparison), version: bound.version }
}

pub(crate) fn sdk_bound(bound: model::Bound) -> sdk::Bound {
    sdk::Bound { comparison: sdk_comparison(bound.comparison), version: bound.version }
}

fn script(script: sdk_rules::PlannedScript) -> rules::PlannedScript {
    rules::PlannedScript {
        source: script.source,
        time: script_time(script.time),
        body: script.body,
        is_carried: script.is_carried,
        required_programs: script.required_programs,
    }
}

/// A conversion of files as packages have them, from the one side to the other.
macro_rules! packed_file {
    ($name:ident: $from:ident => $to:ident) => {
        fn $name(file: $from::PackedFile) -> $to::PackedFile {
            let mut marks = $to::FileMarks::empty();
            for (mark, told) in [
                ($from::FileMarks::DOCUMENTATION, $to::FileMarks::DOCUMENTATION),
                ($from::FileMarks::CONFIGURATION, $to::FileMarks::CONFIGURATION),
                ($from::FileMarks::REPLACED, $to::FileMarks::REPLACED),
                ($from::FileMarks::GHOST, $to::FileMarks::GHOST),
                ($from::FileMarks::LICENSE, $to::FileMarks::LICENSE),
                ($from::FileMarks::MISSING_OK, $to::FileMarks::MISSING_OK),
            ] {
                if file.marks.contains(mark) {
                    marks |= told;
                }
            }
            $to::PackedFile {
                path: file.path,
                content: match file.content {
                    $from::Content::Source(node) => $to::Content::Source(node),
                    $from::Content::Text(text) => $to::Content::Text(text),
                    $from::Content::GzipText(text) => $to::Content::GzipText(text),
                    $from::Content::Directory => $to::Content::Directory,
                    $from::Content::Link(to) => $to::Content::Link(to),
                },
                mode: file.mode,
                owner: file.owner,
                group: file.group,
                capabilities: file.capabilities,
                marks,
            }
        }
    };
}

packed_file!(packed_file: sdk_artefacts => artefacts);
packed_file!(sdk_packed_file: artefacts => sdk_artefacts);

pub(crate) fn packed_files(files: Vec<artefacts::PackedFile>) -> Vec<sdk_artefacts::PackedFile> {
    files.into_iter().map(sdk_packed_file).collect()
}

pub(crate) fn unkept(raw: rules::Unkept) -> sdk_rules::Unkept {
    let mut unkept = sdk_rules::Unkept::empty();
    for (told, mark) in [
        (rules::Unkept::OWNERS, sdk_rules::Unkept::OWNERS),
        (rules::Unkept::DIRECTORIES, sdk_rules::Unkept::DIRECTORIES),
        (rules::Unkept::CAPABILITIES, sdk_rules::Unkept::CAPABILITIES),
    ] {
        unkept.set(mark, raw.contains(told));
    }
    unkept
}
