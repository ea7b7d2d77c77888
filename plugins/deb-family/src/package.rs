//! One binary package, decided in full. The control file, the build and the package's record are all
//! written from this, so that they cannot disagree.

use opkg_sdk::additions::Addition;
use opkg_sdk::artefacts::{
    BinaryPackage, Compression, Container, Content, Field as ControlField, FileMarks, PackedFile,
    Scriptlet as NativeScriptlet,
};
use opkg_sdk::filter::FilterContext;
use opkg_sdk::model::{Diagnostic, Node, Opkg, Part as PartKind};
use opkg_sdk::parts::{self, PartPlan};
use opkg_sdk::text::wrap;

use crate::alternatives;
use crate::arch::native_arch;
use crate::bound::VersionConstraint;
use crate::ghosts;
use crate::license;
use crate::ownership;
use crate::person;
use crate::relation::{self, Dependency};
use crate::script::{self, MaintainerScript};
use crate::section;
use crate::systemd;
use crate::triggers;
use crate::version::DebVersion;

/// Of a line of a description, without the blank before it.
const LINE_WIDTH: usize = 79;

/// Where a package can be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Architecture {
    /// Anywhere.
    All,
    /// Built for each architecture, whichever it is.
    Any,
    /// Built for each of these, by Debian's names.
    Listed(Vec<&'static str>),
}

impl Architecture {
    /// As control files have it, or with another separator.
    #[must_use]
    pub fn joined(&self, separator: &str) -> String {
        match self {
            Self::All => "all".into(),
            Self::Any => "any".into(),
            Self::Listed(archs) => archs.join(separator),
        }
    }
}

/// What an installed path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory that the package owns, and its mode.
    Directory(u32),
    /// A link, and what it holds.
    Link(String),
    /// A file of the OPKG.
    File {
        /// For the host.
        node: Node,
        /// In the unpacked source tree.
        source: String,
        mode: u32,
        /// Whether it documents the package, or is configuration.
        marks: FileMarks,
    },
}

/// What is installed at an absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledEntry {
    pub path: String,
    pub kind: EntryKind,
}

#[derive(Debug)]
pub struct Package {
    /// Which of the OPKG's.
    pub part: PartKind,
    /// `opkg-<name>`, …
    pub name: String,
    /// One line.
    pub summary: String,
    /// Lines of the extended description; an empty one between paragraphs, never anywhere else.
    pub description: Vec<String>,
    /// Where it can be installed.
    pub architecture: Architecture,
    /// The architecture that it is built for now, `all` included.
    pub build_arch: &'static str,
    /// Sorted by field and name.
    pub relations: Vec<Dependency>,
    pub opkg_conflicts: Vec<Dependency>,
    /// In the order in which they run.
    pub scripts: Vec<MaintainerScript>,
    /// Directories below which changes run the script after the installation.
    pub interests: Vec<String>,
    /// Sorted by path, without the copyright file and changelog that every package has.
    pub entries: Vec<InstalledEntry>,
}

/// The version of all packages of an OPKG.
pub struct OwnVersion<'a> {
    pub version: &'a DebVersion,
    /// How the others name the api package by it.
    pub constraint: VersionConstraint,
    /// What packages for the release have behind their release, if anything.
    pub tag: Option<&'a str>,
}

/// What all packages have among their documents.
pub struct Documents<'a> {
    pub copyright: &'a str,
    pub changelog: &'a str,
}

/// The directory of a package's documents.
#[must_use]
pub fn documentation_dir(package: &str) -> String {
    format!("/usr/share/doc/{package}")
}

