//! One package, decided in full: what makepkg reads and what the host packs are written from this.

use opkg_sdk::artefacts::{BinaryPackage, ChangelogEntry, Content, Field, FileMarks, PackedFile};
use opkg_sdk::diagnostic::{note, push_unique, warning};
use opkg_sdk::filter::FilterContext;
use opkg_sdk::model::{Author, BuildTarget, ConfigKind, Diagnostic, Opkg, Role};
use opkg_sdk::file_commands::packed_mode;
use opkg_sdk::packed_files;
use opkg_sdk::parts::PartPlan;

use crate::name::{self, PacmanVersion};
use crate::{container, hooks, relations, scripts};

/// What the packages of an OPKG have in common. What there is to say is collected in `diagnostics`.
pub struct PackageBuilder<'a> {
    pub opkg: &'a Opkg,
    pub target: &'a BuildTarget,
    pub context: &'a FilterContext,
    pub version: &'a PacmanVersion,
    /// The directory of the api package's documents.
    pub documentation: &'a str,
    pub diagnostics: Vec<Diagnostic>,
}

impl PackageBuilder<'_> {
    pub fn package(&mut self, plan: &PartPlan<'_>) -> BinaryPackage {
        let Self { opkg, context, version, .. } = *self;
        self.report(plan);
        let files = packed_files::of_part(opkg, plan, self.documentation);
        let mut scriptlets = scripts::of_part(opkg, plan, &files);
        scriptlets.extend(hooks::of_part(opkg, plan));
        let arch = if plan.is_arch_specific { context.build_arch() } else { "any" };
        BinaryPackage {
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
            maintainer: packager(opkg),
            container: container::container(),
            relations: relations::of_part(plan, context, version, &mut self.diagnostics),
            files: files.into_iter().map(kept).collect(),
            scriptlets,
            file_triggers: Vec::new(),
            interests: plan.triggers.iter().map(|trigger| trigger.path.clone()).collect(),
            changelog: changelog(opkg),
            fields: self.fields(plan),
            attributes: Vec::new(),
            file_name: format!("{}-{}-{arch}{}", plan.name, version.to_full_string(), container::SUFFIX),
        }
    }

    /// What nothing else of `.PKGINFO` says.
    fn fields(&self, plan: &PartPlan<'_>) -> Vec<Field> {
        // One of several that a `PKGBUILD` makes.
        let mut fields = vec![relations::extra_data("pkgtype=split".to_owned())];
        let told = [("vendor", &self.target.vendor), ("distribution", &self.target.distribution)];
        let told =
            told.into_iter().filter_map(|(key, value)| Some(format!("opkg-{key}={}", value.as_ref()?)));
        fields.extend(told.map(relations::extra_data));
        fields.extend(relations::recorded_conflicts(plan, self.context));
        fields
    }

    /// What pacman does otherwise than the OPKG says.
    fn report(&mut self, plan: &PartPlan<'_>) {
        for alternative in &plan.alternatives {
            let message = format!("Arch has no alternatives: nothing leads to `{}`", alternative.main.path);
            let help = "leave this distribution out with the `filters` of `alternatives`";
            push_unique(&mut self.diagnostics, warning(alternative.main.at, message, help));
        }
        for file in plan.files.iter().filter(|file| file.attributes.config == ConfigKind::Replace) {
            let message =
                format!("pacman keeps `{}` where somebody has changed it, and never replaces it", file.path);
            push_unique(&mut self.diagnostics, note(file.source.at, message));
        }
    }
}

/// What pacman keeps of a file, directory or link. Scripts give the rest.
fn kept(file: PackedFile) -> PackedFile {
    PackedFile {
        mode: packed_mode(&file),
        capabilities: None,
        // pacman keeps what somebody has changed, or replaces it without a trace: then it had better keep it.
        marks: file.marks & !FileMarks::REPLACED,
        ..file
    }
}

/// Whether the package knows a file and does not bring it: a script removes it.
pub fn is_ghost(file: &PackedFile) -> bool {
    file.marks.contains(FileMarks::GHOST)
}

/// Whether pacman knows a file as configuration: without the slash at the beginning.
pub fn backup_path(file: &PackedFile) -> Option<&str> {
    let is_backup = file.marks.contains(FileMarks::CONFIGURATION)
        && !is_ghost(file)
        && !matches!(file.content, Content::Link(_));
    is_backup.then(|| file.path.trim_start_matches('/'))
}

/// `Name <address>` of the first maintainer.
fn packager(opkg: &Opkg) -> String {
    let named = |author: &Author| format!("{} <{}>", author.name, author.email);
    opkg.authors.iter().find(|author| author.role == Role::Maintainer).map(named).unwrap_or_default()
}

/// An entry for each change, newest first.
fn changelog(opkg: &Opkg) -> Vec<ChangelogEntry> {
    let releases = opkg.history.iter().map(|release| (name::adapt(&release.version), &release.changes));
    let entries = releases.flat_map(|(version, changes)| {
        changes.iter().map(move |change| {
            let author = match &change.email {
                Some(email) => format!("{} <{email}>", change.author),
                None => change.author.clone(),
            };
            let items = change.items.iter().map(|item| format!("- {item}")).collect::<Vec<_>>();
            ChangelogEntry {
                header: format!("{author} - {}", version.to_full_string()),
                seconds: change.date.seconds,
                text: items.join("\n"),
            }
        })
    });
    let mut entries: Vec<ChangelogEntry> = entries.collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.seconds));
    entries
}
