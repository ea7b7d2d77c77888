//! Versions 1.x. A record's attributes are what a later version says besides: none is known yet, and one that comes from a
//! plugin is refused, so that nothing is lost.

use opkg::account::Account;
use opkg::model::{self as model_of_host, Opkg};
use opkg_interface::artefacts::{
    AcceptedKey, BinaryPackage, Bound, BuildCommand, ChangelogEntry, Comparison, Compression, Condition,
    ConditionKind, Container, Content, Diagnostic, Field, FileMarks, FileTrigger, KeyAlgorithm, NativeBuild,
    NativeKind, NativePackage, NativeRelation, Output, PackagePart, PackedFile, QuiltSource,
    RpmDigestAlgorithm, RpmFormat, RpmFormatVersion, ScriptTime, Scriptlet, Severity, SourcePackage, Tarball,
    TextFile, TriggerTime,
};
use opkg_interface::package_manager::{
    Command, Failure, InstallState, Installed, Offer, PackageRequest, Place, Repository, SideEffect,
    SideEffectKind,
};
use opkg_interface::{
    Alias, ArchName, DistributionDescription, DistributionRelease, Label, PackageSettings, ReleaseTag, Target,
};

use super::Refusal;
use crate::validate_words::ValidationError;

/// What plugins answer.
pub(crate) mod from_wit {
    use super::super::archive::from_wit::archive_container;
    use super::super::attributes::refuse_attributes;
    use super::*;
    use crate::bindings::v1::exports::opkg::plugin::{package_manager as manager, packaging};
    use crate::bindings::v1::opkg::plugin::{artefacts, model};

    from_wit_records!();

    pub(crate) fn checked_description(
        raw: packaging::DistributionInfo,
    ) -> Result<DistributionDescription, ValidationError> {
        refuse_attributes(&raw.attributes)?;
        Ok(description(raw).validate()?)
    }

    pub(crate) fn checked_commands(raw: Vec<manager::Command>) -> Result<Vec<Command>, ValidationError> {
        raw.iter().try_for_each(|command| refuse_attributes(&command.attributes))?;
        Ok(commands(raw))
    }

    pub(crate) fn output(raw: artefacts::Output) -> Result<Output, ValidationError> {
        refuse_attributes(&raw.attributes)?;
        Ok(Output {
            meta_files: text_files(raw.meta_files),
            source: source_package(raw.source),
            native_build: native_build(raw.native_build),
            packages: raw.packages.into_iter().map(package).collect::<Result<_, _>>()?,
            accepted_keys: accepted_keys(raw.accepted_keys),
            diagnostics: diagnostics(raw.diagnostics),
        })
    }

    fn package(raw: artefacts::BinaryPackage) -> Result<BinaryPackage, ValidationError> {
        refuse_attributes(&raw.attributes)?;
        let part = |it: model::Part| match it {
            model::Part::Api => PackagePart::Api,
            model::Part::Server => PackagePart::Server,
            model::Part::Client => PackagePart::Client,
            model::Part::Extra(name) => PackagePart::Extra(name),
        };
        let container = match raw.container {
            artefacts::Container::Rpm(format) => Container::Rpm(rpm_format(format)),
            artefacts::Container::Deb(it) => Container::Deb(compression(it)),
            artefacts::Container::Archives(it) => Container::Archives(archive_container(it)?),
        };
        Ok(package_record!(raw, part: raw.part.map(part), container: container))
    }

    fn relation(raw: artefacts::NativeRelation) -> NativeRelation {
        let condition = |it: artefacts::Condition| Condition {
            kind: match it.kind {
                artefacts::ConditionKind::OnlyIf => ConditionKind::OnlyIf,
                artefacts::ConditionKind::Unless => ConditionKind::Unless,
            },
            package: native_package(it.package),
        };
        NativeRelation {
            kind: native_kind(raw.kind),
            name: raw.name,
            bound: raw.bound.map(bound),
            alternatives: raw.alternatives.into_iter().map(native_package).collect(),
            condition: raw.condition.map(condition),
        }
    }

