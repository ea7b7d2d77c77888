//! What plugins answer, as the records that the host works with. Nothing is checked here; see [`crate::check`].

use opkg_interface::artefacts::{
    AcceptedKey, BinaryPackage, Bound, BuildCommand, Change, Comparison, Compression, Container, Content,
    Diagnostic, DigestAlgorithm, Field, FileMarks, FileTrigger, HookTime, KeyAlgorithm, NativeBuild,
    NativeKind, NativePackage, NativeRelation, Output, PackedFile, QuiltSource, RpmFormat, RpmFormatVersion,
    Scriptlet, Severity, SourcePackage, Tarball, TextFile, TriggerTime,
};
use opkg_interface::package_manager::{
    Command, Failure, InstallState, Installed, Offer, SideEffect, UnaskedChange,
};
use opkg_interface::{Alias, ArchName, DistributionDescription, DistributionRelease};

use crate::bindings::exports::opkg::plugin::{package_manager as manager, packaging};
use crate::bindings::opkg::plugin::{artefacts as wit, opkg};

pub(crate) fn description(raw: packaging::Description) -> DistributionDescription {
    let named = |it: packaging::Named| Alias { id: it.id, name: it.name };
    let release = |it: packaging::Release| DistributionRelease {
        version: it.version,
        name: it.name,
        is_default: it.is_default,
    };
    let arch = |it: packaging::ArchName| ArchName { canonical: it.canonical, native: it.native };
    DistributionDescription {
        id: raw.id,
        name: raw.name,
        version: raw.version,
        aliases: raw.aliases.into_iter().map(named).collect(),
        releases: raw.releases.into_iter().map(release).collect(),
        archs: raw.archs.into_iter().map(arch).collect(),
    }
}

pub(crate) fn output(raw: wit::Output) -> Output {
    Output {
        meta_files: text_files(raw.meta_files),
        source: match raw.source {
            wit::SourcePackage::Tarball(it) => {
                SourcePackage::Tarball(Tarball { path: it.path, prefix: it.prefix })
            }
            wit::SourcePackage::Quilt(it) => SourcePackage::Quilt(QuiltSource {
                name: it.name,
                version: it.version,
                directory: it.directory,
                fields: fields(it.fields),
            }),
            wit::SourcePackage::Tree(directory) => SourcePackage::Tree(directory),
        },
        native_build: NativeBuild {
            commands: raw
                .native_build
                .commands
                .into_iter()
                .map(|it| BuildCommand { argv: it.argv, env: it.env, directory: it.directory })
                .collect(),
            results: raw.native_build.results,
        },
        container: match raw.container {
            wit::Container::Rpm(format) => Container::Rpm(RpmFormat {
                version: rpm_format_version(format.version),
                newest_version: rpm_format_version(format.newest_version),
                compression: compression(format.compression),
                file_digests: match format.file_digests {
                    wit::DigestAlgorithm::Md5 => DigestAlgorithm::Md5,
                    wit::DigestAlgorithm::Sha256 => DigestAlgorithm::Sha256,
                },
            }),
            wit::Container::Deb(it) => Container::Deb(compression(it)),
            wit::Container::Archive(it) => Container::Archive(compression(it)),
        },
        packages: raw.packages.into_iter().map(package).collect(),
        accepted_keys: raw.accepted_keys.map(|keys| keys.into_iter().map(accepted_key).collect()),
        diagnostics: diagnostics(raw.diagnostics),
    }
}

fn rpm_format_version(raw: wit::RpmFormatVersion) -> RpmFormatVersion {
    match raw {
        wit::RpmFormatVersion::V4 => RpmFormatVersion::V4,
        wit::RpmFormatVersion::V6 => RpmFormatVersion::V6,
    }
}

pub(crate) fn diagnostics(raw: Vec<opkg::Diagnostic>) -> Vec<Diagnostic> {
    raw.into_iter().map(diagnostic).collect()
}

