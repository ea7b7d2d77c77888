//! One binary package, decided in full. The control file, the build and the package's record are all
//! written from this, so that they cannot disagree.

use opkg_plugin::artefacts::{
    BinaryPackage, Content, Field as Extra, FileMarks, PackedFile, Scriptlet as NativeScriptlet,
};
use opkg_plugin::filter::Subject;
use opkg_plugin::opkg::{Diagnostic, Node, Opkg, Part as Which};
use opkg_plugin::parts::{self, Part};
use opkg_plugin::text::wrap;

use crate::arch::native_arch;
use crate::person;
use crate::relation::{self, Dependency, Versions};
use crate::script::{self, Script};
use crate::section;
use crate::version::Version;

/// Of a line of a description, without the blank before it.
const WIDTH: usize = 79;

/// Where a package can be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Architecture {
    /// Anywhere.
    All,
    /// Built for each architecture, whichever it is.
    Any,
    /// Built for each of these, by Debian's names.
    These(Vec<&'static str>),
}

impl Architecture {
    /// As control files have it, or with another separator.
    #[must_use]
    pub fn join(&self, separator: &str) -> String {
        match self {
            Self::All => "all".into(),
            Self::Any => "any".into(),
            Self::These(archs) => archs.join(separator),
        }
    }
}

/// What an installed path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A directory that the package owns.
    Directory,
    /// A link, and what it holds.
    Link(String),
    /// A file of the OPKG.
    File {
        /// For the host.
        node: Node,
        /// In the unpacked source tree.
        source: String,
        /// 0o755 or 0o644.
        mode: u32,
        /// Whether it documents the package.
        documentation: bool,
    },
}

/// What is installed at an absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Within the root.
    pub path: String,
    /// There.
    pub item: Item,
}

/// A binary package.
#[derive(Debug)]
pub struct Package {
    /// `opkg-<name>`, …
    pub name: String,
    /// One line.
    pub summary: String,
    /// Lines of the extended description; an empty one between paragraphs, never anywhere else.
    pub description: Vec<String>,
    /// Where it can be installed.
    pub architecture: Architecture,
    /// The architecture that it is built for now, `all` included.
    pub built_for: &'static str,
    /// Sorted by field and name.
    pub relations: Vec<Dependency>,
    /// Recorded only.
    pub opkg_conflicts: Vec<Dependency>,
    /// In the order in which they run.
    pub scripts: Vec<Script>,
    /// Sorted by path, without the copyright file and changelog that every package has.
    pub installed: Vec<Installed>,
}

/// The directory of a package's documents.
#[must_use]
pub fn documentation(package: &str) -> String {
    format!("/usr/share/doc/{package}")
}

impl Package {
    /// Decides everything about one part. `same` tells how the api package is named by its version.
    pub fn new(
        opkg: &Opkg,
        part: &Part<'_>,
        same: &Versions,
        subject: &Subject,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut relations = relation::of_part(part, same, subject, findings);
        relations.extend(script::needs(part, findings));
        let architecture = architecture(opkg, part, subject);
        Self {
            name: part.name.clone(),
            summary: part.summary.clone(),
            description: description(opkg, part.which),
            built_for: match architecture {
                Architecture::All => "all",
                _ => native_arch(subject.arch()).unwrap_or("any"),
            },
            architecture,
            relations: relation::simplify(relations),
            opkg_conflicts: relation::recorded(part, subject, findings),
            scripts: script::of_part(part, &opkg.home),
            installed: installed(opkg, part),
        }
    }

    /// `opkg-x_1.0-1_all.deb`
    #[must_use]
    pub fn file_name(&self, version: &Version) -> String {
        format!("{}_{}_{}.deb", self.name, version.without_epoch(), self.built_for)
    }

    /// Control fields that only packages of this kind have, as they stand in the package.
    #[must_use]
    pub fn extra(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        if !self.opkg_conflicts.is_empty() {
            fields.push(("Opkg-Conflicts", relation::list(&self.opkg_conflicts)));
        }
        if !self.scripts.is_empty() {
            let names: Vec<_> = self.scripts.iter().map(Script::name).collect();
            fields.push(("Opkg-Scriptlets", names.join(" ")));
        }
        fields
    }

    /// The record for the host's writers. `source` is the name of the source package.
    #[must_use]
    pub fn record(
        &self,
        opkg: &Opkg,
        source: &str,
        version: &Version,
        copyright: &str,
        changelog: &str,
    ) -> BinaryPackage {
        let mut fields = Vec::new();
        if self.name != source {
            fields.push(Extra { name: "Source".into(), value: source.into() });
        }
        fields.push(Extra { name: "Priority".into(), value: "optional".into() });
        fields.extend(self.extra().into_iter().map(|(name, value)| Extra { name: name.into(), value }));
        BinaryPackage {
            name: self.name.clone(),
            epoch: version.epoch,
            version: version.upstream.clone(),
            release: version.revision.clone().unwrap_or_default(),
            arch: self.built_for.into(),
            summary: self.summary.clone(),
            description: self.description.join("\n"),
            license: opkg.license.clone(),
            section: section::of_group(opkg.groups.first().map_or("", String::as_str)).into(),
            url: opkg.uri.as_deref().map(person::one_line),
            maintainer: person::maintainer(opkg).map(person::of).unwrap_or_default(),
            relations: self.settled().iter().map(|it| it.record(version)).collect(),
            files: self.packed(copyright, changelog),
            scriptlets: self
                .scripts
                .iter()
                .map(|script| NativeScriptlet {
                    time: script.time,
                    interpreter: vec!["/bin/sh".into()],
                    body: script.body.clone(),
                })
                .collect(),
            changelog: Vec::new(),
            fields,
            members: Vec::new(),
            file_name: self.file_name(version),
        }
    }

