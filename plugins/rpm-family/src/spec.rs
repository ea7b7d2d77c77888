//! The plan as a spec file. `templates/rpm/opkg.spec` holds its words.

use askama::Template;
use opkg_sdk::artefacts::{RpmDigestAlgorithm, TriggerTime};
use opkg_sdk::file_attributes::FileAttributes;
use opkg_sdk::model::{Bound, ConfigKind, Opkg, ScriptTime};
use opkg_sdk::parts::{InstalledFile, installed_link_target};
use opkg_sdk::text::shell_quote;
use opkg_sdk::version::operator;

use crate::action;
use crate::changelog::ChangelogEntry;
use crate::condition::ReleaseRestriction;
use crate::file_patterns::FilePatterns;
use crate::package::{Package, SpecPlan};
use crate::profile::ReleaseProfile;
use crate::relation::{SpecRelation, spec_tag};

#[derive(Template)]
#[template(path = "opkg.spec")]
struct Spec<'a> {
    opkg: &'a Opkg,
    release_restriction: Option<&'a ReleaseRestriction>,
    license: &'a str,
    prefix: String,
    group: &'a str,
    epoch: u32,
    version: &'a str,
    release: &'a str,
    /// Whether the release's RPM reads no other checksums of files than MD5.
    has_md5_digests: bool,
    /// See [`SpecPlan::open_dist`].
    open_dist: Option<&'a str>,
    vendor: Option<&'a str>,
    distribution: Option<&'a str>,
    packager: &'a str,
    /// RPM's names and macros.
    exclusive_archs: &'a [&'a str],
    description: &'a [String],
    changelog: &'a [ChangelogEntry],
    sections: Vec<PackageSection<'a>>,
    /// The version being built, in the spec's own words.
    own_version: &'static str,
}

/// What the spec says of one package.
struct PackageSection<'a> {
    name: &'a str,
    is_main: bool,
    is_noarch: bool,
    summary: &'a str,
    relations: Vec<RelationGroup<'a>>,
    /// Lines, each in the pieces between which the version being built stands.
    scriptlets: Vec<(&'static str, Vec<Vec<&'a str>>)>,
    triggers: Vec<TriggerSection<'a>>,
    directories: Vec<DirectoryEntry>,
    files: Vec<FileEntry>,
}

struct TriggerSection<'a> {
    /// For `%if`, where not every release knows it.
    expression: Option<&'a str>,
    name: &'static str,
    prefixes: &'a [String],
    lines: Vec<&'a str>,
}

/// Relations under the same conditions.
struct RelationGroup<'a> {
    conditions: &'a [String],
    lines: Vec<RelationLine>,
}

struct RelationLine {
    text: String,
    /// Whether it is bound to the version being built, which the text leaves out then.
    is_own_version: bool,
}

/// Of the package that a spec builds, whatever it leaves open of it.
const OWN_VERSION: &str = "%{?epoch:%{epoch}:}%{version}-%{release}";

/// A directory that the package owns.
struct DirectoryEntry {
    /// Shell word.
    destination: String,
    attributes: String,
    pattern: String,
}

struct FileEntry {
    /// What makes it: a shell command up to the place in the build root.
    command: String,
    /// Shell word.
    destination: String,
    /// Of a link: shell word of the directory it lies in, which nothing else may have made.
    parent: Option<String>,
    attributes: String,
    pattern: String,
}

/// The whole spec.
///
/// # Errors
/// Formatting failed; the message is the template engine's.
pub fn render(opkg: &Opkg, plan: &SpecPlan<'_>, profile: &ReleaseProfile) -> Result<String, askama::Error> {
    let spec = Spec {
        opkg,
        release_restriction: plan.release_restriction.as_ref(),
        license: plan.license,
        prefix: source_prefix(opkg, plan),
        group: opkg.groups.first().map_or("", String::as_str),
        epoch: plan.evr.epoch,
        version: &plan.evr.version,
        release: &plan.spec_release,
        has_md5_digests: profile.rpm_version.file_digests() == RpmDigestAlgorithm::Md5,
        open_dist: plan.open_dist.as_deref(),
        vendor: plan.vendor,
        distribution: plan.distribution,
        packager: &plan.packager,
        exclusive_archs: &plan.exclusive_archs,
        description: &plan.description,
        changelog: &plan.changelog,
        sections: plan
            .packages
            .iter()
            .enumerate()
            .map(|(index, package)| package_section(opkg, plan, package, index == 0))
            .collect(),
        own_version: OWN_VERSION,
    };
    spec.render()
}

/// Of the files in the source tarball, and of its own name.
pub fn source_prefix(opkg: &Opkg, plan: &SpecPlan<'_>) -> String {
    format!("opkg-{}-{}", opkg.name, plan.evr.version)
}

