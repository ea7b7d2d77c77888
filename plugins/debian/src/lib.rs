//! The Debian family of distributions: how an OPKG becomes Debian packages, and how apt is driven.
//!
//! Ubuntu is answered here as well: the packages are the same, only filters differ.

mod apt;
mod build;
mod changelog;
mod control;
mod copyright;
mod license;
mod name;
mod package;
mod person;
mod relation;
mod script;
mod section;
mod target;
mod version;

use opkg_plugin::artefacts::{Compression, Container, Output, QuiltSource, SourcePackage, TextFile};
use opkg_plugin::opkg::{Diagnostic, Opkg, Part, Severity, Target};
use opkg_plugin::package_manager::{Command, Installed, Place};
use opkg_plugin::packaging::{Description, Refusal};
use opkg_plugin::{Distribution, finding, parts};

use crate::package::Package;
use crate::version::Version;

/// Debian and Ubuntu.
pub struct Debian;

impl Distribution for Debian {
    fn describe() -> Description {
        target::describe()
    }

    fn generate(opkg: &Opkg, target: &Target) -> Result<Output, Refusal> {
        let subject = target::subject(opkg, target)?;
        let mut findings = Vec::new();
        let source = parts::package_name(opkg, Part::Api);
        let planned = parts::plan(opkg, &subject, &package::documentation(&source), &mut findings)?;
        let packages = planned.map(|part| Package::new(opkg, &part, &subject, &mut findings));
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
            native_build: build::native(&packages, &subject, &version, &directory),
            source: SourcePackage::Quilt(QuiltSource {
                name: source,
                version: version.to_string(),
                directory,
                fields: control::source_fields(opkg, &packages),
            }),
            container: Container::Deb(Compression::Xz),
            packages: records,
            diagnostics: findings,
        })
    }

    fn programs() -> Vec<String> {
        apt::programs()
    }

    fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
        apt::install(packages, place)
    }

    fn remove(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
        apt::remove(packages, place)
    }

    fn refresh(place: &Place) -> Result<Vec<Command>, String> {
        apt::refresh(place)
    }

    fn query(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
        apt::query(packages, place)
    }

    fn parse_query(printed: &str) -> Result<Vec<Installed>, String> {
        apt::parse_query(printed)
    }
}

opkg_plugin::export_distribution!(Debian);

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
    let message = format!("the Debian plugin cannot write its files: {error}");
    Refusal::Failed(vec![finding::error(opkg.at, message, "report this as a fault of the plugin")])
}
