//! Arch Linux and its derivatives: an OPKG becomes a `PKGBUILD` with three packages.

mod name;
mod package;
mod pacman;
mod pkgbuild;

use opkg_plugin::artefacts::{
    BuildCommand, Compression, Container, NativeBuild, Output, SourcePackage, Tarball, TextFile,
};
use opkg_plugin::filter::{Identity, Subject};
use opkg_plugin::opkg::{Opkg, Part, Severity, Target};
use opkg_plugin::packaging::{ArchName, Description, Named, Refusal, Release};
use opkg_plugin::version::Version;
use opkg_plugin::{Distribution, parts};

use crate::package::Package;
use crate::pacman::Pacman;

/// The only release: the distribution is what it is today.
const RELEASE: &str = "rolling";

/// Its architecture names are the canonical ones.
const ARCHS: [&str; 3] = ["x86_64", "aarch64", "riscv64"];

/// Arch Linux.
pub struct Arch;

impl Distribution for Arch {
    type Manager = Pacman;

    fn describe() -> Description {
        Description {
            id: "arch".into(),
            name: "Arch Linux".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            aliases: vec![Named { id: "manjaro".into(), name: "Manjaro".into() }],
            releases: vec![Release { version: RELEASE.into(), name: None, is_default: true }],
            archs: ARCHS.map(|arch| ArchName { canonical: arch.into(), native: arch.into() }).to_vec(),
        }
    }

    fn generate(opkg: &Opkg, target: &Target) -> Result<Output, Refusal> {
        let subject = subject(target)?;
        let mut findings = Vec::new();
        let base = parts::package_name(opkg, Part::Api);
        let documentation = format!("/usr/share/doc/{base}");
        let planned = parts::plan(opkg, &subject, &documentation, &mut findings)?;
        let version = name::own_version(opkg, &mut findings);
        let packages =
            planned.map(|part| Package::new(opkg, &part, &subject, &version, &documentation, &mut findings));
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(Refusal::Failed(findings));
        }

        let tree = format!("{base}-{}", version.upstream);
        let archive = format!("{tree}.tar.gz");
        let text =
            |path: String, contents| TextFile { path: format!("{base}/{path}"), contents, executable: false };
        let mut meta_files =
            vec![text("PKGBUILD".into(), pkgbuild::pkgbuild(opkg, &base, &version, &packages, &tree))];
        for package in packages.iter().filter(|package| !package.scriptlets.is_empty()) {
            let functions = pkgbuild::install_functions(&package.scriptlets);
            meta_files.push(text(format!("{}.install", package.name), functions));
        }
        let records: Vec<_> = packages.iter().map(|package| package.record(opkg, &base, &version)).collect();
        Ok(Output {
            native_build: NativeBuild {
                commands: vec![BuildCommand {
                    argv: ["makepkg", "--force", "--nodeps"].map(str::to_owned).to_vec(),
                    env: Vec::new(),
                    directory: base.clone(),
                }],
                results: records.iter().map(|record| format!("{base}/{}", record.file_name)).collect(),
            },
            meta_files,
            source: SourcePackage::Tarball(Tarball { path: format!("{base}/{archive}"), prefix: tree }),
            container: Container::Archive(Compression::Zstd),
            packages: records,
            diagnostics: findings,
        })
    }
}

opkg_plugin::export_distribution!(Arch);

/// What filters are decided for.
fn subject(target: &Target) -> Result<Subject, Refusal> {
    if let Some(version) = target.version.as_deref().filter(|version| *version != RELEASE) {
        let message = format!("`{version}` is no release of {}: it has only one, `{RELEASE}`", target.dist);
        return Err(Refusal::UnknownTarget(message));
    }
    let arch = target.arch.as_ref().unwrap_or(&target.machine);
    if !ARCHS.contains(&arch.as_str()) {
        let known = ARCHS.join(", ");
        let message = format!("{} knows no architecture `{arch}`; it knows {known}", target.dist);
        return Err(Refusal::UnknownTarget(message));
    }
    // A filter on a version cannot match what has none.
    let identity = |id: &str| Identity {
        id: id.into(),
        version: Some(Version::new([u64::MAX])),
        default: Version::new([u64::MAX]),
        read: |_| None,
    };
    let derived = target.dist != "arch";
    Ok(Subject {
        name: target.dist.clone(),
        identities: vec![identity(&target.dist)],
        stand_ins: derived.then(|| identity("arch")).into_iter().collect(),
        arch: target.arch.clone(),
        machine: target.machine.clone(),
    })
}
