//! What each of the three packages gets (format, sections 3.3, 3.5 and 4.1).

use crate::artefacts::FileMarks;
use crate::diagnostic;
use crate::file_attributes::{FileAttributes, FileRules};
use crate::filter::{FilterContext, FilterMatch};
use crate::model::{
    Alternative, AlternativeLink, ConfigKind, Destination, Diagnostic, Filter, Opkg, Part as PartKind,
    RelationKind, Scope, ServiceRule, Severity, SourceFile, Trigger,
};
use crate::packaging::Refusal;
use crate::relation::{ResolvedRelation, part_name, push_merged};
use crate::service_rules::ServiceRules;
use crate::trigger_rules::TriggerRules;

/// A file with its place filled in.
#[derive(Debug, Clone)]
pub struct InstalledFile<'a> {
    /// Absolute.
    pub path: String,
    /// Whether it lies in the documentation directory.
    pub is_documentation: bool,
    /// Mode, owner and what else is said of it on this target. What the host read of it alone is in `source`.
    pub attributes: FileAttributes,
    /// As the host read it.
    pub source: &'a SourceFile,
}

impl InstalledFile<'_> {
    /// As records of packages have it.
    #[must_use]
    pub fn marks(&self) -> FileMarks {
        let mut marks = FileMarks::empty();
        if self.is_documentation {
            marks |= FileMarks::DOCUMENTATION;
        }
        match self.attributes.config {
            ConfigKind::No => {}
            ConfigKind::Keep => marks |= FileMarks::CONFIGURATION,
            ConfigKind::Replace => marks |= FileMarks::CONFIGURATION | FileMarks::REPLACED,
        }
        if self.attributes.is_ghost {
            marks |= FileMarks::GHOST;
        }
        marks
    }
}

/// A directory that a part owns, with its place filled in.
#[derive(Debug, Clone)]
pub struct InstalledDirectory {
    /// Absolute.
    pub path: String,
    /// Mode and owner; the others mean nothing.
    pub attributes: FileAttributes,
}

/// One of the three native packages.
#[derive(Debug, Clone)]
pub struct PartPlan<'a> {
    /// Which of them.
    pub kind: PartKind,
    /// `opkg-<name>`, `opkg-<name>-server`, `opkg-<name>-client`.
    pub name: String,
    /// The OPKG's summary, with the part told.
    pub summary: String,
    /// Own, common and whole-level ones, without duplicates, in the order of the file.
    pub relations: Vec<ResolvedRelation<'a>>,
    /// Of the api part: the conflicts of the OPKG as such, which are recorded but keep no api package from
    /// being installed beside another. The relation's name is an OPKG's.
    pub opkg_conflicts: Vec<ResolvedRelation<'a>>,
    /// Of the server part: the api package, of which exactly the same version and release is required.
    pub same_version_requirement: Option<String>,
    /// Whether it is built per architecture.
    pub is_arch_specific: bool,
    /// The architectures that its files are for, by their canonical names: those of its programs, and the one that it is built
    /// for where it has files for some alone. None where it goes anywhere.
    pub program_archs: Vec<&'a str>,
    /// Sorted by path.
    pub files: Vec<InstalledFile<'a>>,
    /// Owned ones; sorted, parents before children.
    pub directories: Vec<InstalledDirectory>,
    /// About units among its files, as far as they hold for the target; see [`crate::units`].
    pub service_rules: Vec<&'a ServiceRule>,
    /// Files that it brings and that are one of several, in the order of the OPKG.
    pub alternatives: Vec<&'a Alternative>,
    /// Directories below which files of other packages concern it, each once; see [`crate::triggers`]. None where it has no
    /// script for that.
    pub triggers: Vec<&'a Trigger>,
}

/// The api, server and client part, in this order.
///
/// `documentation` is the absolute directory that the distribution gives the api package's documents.
///
/// # Errors
/// [`Refusal::Unavailable`] if the filter of the package as a whole excludes the target. A version that the
/// target leaves open excludes nothing; that is noted in `diagnostics`.
pub fn plan<'a>(
    opkg: &'a Opkg,
    context: &'a FilterContext,
    documentation: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<[PartPlan<'a>; 3], Refusal> {
    decide(opkg, context, documentation, diagnostics).map_err(Refusal::Unavailable)
}