fn package_section<'a>(
    opkg: &Opkg,
    plan: &SpecPlan<'_>,
    package: &'a Package<'_>,
    is_main: bool,
) -> PackageSection<'a> {
    let part = &package.part;
    PackageSection {
        name: &part.name,
        is_main,
        is_noarch: !part.is_arch_specific,
        summary: &part.summary,
        relations: group_relations(&package.relations),
        scriptlets: package
            .scripts
            .iter()
            .filter_map(|script| Some((scriptlet_name(script.time)?, script_lines(&script.body))))
            .collect(),
        triggers: package
            .triggers
            .iter()
            .map(|it| TriggerSection {
                expression: it.expression.as_deref(),
                name: trigger_name(it.trigger.time),
                prefixes: &it.trigger.prefixes,
                lines: it.trigger.body.lines().collect(),
            })
            .collect(),
        directories: part
            .directories
            .iter()
            .map(|directory| DirectoryEntry {
                destination: shell_quote(&directory.path),
                attributes: ownership(&format!("{:04o}", directory.attributes.mode), &directory.attributes),
                pattern: plan.file_patterns.of(&directory.path),
            })
            .collect(),
        files: part
            .files
            .iter()
            .map(|placed| {
                let link = installed_link_target(opkg, placed, &plan.documentation);
                file_entry(placed, link, &plan.file_patterns)
            })
            .collect(),
    }
}

fn group_relations(relations: &[SpecRelation]) -> Vec<RelationGroup<'_>> {
    let mut groups: Vec<RelationGroup<'_>> = Vec::new();
    for relation in relations {
        let native = &relation.native;
        let package = |name: &str, bound: Option<&Bound>| match bound.filter(|_| !relation.is_own_version) {
            Some(bound) => format!("{name} {} {}", operator(bound.comparison), bound.version),
            None => name.to_owned(),
        };
        let alternatives = native.alternatives.iter().map(|it| package(&it.name, it.bound.as_ref()));
        let packages: Vec<String> =
            std::iter::once(package(&native.name, native.bound.as_ref())).chain(alternatives).collect();
        let related = match packages.as_slice() {
            [only] => only.clone(),
            several => format!("({})", several.join(" or ")),
        };
        let line = RelationLine {
            text: format!("{}: {related}", spec_tag(native.kind)),
            is_own_version: relation.is_own_version,
        };
        match groups.iter_mut().find(|group| group.conditions == relation.conditions) {
            Some(group) => group.lines.push(line),
            None => groups.push(RelationGroup { conditions: &relation.conditions, lines: vec![line] }),
        }
    }
    groups
}

fn file_entry(placed: &InstalledFile<'_>, link: Option<String>, patterns: &FilePatterns) -> FileEntry {
    let source = placed.source;
    let directory = placed.path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let is_link = link.is_some();
    let attributes = &placed.attributes;
    let (command, mode) = match link {
        Some(link) => (format!("ln -s -- {}", shell_quote(&link)), "-".to_owned()),
        None => {
            let from = shell_quote(&format!("./{}", source.path));
            let mode = format!("{:04o}", attributes.mode);
            (format!("install -D -m {mode} {from}"), mode)
        }
    };
    let documentation = if placed.is_documentation { "%doc " } else { "" };
    let configuration = match attributes.config {
        ConfigKind::Keep => "%config(noreplace) ",
        ConfigKind::Replace => "%config ",
        ConfigKind::No => "",
    };
    let ghost = if attributes.is_ghost { "%ghost " } else { "" };
    let capabilities =
        attributes.capabilities.as_ref().map(|text| format!(" %caps({text})")).unwrap_or_default();
    let ownership = ownership(&mode, attributes);
    FileEntry {
        command,
        destination: shell_quote(&placed.path),
        parent: is_link.then(|| shell_quote(directory)),
        attributes: format!("{documentation}{configuration}{ghost}{ownership}{capabilities}"),
        pattern: patterns.of(&placed.path),
    }
}

/// The host has checked that names and capabilities are of letters that mean nothing to RPM.
fn ownership(mode: &str, attributes: &FileAttributes) -> String {
    format!("%attr({mode}, {}, {})", attributes.owner, attributes.group)
}

fn script_lines(body: &str) -> Vec<Vec<&str>> {
    body.lines().map(|line| line.split(action::OWN_VERSION).collect()).collect()
}

fn trigger_name(time: TriggerTime) -> &'static str {
    match time {
        TriggerTime::BeforeRemoval => "%transfiletriggerun",
        TriggerTime::AfterInstallation => "%transfiletriggerin",
        TriggerTime::AfterRemoval => "%transfiletriggerpostun",
    }
}

/// Nothing for what is no scriptlet of a package.
fn scriptlet_name(time: ScriptTime) -> Option<&'static str> {
    Some(match time {
        ScriptTime::PreInstall => "%pre",
        ScriptTime::PostInstall => "%post",
        ScriptTime::PreUninstall => "%preun",
        ScriptTime::PostUninstall => "%postun",
        ScriptTime::PostTransaction => "%posttrans",
        // OPKGs have none of the others, and the family makes none.
        ScriptTime::PreUpgrade
        | ScriptTime::PostUpgrade
        | ScriptTime::PreTransaction
        | ScriptTime::PreRemovalTransaction
        | ScriptTime::PostRemovalTransaction
        | ScriptTime::Triggered => return None,
    })
}
