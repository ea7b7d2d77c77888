//! One plan of the three packages, from which both the spec and the package records are made.

use opkg_sdk::diagnostic;
use opkg_sdk::model::{BuildTarget, Diagnostic, Node, Opkg, ReleaseTag, Role, ScriptTime};
use opkg_sdk::packaging::Refusal;
use opkg_sdk::parts::{self, InstalledFile, PartPlan};
use opkg_sdk::release_tag::release_tag;
use opkg_sdk::scriptlet::{self, Scriptlet};

use crate::action;
use crate::alternatives;
use crate::changelog::{self, ChangelogEntry};
use crate::condition::{self, ReleaseRestriction};
use crate::escape::wrap_paragraph;
use crate::evr::{Evr, release_tags};
use crate::file_patterns::FilePatterns;
use crate::merged_directories;
use crate::profile::ReleaseProfile;
use crate::relation::{self, SpecRelation};
use crate::rpm_version::RpmVersion;
use crate::script::{self, PackageScript};
use crate::systemd;
use crate::triggers::{self, PackageTrigger};

/// Everything that is decided about an OPKG for one profile.
#[derive(Debug)]
pub struct SpecPlan<'a> {
    /// The version being built, with the tag of the release that packages are made for.
    pub evr: Evr,
    /// The release as the spec has it: without a tag that the macro `dist` stands for.
    pub spec_release: String,
    /// What `dist` is on the release that packages are made for, with its sign, where the spec leaves it to the release
    /// that it is built on.
    pub open_dist: Option<String>,
    /// Who makes the packages.
    pub vendor: Option<&'a str>,
    /// What collection they belong to.
    pub distribution: Option<&'a str>,
    /// Restricts it to releases.
    pub release_restriction: Option<ReleaseRestriction>,
    /// Restrict it to machines, by RPM's names; nothing restricts it if there are none.
    pub exclusive_archs: Vec<&'a str>,
    /// By the distribution's name.
    pub license: &'a str,
    /// First maintainer, `Name <address>`.
    pub packager: String,
    /// Lines, with empty ones between paragraphs.
    pub description: Vec<String>,
    /// Directory of the api package's documents.
    pub documentation: String,
    /// Newest first.
    pub changelog: Vec<ChangelogEntry>,
    /// The first is the one that the spec is named for. RPM allows packages of no architecture beside one
    /// that has one, but not the other way round.
    pub packages: Vec<Package<'a>>,
    /// How the spec names their files.
    pub file_patterns: FilePatterns,
}

/// One of the three packages.
#[derive(Debug)]
pub struct Package<'a> {
    /// Names, files and directories.
    pub part: PartPlan<'a>,
    /// RPM's name, or `noarch`.
    pub arch: String,
    /// Sorted for the spec.
    pub relations: Vec<SpecRelation>,
    /// One for each time at most.
    pub scripts: Vec<PackageScript>,
    pub triggers: Vec<PackageTrigger>,
}

impl<'a> SpecPlan<'a> {
    /// The packages that are built: none if the release that they would be made for is not among those that
    /// the OPKG is for.
    pub fn built_packages(&self) -> &[Package<'a>] {
        match &self.release_restriction {
            Some(only) if !only.includes_default => &[],
            _ => &self.packages,
        }
    }
}

/// Decides everything.
///
/// # Errors
/// [`Refusal::Unavailable`] as in [`parts::plan`], [`Refusal::UnknownTarget`] where something is built for an
/// architecture that the distribution does not have, [`Refusal::Failed`] where RPM cannot express something.
pub fn plan<'a>(
    opkg: &'a Opkg,
    target: &'a BuildTarget,
    profile: &'a ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<SpecPlan<'a>, Refusal> {
    let Some(release) = opkg.history.first() else {
        let message = "the changelog has no entry, so the package has no version";
        let help = "add a `versionEntry` to the `changelog`";
        return Err(Refusal::Failed(vec![diagnostic::error(opkg.at, message, help)]));
    };
    let at = release.changes.first().map_or(opkg.at, |change| change.at);
    let plain = Evr::from_version(&release.version);
    plain.report_changes(&release.version, at, profile, diagnostics);
    let tag = release_tag(target, &profile.release_tag);
    let evr = match &tag {
        Some(tag) => plain.clone().with_tag(tag),
        None => plain.clone(),
    };
    let is_open = target.release_tag == ReleaseTag::Native && !profile.is_release_known();

    let documentation = match profile.has_versioned_documentation {
        true => format!("{}/opkg-{}-{}", profile.documentation_dir, opkg.name, evr.version),
        false => format!("{}/opkg-{}", profile.documentation_dir, opkg.name),
    };
    let mut parts = parts::plan(opkg, &profile.filter_context, &documentation, diagnostics)?;
    merged_directories::merge(opkg, &mut parts, &documentation, profile, diagnostics);
    let mut packages: Vec<Package<'a>> = parts
        .into_iter()
        .map(|part| plan_package(part, opkg, &evr, tag.as_deref(), profile, diagnostics))
        .collect();
    packages.sort_by_key(|package| !package.part.is_arch_specific);
    if packages.iter().any(|package| package.part.is_arch_specific) {
        check_arch(profile, profile.filter_context.build_arch())?;
    }
    Ok(SpecPlan {
        spec_release: if is_open { plain.release } else { evr.release.clone() },
        open_dist: tag.filter(|_| is_open).map(|tag| format!("{}{tag}", release_tags().separator)),
        vendor: target.vendor.as_deref(),
        distribution: target.distribution.as_deref(),
        evr,
        release_restriction: condition::package_restriction(opkg, profile, diagnostics),
        exclusive_archs: exclusive_archs(opkg, &packages, profile),
        license: profile.license_names.name(&opkg.license),
        packager: packager(opkg),
        description: description(opkg),
        documentation,
        changelog: changelog::from_opkg(opkg),
        file_patterns: FilePatterns::new(
            &packages.iter().map(|package| &package.part).collect::<Vec<_>>(),
            opkg.at,
            diagnostics,
        ),
        packages,
    })
}

