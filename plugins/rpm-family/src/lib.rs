//! What the distributions that use RPM have in common: how an OPKG becomes a spec file and packages, and
//! how `rpm` and `dnf` are driven.
//!
//! A distribution's own crate makes a [`ReleaseProfile`] and calls [`generate`].

mod action;
mod alternatives;
mod changelog;
mod condition;
mod dnf;
mod dnf_simulation;
mod escape;
mod evr;
pub mod failures;
mod file_patterns;
mod license;
mod merged_directories;
pub mod offers;
mod package;
mod passed_over;
mod printed;
mod profile;
pub mod query;
mod record;
mod relation;
pub mod release_macro;
pub mod removal;
pub mod repository;
mod rpm_version;
mod script;
mod spec;
mod system_files;
mod systemd;
mod triggers;
mod unresolved;
pub mod version_order;

use opkg_sdk::artefacts::{
    BuildCommand, Container, NativeBuild, Output, RpmFormat, RpmFormatVersion, SourcePackage, Tarball,
    TextFile,
};
use opkg_sdk::diagnostic;
use opkg_sdk::model::{BuildTarget, Diagnostic, Opkg, Severity};
use opkg_sdk::packaging::Refusal;

pub use dnf::Dnf;
pub use license::LicenseNames;
use package::SpecPlan;
pub use profile::{ReleaseProfile, WeakDependencies, arch_names, parse_target_version, releases};
pub use rpm_version::RpmVersion;

/// Everything that an OPKG becomes.
///
/// # Errors
/// See [`Refusal`]: an architecture that the distribution does not have, a filter that excludes the target,
/// or something that RPM cannot express.
pub fn generate(opkg: &Opkg, target: &BuildTarget, profile: &ReleaseProfile) -> Result<Output, Refusal> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    if let Some(arch) = &profile.filter_context.arch {
        package::check_arch(profile, arch)?;
    }
    let plan = package::plan(opkg, target, profile, &mut diagnostics)?;
    let contents = spec::render(opkg, &plan, profile).map_err(|error| {
        let help = "this is a bug in the plugin: please report it";
        Refusal::Failed(vec![diagnostic::error(
            opkg.at,
            format!("the spec cannot be written: {error}"),
            help,
        )])
    })?;
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(Refusal::Failed(diagnostics));
    }
    let spec = format!("SPECS/opkg-{}.spec", opkg.name);
    let prefix = spec::source_prefix(opkg, &plan);
    Ok(Output {
        native_build: native_build(opkg, &plan, profile, &spec),
        meta_files: vec![TextFile { path: spec, contents, executable: false }],
        source: SourcePackage::Tarball(Tarball { path: format!("SOURCES/{prefix}.tar.gz"), prefix }),
        accepted_keys: Some(profile.rpm_version.accepted_keys()),
        packages: record::packages(opkg, &plan, &container(profile)),
        diagnostics,
        attributes: Vec::new(),
    })
}

fn container(profile: &ReleaseProfile) -> Container {
    Container::Rpm(RpmFormat {
        version: RPM_FORMAT,
        newest_version: profile.rpm_version.newest_format(),
        compression: profile.rpm_version.compression(),
        file_digests: profile.rpm_version.file_digests(),
    })
}

/// The format that the distributions' own tools make: RPM 6 would make its newest, if the distributions that have it did
/// not say otherwise (`%_rpmformat`).
const RPM_FORMAT: RpmFormatVersion = RpmFormatVersion::V4;

/// The program that makes packages of a spec.
pub const BUILD_PROGRAM: &str = "rpmbuild";

fn native_build(opkg: &Opkg, plan: &SpecPlan<'_>, profile: &ReleaseProfile, spec: &str) -> NativeBuild {
    let mut argv = vec![BUILD_PROGRAM.to_owned(), "-bb".to_owned()];
    let mut define = |text: String| argv.extend(["--define".to_owned(), text]);
    define("_topdir %{getenv:PWD}".to_owned());
    // That of the machine may be newer than the target's; older ones know no such macro, and no other format.
    define("_rpmformat 4".to_owned());
    for (name, value) in &profile.macros {
        define(format!("{name} {value}"));
    }
    if let Some(dist) = &plan.open_dist {
        define(format!("dist {dist}"));
    }
    if plan.packages.iter().any(|package| package.part.is_arch_specific) {
        argv.extend(["--target".to_owned(), profile.arch().to_owned()]);
    }
    argv.push(spec.to_owned());
    let results: Vec<String> = plan
        .built_packages()
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