impl Package {
    /// Decides everything about one part. `system_files` is what its scripts do about files of systemd and udev.
    pub fn new(
        opkg: &Opkg,
        part: &PartPlan<'_>,
        system_files: Option<Addition>,
        own: &OwnVersion<'_>,
        context: &FilterContext,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut relations = relation::from_part(part, &own.constraint, own.tag, context, diagnostics);
        relations.extend(relation::to_siblings(opkg, part));
        relations.extend(script::interpreter_dependencies(part, diagnostics));
        relations.extend(ownership::dependencies(part));
        relations.extend(systemd::dependencies(part));
        ownership::report_kept(part, diagnostics);
        ownership::report_unreadable(part, diagnostics);
        script::report_never_run(part, diagnostics);
        let architecture = architecture(opkg, part, context);
        // Ghosts before anything can make them anew; users before what is given to them; units once the OPKG's own script has prepared what they need.
        let additions: Vec<_> = (ghosts::additions(part).into_iter())
            .chain(systemd::account_addition(part))
            .chain(ownership::addition(part))
            .chain(system_files)
            .chain(alternatives::additions(part))
            .chain(systemd::unit_additions(part))
            .chain(triggers::addition(part, opkg, own.version))
            .collect();
        let triggered = triggers::dispatch(part, opkg, own.version).unwrap_or_default();
        Self {
            part: part.kind.clone(),
            name: part.name.clone(),
            summary: part.summary.clone(),
            description: description(opkg, part),
            build_arch: match architecture {
                Architecture::All => "all",
                _ => native_arch(context.build_arch()).unwrap_or("any"),
            },
            architecture,
            relations: relation::remove_redundant(relations),
            opkg_conflicts: relation::recorded_conflicts(part, own.tag, context, diagnostics),
            scripts: script::from_part(part, opkg, own.version, &triggered, &additions),
            interests: triggers::interests(part),
            entries: installed_entries(opkg, part),
        }
    }

    /// `opkg-x_1.0-1_all.deb`
    #[must_use]
    pub fn file_name(&self, version: &DebVersion) -> String {
        format!("{}_{}_{}.deb", self.name, version.without_epoch(), self.build_arch)
    }

    /// The control file `triggers`. Whatever changes the files does not wait for the script: it does not depend on it.
    #[must_use]
    pub fn triggers_file(&self) -> String {
        self.interests.iter().map(|path| format!("interest-noawait {path}\n")).collect()
    }

    /// Whether packages for any architecture can depend on it as it is: nothing in it depends on one.
    fn is_multi_arch_foreign(&self) -> bool {
        self.part == PartKind::Api && self.architecture == Architecture::All
    }

