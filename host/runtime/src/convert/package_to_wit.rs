//! A package as the plugin that described it is told of it while it is made.

use opkg_interface::artefacts::{
    BinaryPackage, Bound, Comparison, Condition, ConditionKind, Container, Content, FileMarks, FileTrigger,
    NativeKind, NativePackage, NativeRelation, PackagePart, PackedFile, RpmDigestAlgorithm, RpmFormat,
    RpmFormatVersion, ScriptTime, TriggerTime,
};

use super::archive::to_wit::{archive_container, compression};
use crate::bindings::v1::opkg::plugin::{artefacts, model};

pub(crate) fn package(package: &BinaryPackage) -> artefacts::BinaryPackage {
    artefacts::BinaryPackage {
        part: package.part.as_ref().map(|part| match part {
            PackagePart::Api => model::Part::Api,
            PackagePart::Server => model::Part::Server,
            PackagePart::Client => model::Part::Client,
            PackagePart::Extra(name) => model::Part::Extra(name.clone()),
        }),
        name: package.name.clone(),
        epoch: package.epoch,
        version: package.version.clone(),
        release: package.release.clone(),
        arch: package.arch.clone(),
        summary: package.summary.clone(),
        description: package.description.clone(),
        license: package.license.clone(),
        section: package.section.clone(),
        url: package.url.clone(),
        maintainer: package.maintainer.clone(),
        container: match &package.container {
            Container::Rpm(format) => artefacts::Container::Rpm(rpm_format(*format)),
            Container::Deb(how) => artefacts::Container::Deb(compression(*how)),
            Container::Archives(archives) => artefacts::Container::Archives(archive_container(archives)),
        },
        relations: package.relations.iter().map(relation).collect(),
        files: package.files.iter().map(packed_file).collect(),
        scriptlets: package
            .scriptlets
            .iter()
            .map(|it| artefacts::Scriptlet {
                time: script_time(it.time),
                interpreter: it.interpreter.clone(),
                body: it.body.clone(),
            })
            .collect(),
        file_triggers: package.file_triggers.iter().map(file_trigger).collect(),
        interests: package.interests.clone(),
        changelog: package
            .changelog
            .iter()
            .map(|it| artefacts::ChangelogEntry {
                header: it.header.clone(),
                seconds: it.seconds,
                text: it.text.clone(),
            })
            .collect(),
        fields: package
            .fields
            .iter()
            .map(|it| artefacts::Field { name: it.name.clone(), value: it.value.clone() })
            .collect(),
        attributes: Vec::new(),
        file_name: package.file_name.clone(),
    }
}

fn rpm_format(format: RpmFormat) -> artefacts::RpmFormat {
    let version = |it: RpmFormatVersion| match it {
        RpmFormatVersion::V4 => artefacts::RpmFormatVersion::V4,
        RpmFormatVersion::V6 => artefacts::RpmFormatVersion::V6,
    };
    artefacts::RpmFormat {
        version: version(format.version),
        newest_version: version(format.newest_version),
        compression: compression(format.compression),
        file_digests: match format.file_digests {
            RpmDigestAlgorithm::Md5 => artefacts::RpmDigestAlgorithm::Md5,
            RpmDigestAlgorithm::Sha256 => artefacts::RpmDigestAlgorithm::Sha256,
        },
    }
}

fn relation(relation: &NativeRelation) -> artefacts::NativeRelation {
    let condition = |it: &Condition| artefacts::Condition {
        kind: match it.kind {
            ConditionKind::OnlyIf => artefacts::ConditionKind::OnlyIf,
            ConditionKind::Unless => artefacts::ConditionKind::Unless,
        },
        package: native_package(&it.package),
    };
    artefacts::NativeRelation {
        kind: native_kind(relation.kind),
        name: relation.name.clone(),
        bound: relation.bound.as_ref().map(bound),
        alternatives: relation.alternatives.iter().map(native_package).collect(),
        condition: relation.condition.as_ref().map(condition),
    }
}