/// As [`plan`]. The error says which filter excludes the target.
pub(crate) fn decide<'a>(
    opkg: &'a Opkg,
    context: &'a FilterContext,
    documentation: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<[PartPlan<'a>; 3], Diagnostic> {
    check_available(opkg, context, diagnostics)?;
    let rules = (FileRules::new(opkg, context, diagnostics), ServiceRules::new(opkg, context, diagnostics));
    let alternatives = alternatives_for_target(opkg, context, diagnostics);
    let triggers = TriggerRules::new(opkg, context, diagnostics);
    Ok([PartKind::Api, PartKind::Server, PartKind::Client]
        .map(|kind| plan_part(opkg, context, &rules, documentation, kind, diagnostics))
        .map(|part| with_alternatives(part, opkg, &alternatives, context))
        .map(|part| PartPlan {
            is_arch_specific: part.is_arch_specific || triggers.depend_on_arch(&part.kind),
            triggers: triggers.of_part(&part.kind),
            ..part
        }))
}

fn with_alternatives<'a>(
    mut part: PartPlan<'a>,
    opkg: &Opkg,
    alternatives: &[&'a Alternative],
    context: &FilterContext,
) -> PartPlan<'a> {
    let is_brought = |alternative: &Alternative| is_brought(&alternative.main, &part.files);
    let depends_on_arch = |it: &Alternative| !it.filter.archs.is_empty() && context.may_match(&it.filter);
    // The package differs between architectures even where this one does not get the alternative.
    part.is_arch_specific |= opkg.alternatives.iter().any(|it| is_brought(it) && depends_on_arch(it));
    part.alternatives = alternatives.iter().copied().filter(|alternative| is_brought(alternative)).collect();
    part
}

/// Name of a part's native package.
#[must_use]
pub fn package_name(opkg: &Opkg, kind: &PartKind) -> String {
    part_name(&opkg.name, kind)
}

/// What a symbolic link of the OPKG must hold where it is installed; nothing of another file.
///
/// The files of one directory may be installed in several, so that a link which led to its target in the
/// OPKG's directory may have to take another way there.
#[must_use]
pub fn installed_link_target(opkg: &Opkg, link: &InstalledFile<'_>, documentation: &str) -> Option<String> {
    let written = link.source.link.as_deref()?;
    // Laid into the root as it stands.
    if link.source.path.starts_with("files/") {
        return Some(written.to_owned());
    }
    let Some(target) = target_install_path(opkg, &link.source.path, written, documentation) else {
        return Some(written.to_owned());
    };
    let from: Vec<&str> = link.path.split('/').collect();
    let to: Vec<&str> = target.split('/').collect();
    let directory = &from[..from.len().saturating_sub(1)];
    let shared = directory.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut way = vec![".."; directory.len() - shared];
    way.extend(&to[shared..]);
    Some(if way.is_empty() { ".".to_owned() } else { way.join("/") })
}

/// Where the target of a link is installed, if it is a packaged file or the directory of one.
fn target_install_path(opkg: &Opkg, link: &str, written: &str, documentation: &str) -> Option<String> {
    let mut target: Vec<&str> = link.split('/').collect();
    target.pop();
    for step in written.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(target.pop()?),
            step => target.push(step),
        }
    }
    let target = target.join("/");
    opkg.files.iter().find_map(|file| {
        let rest = file.path.strip_prefix(&target)?;
        let installed = resolve_destination(&file.destination, documentation);
        match rest.strip_prefix('/') {
            _ if rest.is_empty() => Some(installed),
            Some(_) => installed.strip_suffix(rest).map(str::to_owned),
            None => None,
        }
    })
}