pub(crate) fn diagnostic(raw: opkg::Diagnostic) -> Diagnostic {
    Diagnostic {
        severity: match raw.severity {
            opkg::Severity::Error => Severity::Error,
            opkg::Severity::Warning => Severity::Warning,
            opkg::Severity::Note => Severity::Note,
        },
        at: raw.at,
        message: raw.message,
        help: raw.help,
    }
}

pub(crate) fn commands(raw: Vec<manager::Command>) -> Vec<Command> {
    let command = |it: manager::Command| Command {
        argv: it.argv,
        env: it.env,
        in_root: it.in_root,
        files: text_files(it.files),
        success: it.success,
    };
    raw.into_iter().map(command).collect()
}

pub(crate) fn installed(raw: Vec<manager::Installed>) -> Vec<Installed> {
    let installed = |it: manager::Installed| Installed {
        name: it.name,
        version: it.version,
        arch: it.arch,
        has_scriptlets: it.has_scriptlets,
        state: match it.state {
            manager::InstallState::Complete => InstallState::Complete,
            manager::InstallState::Incomplete(how) => InstallState::Incomplete(how),
            manager::InstallState::Residual => InstallState::Residual,
        },
    };
    raw.into_iter().map(installed).collect()
}

pub(crate) fn offers(raw: Vec<manager::Offer>) -> Vec<Offer> {
    raw.into_iter().map(|offer| Offer { name: offer.name, version: offer.version }).collect()
}

pub(crate) fn side_effects(raw: Vec<manager::SideEffect>) -> Vec<SideEffect> {
    let side_effect = |it: manager::SideEffect| SideEffect {
        name: it.name,
        change: match it.change {
            manager::UnaskedChange::Remove => UnaskedChange::Remove,
            manager::UnaskedChange::Replace => UnaskedChange::Replace,
            manager::UnaskedChange::Downgrade => UnaskedChange::Downgrade,
        },
    };
    raw.into_iter().map(side_effect).collect()
}

pub(crate) fn failures(raw: Vec<manager::Failure>) -> Vec<Failure> {
    let failure =
        |it: manager::Failure| Failure { cause: it.cause, packages: it.packages, transient: it.transient };
    raw.into_iter().map(failure).collect()
}

fn text_files(raw: Vec<wit::TextFile>) -> Vec<TextFile> {
    let file =
        |it: wit::TextFile| TextFile { path: it.path, contents: it.contents, executable: it.executable };
    raw.into_iter().map(file).collect()
}

fn fields(raw: Vec<wit::Field>) -> Vec<Field> {
    raw.into_iter().map(|it| Field { name: it.name, value: it.value }).collect()
}

fn compression(raw: wit::Compression) -> Compression {
    match raw {
        wit::Compression::None => Compression::None,
        wit::Compression::Gzip => Compression::Gzip,
        wit::Compression::Xz => Compression::Xz,
        wit::Compression::Zstd => Compression::Zstd,
    }
}

fn accepted_key(raw: wit::AcceptedKey) -> AcceptedKey {
    AcceptedKey {
        algorithm: match raw.algorithm {
            wit::KeyAlgorithm::Rsa => KeyAlgorithm::Rsa,
            wit::KeyAlgorithm::Dsa => KeyAlgorithm::Dsa,
            wit::KeyAlgorithm::Ecdsa => KeyAlgorithm::Ecdsa,
            wit::KeyAlgorithm::Ed25519 => KeyAlgorithm::Ed25519,
        },
        min_bits: raw.min_bits,
    }
}

fn package(raw: wit::BinaryPackage) -> BinaryPackage {
    BinaryPackage {
        name: raw.name,
        epoch: raw.epoch,
        version: raw.version,
        release: raw.release,
        arch: raw.arch,
        summary: raw.summary,
        description: raw.description,
        license: raw.license,
        section: raw.section,
        url: raw.url,
        maintainer: raw.maintainer,
        relations: raw.relations.into_iter().map(relation).collect(),
        files: raw.files.into_iter().map(packed_file).collect(),
        scriptlets: raw
            .scriptlets
            .into_iter()
            .map(|it| Scriptlet { time: hook_time(it.time), interpreter: it.interpreter, body: it.body })
            .collect(),
        file_triggers: raw.file_triggers.into_iter().map(file_trigger).collect(),
        interests: raw.interests,
        changelog: raw
            .changelog
            .into_iter()
            .map(|it| Change { header: it.header, seconds: it.seconds, text: it.text })
            .collect(),
        fields: fields(raw.fields),
        members: text_files(raw.members),
        file_name: raw.file_name,
    }
}

