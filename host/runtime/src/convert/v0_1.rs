//! Version 0.1.0. What it has no words for is left out of what plugins are told, and never comes from them.

use std::collections::BTreeSet;

use opkg::account::Account;
use opkg::model::{self as model_of_host, Opkg};
use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, DetachedSignature, FileLayout,
    Member, MemberContent, SignatureScheme,
};
use opkg_interface::artefacts::{
    AcceptedKey, BinaryPackage, Bound, BuildCommand, ChangelogEntry, Comparison, Compression, Container,
    Content, Diagnostic, Field, FileMarks, FileTrigger, KeyAlgorithm, NativeBuild, NativeKind, NativePackage,
    NativeRelation, Output, PackedFile, QuiltSource, RpmDigestAlgorithm, RpmFormat, RpmFormatVersion,
    ScriptTime, Scriptlet, Severity, SourcePackage, Tarball, TextFile, TriggerTime,
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

/// The bindings, under the names that types have in the newest version.
mod names {
    use crate::bindings::v0_1 as bindings;

    pub(super) mod model {
        pub(in super::super) use super::bindings::opkg::plugin::opkg::*;
        pub(in super::super) use super::bindings::opkg::plugin::opkg::{
            HookTime as ScriptTime, Kind as RelationKind, Release as HistoryEntry, Scriptlet as NativeScript,
            Target as BuildTarget,
        };
    }
    pub(super) mod artefacts {
        pub(in super::super) use super::bindings::opkg::plugin::artefacts::*;
        pub(in super::super) use super::bindings::opkg::plugin::artefacts::{
            Change as ChangelogEntry, DigestAlgorithm as RpmDigestAlgorithm,
        };
    }
    pub(super) mod packaging {
        pub(in super::super) use super::bindings::exports::opkg::plugin::packaging::*;
        pub(in super::super) use super::bindings::exports::opkg::plugin::packaging::{
            Description as DistributionInfo, Named as Alias, Release as DistributionRelease,
        };
    }
    pub(super) mod manager {
        pub(in super::super) use super::bindings::exports::opkg::plugin::package_manager::*;
        pub(in super::super) use super::bindings::exports::opkg::plugin::package_manager::{
            Failure as CommandFailure, UnaskedChange as SideEffectKind,
        };
    }
}

/// What plugins answer.
pub(crate) mod from_wit {
    use super::names::{artefacts, manager, model, packaging};
    use super::*;

    from_wit_records!();

    pub(crate) fn checked_description(
        raw: packaging::DistributionInfo,
    ) -> Result<DistributionDescription, ValidationError> {
        Ok(description(raw).validate()?)
    }

    #[expect(clippy::unnecessary_wraps, reason = "later versions have more to check")]
    pub(crate) fn checked_commands(raw: Vec<manager::Command>) -> Result<Vec<Command>, ValidationError> {
        Ok(commands(raw))
    }

    #[expect(clippy::unnecessary_wraps, reason = "later versions have more to check")]
    pub(crate) fn output(raw: artefacts::Output) -> Result<Output, ValidationError> {
        let container = raw.container;
        let package = |it: artefacts::BinaryPackage| package(it, container);
        Ok(Output {
            meta_files: text_files(raw.meta_files),
            source: source_package(raw.source),
            native_build: native_build(raw.native_build),
            packages: raw.packages.into_iter().map(package).collect(),
            accepted_keys: accepted_keys(raw.accepted_keys),
            diagnostics: diagnostics(raw.diagnostics),
        })
    }

    fn package(raw: artefacts::BinaryPackage, container: artefacts::Container) -> BinaryPackage {
        let container = match container {
            artefacts::Container::Rpm(format) => Container::Rpm(rpm_format(format)),
            artefacts::Container::Deb(it) => Container::Deb(compression(it)),
            artefacts::Container::Archive(it) => {
                Container::Archives(archive(compression(it), text_files(raw.members)))
            }
        };
        package_record!(raw, part: None, container: container)
    }

    /// A tar of the members, with the directories above them, then of the files.
    fn archive(compression: Compression, members: Vec<TextFile>) -> ArchiveContainer {
        let member = |path: String, content: MemberContent, mode: u32| {
            ArchiveEntry::Member(Member::of_root(path, content, mode))
        };
        let mut directories = BTreeSet::new();
        let mut entries = Vec::new();
        for file in members {
            for (end, _) in file.path.match_indices('/') {
                if directories.insert(file.path[..end].to_owned()) {
                    let (path, content) = (file.path[..end].to_owned(), MemberContent::Directory);
                    entries.push(member(path, content, 0o755));
                }
            }
            let mode = if file.executable { 0o755 } else { 0o644 };
            let content = MemberContent::Text(file.contents);
            entries.push(member(file.path, content, mode));
        }
        entries.push(ArchiveEntry::Files(FileLayout::rest("")));
        let (name, format) = ("package".to_owned(), ArchiveFormat::Tar);
        ArchiveContainer {
            archives: vec![Archive { name, format, compression, level: None, end_marker: true, entries }],
            metadata: ArchiveMetadata::empty(),
            signature: Some(DetachedSignature {
                suffix: ".sig".to_owned(),
                scheme: SignatureScheme::Openpgp,
            }),
        }
    }

    fn relation(raw: artefacts::NativeRelation) -> NativeRelation {
        NativeRelation {
            kind: native_kind(raw.kind),
            name: raw.name,
            bound: raw.bound.map(bound),
            alternatives: raw.alternatives.into_iter().map(native_package).collect(),
            condition: None,
        }
    }

    fn script_time(raw: model::ScriptTime) -> ScriptTime {
        match raw {
            model::ScriptTime::PreInstall => ScriptTime::PreInstall,
            model::ScriptTime::PostInstall => ScriptTime::PostInstall,
            model::ScriptTime::PreUninstall => ScriptTime::PreUninstall,
            model::ScriptTime::PostUninstall => ScriptTime::PostUninstall,
            model::ScriptTime::PostTransaction => ScriptTime::PostTransaction,
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
        ] {
            marks.set(mark, raw.contains(told));
        }
        marks
    }

    #[expect(clippy::unnecessary_wraps, reason = "later versions have more to check")]
    pub(crate) fn installed(raw: Vec<manager::Installed>) -> Result<Vec<Installed>, ValidationError> {
        let installed = |it: manager::Installed| Installed {
            name: it.name,
            version: it.version,
            arch: Some(it.arch),
            has_scriptlets: Some(it.has_scriptlets),
            state: install_state(it.state),
        };
        Ok(raw.into_iter().map(installed).collect())
    }

    pub(crate) fn side_effects(raw: Vec<manager::SideEffect>) -> Vec<SideEffect> {
        let side_effect =
            |it: manager::SideEffect| SideEffect { name: it.name, kind: side_effect_kind(it.change) };
        raw.into_iter().map(side_effect).collect()
    }
}

/// What plugins are told.
pub(crate) mod to_wit {
    use super::model_of_host as model;
    use super::names::{manager, model as wit};
    use super::*;

    model_to_wit!(script: scriptlet, attributes: {});
    target_to_wit!(attributes: {});
    manager_to_wit!(attributes: {});

    fn repository(it: &Repository) -> manager::Repository {
        manager::Repository { location: it.location.clone(), unauthenticated: it.unauthenticated }
    }

    /// The last command was the one that asked.
    pub(crate) fn printed(of_commands: &[String]) -> &str {
        of_commands.last().map_or("", String::as_str)
    }

    pub(crate) fn installed(packages: &[Installed]) -> Vec<manager::Installed> {
        let installed = |it: &Installed| manager::Installed {
            name: it.name.clone(),
            version: it.version.clone(),
            arch: it.arch.clone().unwrap_or_default(),
            has_scriptlets: it.has_scriptlets.unwrap_or_default(),
            state: install_state(&it.state),
        };
        packages.iter().map(installed).collect()
    }
}