/// An architecture must be one that the distribution has.
///
/// # Errors
/// [`Refusal::UnknownTarget`] names those there are.
pub fn check_arch(profile: &ReleaseProfile, arch: &str) -> Result<(), Refusal> {
    if profile.archs.iter().any(|(canonical, _)| *canonical == arch) {
        return Ok(());
    }
    let known: Vec<&str> = profile.archs.iter().map(|(canonical, _)| *canonical).collect();
    let name = &profile.filter_context.name;
    Err(Refusal::UnknownTarget(format!("{name} has no architecture `{arch}`; it has {}", known.join(", "))))
}

fn plan_package<'a>(
    part: PartPlan<'a>,
    opkg: &'a Opkg,
    evr: &Evr,
    tag: Option<&str>,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Package<'a> {
    let mut scriptlets: Vec<(Node, Scriptlet)> = part
        .files
        .iter()
        .filter_map(|file| {
            let scriptlet = scriptlet::for_file(file, opkg, |time| action::commands(time, &part.name))?;
            Some((file.source.at, scriptlet))
        })
        .collect();
    let triggered = scriptlets.iter().find(|(_, scriptlet)| scriptlet.time == ScriptTime::Triggered);
    let file_triggers = match triggered {
        Some((_, scriptlet)) if !part.triggers.is_empty() => {
            triggers::of_part(&part, scriptlet, profile, diagnostics)
        }
        _ => Vec::new(),
    };
    // Where nothing runs it, it needs nothing.
    scriptlets.retain(|(_, scriptlet)| scriptlet.time != ScriptTime::Triggered || !file_triggers.is_empty());
    let relations = relation::from_part(&part, &scriptlets, evr, tag, profile, diagnostics);
    check_names(&part.files, diagnostics);
    check_capabilities(&part.files, profile, diagnostics);
    let arch = if part.is_arch_specific { profile.arch() } else { "noarch" }.to_owned();
    let own = scriptlets.into_iter().map(|(_, scriptlet)| scriptlet);
    let own = own.filter(|scriptlet| scriptlet.time != ScriptTime::Triggered).collect();
    let additions = [
        systemd::additions(&part, profile),
        alternatives::additions(&part),
        triggers::additions(&part, profile),
    ]
    .concat();
    let scripts = script::with_additions(own, &additions);
    Package { part, arch, relations, scripts, triggers: file_triggers }
}

fn check_names(files: &[InstalledFile<'_>], diagnostics: &mut Vec<Diagnostic>) {
    let is_told = |character: char| character == '\t' || !character.is_control();
    for file in files.iter().filter(|file| !file.path.chars().all(is_told)) {
        diagnostics.push(diagnostic::error(
            file.source.at,
            format!("RPM cannot name a file with a control character: {:?}", file.path),
            "rename the file",
        ));
    }
}

fn check_capabilities(
    files: &[InstalledFile<'_>],
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if profile.rpm_version >= RpmVersion::CAPABILITIES_SINCE {
        return;
    }
    for file in files.iter().filter(|file| file.attributes.capabilities.is_some()) {
        let message =
            format!("{} is too old for capabilities, as of `{}`", profile.filter_context.name, file.path);
        let help = "give them in a group of its own whose filter leaves out this release, or in a script";
        diagnostics.push(diagnostic::error(file.source.at, message, help));
    }
}

/// The architectures that the spec as a whole is for: those of its files, else those of the filter.
fn exclusive_archs<'a>(opkg: &'a Opkg, packages: &[Package<'a>], profile: &ReleaseProfile) -> Vec<&'a str> {
    let mut archs: Vec<&str> =
        packages.iter().flat_map(|package| package.part.program_archs.iter().copied()).collect();
    archs.sort_unstable();
    archs.dedup();
    if archs.is_empty() {
        archs = opkg.filter.archs.iter().map(String::as_str).collect();
    }
    archs.into_iter().flat_map(|arch| profile.arch_names(arch)).collect()
}

fn packager(opkg: &Opkg) -> String {
    let maintainer = opkg.authors.iter().find(|author| author.role == Role::Maintainer);
    maintainer
        .or(opkg.authors.first())
        .map(|author| format!("{} <{}>", author.name, author.email))
        .unwrap_or_default()
}

fn description(opkg: &Opkg) -> Vec<String> {
    let paragraphs = opkg.description.iter().map(|text| wrap_paragraph(text, 79, 0));
    let paragraphs: Vec<Vec<String>> = paragraphs.filter(|lines| !lines.is_empty()).collect();
    paragraphs.join(&String::new())
}