    /// The relations on the architecture that the package is built for.
    fn settled(&self) -> Vec<Dependency> {
        let held = self.relations.iter().filter(|it| it.holds);
        relation::simplify(held.map(|it| Dependency { archs: Vec::new(), ..it.clone() }).collect())
    }

    fn packed(&self, copyright: &str, changelog: &str) -> Vec<PackedFile> {
        let documents = documentation(&self.name);
        let mut files = vec![
            PackedFile {
                path: format!("{documents}/changelog.Debian.gz"),
                content: Content::GzipText(changelog.into()),
                mode: 0o644,
                marks: FileMarks::DOCUMENTATION,
            },
            PackedFile {
                path: format!("{documents}/copyright"),
                content: Content::Text(copyright.into()),
                mode: 0o644,
                marks: FileMarks::DOCUMENTATION,
            },
        ];
        files.extend(self.installed.iter().map(|installed| {
            let (content, mode, documentation) = match &installed.item {
                Item::Directory => (Content::Directory, 0o755, false),
                Item::Link(target) => (Content::Link(target.clone()), 0o777, false),
                Item::File { node, mode, documentation, .. } => {
                    (Content::Source(*node), *mode, *documentation)
                }
            };
            let marks = if documentation { FileMarks::DOCUMENTATION } else { FileMarks::empty() };
            PackedFile { path: installed.path.clone(), content, mode, marks }
        }));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

fn architecture(opkg: &Opkg, part: &Part<'_>, subject: &Subject) -> Architecture {
    if !part.arch_specific {
        return Architecture::All;
    }
    // With a target that names its architecture, relations were decided for that one alone.
    let canonical = match &subject.arch {
        Some(arch) => std::slice::from_ref(arch),
        None => opkg.filter.archs.as_slice(),
    };
    let mut archs: Vec<_> = canonical.iter().filter_map(|arch| native_arch(arch)).collect();
    archs.sort_unstable();
    archs.dedup();
    if archs.is_empty() { Architecture::Any } else { Architecture::These(archs) }
}

/// The OPKG's own paragraphs, then what this part of it is for.
fn description(opkg: &Opkg, which: Which) -> Vec<String> {
    let part = match which {
        Which::Api => {
            "This package is for the head node of a cluster. It holds the hooks, settings, tests and documents \
             that concern the cluster as a whole."
        }
        Which::Server => "This package brings in what the head node of a cluster needs, and sets it up.",
        Which::Client => "This package brings in what a compute node of a cluster needs, and sets it up.",
    };
    let mut lines = Vec::new();
    for paragraph in opkg.description.iter().map(String::as_str).chain([part]) {
        let wrapped = wrap(paragraph, WIDTH);
        if wrapped.is_empty() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(String::new());
        }
        // A line that starts with a full stop is reserved; one that starts with a blank may hold anything.
        lines.extend(
            wrapped.into_iter().map(|line| if line.starts_with('.') { format!(" {line}") } else { line }),
        );
    }
    lines
}

fn installed(opkg: &Opkg, part: &Part<'_>) -> Vec<Installed> {
    let own = documentation(&part.name);
    let documents = documentation(&parts::package_name(opkg, Which::Api));
    let place = |path: &str| out_of_the_way(path, &own);
    let mut all: Vec<Installed> = part
        .directories
        .iter()
        .map(|path| Installed { path: place(path), item: Item::Directory })
        .chain(part.files.iter().map(|file| {
            let item = match parts::installed_link(opkg, file, &documents) {
                Some(target) => Item::Link(target),
                None => Item::File {
                    node: file.source.at,
                    source: file.source.path.clone(),
                    mode: file.source.mode,
                    documentation: file.documentation,
                },
            };
            Installed { path: place(&file.path), item }
        }))
        .collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

/// Every package has a copyright file and a changelog of Debian's making among its documents: what an OPKG
/// has under these names gets another one.
fn out_of_the_way(path: &str, documents: &str) -> String {
    let inside = path.strip_prefix(documents).and_then(|rest| rest.strip_prefix('/'));
    if let Some(inside) = inside {
        let (first, rest) =
            inside.split_once('/').map_or((inside, None), |(first, rest)| (first, Some(rest)));
        if matches!(first, "copyright" | "changelog.Debian.gz") {
            let rest = rest.map(|rest| format!("/{rest}")).unwrap_or_default();
            return format!("{documents}/{first}.opkg{rest}");
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_debians_making_keep_their_names() {
        let documents = "/usr/share/doc/opkg-x";
        for (path, expected) in [
            ("/usr/share/doc/opkg-x/copyright", "/usr/share/doc/opkg-x/copyright.opkg"),
            ("/usr/share/doc/opkg-x/copyright/GPL", "/usr/share/doc/opkg-x/copyright.opkg/GPL"),
            ("/usr/share/doc/opkg-x/README", "/usr/share/doc/opkg-x/README"),
            ("/usr/share/doc/opkg-xcopyright", "/usr/share/doc/opkg-xcopyright"),
        ] {
            assert_eq!(out_of_the_way(path, documents), expected);
        }
    }
}
