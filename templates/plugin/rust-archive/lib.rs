//! @NAME@: each of the three packages of an OPKG is a tar with a manifest in front of its files.

mod manager;
mod manifest;

use opkg_sdk::artefacts::{
    BinaryPackage, Compression, Container, NativeBuild, Output, SourcePackage, Tarball, TextFile,
};
use opkg_sdk::diagnostic::{push_unique, warning};
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{Diagnostic, Opkg, Part, Role, Severity, BuildTarget};
use opkg_sdk::packaging::{ArchName, DistributionInfo, Refusal, DistributionRelease};
use opkg_sdk::version::ReleaseNumber;
use opkg_sdk::{Distribution, parts, release_tag};

use crate::manager::Manager;
use crate::manifest::Package;

/// What `--dist` names. CHANGE: aliases, too, go into `describe`.
const ID: &str = "@NAME@";

/// CHANGE: the releases of the distribution, newest first.
const RELEASES: [&str; 1] = ["1"];

/// The release of which packages are where nobody names one.
const DEFAULT_RELEASE: &str = "1";

/// CHANGE: architectures, by the names that OPKGs use and by those of the distribution.
const ARCHS: [(&str, &str); 2] = [("x86_64", "x86_64"), ("aarch64", "aarch64")];

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
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        let context = filter_context(target)?;
        let mut diagnostics = Vec::new();
        let base = parts::package_name(opkg, Part::Api);
        let documentation = format!("/usr/share/doc/{base}"); // CHANGE: where documents of packages go
        let plans = parts::plan(opkg, &context, &documentation, &mut diagnostics)?;
        let version = Version::new(opkg, target);
        let packages = plans.map(|plan| {
            let package = Package {
                opkg,
                target,
                plan: &plan,
                version: &version,
                documentation: &documentation,
            };
            binary_package(&package, &context, &mut diagnostics)
        });
        report_unsupported(opkg, &mut diagnostics);
        if diagnostics.iter().any(|it| it.severity == Severity::Error) {
            return Err(Refusal::Failed(diagnostics));
        }
        let tree = format!("{base}-{}", version.in_file_names());
        Ok(Output {
            // What `--source` writes: text that people read, and the OPKG's files as they are.
            meta_files: packages
                .iter()
                .map(|package| manifest_file(&base, package))
                .collect(),
            source: SourcePackage::Tarball(Tarball {
                path: format!("{base}/{tree}.tar.gz"),
                prefix: tree,
            }),
            // CHANGE: the commands by which the distribution's own tools make the packages.
            native_build: NativeBuild {
                commands: Vec::new(),
                results: Vec::new(),
            },
            container: Container::Archive(Compression::Gzip),
            packages: packages.to_vec(),
            accepted_keys: None,
            diagnostics,
        })
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

/// The version of the packages.
pub struct Version {
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

    /// `[epoch:]upstream-release`
    pub fn to_full_string(&self) -> String {
        let epoch = if self.epoch == 0 {
            String::new()
        } else {
            format!("{}:", self.epoch)
        };
        format!("{epoch}{}-{}", self.upstream, self.release)
    }

    fn in_file_names(&self) -> String {
        format!("{}-{}", self.upstream, self.release).replace('/', "_")
    }
}

fn binary_package(
    package: &Package<'_>,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> BinaryPackage {
    let Package {
        opkg,
        plan,
        version,
        ..
    } = package;
    let canonical = context.build_arch();
    let native = ARCHS
        .iter()
        .find(|(name, _)| *name == canonical)
        .map_or(canonical, |(_, native)| native);
    let arch = if plan.is_arch_specific { native } else { "any" };
    let scripts = package.scripts(diagnostics);
    let files = package.files(diagnostics);
    let text = |path: String, contents, executable| TextFile {
        path,
        contents,
        executable,
    };
    let mut members = vec![text(
        "manifest".to_owned(),
        package.manifest(arch, &scripts, diagnostics),
        false,
    )];
    let carried = scripts
        .iter()
        .filter_map(|script| Some((script, script.text.as_ref()?)));
    members.extend(carried.map(|(script, body)| text(script.path.clone(), body.clone(), true)));
    BinaryPackage {
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
        // An archive has no other place for these than its members.
        relations: Vec::new(),
        scriptlets: Vec::new(),
        file_triggers: Vec::new(),
        interests: Vec::new(),
        changelog: Vec::new(),
        fields: Vec::new(),
        members,
        files,
        file_name: format!("{}-{}.{arch}.tar.gz", plan.name, version.in_file_names()),
    }
}