fn check_available(
    opkg: &Opkg,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(), Diagnostic> {
    let filter = &opkg.filter;
    let decision = context.evaluate(filter, diagnostics);
    let arch_excluded =
        !filter.archs.is_empty() && !filter.archs.iter().any(|arch| arch == context.build_arch());
    if decision == FilterMatch::Never || arch_excluded {
        return Err(unavailable_diagnostic(opkg, context));
    }
    if let FilterMatch::Conditional(condition) = &decision
        && !condition.versions.is_empty()
    {
        let default = match context.matches_by_default(&decision) {
            true => "its default release is among them",
            false => "its default release is not among them",
        };
        diagnostic::push_unique(
            diagnostics,
            diagnostic::note(
                opkg.at,
                format!(
                    "opkg-{} is only for {}; {} names no version, and {default}",
                    opkg.name,
                    describe_dists(filter),
                    context.name
                ),
            ),
        );
    }
    Ok(())
}

fn unavailable_diagnostic(opkg: &Opkg, context: &FilterContext) -> Diagnostic {
    let filter = &opkg.filter;
    let named = if context.may_match(filter) { filter.archs.join(", ") } else { describe_dists(filter) };
    let target = match &context.arch {
        None if context.may_match(filter) => format!("{} on {}", context.name, context.host_arch),
        _ => context.name.clone(),
    };
    Diagnostic {
        severity: Severity::Note,
        at: filter.dists.first().map(|dist| dist.at).or(Some(opkg.at)),
        message: format!("opkg-{} is not available for {target}: its filters name only {named}", opkg.name),
        help: None,
    }
}

fn describe_dists(filter: &Filter) -> String {
    let mut names: Vec<String> = Vec::new();
    for dist in &filter.dists {
        let name = match &dist.bound {
            Some(bound) => {
                format!("{} {} {}", dist.id, crate::version::operator(bound.comparison), bound.version)
            }
            None => dist.id.clone(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn plan_part<'a>(
    opkg: &'a Opkg,
    context: &'a FilterContext,
    (rules, service_rules): &(FileRules<'a>, ServiceRules<'a>),
    documentation: &str,
    kind: PartKind,
    diagnostics: &mut Vec<Diagnostic>,
) -> PartPlan<'a> {
    let mut part = PartPlan {
        name: package_name(opkg, &kind),
        summary: match &kind {
            PartKind::Api => opkg.summary.clone(),
            PartKind::Server => format!("{}, server part", opkg.summary),
            PartKind::Client => format!("{}, client part", opkg.summary),
            PartKind::Extra(name) => format!("{}, {name} part", opkg.summary),
        },
        relations: Vec::new(),
        opkg_conflicts: Vec::new(),
        same_version_requirement: (kind == PartKind::Server).then(|| package_name(opkg, &PartKind::Api)),
        is_arch_specific: !opkg.filter.archs.is_empty() || service_rules.depend_on_arch(&kind),
        program_archs: Vec::new(),
        files: Vec::new(),
        directories: Vec::new(),
        service_rules: service_rules.of_part(&kind),
        alternatives: Vec::new(),
        triggers: Vec::new(),
        kind,
    };
    let kind = &part.kind;
    for relation in &opkg.relations {
        let is_recorded = match (&relation.scope, kind) {
            (Scope::Part(of), kind) if of == kind => false,
            (Scope::Common | Scope::Whole, PartKind::Server | PartKind::Client) => false,
            (Scope::Whole, PartKind::Api) if relation.kind == RelationKind::Conflicts => true,
            _ => continue,
        };
        let decision = context.evaluate(&relation.filter, diagnostics);
        // The package differs between architectures even where this one does not get the relation.
        part.is_arch_specific |= !relation.filter.archs.is_empty() && context.may_match(&relation.filter);
        if decision == FilterMatch::Never {
            continue;
        }
        if is_recorded {
            push_merged(&mut part.opkg_conflicts, ResolvedRelation::for_record(relation, decision));
        } else {
            push_merged(&mut part.relations, ResolvedRelation::for_part(relation, kind, decision));
        }
    }
    part.files = installed_files(opkg, context, rules, kind, documentation);
    part.program_archs = program_archs(&part.files);
    let is_for_one = |arch: &Option<String>, of: &PartKind| of == kind && arch.is_some();
    let is_built_for_one = opkg.files.iter().any(|file| is_for_one(&file.only_arch, &file.part))
        || opkg.directories.iter().any(|it| is_for_one(&it.only_arch, &it.part));
    if is_built_for_one && part.program_archs.is_empty() {
        part.program_archs.push(context.build_arch());
    }
    part.is_arch_specific |= !part.program_archs.is_empty();
    report_foreign_programs(&part, context, diagnostics);
    let own_directories =
        || opkg.directories.iter().filter(|it| it.part == *kind && is_packaged(&it.only_arch, context));
    part.directories = own_directories()
        .map(|directory| InstalledDirectory {
            path: resolve_destination(&directory.destination, documentation),
            attributes: rules.of_directory(directory),
        })
        .collect();
    part.directories.sort_by(|a, b| a.path.cmp(&b.path));
    part.directories.dedup_by(|a, b| a.path == b.path);
    let mut rules_of_part = (part.files.iter().flat_map(|file| &file.source.rules))
        .chain(own_directories().flat_map(|directory| &directory.rules));
    part.is_arch_specific |= rules_of_part.any(|index| rules.depends_on_arch(*index, context));
    part
}

/// The architectures of programs, sorted.
fn program_archs<'a>(files: &[InstalledFile<'a>]) -> Vec<&'a str> {
    let mut archs: Vec<&str> = files.iter().filter_map(|file| file.source.arch.as_deref()).collect();
    archs.sort_unstable();
    archs.dedup();
    archs
}

