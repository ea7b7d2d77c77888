//! One package, decided in full: what makepkg reads and what the host packs are written from this.

use opkg_plugin::artefacts::{
    BinaryPackage, Content, FileMarks, NativeKind, NativeRelation, PackedFile, TextFile,
};
use opkg_plugin::filter::Subject;
use opkg_plugin::opkg::{Author, Diagnostic, Kind, Opkg, Role};
use opkg_plugin::parts::{Part, installed_link};
use opkg_plugin::scriptlet::{self, Scriptlet};

use crate::name::{self, Version};
use crate::pkgbuild;

/// Relations by the name of their array in a `PKGBUILD` and of their field in `.PKGINFO`.
pub const RELATIONS: [(&str, &str, Kind); 4] = [
    ("depends", "depend", Kind::Requires),
    ("optdepends", "optdepend", Kind::Suggests),
    ("conflicts", "conflict", Kind::Conflicts),
    ("provides", "provides", Kind::Provides),
];

/// A binary package.
#[derive(Debug)]
pub struct Package {
    /// `opkg-<name>`, …
    pub name: String,
    /// One line.
    pub summary: String,
    /// `any`, or the architecture that it is built for.
    pub arch: String,
    /// What it says, and about what: `openmpi>=4`.
    pub relations: Vec<(Kind, String)>,
    /// Around its installation and removal.
    pub scriptlets: Vec<Scriptlet>,
    /// Sorted by path.
    pub files: Vec<PackedFile>,
    /// Of the OPKG, by the index of `files`.
    pub sources: Vec<Option<String>>,
    /// Bytes of all files.
    pub size: u64,
}

impl Package {
    /// Decides everything about one part.
    pub fn new(
        opkg: &Opkg,
        part: &Part<'_>,
        subject: &Subject,
        version: &Version,
        documentation: &str,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut relations = Vec::new();
        for resolved in part.relations.iter().filter(|resolved| subject.settle(&resolved.decision)) {
            let text = name::relation(resolved.relation, findings);
            relations.extend(text.map(|text| (resolved.relation.kind, text)));
        }
        let same = part.requires_same.iter().map(|api| (Kind::Requires, format!("{api}={}", version.full())));
        relations.extend(same);

        let mut entries: Vec<(PackedFile, Option<String>)> = Vec::new();
        for directory in &part.directories {
            entries.push((entry(directory, Content::Directory, 0o755, false), None));
        }
        for file in &part.files {
            let content = match installed_link(opkg, file, documentation) {
                Some(target) => Content::Link(target),
                None => Content::Source(file.source.at),
            };
            let packed = entry(&file.path, content, file.source.mode, file.documentation);
            entries.push((packed, Some(file.source.path.clone())));
        }
        entries.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        let (files, sources) = entries.into_iter().unzip();
        Self {
            name: part.name.clone(),
            summary: part.summary.clone(),
            arch: if part.arch_specific { subject.arch().to_owned() } else { "any".into() },
            relations,
            scriptlets: part.files.iter().filter_map(|file| scriptlet::of(file, &opkg.home)).collect(),
            files,
            sources,
            size: part.files.iter().map(|file| file.source.size).sum(),
        }
    }

    /// What it says in one array or field.
    pub fn related(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.relations.iter().filter(move |(of, _)| *of == kind).map(|(_, text)| text.as_str())
    }

    /// The record for the host. An archive knows no fields and scriptlets: pacman reads them from members in front of the files.
    #[must_use]
    pub fn record(&self, opkg: &Opkg, base: &str, version: &Version) -> BinaryPackage {
        let info = pkgbuild::package_info(opkg, self, base, version);
        let text = |path: &str, contents| TextFile { path: path.to_owned(), contents, executable: false };
        let mut members = vec![text(".PKGINFO", info)];
        if !self.scriptlets.is_empty() {
            let functions = pkgbuild::install_functions(&self.scriptlets);
            members.push(text(".INSTALL", functions));
        }
        BinaryPackage {
            name: self.name.clone(),
            epoch: version.epoch,
            version: version.upstream.clone(),
            release: version.release.clone(),
            arch: self.arch.clone(),
            summary: self.summary.clone(),
            description: opkg.description.join("\n\n"),
            license: opkg.license.clone(),
            section: String::new(),
            url: opkg.uri.clone(),
            maintainer: packager(opkg),
            relations: self.relations.iter().map(|(kind, text)| native(*kind, text)).collect(),
            files: self.files.clone(),
            scriptlets: Vec::new(),
            changelog: Vec::new(),
            fields: Vec::new(),
            members,
            file_name: format!("{}-{}-{}.pkg.tar.zst", self.name, version.full(), self.arch),
        }
    }
}

/// `Name <address>` of the first maintainer.
#[must_use]
pub fn packager(opkg: &Opkg) -> String {
    let named = |author: &Author| format!("{} <{}>", author.name, author.email);
    opkg.authors.iter().find(|author| author.role == Role::Maintainer).map(named).unwrap_or_default()
}

fn entry(path: &str, content: Content, mode: u32, documentation: bool) -> PackedFile {
    let marks = if documentation { FileMarks::DOCUMENTATION } else { FileMarks::empty() };
    PackedFile { path: path.to_owned(), content, mode, marks }
}

/// For the host's reports; the version is part of the name, as in pacman's own fields.
fn native(kind: Kind, text: &str) -> NativeRelation {
    let kind = match kind {
        Kind::Requires => NativeKind::Requires,
        Kind::Provides => NativeKind::Provides,
        Kind::Conflicts => NativeKind::Conflicts,
        Kind::Suggests => NativeKind::Suggests,
    };
    NativeRelation { kind, name: text.to_owned(), bound: None }
}
