//! What stands in a package: its manifest, scripts and files. CHANGE: the form of the manifest.

use opkg_sdk::artefacts::{Content, FileMarks, PackedFile};
use opkg_sdk::diagnostic::{error, push_unique, warning};
use opkg_sdk::file_attributes::FileAttributes;
use opkg_sdk::model::{ConfigKind, Diagnostic, ScriptTime, RelationKind, Node, Opkg, BuildTarget};
use opkg_sdk::parts::{PartPlan, installed_link_target};
use opkg_sdk::relation::{ResolvedPackage, ResolvedRelation};
use opkg_sdk::version::operator;

use crate::{ID, Version, maintainer};

/// All that is known of one package.
pub struct Package<'a> {
    pub opkg: &'a Opkg,
    pub target: &'a BuildTarget,
    pub plan: &'a PartPlan<'a>,
    pub version: &'a Version,
    /// The directory of the documents.
    pub documentation: &'a str,
}

/// A script that the package manager runs.
pub struct Script {
    name: &'static str,
    /// Where it is: absolute on the system, or relative in the archive.
    pub path: String,
    /// The script itself, where the archive carries it.
    pub text: Option<String>,
}

impl Package<'_> {
    /// The scripts, in the order of the times at which they run.
    pub fn scripts(&self, diagnostics: &mut Vec<Diagnostic>) -> Vec<Script> {
        let mut scripts = Vec::new();
        for file in &self.plan.files {
            let Some(scriptlet) = &file.source.scriptlet else {
                continue;
            };
            let (order, name) = match scriptlet.time {
                ScriptTime::PreInstall => (0, "pre-install"),
                ScriptTime::PostInstall => (1, "post-install"),
                ScriptTime::PreUninstall => (2, "pre-uninstall"),
                ScriptTime::PostUninstall => (3, "post-uninstall"),
                ScriptTime::PostTransaction | ScriptTime::Triggered => {
                    let message = format!(
                        "packages for {ID} have no scripts such as `{}`",
                        file.source.path
                    );
                    let help = "let the post-install script do it";
                    push_unique(diagnostics, warning(file.source.at, message, help));
                    continue;
                }
            };
            let path = match &scriptlet.text {
                Some(_) => format!("scripts/{name}"),
                None => file.path.clone(),
            };
            scripts.push((
                order,
                Script {
                    name,
                    path,
                    text: scriptlet.text.clone(),
                },
            ));
        }
        scripts.sort_by_key(|(order, _)| *order);
        scripts.into_iter().map(|(_, script)| script).collect()
    }

    /// Directories, files and links, sorted by path.
    pub fn files(&self, diagnostics: &mut Vec<Diagnostic>) -> Vec<PackedFile> {
        let mut files = Vec::new();
        for directory in &self.plan.directories {
            let attributes = &directory.attributes;
            check_attributes(self.opkg.at, &directory.path, attributes, diagnostics);
            files.push(packed_file(
                &directory.path,
                Content::Directory,
                attributes,
                false,
            ));
        }
        // What is a ghost is known to the manifest alone.
        for file in self
            .plan
            .files
            .iter()
            .filter(|file| !file.attributes.is_ghost)
        {
            let content = match installed_link_target(self.opkg, file, self.documentation) {
                Some(link) => Content::Link(link),
                None => Content::Source(file.source.at),
            };
            check_attributes(file.source.at, &file.path, &file.attributes, diagnostics);
            files.push(packed_file(
                &file.path,
                content,
                &file.attributes,
                file.is_documentation,
            ));
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        files
    }

    /// `key = value`, a line each.
    pub fn manifest(
        &self,
        arch: &str,
        scripts: &[Script],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> String {
        let (opkg, plan) = (self.opkg, self.plan);
        let version = self.version.to_full_string();
        let mut lines = vec![
            ("name", plan.name.clone()),
            ("version", version.clone()),
            ("arch", arch.to_owned()),
            ("summary", plan.summary.clone()),
            ("license", opkg.license.clone()),
            ("maintainer", maintainer(opkg)),
        ];
        lines.extend(opkg.uri.iter().map(|uri| ("url", uri.clone())));
        lines.extend(
            self.target
                .vendor
                .iter()
                .map(|vendor| ("vendor", vendor.clone())),
        );
        lines.extend(
            self.target
                .distribution
                .iter()
                .map(|name| ("distribution", name.clone())),
        );
        // Scripts find it in $OSCAR_PACKAGE_HOME, which whoever runs them has to set.
        lines.push(("home", opkg.home.clone()));
        lines.extend(
            plan.same_version_requirement
                .iter()
                .map(|api| ("requires", format!("{api} = {version}"))),
        );
        for relation in &plan.relations {
            lines.push((key(relation.kind), relation_text(relation, diagnostics)));
        }
        for file in &plan.files {
            match file.attributes.config {
                _ if file.attributes.is_ghost => lines.push(("ghost", file.path.clone())),
                ConfigKind::Keep => lines.push(("configuration", file.path.clone())),
                ConfigKind::Replace => lines.push(("configuration-replaced", file.path.clone())),
                ConfigKind::No => {}
            }
        }
        lines.extend(
            scripts
                .iter()
                .map(|script| (script.name, script.path.clone())),
        );
        lines
            .iter()
            .map(|(key, value)| format!("{key} = {value}\n"))
            .collect()
    }
}

fn key(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Requires => "requires",
        RelationKind::PreRequires => "pre-requires",
        RelationKind::Recommends => "recommends",
        RelationKind::Suggests => "suggests",
        RelationKind::Supplements => "supplements",
        RelationKind::Enhances => "enhances",
        RelationKind::Provides => "provides",
        RelationKind::Conflicts => "conflicts",
        RelationKind::Breaks => "breaks",
        RelationKind::Obsoletes => "obsoletes",
    }
}

/// `a >= 1.2 | b`
fn relation_text(relation: &ResolvedRelation<'_>, diagnostics: &mut Vec<Diagnostic>) -> String {
    let packages: Vec<String> = relation
        .any_of
        .iter()
        .map(|package| package_text(package, diagnostics))
        .collect();
    packages.join(" | ")
}

/// CHANGE: what the distribution calls a package, and how it writes versions.
fn package_text(package: &ResolvedPackage<'_>, diagnostics: &mut Vec<Diagnostic>) -> String {
    if package.name.contains(' ') || package.name.contains('|') {
        let message = format!("`{}` cannot be the name of a package of {ID}", package.name);
        let help = "name the package that is meant, in a group with filters for this distribution";
        push_unique(diagnostics, error(package.at, message, help));
    }
    match package.bound {
        Some(bound) => format!(
            "{} {} {}",
            package.name,
            operator(bound.comparison),
            bound.version
        ),
        None => package.name.to_string(),
    }
}

/// What an archive has no place for.
fn check_attributes(
    at: Node,
    path: &str,
    attributes: &FileAttributes,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if attributes.capabilities.is_some() {
        let message = format!("`{path}` cannot have capabilities in packages for {ID}");
        let help = "leave this distribution out with the `filters` of `files`";
        push_unique(diagnostics, error(at, message, help));
    }
}

fn packed_file(
    path: &str,
    content: Content,
    attributes: &FileAttributes,
    is_document: bool,
) -> PackedFile {
    PackedFile {
        path: path.to_owned(),
        content,
        mode: attributes.mode,
        owner: attributes.owner.clone(),
        group: attributes.group.clone(),
        capabilities: None,
        marks: if is_document {
            FileMarks::DOCUMENTATION
        } else {
            FileMarks::empty()
        },
    }
}
