//! @NAME@: each of the three packages of an OPKG is a tar with a manifest in front of its files.

mod manager;
mod manifest;

use opkg_sdk::artefacts::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, BinaryPackage,
    Compression, Container, Content, Field, FileLayout, FileMarks, Member, NativeBuild, NativeKind,
    NativePackage, NativeRelation, Output, PackedFile, Scriptlet, SourcePackage, Tarball, TextFile,
};
use opkg_sdk::containers::Built;
use opkg_sdk::diagnostic::{error, push_unique, warning};
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{
    Bound, BuildTarget, Comparison, Diagnostic, Opkg, Part, RelationKind, Role, ScriptTime,
    Severity,
};
use opkg_sdk::packaging::{ArchName, DistributionInfo, DistributionRelease, Refusal};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::relation::{ResolvedPackage, ResolvedRelation};
use opkg_sdk::version::ReleaseNumber;
use opkg_sdk::{Distribution, packed_files, parts, release_tag, scriptlet};

use crate::manager::Manager;
use crate::manifest::SCRIPT_TIMES;

/// What `--dist` names. CHANGE: aliases, too, go into `describe`.
const ID: &str = "@NAME@";

/// CHANGE: the releases of the distribution, newest first.
const RELEASES: [&str; 1] = ["1"];

/// The release of which packages are where nobody names one.
const DEFAULT_RELEASE: &str = "1";

/// CHANGE: architectures, by the names that OPKGs use and by those of the distribution.
const ARCHS: [(&str, &str); 2] = [("x86_64", "x86_64"), ("aarch64", "aarch64")];

/// Where the manifest and the scripts stand in a package.
const MANIFEST_SLOT: &str = "manifest";

/// What packages for a release have behind their own release, so that an upgrade of the system upgrades them.
/// CHANGE: `None` is right where the distribution has no releases.
const RELEASE_TAG: Option<&str> = None;

pub struct Plugin;

impl Distribution for Plugin {
    type Manager = Manager;

