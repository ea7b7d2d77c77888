//! Arch Linux and its derivatives: an OPKG becomes three packages of pacman, and a `PKGBUILD` of which makepkg makes the same.

mod container;
mod failures;
mod hooks;
mod index;
mod manager;
mod members;
mod mtree;
mod name;
mod package;
mod pkgbuild;
mod relations;
mod scripts;
mod units;
mod vercmp;

use opkg_sdk::Distribution;
use opkg_sdk::artefacts::{BuildCommand, Member, NativeBuild, Output, SourcePackage, Tarball, TextFile};
use opkg_sdk::containers::{Built, IndexFile, IndexRequest, PackageFile, PackageSource};
use opkg_sdk::diagnostic::{push_unique, warning};
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Diagnostic, Opkg, Part, ReleaseTag, Severity};
use opkg_sdk::packaging::{Alias, ArchName, DistributionInfo, DistributionRelease, Refusal};
use opkg_sdk::parts;
use opkg_sdk::version::ReleaseNumber;

use crate::manager::Pacman;
use crate::package::PackageBuilder;
use crate::pkgbuild::Recipe;

/// The id of the distribution that the others are derived from.
const ID: &str = "arch";

/// The only release: the distribution is what it is today.
const ONLY_RELEASE: &str = "rolling";

/// Its architecture names are the canonical ones.
const ARCHS: [&str; 3] = ["x86_64", "aarch64", "riscv64"];

/// The program that makes packages of a `PKGBUILD`.
const BUILD_PROGRAM: &str = "makepkg";

pub struct Arch;

impl Distribution for Arch {
    type Manager = Pacman;

    fn describe() -> DistributionInfo {
        let arch = |arch: &str| ArchName { canonical: arch.to_owned(), native: arch.to_owned() };
        DistributionInfo {
            id: ID.to_owned(),
            name: "Arch Linux".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            aliases: vec![Alias { id: "manjaro".to_owned(), name: "Manjaro".to_owned() }],
            releases: vec![DistributionRelease {
                version: ONLY_RELEASE.to_owned(),
                name: None,
                is_default: true,
            }],
            archs: ARCHS.map(arch).to_vec(),
            attributes: Vec::new(),
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        let context = filter_context(target)?;
        let mut diagnostics = Vec::new();
        let base = parts::package_name(opkg, &Part::Api);
        let documentation = format!("/usr/share/doc/{base}");
        let plans = parts::plan(opkg, &context, &documentation, &mut diagnostics)?;
        let version = name::package_version(opkg, &mut diagnostics);
        report_release_tag(opkg, target, &mut diagnostics);
        let mut builder = PackageBuilder {
            opkg,
            target,
            context: &context,
            version: &version,
            documentation: &documentation,
            diagnostics,
        };
        let packages = plans.each_ref().map(|plan| builder.package(plan));
        let diagnostics = builder.diagnostics;
        if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(Refusal::Failed(diagnostics));
        }

        let tree = format!("{base}-{}", version.upstream);
        let recipe = Recipe { opkg, base: &base, version: &version, packages: &packages, tree: &tree };
        let results = packages.iter().map(|package| format!("{base}/{}", package.file_name)).collect();
        Ok(Output {
            meta_files: meta_files(&recipe),
            source: SourcePackage::Tarball(Tarball {
                path: format!("{base}/{tree}.tar.gz"),
                prefix: tree.clone(),
            }),
            native_build: NativeBuild {
                commands: vec![BuildCommand {
                    argv: [BUILD_PROGRAM, "--force", "--nodeps"].map(str::to_owned).to_vec(),
                    env: vec![("PKGEXT".to_owned(), container::SUFFIX.to_owned())],
                    directory: base.clone(),
                }],
                results,
            },
            packages: packages.to_vec(),
            // gpgme takes whatever GnuPG can check.
            accepted_keys: None,
            diagnostics,
            attributes: Vec::new(),
        })
    }

    fn members(slot: &str, built: &Built) -> Result<Vec<Member>, String> {
        match slot {
            container::METADATA_SLOT => members::metadata(built),
            other => Err(format!("there is no slot `{other}` in a package of pacman")),
        }
    }

    fn describe_index() -> Option<IndexRequest> {
        Some(index::request())
    }

    fn index(source: &PackageSource, packages: &[PackageFile]) -> Result<Vec<IndexFile>, String> {
        index::write(source, packages)
    }
}

opkg_sdk::export_distribution!(Arch);

fn filter_context(target: &BuildTarget) -> Result<FilterContext, Refusal> {
    if let Some(version) = target.version.as_deref().filter(|version| *version != ONLY_RELEASE) {
        let message =
            format!("unknown release `{version}` of {}: it has only one, `{ONLY_RELEASE}`", target.dist);
        return Err(Refusal::UnknownTarget(message));
    }
    let arch = target.arch.as_ref().unwrap_or(&target.machine);
    if !ARCHS.contains(&arch.as_str()) {
        let known = ARCHS.join(", ");
        let message = format!("{} does not support the architecture `{arch}`, only {known}", target.dist);
        return Err(Refusal::UnknownTarget(message));
    }
    // A filter on a version cannot match what has none.
    let identity = |id: &str| DistIdentity {
        id: id.to_owned(),
        version: Some(ReleaseNumber::new([u64::MAX])),
        default_version: ReleaseNumber::new([u64::MAX]),
        version_syntax: VersionSyntax::Custom(|_| None),
    };
    let derived = target.dist != ID;
    Ok(FilterContext {
        fallback_identities: derived.then(|| identity(ID)).into_iter().collect(),
        ..FilterContext::new(target, vec![identity(&target.dist)])
    })
}

/// The distribution has no releases to be told from each other, and a `pkgrel` is a number.
fn report_release_tag(opkg: &Opkg, target: &BuildTarget, diagnostics: &mut Vec<Diagnostic>) {
    if let ReleaseTag::Custom(tag) = &target.release_tag {
        let message = format!("pacman has no place for the release tag `{tag}`, which is left out");
        let help = "leave it out for this distribution, with --release-tag native or none";
        push_unique(diagnostics, warning(opkg.at, message, help));
    }
}

/// All that lies beside the `PKGBUILD`, and itself.
fn meta_files(recipe: &Recipe<'_>) -> Vec<TextFile> {
    let text =
        |(name, contents)| TextFile { path: format!("{}/{name}", recipe.base), contents, executable: false };
    std::iter::once(("PKGBUILD".to_owned(), recipe.render())).chain(recipe.companions()).map(text).collect()
}