fn file_trigger(raw: wit::FileTrigger) -> FileTrigger {
    FileTrigger {
        time: match raw.time {
            wit::TriggerTime::BeforeRemoval => TriggerTime::BeforeRemoval,
            wit::TriggerTime::AfterInstallation => TriggerTime::AfterInstallation,
            wit::TriggerTime::AfterRemoval => TriggerTime::AfterRemoval,
        },
        prefixes: raw.prefixes,
        interpreter: raw.interpreter,
        body: raw.body,
    }
}

fn relation(raw: wit::NativeRelation) -> NativeRelation {
    NativeRelation {
        kind: match raw.kind {
            wit::NativeKind::Requires => NativeKind::Requires,
            wit::NativeKind::PreRequires(time) => NativeKind::PreRequires(hook_time(time)),
            wit::NativeKind::Provides => NativeKind::Provides,
            wit::NativeKind::Conflicts => NativeKind::Conflicts,
            wit::NativeKind::Breaks => NativeKind::Breaks,
            wit::NativeKind::Obsoletes => NativeKind::Obsoletes,
            wit::NativeKind::Recommends => NativeKind::Recommends,
            wit::NativeKind::Suggests => NativeKind::Suggests,
            wit::NativeKind::Supplements => NativeKind::Supplements,
            wit::NativeKind::Enhances => NativeKind::Enhances,
        },
        name: raw.name,
        bound: raw.bound.map(bound),
        alternatives: raw
            .alternatives
            .into_iter()
            .map(|it| NativePackage { name: it.name, bound: it.bound.map(bound) })
            .collect(),
    }
}

fn bound(raw: opkg::Bound) -> Bound {
    Bound {
        comparison: match raw.comparison {
            opkg::Comparison::Lt => Comparison::Lt,
            opkg::Comparison::Le => Comparison::Le,
            opkg::Comparison::Eq => Comparison::Eq,
            opkg::Comparison::Ge => Comparison::Ge,
            opkg::Comparison::Gt => Comparison::Gt,
        },
        version: raw.version,
    }
}

fn hook_time(raw: opkg::HookTime) -> HookTime {
    match raw {
        opkg::HookTime::PreInstall => HookTime::PreInstall,
        opkg::HookTime::PostInstall => HookTime::PostInstall,
        opkg::HookTime::PreUninstall => HookTime::PreUninstall,
        opkg::HookTime::PostUninstall => HookTime::PostUninstall,
        opkg::HookTime::PostTransaction => HookTime::PostTransaction,
        opkg::HookTime::Triggered => HookTime::Triggered,
    }
}

fn packed_file(raw: wit::PackedFile) -> PackedFile {
    let mut marks = FileMarks::empty();
    for (mark, told) in [
        (FileMarks::DOCUMENTATION, wit::FileMarks::DOCUMENTATION),
        (FileMarks::CONFIGURATION, wit::FileMarks::CONFIGURATION),
        (FileMarks::REPLACED, wit::FileMarks::REPLACED),
        (FileMarks::GHOST, wit::FileMarks::GHOST),
    ] {
        marks.set(mark, raw.marks.contains(told));
    }
    PackedFile {
        path: raw.path,
        content: match raw.content {
            wit::Content::Source(node) => Content::Source(node),
            wit::Content::Text(text) => Content::Text(text),
            wit::Content::GzipText(text) => Content::GzipText(text),
            wit::Content::Directory => Content::Directory,
            wit::Content::Link(target) => Content::Link(target),
        },
        mode: raw.mode,
        owner: raw.owner,
        group: raw.group,
        capabilities: raw.capabilities,
        marks,
    }
}
