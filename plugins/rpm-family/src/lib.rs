//! What the distributions that use RPM have in common: how an OPKG becomes a spec file and packages, and
//! how `rpm` and `dnf` are driven.
//!
//! A distribution's own crate makes a [`Flavour`] and calls [`generate`].

mod changelog;
mod condition;
pub mod counter;
mod dnf;
mod escape;
mod evr;
mod flavour;
mod license;
pub mod order;
mod package;
pub mod query;
mod record;
mod relation;
pub mod repository;
mod spec;

use opkg_plugin::artefacts::{
    BuildCommand, Container, NativeBuild, Output, SourcePackage, Tarball, TextFile,
};
use opkg_plugin::finding;
use opkg_plugin::opkg::{Diagnostic, Opkg, Severity};
use opkg_plugin::packaging::Refusal;

pub use dnf::Dnf;
pub use flavour::{Flavour, Weak, arch_names, releases, target_version};
pub use license::LicenseNames;
use package::Plan;

/// Everything that an OPKG becomes.
///
/// # Errors
/// See [`Refusal`]: an architecture that the distribution does not have, a filter that excludes the target,
/// or something that RPM cannot express.
pub fn generate(opkg: &Opkg, flavour: &Flavour) -> Result<Output, Refusal> {
    let mut findings: Vec<Diagnostic> = Vec::new();
    if let Some(arch) = &flavour.subject.arch {
        package::check_arch(flavour, arch)?;
    }
    let plan = package::plan(opkg, flavour, &mut findings)?;
    let contents = spec::render(opkg, &plan).map_err(|error| {
        let help = "this is a fault of the plugin: please report it";
        Refusal::Failed(vec![finding::error(opkg.at, format!("the spec cannot be written: {error}"), help)])
    })?;
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Refusal::Failed(findings));
    }
    let spec = format!("SPECS/opkg-{}.spec", opkg.name);
    let prefix = spec::prefix(opkg, &plan);
    Ok(Output {
        native_build: native_build(opkg, &plan, flavour, &spec),
        meta_files: vec![TextFile { path: spec, contents, executable: false }],
        source: SourcePackage::Tarball(Tarball { path: format!("SOURCES/{prefix}.tar.gz"), prefix }),
        container: Container::Rpm(flavour.compression),
        packages: record::packages(opkg, &plan),
        diagnostics: findings,
    })
}

fn native_build(opkg: &Opkg, plan: &Plan<'_>, flavour: &Flavour, spec: &str) -> NativeBuild {
    let mut argv = vec!["rpmbuild".to_owned(), "-bb".to_owned()];
    let mut define = |text: String| argv.extend(["--define".to_owned(), text]);
    define("_topdir %{getenv:PWD}".to_owned());
    for (name, value) in &flavour.macros {
        define(format!("{name} {value}"));
    }
    if plan.packages.iter().any(|package| package.part.arch_specific) {
        argv.extend(["--target".to_owned(), flavour.arch().to_owned()]);
    }
    argv.push(spec.to_owned());
    let results: Vec<String> = plan
        .built()
        .iter()
        .map(|package| format!("RPMS/{}/{}", package.arch, record::file_name(plan, package)))
        .collect();
    let command = BuildCommand {
        argv,
        env: vec![
            ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
            ("SOURCE_DATE_EPOCH".to_owned(), opkg.source_date.seconds.to_string()),
        ],
        directory: String::new(),
    };
    NativeBuild { commands: if results.is_empty() { Vec::new() } else { vec![command] }, results }
}
