//! What the distributions with Debian packages have in common: how an OPKG becomes a source tree and
//! packages, and how apt is driven.
//!
//! A distribution's own crate makes a [`ReleaseProfile`] and calls [`generate`].

mod action;
mod alternatives;
mod apt;
mod apt_offers;
mod apt_output;
mod apt_query;
pub mod arch;
mod bound;
mod build;
mod changelog;
mod control;
mod copyright;
pub mod debian_releases;
mod ghosts;
pub mod keys;
mod license;
mod name;
mod ownership;
mod package;
mod perl;
mod person;
mod relation;
mod script;
mod section;
mod system_files;
mod systemd;
mod triggers;
mod version;
pub mod version_order;

use opkg_sdk::artefacts::{AcceptedKey, Compression, Output, QuiltSource, SourcePackage, TextFile};
use opkg_sdk::filter::FilterContext;
use opkg_sdk::model::{BuildTarget, Diagnostic, Opkg, Part, Severity};
use opkg_sdk::packaging::Refusal;
use opkg_sdk::release_tag::release_tag;
use opkg_sdk::{diagnostic, parts};

pub use crate::apt::Apt;
use crate::bound::VersionConstraint;
use crate::changelog::Upload;
use crate::package::{Documents, OwnVersion, Package};
use crate::version::DebVersion;

/// A distribution and release that an OPKG is compiled for.
#[derive(Debug, Clone)]
pub struct ReleaseProfile {
    /// Decides filters. Each identity has a version, since neither control files nor packages have conditions
    /// on one: the default release stands in where the target names none (format, 3.1).
    pub filter_context: FilterContext,
    /// Of control and data, as the release's own dpkg can read it.
    pub compression: Compression,
    /// What packages for the release have behind their release: `deb12`.
    pub release_tag: String,
    /// What the distribution's archive calls the release: `bookworm`.
    pub suite: String,
    /// Whose signatures the release's apt accepts: see [`keys`].
    pub accepted_keys: Vec<AcceptedKey>,
    /// Whether its package of systemd has a trigger that reads what others install into `/usr/lib/sysctl.d`.
    pub has_sysctl_trigger: bool,
}

/// Everything that an OPKG becomes.
///
/// # Errors
/// See [`Refusal`]: a filter that excludes the target, or something that dpkg cannot express.
pub fn generate(opkg: &Opkg, target: &BuildTarget, profile: &ReleaseProfile) -> Result<Output, Refusal> {
    let context = &profile.filter_context;
    let mut diagnostics = Vec::new();
    let source = parts::package_name(opkg, &Part::Api);
    let plans = parts::plan(opkg, context, &package::documentation_dir(&source), &mut diagnostics)?;
    let is_api_arch_specific = plans.iter().any(|plan| plan.kind == Part::Api && plan.is_arch_specific);
    let same =
        if is_api_arch_specific { VersionConstraint::SameBinary } else { VersionConstraint::SameSource };
    let tag = release_tag(target, &profile.release_tag);
    let Some(version) = package_version(opkg, tag.as_deref(), &mut diagnostics) else {
        return Err(Refusal::Failed(diagnostics));
    };
    let own = OwnVersion { version: &version, constraint: same, tag: tag.as_deref() };
    let packages = plans.map(|part| {
        // What the OPKG's own scripts and its units need, before these.
        let files = system_files::addition(&part, profile.has_sysctl_trigger);
        Package::new(opkg, &part, files, &own, context, &mut diagnostics)
    });
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(Refusal::Failed(diagnostics));
    }
    let directory = format!("{source}-{}", version.upstream);
    let changelog =
        changelog::render(opkg, &Upload { name: &source, version: &version, suite: &profile.suite });
    let copyright = copyright::render(opkg).map_err(|error| template_error(opkg, &error))?;
    // dpkg's tools know no maker beside the distribution.
    let origin = target.distribution.as_deref().or(target.vendor.as_deref());
    let meta_files = render_meta_files(opkg, origin, &directory, &packages, &changelog, &copyright)
        .map_err(|error| template_error(opkg, &error))?;
    let documents = Documents { copyright: &copyright, changelog: &changelog };
    let records = packages
        .iter()
        .map(|it| it.to_record(opkg, origin, &source, &version, profile.compression, &documents))
        .collect();
    Ok(Output {
        meta_files,
        native_build: build::native_build(&packages, context, &version, &directory),
        source: SourcePackage::Quilt(QuiltSource {
            name: source,
            version: version.to_string(),
            directory,
            fields: control::source_fields(opkg, origin, &packages),
        }),
        accepted_keys: Some(profile.accepted_keys.clone()),
        packages: records,
        diagnostics,
        attributes: Vec::new(),
    })
}

/// The version being built, translated for Debian.
fn package_version(opkg: &Opkg, tag: Option<&str>, diagnostics: &mut Vec<Diagnostic>) -> Option<DebVersion> {
    let written = &opkg.history.first()?.version;
    let at = opkg.at;
    if i32::try_from(written.epoch).is_err() {
        let message = format!("the epoch {} is larger than Debian's tools can count", written.epoch);
        diagnostic::push_unique(
            diagnostics,
            diagnostic::error(at, message, "use a small epoch; most packages need none"),
        );
    }
    let version = DebVersion::from_opkg(written);
    let text = version.without_epoch();
    let original = format!("{}-{}", written.upstream, written.release);
    if text != original {
        diagnostic::push_unique(
            diagnostics,
            diagnostic::note(at, format!("version `{original}` is written `{text}` on Debian")),
        );
    }
    Some(match tag {
        Some(tag) => version.with_tag(tag),
        None => version,
    })
}

fn render_meta_files(
    opkg: &Opkg,
    origin: Option<&str>,
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
    let source = parts::package_name(opkg, &Part::Api);
    let mut files = vec![
        file("changelog", changelog.into(), false),
        file("control", control::render(opkg, origin, &source, packages)?, false),
        file("copyright", copyright.into(), false),
        file("install", build::render_install(packages)?, true),
        file("rules", build::render_rules(packages)?, true),
        file("source/format", "3.0 (quilt)\n".into(), false),
    ];
    for package in packages {
        for script in &package.scripts {
            files.push(file(&format!("{}.{}", package.name, script.file_name), script.text(), false));
        }
        if !package.interests.is_empty() {
            files.push(file(&format!("{}.triggers", package.name), package.triggers_file(), false));
        }
    }
    Ok(files)
}

fn template_error(opkg: &Opkg, error: &askama::Error) -> Refusal {
    let message = format!("the plugin cannot write the files of a Debian package: {error}");
    Refusal::Failed(vec![diagnostic::error(
        opkg.at,
        message,
        "this is a bug in the plugin: please report it",
    )])
}