    /// Control fields that not all packages have, as they stand in the package.
    #[must_use]
    pub fn extra_fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        if self.is_multi_arch_foreign() {
            fields.push(("Multi-Arch", "foreign".to_owned()));
        }
        if !self.opkg_conflicts.is_empty() {
            fields.push(("Opkg-Conflicts", relation::format_list(&self.opkg_conflicts)));
        }
        if !self.scripts.is_empty() {
            let names: Vec<_> = self.scripts.iter().map(|script| script.file_name).collect();
            fields.push(("Opkg-Scriptlets", names.join(" ")));
        }
        fields
    }

    /// The record for the host's writers, to be written with this compression. `source` is the name of the source package.
    #[must_use]
    pub fn to_record(
        &self,
        opkg: &Opkg,
        origin: Option<&str>,
        source: &str,
        version: &DebVersion,
        compression: Compression,
        documents: &Documents<'_>,
    ) -> BinaryPackage {
        let mut fields = Vec::new();
        if self.name != source {
            fields.push(ControlField { name: "Source".into(), value: source.into() });
        }
        fields.push(ControlField { name: "Priority".into(), value: "optional".into() });
        fields.extend(origin.map(|origin| ControlField { name: "Origin".into(), value: origin.into() }));
        fields.extend(
            self.extra_fields().into_iter().map(|(name, value)| ControlField { name: name.into(), value }),
        );
        BinaryPackage {
            part: Some(self.part.clone()),
            name: self.name.clone(),
            epoch: version.epoch,
            version: version.upstream.clone(),
            release: version.revision.clone().unwrap_or_default(),
            arch: self.build_arch.into(),
            summary: self.summary.clone(),
            description: self.description.join("\n"),
            license: license::parse(&opkg.license).name,
            section: section::from_group(opkg.groups.first().map_or("", String::as_str)).into(),
            url: opkg.uri.as_deref().map(person::collapse_whitespace),
            maintainer: person::maintainer(opkg).map(person::author_mailbox).unwrap_or_default(),
            container: Container::Deb(compression),
            relations: self
                .applicable_relations()
                .iter()
                .filter_map(|dependency| dependency.to_record(version))
                .collect(),
            files: self.packed_files(documents),
            scriptlets: self
                .scripts
                .iter()
                .map(|script| NativeScriptlet {
                    time: script.time,
                    interpreter: vec!["/bin/sh".into()],
                    body: script.body.clone(),
                })
                .collect(),
            file_triggers: Vec::new(),
            interests: self.interests.clone(),
            changelog: Vec::new(),
            fields,
            attributes: Vec::new(),
            file_name: self.file_name(version),
        }
    }

    /// The relations on the architecture that the package is built for.
    fn applicable_relations(&self) -> Vec<Dependency> {
        let applicable = self.relations.iter().filter(|dependency| dependency.applies);
        let on_any = applicable.map(|dependency| Dependency { archs: Vec::new(), ..dependency.clone() });
        relation::remove_redundant(on_any.collect())
    }

    fn packed_files(&self, documents: &Documents<'_>) -> Vec<PackedFile> {
        let directory = documentation_dir(&self.name);
        let packed = |path: String, content, mode, marks| PackedFile {
            path,
            content,
            mode,
            owner: "root".into(),
            group: "root".into(),
            capabilities: None,
            marks,
        };
        let document = |name: &str, content| {
            packed(format!("{directory}/{name}"), content, 0o644, FileMarks::DOCUMENTATION)
        };
        let mut files = vec![
            document("changelog.Debian.gz", Content::GzipText(documents.changelog.into())),
            document("copyright", Content::Text(documents.copyright.into())),
        ];
        files.extend(self.entries.iter().map(|installed| {
            let (content, mode, marks) = match &installed.kind {
                EntryKind::Directory(mode) => (Content::Directory, *mode, FileMarks::empty()),
                EntryKind::Link(target) => (Content::Link(target.clone()), 0o777, FileMarks::empty()),
                EntryKind::File { node, mode, marks, .. } => (Content::Source(*node), *mode, *marks),
            };
            packed(installed.path.clone(), content, mode, marks)
        }));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

fn architecture(opkg: &Opkg, part: &PartPlan<'_>, context: &FilterContext) -> Architecture {
    if !part.is_arch_specific {
        return Architecture::All;
    }
    // With a target that names its architecture, relations were decided for that one alone.
    let canonical: Vec<&str> = match &context.arch {
        Some(arch) => vec![arch],
        // Its programs are for one architecture, whatever else it is for.
        None if !part.program_archs.is_empty() => part.program_archs.clone(),
        None => opkg.filter.archs.iter().map(String::as_str).collect(),
    };
    let mut archs: Vec<_> = canonical.iter().filter_map(|arch| native_arch(arch)).collect();
    archs.sort_unstable();
    archs.dedup();
    if archs.is_empty() { Architecture::Any } else { Architecture::Listed(archs) }
}

/// The OPKG's own paragraphs, then what this part of it is for.
fn description(opkg: &Opkg, part: &PartPlan<'_>) -> Vec<String> {
    let purpose = match &part.kind {
        // Nothing but directories is for any machine.
        PartKind::Api if part.files.is_empty() => "",
        PartKind::Api => {
            "This package is for the head node of a cluster. It holds the hooks, settings, tests and documents \
             that concern the cluster as a whole."
        }
        PartKind::Server => "This package brings in what the head node of a cluster needs, and sets it up.",
        PartKind::Extra(_) => "",
        PartKind::Client => "This package brings in what a compute node of a cluster needs, and sets it up.",
    };
    let mut lines = Vec::new();
    for paragraph in opkg.description.iter().map(String::as_str).chain([purpose]) {
        let wrapped = wrap(paragraph, LINE_WIDTH);
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

fn installed_entries(opkg: &Opkg, part: &PartPlan<'_>) -> Vec<InstalledEntry> {
    let own = documentation_dir(&part.name);
    let documents = documentation_dir(&parts::package_name(opkg, &PartKind::Api));
    let rename = |path: &str| rename_reserved_path(path, &own);
    let mut all: Vec<InstalledEntry> = part
        .directories
        .iter()
        .map(|directory| InstalledEntry {
            path: rename(&directory.path),
            kind: EntryKind::Directory(directory.attributes.mode),
        })
        // dpkg knows no file that a package owns without bringing it.
        .chain(part.files.iter().filter(|file| !file.attributes.is_ghost).map(|file| {
            let item = match parts::installed_link_target(opkg, file, &documents) {
                Some(target) => EntryKind::Link(target),
                None => EntryKind::File {
                    node: file.source.at,
                    source: file.source.path.clone(),
                    mode: file.attributes.packed_mode(),
                    marks: file.marks() - FileMarks::REPLACED,
                },
            };
            InstalledEntry { path: rename(&file.path), kind: item }
        }))
        .collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

/// Every package has a copyright file and a changelog of Debian's making among its documents: what an OPKG
/// has under these names gets another one.
fn rename_reserved_path(path: &str, documents: &str) -> String {
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
            assert_eq!(rename_reserved_path(path, documents), expected);
        }
    }
}