/// What an OPKG may want and an archive cannot give: said, not lost. CHANGE: do what the distribution can.
fn report_unsupported(opkg: &Opkg, diagnostics: &mut Vec<Diagnostic>) {
    let help = format!("leave {ID} out with `filters`, or do it in a post-install script");
    let mut warn =
        |at, message: String| push_unique(diagnostics, warning(at, message, help.clone()));
    for file in opkg.files.iter().filter(|file| file.unit.is_some()) {
        let path = &file.path;
        warn(file.at, format!("packages for {ID} do nothing about the unit `{path}`"));
    }
    for file in opkg.files.iter().filter(|file| !file.accounts.is_empty()) {
        let path = &file.path;
        warn(file.at, format!("packages for {ID} do not make the users and groups of `{path}`"));
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
pub fn maintainer(opkg: &Opkg) -> String {
    let first = opkg
        .authors
        .iter()
        .find(|author| author.role == Role::Maintainer);
    first
        .map(|author| format!("{} <{}>", author.name, author.email))
        .unwrap_or_default()
}

fn manifest_file(directory: &str, package: &BinaryPackage) -> TextFile {
    let contents = package
        .members
        .first()
        .map(|manifest| manifest.contents.clone())
        .unwrap_or_default();
    TextFile {
        path: format!("{directory}/{}.manifest", package.name),
        contents,
        executable: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg_sdk::artefacts::Content;
    use opkg_sdk::model::{Comparison, DistFilter, ScriptTime, RelationKind, ReleaseTag, Scope};
    use opkg_sdk::testing::{
        add_file, add_script, sample_opkg, sample_relation, sample_target, some_bound,
    };

    fn generate(opkg: &Opkg) -> Output {
        Plugin::generate(opkg, &sample_target(ID, None, None)).expect("it is made")
    }

    fn manifest(package: &BinaryPackage) -> &str {
        &package.members[0].contents
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
        assert!(manifest(&output.packages[1]).contains("requires = opkg-demo = 1.0-1\n"));
    }

    #[test]
    fn relations_count_where_their_filters_say_so() {
        let mut opkg = sample_opkg("demo");
        for (name, id, bound) in [
            ("here", ID, some_bound(Comparison::Ge, "1")),
            ("later", ID, some_bound(Comparison::Gt, "1")),
            ("elsewhere", "other", None),
        ] {
            let mut relation = sample_relation(7, Scope::Part(Part::Client), RelationKind::Requires, name);
            relation.filter.dists = vec![DistFilter {
                at: 7,
                id: id.to_owned(),
                bound,
            }];
            opkg.relations.push(relation);
        }
        let client = &generate(&opkg).packages[2];
        assert!(manifest(client).contains("requires = here\n"));
        assert!(!manifest(client).contains("later") && !manifest(client).contains("elsewhere"));
    }

    #[test]
    fn scripts_are_in_the_package_or_in_its_manifest() {
        let mut opkg = sample_opkg("demo");
        let (sh, text) = (&["/bin/sh"], "#!/bin/sh\nexit 0\n");
        add_script(
            &mut opkg,
            Part::Server,
            "scripts/server-post-install",
            sh,
            ScriptTime::PostInstall,
            None,
        );
        add_script(
            &mut opkg,
            Part::Server,
            "scripts/server-pre-install",
            sh,
            ScriptTime::PreInstall,
            Some(text),
        );
        let server = &generate(&opkg).packages[1];
        let lines = "pre-install = scripts/pre-install\n\
                     post-install = /usr/lib/oscar/packages/demo/server-post-install\n";
        assert!(manifest(server).ends_with(lines), "{}", manifest(server));
        assert_eq!(
            (
                server.members[1].path.as_str(),
                server.members[1].executable
            ),
            ("scripts/pre-install", true)
        );
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
