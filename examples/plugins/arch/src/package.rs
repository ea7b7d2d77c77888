//! One package, decided in full: what makepkg reads and what the host packs are written from this.

use opkg_sdk::additions::TIMES;
use opkg_sdk::artefacts::{Content, FileMarks, PackedFile};
use opkg_sdk::diagnostic;
use opkg_sdk::file_attributes::FileAttributes;
use opkg_sdk::filter::FilterContext;
use opkg_sdk::model::{Author, ConfigKind, Diagnostic, Node, Opkg, Part, RelationKind, Role, ScriptTime};
use opkg_sdk::parts::{InstalledFile, PartPlan, installed_link_target};
use opkg_sdk::relation::{ResolvedPackage, ResolvedRelation, element_name};
use opkg_sdk::scriptlet::{self, Scriptlet};

use crate::name::{PacmanVersion, format_relation};

/// Relations by the name of their array in a `PKGBUILD` and of their field in `.PKGINFO`.
pub const RELATION_FIELDS: [(&str, &str, RelationKind); 5] = [
    ("depends", "depend", RelationKind::Requires),
    ("optdepends", "optdepend", RelationKind::Suggests),
    ("conflicts", "conflict", RelationKind::Conflicts),
    ("replaces", "replaces", RelationKind::Obsoletes),
    ("provides", "provides", RelationKind::Provides),
];

/// The kinds of [`RELATION_FIELDS`] that say what an OPKG's does; none of what pacman does not have.
fn pacman_kinds(kind: RelationKind) -> &'static [RelationKind] {
    match kind {
        RelationKind::Requires | RelationKind::PreRequires => &[RelationKind::Requires],
        RelationKind::Recommends | RelationKind::Suggests => &[RelationKind::Suggests],
        RelationKind::Conflicts | RelationKind::Breaks => &[RelationKind::Conflicts],
        RelationKind::Obsoletes => &[RelationKind::Conflicts, RelationKind::Obsoletes],
        RelationKind::Provides => &[RelationKind::Provides],
        RelationKind::Supplements | RelationKind::Enhances => &[],
    }
}

#[derive(Debug)]
pub struct Package {
    /// Which of the OPKG's.
    pub part: Part,
    /// `opkg-<name>`, …
    pub name: String,
    /// One line.
    pub summary: String,
    /// `any`, or the architecture that it is built for.
    pub arch: String,
    /// With the bound: `openmpi>=4`.
    pub relations: Vec<(RelationKind, String)>,
    /// Around its installation and removal.
    pub scriptlets: Vec<Scriptlet>,
    /// Configuration, which pacman keeps where somebody has changed it.
    pub backup: Vec<String>,
    /// Sorted by path.
    pub files: Vec<PackedFile>,
    /// Of the OPKG, by the index of `files`.
    pub sources: Vec<Option<String>>,
    /// Bytes of all files.
    pub size: u64,
}

impl Package {
    pub fn new(
        opkg: &Opkg,
        plan: &PartPlan<'_>,
        context: &FilterContext,
        version: &PacmanVersion,
        documentation: &str,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut relations = Vec::new();
        for resolved in
            plan.relations.iter().filter(|resolved| context.matches_by_default(&resolved.filter_match))
        {
            let kinds = pacman_kinds(resolved.kind);
            let Some(first) = resolved.any_of.first() else { continue };
            if kinds.is_empty() || resolved.any_of.len() > 1 {
                report_inexpressible(resolved, first, diagnostics);
            }
            if !kinds.is_empty() {
                let text = format_relation(first, diagnostics);
                relations.extend(text.iter().flat_map(|text| kinds.iter().map(|kind| (*kind, text.clone()))));
            }
        }
        let same = plan
            .same_version_requirement
            .iter()
            .map(|api| (RelationKind::Requires, format!("{api}={}", version.to_full_string())));
        relations.extend(same);

        let mut entries: Vec<(PackedFile, Option<String>)> = Vec::new();
        for directory in &plan.directories {
            let attributes = &directory.attributes;
            report_unsupported(opkg.at, &directory.path, attributes, diagnostics);
            entries.push((packed_file(&directory.path, Content::Directory, attributes.mode, false), None));
        }
        for file in &plan.files {
            let content = match installed_link_target(opkg, file, documentation) {
                Some(target) => Content::Link(target),
                None => Content::Source(file.source.at),
            };
            report_unsupported(file.source.at, &file.path, &file.attributes, diagnostics);
            let packed = packed_file(&file.path, content, file.attributes.mode, file.is_documentation);
            entries.push((packed, Some(file.source.path.clone())));
        }
        for alternative in &plan.alternatives {
            let message = format!("Arch has no alternatives: nothing leads to `{}`", alternative.main.path);
            let help = "leave this distribution out with the `filters` of `alternatives`";
            diagnostic::push_unique(diagnostics, diagnostic::warning(alternative.main.at, message, help));
        }
        entries.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        let (files, sources) = entries.into_iter().unzip();
        Self {
            part: plan.kind.clone(),
            name: plan.name.clone(),
            summary: plan.summary.clone(),
            arch: if plan.is_arch_specific { context.build_arch().to_owned() } else { "any".into() },
            relations,
            scriptlets: scriptlets(opkg, plan, diagnostics),
            backup: plan.files.iter().filter(is_backed_up).map(backup_path).collect(),
            files,
            sources,
            size: plan.files.iter().map(|file| file.source.size).sum(),
        }
    }

