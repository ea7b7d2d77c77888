//! Arch Linux and its derivatives: an OPKG becomes a `PKGBUILD` with three packages.

mod name;
mod package;
mod pacman;
mod pkgbuild;
mod record;

use opkg_sdk::artefacts::{BuildCommand, NativeBuild, Output, SourcePackage, Tarball, TextFile};
use opkg_sdk::diagnostic::{note, warning};
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Opkg, Part, ReleaseTag, Severity};
use opkg_sdk::packaging::{Alias, ArchName, DistributionInfo, DistributionRelease, Refusal};
use opkg_sdk::version::ReleaseNumber;
use opkg_sdk::{Distribution, parts};

use crate::package::Package;
use crate::pacman::Pacman;

/// The only release: the distribution is what it is today.
const ONLY_RELEASE: &str = "rolling";

/// Its architecture names are the canonical ones.
const ARCHS: [&str; 3] = ["x86_64", "aarch64", "riscv64"];

pub struct Arch;

/// The program that makes packages of a `PKGBUILD`.
const BUILD_PROGRAM: &str = "makepkg";

impl Distribution for Arch {
    type Manager = Pacman;

    fn describe() -> DistributionInfo {
        DistributionInfo {
            id: "arch".into(),
            name: "Arch Linux".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            aliases: vec![Alias { id: "manjaro".into(), name: "Manjaro".into() }],
            releases: vec![DistributionRelease {
                version: ONLY_RELEASE.into(),
                name: None,
                is_default: true,
            }],
            archs: ARCHS.map(|arch| ArchName { canonical: arch.into(), native: arch.into() }).to_vec(),
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
        // The distribution has no releases to be told from each other, and a `pkgrel` is a number.
        if let ReleaseTag::Custom(tag) = &target.release_tag {
            let help = "leave it out for this distribution, with --release-tag native or none";
            let message = format!("pacman has no place for the release tag `{tag}`, which is left out");
            diagnostics.push(warning(opkg.at, message, help));
        }
        for name in [&target.vendor, &target.distribution].into_iter().flatten() {
            let message = format!("a package of pacman says of nobody that it is from `{name}`");
            diagnostics.push(note(opkg.at, message));
        }
        let packages =
            plans.map(|plan| Package::new(opkg, &plan, &context, &version, &documentation, &mut diagnostics));
        if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(Refusal::Failed(diagnostics));
        }

        let tree = format!("{base}-{}", version.upstream);
        let archive = format!("{tree}.tar.gz");
        let text =
            |path: String, contents| TextFile { path: format!("{base}/{path}"), contents, executable: false };
        let mut meta_files =
            vec![text("PKGBUILD".into(), pkgbuild::render_pkgbuild(opkg, &base, &version, &packages, &tree))];
        for package in packages.iter().filter(|package| !package.scriptlets.is_empty()) {
            let script = pkgbuild::render_install_script(&package.scriptlets);
            meta_files.push(text(format!("{}.install", package.name), script));
        }
        let records: Vec<_> =
            packages.iter().map(|package| record::to_record(package, opkg, &base, &version)).collect();
        Ok(Output {
            native_build: NativeBuild {
                commands: vec![BuildCommand {
                    argv: [BUILD_PROGRAM, "--force", "--nodeps"].map(str::to_owned).to_vec(),
                    env: Vec::new(),
                    directory: base.clone(),
                }],
                results: records.iter().map(|record| format!("{base}/{}", record.file_name)).collect(),
            },
            meta_files,
            source: SourcePackage::Tarball(Tarball { path: format!("{base}/{archive}"), prefix: tree }),
            packages: records,
            // gpgme takes whatever GnuPG can check.
            accepted_keys: None,
            diagnostics,
            attributes: Vec::new(),
        })
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
        id: id.into(),
        version: Some(ReleaseNumber::new([u64::MAX])),
        default_version: ReleaseNumber::new([u64::MAX]),
        version_syntax: VersionSyntax::Custom(|_| None),
    };
    let derived = target.dist != "arch";
    Ok(FilterContext {
        name: target.dist.clone(),
        identities: vec![identity(&target.dist)],
        fallback_identities: derived.then(|| identity("arch")).into_iter().collect(),
        arch: target.arch.clone(),
        host_arch: target.machine.clone(),
    })
}