fn native_kind(kind: NativeKind) -> artefacts::NativeKind {
    match kind {
        NativeKind::Requires => artefacts::NativeKind::Requires,
        NativeKind::PreRequires(time) => artefacts::NativeKind::PreRequires(script_time(time)),
        NativeKind::Provides => artefacts::NativeKind::Provides,
        NativeKind::Conflicts => artefacts::NativeKind::Conflicts,
        NativeKind::Breaks => artefacts::NativeKind::Breaks,
        NativeKind::Obsoletes => artefacts::NativeKind::Obsoletes,
        NativeKind::Recommends => artefacts::NativeKind::Recommends,
        NativeKind::Suggests => artefacts::NativeKind::Suggests,
        NativeKind::Supplements => artefacts::NativeKind::Supplements,
        NativeKind::Enhances => artefacts::NativeKind::Enhances,
    }
}

fn native_package(package: &NativePackage) -> artefacts::NativePackage {
    artefacts::NativePackage { name: package.name.clone(), bound: package.bound.as_ref().map(bound) }
}

fn bound(bound: &Bound) -> model::Bound {
    model::Bound {
        comparison: match bound.comparison {
            Comparison::Lt => model::Comparison::Lt,
            Comparison::Le => model::Comparison::Le,
            Comparison::Eq => model::Comparison::Eq,
            Comparison::Ge => model::Comparison::Ge,
            Comparison::Gt => model::Comparison::Gt,
        },
        version: bound.version.clone(),
    }
}

fn packed_file(file: &PackedFile) -> artefacts::PackedFile {
    let mut marks = artefacts::FileMarks::empty();
    for (mark, told) in [
        (FileMarks::DOCUMENTATION, artefacts::FileMarks::DOCUMENTATION),
        (FileMarks::CONFIGURATION, artefacts::FileMarks::CONFIGURATION),
        (FileMarks::REPLACED, artefacts::FileMarks::REPLACED),
        (FileMarks::GHOST, artefacts::FileMarks::GHOST),
        (FileMarks::LICENSE, artefacts::FileMarks::LICENSE),
        (FileMarks::MISSING_OK, artefacts::FileMarks::MISSING_OK),
    ] {
        if file.marks.contains(mark) {
            marks |= told;
        }
    }
    artefacts::PackedFile {
        path: file.path.clone(),
        content: match &file.content {
            Content::Source(node) => artefacts::Content::Source(*node),
            Content::Text(text) => artefacts::Content::Text(text.clone()),
            Content::GzipText(text) => artefacts::Content::GzipText(text.clone()),
            Content::Directory => artefacts::Content::Directory,
            Content::Link(to) => artefacts::Content::Link(to.clone()),
        },
        mode: file.mode,
        owner: file.owner.clone(),
        group: file.group.clone(),
        capabilities: file.capabilities.clone(),
        marks,
    }
}

fn file_trigger(trigger: &FileTrigger) -> artefacts::FileTrigger {
    artefacts::FileTrigger {
        time: match trigger.time {
            TriggerTime::BeforeRemoval => artefacts::TriggerTime::BeforeRemoval,
            TriggerTime::AfterInstallation => artefacts::TriggerTime::AfterInstallation,
            TriggerTime::AfterRemoval => artefacts::TriggerTime::AfterRemoval,
        },
        prefixes: trigger.prefixes.clone(),
        interpreter: trigger.interpreter.clone(),
        body: trigger.body.clone(),
    }
}

fn script_time(time: ScriptTime) -> model::ScriptTime {
    match time {
        ScriptTime::PreInstall => model::ScriptTime::PreInstall,
        ScriptTime::PostInstall => model::ScriptTime::PostInstall,
        ScriptTime::PreUpgrade => model::ScriptTime::PreUpgrade,
        ScriptTime::PostUpgrade => model::ScriptTime::PostUpgrade,
        ScriptTime::PreUninstall => model::ScriptTime::PreUninstall,
        ScriptTime::PostUninstall => model::ScriptTime::PostUninstall,
        ScriptTime::PreTransaction => model::ScriptTime::PreTransaction,
        ScriptTime::PostTransaction => model::ScriptTime::PostTransaction,
        ScriptTime::PreRemovalTransaction => model::ScriptTime::PreRemovalTransaction,
        ScriptTime::PostRemovalTransaction => model::ScriptTime::PostRemovalTransaction,
        ScriptTime::Triggered => model::ScriptTime::Triggered,
    }
}