/// A package for one architecture has no programs for another one.
fn report_foreign_programs(part: &PartPlan<'_>, context: &FilterContext, diagnostics: &mut Vec<Diagnostic>) {
    let built_for = context.build_arch();
    for file in &part.files {
        let Some(arch) = file.source.arch.as_deref().filter(|arch| *arch != built_for) else { continue };
        diagnostics.push(diagnostic::error(
            file.source.at,
            format!("a program for `{arch}`, where {} is built for `{built_for}`", part.name),
            format!("restrict the OPKG with `<filters><arch>{arch}</arch></filters>`, so that it is not available elsewhere"),
        ));
    }
}

/// Whether the package for the target's architecture has what is for this one alone.
fn is_packaged(only_arch: &Option<String>, context: &FilterContext) -> bool {
    only_arch.as_ref().is_none_or(|arch| arch == context.build_arch())
}

fn installed_files<'a>(
    opkg: &'a Opkg,
    context: &FilterContext,
    rules: &FileRules<'_>,
    kind: &PartKind,
    documentation: &str,
) -> Vec<InstalledFile<'a>> {
    let mut files: Vec<_> = opkg
        .files
        .iter()
        .filter(|file| file.part == *kind && is_packaged(&file.only_arch, context))
        .map(|source| InstalledFile {
            path: resolve_destination(&source.destination, documentation),
            is_documentation: matches!(source.destination, Destination::Documentation(_)),
            attributes: rules.of_file(source),
            source,
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn resolve_destination(destination: &Destination, documentation: &str) -> String {
    match destination {
        Destination::Path(path) => path.clone(),
        Destination::Documentation(path) if path.is_empty() => documentation.to_owned(),
        Destination::Documentation(path) => format!("{documentation}/{path}"),
    }
}

/// The alternatives of an OPKG that a target has. Where it leaves its version open, they are those of the default release,
/// which is noted.
fn alternatives_for_target<'a>(
    opkg: &'a Opkg,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<&'a Alternative> {
    let mut is_there = |alternative: &&Alternative| {
        let decision = context.evaluate(&alternative.filter, diagnostics);
        if let FilterMatch::Conditional(condition) = &decision
            && !condition.versions.is_empty()
        {
            let message = format!(
                "{} names no version, and alternatives count as for its default release",
                context.name
            );
            diagnostic::push_unique(diagnostics, diagnostic::note(alternative.main.at, message));
        }
        context.matches_by_default(&decision)
    };
    opkg.alternatives.iter().filter(|alternative| is_there(alternative)).collect()
}

/// Whether a package brings what a link leads to.
pub(crate) fn is_brought(link: &AlternativeLink, files: &[InstalledFile<'_>]) -> bool {
    files.iter().any(|file| file.path == link.path && !file.attributes.is_ghost)
}