    /// The relations of one kind, for one array or field.
    pub fn relations_of(&self, kind: RelationKind) -> impl Iterator<Item = &str> {
        self.relations.iter().filter(move |(of, _)| *of == kind).map(|(_, text)| text.as_str())
    }
}

/// Relations of which pacman has no kind, and alternatives.
fn report_inexpressible(
    resolved: &ResolvedRelation<'_>,
    first: &ResolvedPackage<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let (element, name) = (element_name(resolved.kind), &first.name);
    let message = match resolved.any_of.len() {
        1 => format!("pacman has nothing like `{element}`, so that to `{name}` is left out"),
        _ => format!("pacman knows no alternatives: of those to `{element}`, only `{name}` counts"),
    };
    let help = "leave this distribution out with the `filters` of the group, and say in one of its own what it is to have";
    diagnostic::push_unique(diagnostics, diagnostic::warning(resolved.at, message, help));
}

/// Those that pacman runs.
fn scriptlets(opkg: &Opkg, plan: &PartPlan<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Scriptlet> {
    let mut scriptlets = Vec::new();
    for file in &plan.files {
        let Some(scriptlet) = scriptlet::for_file(file, opkg, action_commands) else { continue };
        if !TIMES.contains(&scriptlet.time) {
            let message =
                format!("never run: packages for Arch have no scripts such as `{}`", file.source.path);
            let help = "let the post-install script do it, which runs for each package";
            diagnostic::push_unique(diagnostics, diagnostic::warning(file.source.at, message, help));
        } else {
            scriptlets.push(scriptlet);
        }
    }
    scriptlets
}

/// What scripts are told of what pacman passes: the new version and, of an upgrade, the old one; the version that goes.
fn action_commands(time: ScriptTime) -> String {
    let commands = match time {
        ScriptTime::PreInstall | ScriptTime::PostInstall => {
            "OPKG_ACTION=${2:+upgrade} OPKG_OLD_VERSION=$2\nOPKG_ACTION=${OPKG_ACTION:-install}\n"
        }
        ScriptTime::PreUninstall | ScriptTime::PostUninstall => "OPKG_ACTION=remove OPKG_OLD_VERSION=$1\n",
        // pacman runs none.
        _ => "",
    };
    commands.to_owned()
}

/// What makepkg can only say of files with the help of scripts.
fn report_unsupported(at: Node, path: &str, attributes: &FileAttributes, diagnostics: &mut Vec<Diagnostic>) {
    if attributes.has_other_owner() || attributes.capabilities.is_some() || attributes.is_ghost {
        let message =
            format!("`{path}` cannot have an owner, capabilities, or be a ghost in packages for Arch");
        let help = "leave this distribution out with the `filters` of `files`";
        diagnostic::push_unique(diagnostics, diagnostic::error(at, message, help));
    }
}

/// pacman keeps what somebody has changed, or replaces it without a trace: then it had better keep it.
fn is_backed_up(file: &&InstalledFile<'_>) -> bool {
    file.attributes.config != ConfigKind::No
}

/// pacman names them without the slash at the beginning.
fn backup_path(file: &InstalledFile<'_>) -> String {
    file.path.trim_start_matches('/').to_owned()
}

/// `Name <address>` of the first maintainer.
#[must_use]
pub fn packager(opkg: &Opkg) -> String {
    let named = |author: &Author| format!("{} <{}>", author.name, author.email);
    opkg.authors.iter().find(|author| author.role == Role::Maintainer).map(named).unwrap_or_default()
}

fn packed_file(path: &str, content: Content, mode: u32, is_documentation: bool) -> PackedFile {
    let marks = if is_documentation { FileMarks::DOCUMENTATION } else { FileMarks::empty() };
    PackedFile {
        path: path.to_owned(),
        content,
        mode,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        capabilities: None,
        marks,
    }
}
