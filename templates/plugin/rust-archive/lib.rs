//! @NAME@: each of the three packages of an OPKG is a tar with a manifest in front of its files.

mod manager;
mod manifest;
mod package;
mod relations;
mod target;
#[cfg(test)]
mod tests;
mod unsupported;

use opkg_sdk::artefacts::{
    BinaryPackage, Member, NativeBuild, Output, SourcePackage, Tarball, TextFile,
};
use opkg_sdk::containers::Built;
use opkg_sdk::model::{BuildTarget, Opkg, Part, Severity};
use opkg_sdk::packaging::{DistributionInfo, Refusal};
use opkg_sdk::{Distribution, parts};

use crate::manager::Manager;
use crate::manifest::MANIFEST_SLOT;
use crate::package::binary_package;
use crate::target::{ID, Version, filter_context, native_arch};
use crate::unsupported::report_unsupported;

pub struct Plugin;

impl Distribution for Plugin {
    type Manager = Manager;

    fn describe() -> DistributionInfo {
        target::describe()
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        let context = filter_context(target)?;
        let mut diagnostics = Vec::new();
        let base = parts::package_name(opkg, &Part::Api);
        let documentation = format!("/usr/share/doc/{base}"); // CHANGE: where documents of packages go
        let plans = parts::plan(opkg, &context, &documentation, &mut diagnostics)?;
        let version = Version::new(opkg, target);
        let packages = plans.map(|plan| {
            let native = native_arch(&context, &plan);
            binary_package(
                opkg,
                &plan,
                &version,
                native,
                &documentation,
                &mut diagnostics,
            )
        });
        report_unsupported(opkg, &mut diagnostics);
        if diagnostics.iter().any(|it| it.severity == Severity::Error) {
            return Err(Refusal::Failed(diagnostics));
        }
        let tree = format!("{base}-{}", version.in_file_names());
        let manifest_file = |package: &BinaryPackage| TextFile {
            path: format!("{base}/{}.manifest", package.name),
            contents: manifest::manifest(package, opkg, target),
            executable: false,
        };
        Ok(Output {
            // What `--source` writes: text that people read, and the OPKG's files as they are.
            meta_files: packages.iter().map(manifest_file).collect(),
            source: SourcePackage::Tarball(Tarball {
                path: format!("{base}/{tree}.tar.gz"),
                prefix: tree,
            }),
            // CHANGE: the commands by which the distribution's own tools make the packages.
            native_build: NativeBuild {
                commands: Vec::new(),
                results: Vec::new(),
            },
            packages: packages.to_vec(),
            accepted_keys: None,
            diagnostics,
            attributes: Vec::new(),
        })
    }

    fn members(slot: &str, built: &Built) -> Result<Vec<Member>, String> {
        match slot {
            MANIFEST_SLOT => Ok(manifest::members(built)),
            other => Err(format!("there is no slot `{other}` in a package for {ID}")),
        }
    }
}

opkg_sdk::export_distribution!(Plugin);