    fn describe() -> DistributionInfo {
        let release = |version: &str| DistributionRelease {
            version: version.to_owned(),
            name: None,
            is_default: version == DEFAULT_RELEASE,
        };
        let arch = |(canonical, native): (&str, &str)| ArchName {
            canonical: canonical.to_owned(),
            native: native.to_owned(),
        };
        DistributionInfo {
            id: ID.to_owned(),
            name: ID.to_owned(), // CHANGE: as people write it
            version: env!("CARGO_PKG_VERSION").to_owned(),
            aliases: Vec::new(),
            releases: RELEASES.map(release).to_vec(),
            archs: ARCHS.map(arch).to_vec(),
            attributes: Vec::new(),
        }
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

/// What filters of OPKGs are decided for.
fn filter_context(target: &BuildTarget) -> Result<FilterContext, Refusal> {
    let asked = target.version.as_deref().unwrap_or(DEFAULT_RELEASE);
    if !RELEASES.contains(&asked) {
        let known = RELEASES.join(", ");
        return Err(Refusal::UnknownTarget(format!(
            "`{asked}` is no release of {ID}: there is {known}"
        )));
    }
    let arch = target.arch.as_ref().unwrap_or(&target.machine);
    if !ARCHS.iter().any(|(canonical, _)| canonical == arch) {
        let known = ARCHS.map(|(canonical, _)| canonical).join(", ");
        return Err(Refusal::UnknownTarget(format!(
            "{ID} has no packages for `{arch}`, only for {known}"
        )));
    }
    let version = ReleaseNumber::parse(asked).unwrap_or_else(|| ReleaseNumber::new([]));
    let identity = DistIdentity {
        id: ID.to_owned(),
        version: Some(version.clone()),
        default_version: version,
        version_syntax: VersionSyntax::numbers(),
    };
    Ok(FilterContext {
        arch: Some(arch.clone()),
        ..FilterContext::new(target, vec![identity])
    })
}

/// A package is one tar, compressed: what [`Distribution::members`] says, then the files under their paths. CHANGE: as many
/// archives as the package manager wants, each of which may be an entry of a later one.
fn container() -> Container {
    Container::Archives(ArchiveContainer {
        archives: vec![Archive {
            name: "package".to_owned(),
            format: ArchiveFormat::Tar,
            compression: Compression::Gzip,
            level: None,
            end_marker: true,
            entries: vec![
                ArchiveEntry::Slot(MANIFEST_SLOT.to_owned()),
                ArchiveEntry::Files(FileLayout::rest("")),
            ],
            attributes: Vec::new(),
        }],
        // What the manifest has. The host takes anything else in a package for a mistake.
        metadata: ArchiveMetadata::RELATIONS
            | ArchiveMetadata::SCRIPTLETS
            | ArchiveMetadata::CONFIGURATION
            | ArchiveMetadata::GHOSTS
            | ArchiveMetadata::FIELDS,
        signature: None, // CHANGE: where signatures stand that the package manager reads
        attributes: Vec::new(),
    })
}

/// The version of the packages.
struct Version {
    epoch: u32,
    upstream: String,
    /// With the release tag.
    release: String,
}

impl Version {
    /// CHANGE: what the package manager would not accept in a version, or would sort otherwise, is to be changed here, with a
    /// note; `opkg_sdk::package_version` helps.
    fn new(opkg: &Opkg, target: &BuildTarget) -> Self {
        let tag = match RELEASE_TAG {
            Some(own) => release_tag::release_tag(target, own),
            None => release_tag::release_tag(target, "").filter(|tag| !tag.is_empty()),
        };
        let tag = tag.map(|tag| format!(".{tag}")).unwrap_or_default();
        // There always is one.
        let Some(written) = opkg.history.first().map(|release| &release.version) else {
            return Self {
                epoch: 0,
                upstream: "0".to_owned(),
                release: format!("0{tag}"),
            };
        };
        Self {
            epoch: written.epoch,
            upstream: written.upstream.clone(),
            release: format!("{}{tag}", written.release),
        }
    }

    fn in_file_names(&self) -> String {
        format!("{}-{}", self.upstream, self.release).replace('/', "_")
    }
}

fn native_arch(context: &FilterContext, plan: &PartPlan<'_>) -> &'static str {
    let canonical = context.build_arch();
    match ARCHS.iter().find(|(name, _)| *name == canonical) {
        Some((_, native)) if plan.is_arch_specific => native,
        _ => "any",
    }
}

fn binary_package(
    opkg: &Opkg,
    plan: &PartPlan<'_>,
    version: &Version,
    arch: &str,
    documentation: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> BinaryPackage {
    let (files, fields) = files(opkg, plan, documentation, diagnostics);
    let mut package = BinaryPackage {
        part: Some(plan.kind.clone()),
        name: plan.name.clone(),
        epoch: version.epoch,
        version: version.upstream.clone(),
        release: version.release.clone(),
        arch: arch.to_owned(),
        summary: plan.summary.clone(),
        description: opkg.description.join("\n\n"),
        license: opkg.license.clone(),
        section: String::new(),
        url: opkg.uri.clone(),
        maintainer: maintainer(opkg),
        container: container(),
        relations: Vec::new(),
        files,
        scriptlets: scripts(opkg, plan, diagnostics),
        file_triggers: Vec::new(),
        interests: Vec::new(),
        changelog: Vec::new(),
        fields,
        attributes: Vec::new(),
        file_name: format!("{}-{}.{arch}.tar.gz", plan.name, version.in_file_names()),
    };
    package.relations = relations(plan, &manifest::full_version(&package), diagnostics);
    package
}

/// Directories, files and links, sorted by path; and what the manifest says of files in words of its own, since only RPMs have a
/// mark for it: of configuration which takes the place of what somebody has changed.
fn files(
    opkg: &Opkg,
    plan: &PartPlan<'_>,
    documentation: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Vec<PackedFile>, Vec<Field>) {
    let (mut files, mut fields) = (Vec::new(), Vec::new());
    for mut file in packed_files::of_part(opkg, plan, documentation) {
        if file.capabilities.is_some() {
            let at = match file.content {
                Content::Source(at) => at,
                _ => opkg.at,
            };
            let message = format!(
                "`{}` cannot have capabilities in packages for {ID}",
                file.path
            );
            let help = "leave this distribution out with the `filters` of `files`";
            push_unique(diagnostics, error(at, message, help));
        }
        if file.marks.contains(FileMarks::REPLACED) {
            fields.push(Field {
                name: "configuration-replaced".to_owned(),
                value: file.path.clone(),
            });
        }
        // Those that an archive has; the others are of RPMs alone.
        file.marks &= FileMarks::DOCUMENTATION | FileMarks::CONFIGURATION | FileMarks::GHOST;
        files.push(file);
    }
    (files, fields)
}

/// What the package manager runs. Each is for `/bin/sh`; where the script's own file is not there at that time, it holds it.
fn scripts(opkg: &Opkg, plan: &PartPlan<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Scriptlet> {
    let mut scripts = Vec::new();
    for file in &plan.files {
        let Some(script) = scriptlet::for_file(file, opkg, action_commands) else {
            continue;
        };
        if SCRIPT_TIMES.iter().any(|(time, _)| *time == script.time) {
            scripts.push(Scriptlet {
                time: script.time,
                interpreter: vec!["/bin/sh".to_owned()],
                body: script.body,
            });
        } else {
            let path = &file.source.path;
            let message = format!("packages for {ID} have no scripts such as `{path}`");
            let help = "let the post-install script do it";
            push_unique(diagnostics, warning(file.source.at, message, help));
        }
    }
    scripts
}

/// CHANGE: set both from the arguments that the package manager gives to its scripts, `install`, `upgrade`, `remove` or `purge`.
fn action_commands(_: ScriptTime) -> String {
    "OPKG_ACTION=\nOPKG_OLD_VERSION=\n".to_owned()
}

fn relations(
    plan: &PartPlan<'_>,
    own_version: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<NativeRelation> {
    let same_version = plan
        .same_version_requirement
        .iter()
        .map(|name| NativeRelation {
            kind: NativeKind::Requires,
            name: name.clone(),
            bound: Some(Bound {
                comparison: Comparison::Eq,
                version: own_version.to_owned(),
            }),
            alternatives: Vec::new(),
            condition: None,
        });
    let mut relations: Vec<NativeRelation> = same_version.collect();
    for relation in &plan.relations {
        relations.extend(native_relation(relation, diagnostics));
    }
    relations
}

fn native_relation(
    relation: &ResolvedRelation<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<NativeRelation> {
    let mut packages = relation
        .any_of
        .iter()
        .map(|package| native_package(package, diagnostics));
    let first = packages.next()?;
    Some(NativeRelation {
        kind: native_kind(relation.kind),
        name: first.name,
        bound: first.bound,
        alternatives: packages.collect(),
        condition: None,
    })
}

/// CHANGE: what the distribution calls a package, and how it writes versions.
fn native_package(
    package: &ResolvedPackage<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> NativePackage {
    if package.name.contains([' ', '|']) {
        let message = format!("`{}` cannot be the name of a package of {ID}", package.name);
        let help = "name the package that is meant, in a group with filters for this distribution";
        push_unique(diagnostics, error(package.at, message, help));
    }
    NativePackage {
        name: package.name.to_string(),
        bound: package.bound.cloned(),
    }
}

fn native_kind(kind: RelationKind) -> NativeKind {
    match kind {
        RelationKind::Requires => NativeKind::Requires,
        RelationKind::PreRequires => NativeKind::PreRequires(ScriptTime::PreInstall),
        RelationKind::Recommends => NativeKind::Recommends,
        RelationKind::Suggests => NativeKind::Suggests,
        RelationKind::Supplements => NativeKind::Supplements,
        RelationKind::Enhances => NativeKind::Enhances,
        RelationKind::Provides => NativeKind::Provides,
        RelationKind::Conflicts => NativeKind::Conflicts,
        RelationKind::Breaks => NativeKind::Breaks,
        RelationKind::Obsoletes => NativeKind::Obsoletes,
    }
}

/// What an OPKG may want and an archive cannot give: said, not lost. CHANGE: do what the distribution can.
fn report_unsupported(opkg: &Opkg, diagnostics: &mut Vec<Diagnostic>) {
    let help = format!("leave {ID} out with `filters`, or do it in a post-install script");
    let mut warn =
        |at, message: String| push_unique(diagnostics, warning(at, message, help.clone()));
    for file in opkg.files.iter().filter(|file| file.unit.is_some()) {
        let path = &file.path;
        warn(
            file.at,
            format!("packages for {ID} do nothing about the unit `{path}`"),
        );
    }
    for file in opkg.files.iter().filter(|file| !file.accounts.is_empty()) {
        let path = &file.path;
        warn(
            file.at,
            format!("packages for {ID} do not make the users and groups of `{path}`"),
        );
    }
    for alternative in &opkg.alternatives {
        let main = &alternative.main;
        warn(
            main.at,
            format!(
                "packages for {ID} have no alternatives: nothing leads to `{}`",
                main.path
            ),
        );
    }
    for trigger in &opkg.triggers {
        warn(
            trigger.at,
            format!(
                "packages for {ID} have no triggers: nobody looks at `{}`",
                trigger.path
            ),
        );
    }
}

/// `Name <address>` of the first one.
fn maintainer(opkg: &Opkg) -> String {
    let first = opkg
        .authors
        .iter()
        .find(|author| author.role == Role::Maintainer);
    first
        .map(|author| format!("{} <{}>", author.name, author.email))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg_sdk::artefacts::MemberContent;
    use opkg_sdk::containers::{BuiltFile, Digests, FileKind};
    use opkg_sdk::model::{ConfigKind, DistFilter, FileRule, ReleaseTag, Scope};
    use opkg_sdk::testing::{
        add_file, add_laid_file, add_script, sample_opkg, sample_relation, sample_target,
        some_bound,
    };

    fn generate(opkg: &Opkg) -> Output {
        Plugin::generate(opkg, &sample_target(ID, None, None)).expect("it is made")
    }

    /// The members of a package of which the host has read one file.
    fn members(opkg: &Opkg, package: &BinaryPackage) -> Vec<(String, u32, String)> {
        let digest = || "0".to_owned();
        let digests = Digests {
            md5: digest(),
            sha1: digest(),
            sha256: "5ca1ab1e".to_owned(),
            sha512: digest(),
        };
        let built = Built {
            package: package.clone(),
            opkg: opkg.clone(),
            target: sample_target(ID, None, None),
            files: vec![BuiltFile {
                path: "/etc/demo.conf".to_owned(),
                kind: FileKind::Regular((7, digests)),
                mode: 0o644,
                owner: "root".to_owned(),
                group: "root".to_owned(),
                is_configuration: true,
            }],
            installed_size: 7,
            archives: Vec::new(),
        };
        let members = Plugin::members(MANIFEST_SLOT, &built).expect("it is filled");
        let text = |member: Member| match member.content {
            MemberContent::Text(text) => (member.path, member.mode, text),
            other => panic!("{other:?}"),
        };
        members.into_iter().map(text).collect()
    }

    fn manifest(opkg: &Opkg, part: usize) -> String {
        members(opkg, &generate(opkg).packages[part]).remove(0).2
    }

    #[test]
    fn an_opkg_becomes_three_packages() {
        let output = generate(&sample_opkg("demo"));
        let names: Vec<&str> = output
            .packages
            .iter()
            .map(|package| package.file_name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "opkg-demo-1.0-1.any.tar.gz",
                "opkg-demo-server-1.0-1.any.tar.gz",
                "opkg-demo-client-1.0-1.any.tar.gz"
            ]
        );
        assert!(manifest(&sample_opkg("demo"), 1).contains("requires = opkg-demo = 1.0-1\n"));
    }

    #[test]
    fn relations_count_where_their_filters_say_so() {
        let mut opkg = sample_opkg("demo");
        for (name, id, bound) in [
            ("here", ID, some_bound(Comparison::Ge, "1")),
            ("later", ID, some_bound(Comparison::Gt, "1")),
            ("elsewhere", "other", None),
        ] {
            let mut relation =
                sample_relation(7, Scope::Part(Part::Client), RelationKind::Requires, name);
            relation.filter.dists = vec![DistFilter {
                at: 7,
                id: id.to_owned(),
                bound,
            }];
            opkg.relations.push(relation);
        }
        let client = manifest(&opkg, 2);
        assert!(client.contains("requires = here\n"));
        assert!(!client.contains("later") && !client.contains("elsewhere"));
    }

    #[test]
    fn scripts_are_members_of_the_package() {
        let mut opkg = sample_opkg("demo");
        for (path, time, text) in [
            ("scripts/server-post-install", ScriptTime::PostInstall, None),
            (
                "scripts/server-pre-install",
                ScriptTime::PreInstall,
                Some("exit 0\n"),
            ),
        ] {
            add_script(&mut opkg, Part::Server, path, &["/bin/sh"], time, text);
        }
        let members = members(&opkg, &generate(&opkg).packages[1]);
        let lines = "pre-install = scripts/pre-install\npost-install = scripts/post-install\n";
        assert!(members[0].2.contains(lines), "{}", members[0].2);
        let paths: Vec<_> = members
            .iter()
            .map(|(path, mode, _)| (path.as_str(), *mode))
            .collect();
        assert_eq!(
            paths,
            [
                ("manifest", 0o644),
                ("scripts/pre-install", 0o755),
                ("scripts/post-install", 0o755)
            ]
        );
        assert!(members[1].2.starts_with("#!/bin/sh\n") && members[1].2.contains("|exit 0\n"));
    }

    #[test]
    fn the_manifest_has_what_the_host_has_read() {
        let opkg = sample_opkg("demo");
        let lines = "size = 7\nfile = 5ca1ab1e 7 /etc/demo.conf\n";
        assert!(manifest(&opkg, 2).ends_with(lines));
        assert!(!generate(&opkg).meta_files[2].contents.contains("file = "));
    }

    #[test]
    fn what_is_kept_stands_in_the_manifest() {
        let mut opkg = sample_opkg("demo");
        add_file(&mut opkg, Part::Api, "settings").configuration = true;
        let output = generate(&opkg);
        let home = "/usr/lib/oscar/packages/demo";
        assert!(manifest(&opkg, 0).contains(&format!("configuration = {home}/settings\n")));
        let marked = output.packages[0]
            .files
            .iter()
            .find(|file| file.path.ends_with("settings"));
        assert!(marked.is_some_and(|file| file.marks == FileMarks::CONFIGURATION));
    }

    #[test]
    fn what_is_said_of_files_stands_in_the_manifest() {
        let mut opkg = sample_opkg("demo");
        let rule = |config, ghost| FileRule {
            at: 7,
            filter: sample_relation(7, Scope::Whole, RelationKind::Requires, "any").filter,
            owner: None,
            group: None,
            mode: None,
            directory_mode: None,
            config,
            ghost,
            capabilities: None,
        };
        opkg.file_rules = vec![
            rule(Some(ConfigKind::Replace), None),
            rule(None, Some(true)),
        ];
        for (path, index) in [("/etc/new", 0), ("/var/state", 1)] {
            add_laid_file(&mut opkg, path).rules = vec![index];
        }
        let lines = "configuration = /etc/new\n\
                     ghost = /var/state\n\
                     configuration-replaced = /etc/new\n";
        assert!(manifest(&opkg, 2).contains(lines), "{}", manifest(&opkg, 2));
        // A record with what only an RPM has would be refused.
        let files = &generate(&opkg).packages[2].files;
        let marks = files.iter().map(|file| file.marks);
        assert!(marks.eq([FileMarks::CONFIGURATION, FileMarks::GHOST]));
    }

    #[test]
    fn files_have_their_modes_and_rights() {
        let mut opkg = sample_opkg("demo");
        add_file(&mut opkg, Part::Api, "doc/guide.txt").mode = 0o640;
        let api = &generate(&opkg).packages[0];
        let guide = api
            .files
            .iter()
            .find(|file| file.path == "/usr/share/doc/opkg-demo/guide.txt");
        assert!(
            guide.is_some_and(
                |file| file.mode == 0o640 && matches!(file.content, Content::Source(_))
            )
        );
        assert!(api.files.is_sorted_by(|one, other| one.path < other.path));
    }

    #[test]
    fn a_target_that_there_is_not_is_refused() {
        for (version, arch) in [(Some("2"), None), (None, Some("s390x"))] {
            let refused = Plugin::generate(&sample_opkg("demo"), &sample_target(ID, version, arch));
            assert!(
                matches!(refused, Err(Refusal::UnknownTarget(_))),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn a_release_tag_follows_the_release() {
        let tag = ReleaseTag::Custom("site".to_owned());
        let target = BuildTarget {
            release_tag: tag,
            ..sample_target(ID, None, None)
        };
        let output = Plugin::generate(&sample_opkg("demo"), &target).expect("it is made");
        assert_eq!(output.packages[0].release, "1.site");
    }
}