    fn script_time(raw: model::ScriptTime) -> ScriptTime {
        match raw {
            model::ScriptTime::PreInstall => ScriptTime::PreInstall,
            model::ScriptTime::PostInstall => ScriptTime::PostInstall,
            model::ScriptTime::PreUpgrade => ScriptTime::PreUpgrade,
            model::ScriptTime::PostUpgrade => ScriptTime::PostUpgrade,
            model::ScriptTime::PreUninstall => ScriptTime::PreUninstall,
            model::ScriptTime::PostUninstall => ScriptTime::PostUninstall,
            model::ScriptTime::PreTransaction => ScriptTime::PreTransaction,
            model::ScriptTime::PostTransaction => ScriptTime::PostTransaction,
            model::ScriptTime::PreRemovalTransaction => ScriptTime::PreRemovalTransaction,
            model::ScriptTime::PostRemovalTransaction => ScriptTime::PostRemovalTransaction,
            model::ScriptTime::Triggered => ScriptTime::Triggered,
        }
    }

    fn file_marks(raw: artefacts::FileMarks) -> FileMarks {
        let mut marks = FileMarks::empty();
        for (mark, told) in [
            (FileMarks::DOCUMENTATION, artefacts::FileMarks::DOCUMENTATION),
            (FileMarks::CONFIGURATION, artefacts::FileMarks::CONFIGURATION),
            (FileMarks::REPLACED, artefacts::FileMarks::REPLACED),
            (FileMarks::GHOST, artefacts::FileMarks::GHOST),
            (FileMarks::LICENSE, artefacts::FileMarks::LICENSE),
            (FileMarks::MISSING_OK, artefacts::FileMarks::MISSING_OK),
        ] {
            marks.set(mark, raw.contains(told));
        }
        marks
    }

    pub(crate) fn installed(raw: Vec<manager::Installed>) -> Result<Vec<Installed>, ValidationError> {
        raw.iter().try_for_each(|package| refuse_attributes(&package.attributes))?;
        let installed = |it: manager::Installed| Installed {
            name: it.name,
            version: it.version,
            arch: it.arch,
            has_scriptlets: it.has_scriptlets,
            state: install_state(it.state),
        };
        Ok(raw.into_iter().map(installed).collect())
    }

    pub(crate) fn side_effects(raw: Vec<manager::SideEffect>) -> Vec<SideEffect> {
        let side_effect =
            |it: manager::SideEffect| SideEffect { name: it.name, kind: side_effect_kind(it.kind) };
        raw.into_iter().map(side_effect).collect()
    }
}

/// What plugins are told.
pub(crate) mod to_wit {
    use super::model_of_host as model;
    use super::*;
    use crate::bindings::v1::exports::opkg::plugin::package_manager as manager;
    use crate::bindings::v1::opkg::plugin::model as wit;

    model_to_wit!(script: script, attributes: { attributes: Vec::new(), });
    target_to_wit!(attributes: { attributes: Vec::new(), });
    manager_to_wit!(attributes: { attributes: Vec::new(), });

    fn repository(it: &Repository) -> manager::Repository {
        manager::Repository {
            location: it.location.clone(),
            name: it.name.clone(),
            unauthenticated: it.unauthenticated,
            attributes: Vec::new(),
        }
    }

    pub(crate) fn printed(of_commands: &[String]) -> &[String] {
        of_commands
    }

    pub(crate) fn installed(packages: &[Installed]) -> Vec<manager::Installed> {
        let installed = |it: &Installed| manager::Installed {
            name: it.name.clone(),
            version: it.version.clone(),
            arch: it.arch.clone(),
            has_scriptlets: it.has_scriptlets,
            state: install_state(&it.state),
            attributes: Vec::new(),
        };
        packages.iter().map(installed).collect()
    }
}
