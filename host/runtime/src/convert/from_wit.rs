//! What plugins answer, as the records that the host works with. Nothing is checked here; see [`crate::validate`].

/// The conversions of records that all versions of the interface share but for the names of some types: where it is expanded,
/// `packaging`, `manager`, `artefacts` and `model` are the modules of a version's bindings, with the names of the newest one.
macro_rules! from_wit_records {
    () => {
        pub(crate) fn description(raw: packaging::DistributionInfo) -> DistributionDescription {
            let alias = |it: packaging::Alias| Alias { id: it.id, name: it.name };
            let release = |it: packaging::DistributionRelease| DistributionRelease {
                version: it.version,
                name: it.name,
                is_default: it.is_default,
            };
            let arch = |it: packaging::ArchName| ArchName { canonical: it.canonical, native: it.native };
            DistributionDescription {
                id: raw.id,
                name: raw.name,
                version: raw.version,
                aliases: raw.aliases.into_iter().map(alias).collect(),
                releases: raw.releases.into_iter().map(release).collect(),
                archs: raw.archs.into_iter().map(arch).collect(),
            }
        }

        pub(crate) fn refusal(raw: packaging::Refusal) -> Refusal {
            match raw {
                packaging::Refusal::UnknownTarget(reason) => Refusal::UnknownTarget(reason),
                packaging::Refusal::Unavailable(found) => Refusal::Unavailable(diagnostic(found)),
                packaging::Refusal::Failed(found) => Refusal::Failed(diagnostics(found)),
            }
        }

        fn diagnostics(raw: Vec<model::Diagnostic>) -> Vec<Diagnostic> {
            raw.into_iter().map(diagnostic).collect()
        }

        fn diagnostic(raw: model::Diagnostic) -> Diagnostic {
            Diagnostic {
                severity: match raw.severity {
                    model::Severity::Error => Severity::Error,
                    model::Severity::Warning => Severity::Warning,
                    model::Severity::Note => Severity::Note,
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

        pub(crate) fn offers(raw: Vec<manager::Offer>) -> Vec<Offer> {
            raw.into_iter().map(|offer| Offer { name: offer.name, version: offer.version }).collect()
        }

        fn side_effect_kind(raw: manager::SideEffectKind) -> SideEffectKind {
            match raw {
                manager::SideEffectKind::Remove => SideEffectKind::Remove,
                manager::SideEffectKind::Replace => SideEffectKind::Replace,
                manager::SideEffectKind::Downgrade => SideEffectKind::Downgrade,
            }
        }

        fn install_state(raw: manager::InstallState) -> InstallState {
            match raw {
                manager::InstallState::Complete => InstallState::Complete,
                manager::InstallState::Incomplete(how) => InstallState::Incomplete(how),
                manager::InstallState::Residual => InstallState::Residual,
            }
        }

        pub(crate) fn failures(raw: Vec<manager::CommandFailure>) -> Vec<Failure> {
            let failure = |it: manager::CommandFailure| Failure {
                cause: it.cause,
                packages: it.packages,
                transient: it.transient,
            };
            raw.into_iter().map(failure).collect()
        }

        fn text_files(raw: Vec<artefacts::TextFile>) -> Vec<TextFile> {
            let file = |it: artefacts::TextFile| TextFile {
                path: it.path,
                contents: it.contents,
                executable: it.executable,
            };
            raw.into_iter().map(file).collect()
        }

        fn fields(raw: Vec<artefacts::Field>) -> Vec<Field> {
            raw.into_iter().map(|it| Field { name: it.name, value: it.value }).collect()
        }

        fn source_package(raw: artefacts::SourcePackage) -> SourcePackage {
            match raw {
                artefacts::SourcePackage::Tarball(it) => {
                    SourcePackage::Tarball(Tarball { path: it.path, prefix: it.prefix })
                }
                artefacts::SourcePackage::Quilt(it) => SourcePackage::Quilt(QuiltSource {
                    name: it.name,
                    version: it.version,
                    directory: it.directory,
                    fields: fields(it.fields),
                }),
                artefacts::SourcePackage::Tree(directory) => SourcePackage::Tree(directory),
            }
        }

        fn native_build(raw: artefacts::NativeBuild) -> NativeBuild {
            let command = |it: artefacts::BuildCommand| BuildCommand {
                argv: it.argv,
                env: it.env,
                directory: it.directory,
            };
            NativeBuild { commands: raw.commands.into_iter().map(command).collect(), results: raw.results }
        }

        fn rpm_format_version(raw: artefacts::RpmFormatVersion) -> RpmFormatVersion {
            match raw {
                artefacts::RpmFormatVersion::V4 => RpmFormatVersion::V4,
                artefacts::RpmFormatVersion::V6 => RpmFormatVersion::V6,
            }
        }

        fn rpm_format(raw: artefacts::RpmFormat) -> RpmFormat {
            RpmFormat {
                version: rpm_format_version(raw.version),
                newest_version: rpm_format_version(raw.newest_version),
                compression: compression(raw.compression),
                file_digests: match raw.file_digests {
                    artefacts::RpmDigestAlgorithm::Md5 => RpmDigestAlgorithm::Md5,
                    artefacts::RpmDigestAlgorithm::Sha256 => RpmDigestAlgorithm::Sha256,
                },
            }
        }

        fn compression(raw: artefacts::Compression) -> Compression {
            match raw {
                artefacts::Compression::None => Compression::None,
                artefacts::Compression::Gzip => Compression::Gzip,
                artefacts::Compression::Xz => Compression::Xz,
                artefacts::Compression::Zstd => Compression::Zstd,
            }
        }

        fn accepted_keys(raw: Option<Vec<artefacts::AcceptedKey>>) -> Option<Vec<AcceptedKey>> {
            let accepted_key = |it: artefacts::AcceptedKey| AcceptedKey {
                algorithm: match it.algorithm {
                    artefacts::KeyAlgorithm::Rsa => KeyAlgorithm::Rsa,
                    artefacts::KeyAlgorithm::Dsa => KeyAlgorithm::Dsa,
                    artefacts::KeyAlgorithm::Ecdsa => KeyAlgorithm::Ecdsa,
                    artefacts::KeyAlgorithm::Ed25519 => KeyAlgorithm::Ed25519,
                },
                min_bits: it.min_bits,
            };
            raw.map(|keys| keys.into_iter().map(accepted_key).collect())
        }

        fn scriptlets(raw: Vec<artefacts::Scriptlet>) -> Vec<Scriptlet> {
            let scriptlet = |it: artefacts::Scriptlet| Scriptlet {
                time: script_time(it.time),
                interpreter: it.interpreter,
                body: it.body,
            };
            raw.into_iter().map(scriptlet).collect()
        }

        fn changelog(raw: Vec<artefacts::ChangelogEntry>) -> Vec<ChangelogEntry> {
            let entry = |it: artefacts::ChangelogEntry| ChangelogEntry {
                header: it.header,
                seconds: it.seconds,
                text: it.text,
            };
            raw.into_iter().map(entry).collect()
        }

        fn file_triggers(raw: Vec<artefacts::FileTrigger>) -> Vec<FileTrigger> {
            let trigger = |it: artefacts::FileTrigger| FileTrigger {
                time: match it.time {
                    artefacts::TriggerTime::BeforeRemoval => TriggerTime::BeforeRemoval,
                    artefacts::TriggerTime::AfterInstallation => TriggerTime::AfterInstallation,
                    artefacts::TriggerTime::AfterRemoval => TriggerTime::AfterRemoval,
                },
                prefixes: it.prefixes,
                interpreter: it.interpreter,
                body: it.body,
            };
            raw.into_iter().map(trigger).collect()
        }

        fn native_kind(raw: artefacts::NativeKind) -> NativeKind {
            match raw {
                artefacts::NativeKind::Requires => NativeKind::Requires,
                artefacts::NativeKind::PreRequires(time) => NativeKind::PreRequires(script_time(time)),
                artefacts::NativeKind::Provides => NativeKind::Provides,
                artefacts::NativeKind::Conflicts => NativeKind::Conflicts,
                artefacts::NativeKind::Breaks => NativeKind::Breaks,
                artefacts::NativeKind::Obsoletes => NativeKind::Obsoletes,
                artefacts::NativeKind::Recommends => NativeKind::Recommends,
                artefacts::NativeKind::Suggests => NativeKind::Suggests,
                artefacts::NativeKind::Supplements => NativeKind::Supplements,
                artefacts::NativeKind::Enhances => NativeKind::Enhances,
            }
        }

        fn native_package(raw: artefacts::NativePackage) -> NativePackage {
            NativePackage { name: raw.name, bound: raw.bound.map(bound) }
        }

        fn bound(raw: model::Bound) -> Bound {
            Bound {
                comparison: match raw.comparison {
                    model::Comparison::Lt => Comparison::Lt,
                    model::Comparison::Le => Comparison::Le,
                    model::Comparison::Eq => Comparison::Eq,
                    model::Comparison::Ge => Comparison::Ge,
                    model::Comparison::Gt => Comparison::Gt,
                },
                version: raw.version,
            }
        }

        fn packed_files(raw: Vec<artefacts::PackedFile>) -> Vec<PackedFile> {
            let file = |it: artefacts::PackedFile| PackedFile {
                path: it.path,
                content: match it.content {
                    artefacts::Content::Source(node) => Content::Source(node),
                    artefacts::Content::Text(text) => Content::Text(text),
                    artefacts::Content::GzipText(text) => Content::GzipText(text),
                    artefacts::Content::Directory => Content::Directory,
                    artefacts::Content::Link(target) => Content::Link(target),
                },
                mode: it.mode,
                owner: it.owner,
                group: it.group,
                capabilities: it.capabilities,
                marks: file_marks(it.marks),
            };
            raw.into_iter().map(file).collect()
        }
    };
}

/// A package as the host has it, where `from_wit_records` was expanded: the versions have words of their own for its part and
/// container alone.
macro_rules! package_record {
    ($raw:ident, part: $part:expr, container: $container:expr) => {
        BinaryPackage {
            part: $part,
            name: $raw.name,
            epoch: $raw.epoch,
            version: $raw.version,
            release: $raw.release,
            arch: $raw.arch,
            summary: $raw.summary,
            description: $raw.description,
            license: $raw.license,
            section: $raw.section,
            url: $raw.url,
            maintainer: $raw.maintainer,
            container: $container,
            relations: $raw.relations.into_iter().map(relation).collect(),
            files: packed_files($raw.files),
            scriptlets: scriptlets($raw.scriptlets),
            file_triggers: file_triggers($raw.file_triggers),
            interests: $raw.interests,
            changelog: changelog($raw.changelog),
            fields: fields($raw.fields),
            file_name: $raw.file_name,
        }
    };
}
