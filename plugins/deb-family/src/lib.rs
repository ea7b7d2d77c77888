//! What the distributions with Debian packages have in common: how an OPKG becomes a source tree and
//! packages, and how apt is driven.
//!
//! A distribution's own crate makes a [`Flavour`] and calls [`generate`].

mod apt;
pub mod arch;
mod build;
mod changelog;
mod control;
mod copyright;
pub mod debian;
mod license;
mod name;
pub mod order;
mod package;
mod person;
mod relation;
mod script;
mod section;
mod version;

use opkg_plugin::artefacts::{Compression, Container, Output, QuiltSource, SourcePackage, TextFile};
use opkg_plugin::filter::Subject;
use opkg_plugin::opkg::{Diagnostic, Opkg, Part, Severity};
use opkg_plugin::packaging::Refusal;
use opkg_plugin::{finding, parts};

pub use crate::apt::Apt;
use crate::package::Package;
use crate::relation::Versions;
use crate::version::Version;

/// A distribution and release that an OPKG is compiled for.
#[derive(Debug, Clone)]
pub struct Flavour {
    /// Decides filters. Each identity has a version, since neither control files nor packages have conditions
    /// on one: the default release stands in where the target names none (format, 3.1).
    pub subject: Subject,
    /// Of control and data, as the release's own dpkg can read it.
    pub compression: Compression,
}

/// Everything that an OPKG becomes.
///
/// # Errors
/// See [`Refusal`]: a filter that excludes the target, or something that dpkg cannot express.
pub fn generate(opkg: &Opkg, flavour: &Flavour) -> Result<Output, Refusal> {
    let subject = &flavour.subject;
    let mut findings = Vec::new();
    let source = parts::package_name(opkg, Part::Api);
    let planned = parts::plan(opkg, subject, &package::documentation(&source), &mut findings)?;
    let api_is_built_anew = planned.iter().any(|it| it.which == Part::Api && it.arch_specific);
    let same = if api_is_built_anew { Versions::SameBuild } else { Versions::SameSource };
    let packages = planned.map(|part| Package::new(opkg, &part, &same, subject, &mut findings));
    let Some(version) = own_version(opkg, &mut findings) else {
        return Err(Refusal::Failed(findings));
    };
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Refusal::Failed(findings));
    }
    let directory = format!("{source}-{}", version.upstream);
    let changelog = changelog::write(opkg, &source);
    let copyright = copyright::write(opkg).map_err(|error| broken(opkg, &error))?;
    let meta_files = meta_files(opkg, &directory, &packages, &changelog, &copyright)
        .map_err(|error| broken(opkg, &error))?;
    let records = packages
        .iter()
        .map(|package| package.record(opkg, &source, &version, &copyright, &changelog))
        .collect();
    Ok(Output {
        meta_files,
        native_build: build::native(&packages, subject, &version, &directory),
        source: SourcePackage::Quilt(QuiltSource {
            name: source,
            version: version.to_string(),
            directory,
            fields: control::source_fields(opkg, &packages),
        }),
        container: Container::Deb(flavour.compression),
        packages: records,
        diagnostics: findings,
    })
}

/// The version being built, in Debian's words.
fn own_version(opkg: &Opkg, findings: &mut Vec<Diagnostic>) -> Option<Version> {
    let written = &opkg.history.first()?.version;
    let at = opkg.at;
    if i32::try_from(written.epoch).is_err() {
        let message = format!("the epoch {} is larger than Debian's tools can count", written.epoch);
        finding::add(findings, finding::error(at, message, "use a small epoch; most packages need none"));
        return None;
    }
    let version = Version::of_package(written);
    let text = version.without_epoch();
    let original = format!("{}-{}", written.upstream, written.release);
    if text != original {
        finding::add(
            findings,
            finding::note(at, format!("version `{original}` is written `{text}` on Debian")),
        );
    }
    Some(version)
}

fn meta_files(
    opkg: &Opkg,
    directory: &str,
    packages: &[Package],
    changelog: &str,
    copyright: &str,
) -> Result<Vec<TextFile>, askama::Error> {
    let file = |name: &str, contents: String, executable| TextFile {
        path: format!("{directory}/debian/{name}"),
        contents,
        executable,
    };
    let source = parts::package_name(opkg, Part::Api);
    let mut files = vec![
        file("changelog", changelog.into(), false),
        file("control", control::write(opkg, &source, packages)?, false),
        file("copyright", copyright.into(), false),
        file("install", build::install(packages)?, true),
        file("rules", build::rules(packages)?, true),
        file("source/format", "3.0 (quilt)\n".into(), false),
    ];
    for package in packages {
        for script in &package.scripts {
            files.push(file(&format!("{}.{}", package.name, script.name()), script.text(), false));
        }
    }
    Ok(files)
}

/// A template of this plugin does not fit its data.
fn broken(opkg: &Opkg, error: &askama::Error) -> Refusal {
    let message = format!("the plugin cannot write the files of a Debian package: {error}");
    Refusal::Failed(vec![finding::error(opkg.at, message, "report this as a fault of the plugin")])
}
