//! What each of the three packages gets (format, sections 3.3, 3.5 and 4.1).

use crate::filter::{Decision, Subject};
use crate::finding;
use crate::opkg::{
    Destination, Diagnostic, Filter, Kind, Opkg, Part as Which, Relation, Scope, Severity, SourceFile,
};
use crate::packaging::Refusal;

/// A relation that a part gets for this target.
#[derive(Debug, Clone)]
pub struct Resolved<'a> {
    /// As written; its filter is decided already.
    pub relation: &'a Relation,
    /// [`Decision::Yes`] or [`Decision::Depends`], never no.
    pub decision: Decision,
}

/// A file with its place filled in.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    /// Absolute.
    pub path: String,
    /// Whether it lies in the documentation directory.
    pub documentation: bool,
    /// As the host read it.
    pub source: &'a SourceFile,
}

/// One of the three native packages.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// Which of them.
    pub which: Which,
    /// `opkg-<name>`, `opkg-<name>-server`, `opkg-<name>-client`.
    pub name: String,
    /// The OPKG's summary, with the part told.
    pub summary: String,
    /// Own, common and whole-level ones, without duplicates, in the order of the file.
    pub relations: Vec<Resolved<'a>>,
    /// Of the api part: the conflicts of the OPKG as such, which are recorded but keep no api package from
    /// being installed beside another. The relation's name is an OPKG's.
    pub opkg_conflicts: Vec<Resolved<'a>>,
    /// Of the server part: the api package, of which exactly the same version and release is required.
    pub requires_same: Option<String>,
    /// Whether it is built per architecture.
    pub arch_specific: bool,
    /// Sorted by path.
    pub files: Vec<Placed<'a>>,
    /// Owned ones, absolute; sorted, parents before children.
    pub directories: Vec<String>,
}

/// The api, server and client part, in this order.
///
/// `documentation` is the absolute directory that the distribution gives the api package's documents.
///
/// # Errors
/// [`Refusal::Unavailable`] if the filter of the package as a whole excludes the target. A version that the
/// target leaves open excludes nothing; that is noted in `findings`.
pub fn plan<'a>(
    opkg: &'a Opkg,
    subject: &Subject,
    documentation: &str,
    findings: &mut Vec<Diagnostic>,
) -> Result<[Part<'a>; 3], Refusal> {
    available(opkg, subject, findings)?;
    Ok([Which::Api, Which::Server, Which::Client]
        .map(|which| part(opkg, subject, documentation, which, findings)))
}

/// Name of a part's native package.
#[must_use]
pub fn package_name(opkg: &Opkg, which: Which) -> String {
    match which {
        Which::Api => format!("opkg-{}", opkg.name),
        Which::Server => format!("opkg-{}-server", opkg.name),
        Which::Client => format!("opkg-{}-client", opkg.name),
    }
}

/// What a symbolic link of the OPKG must hold where it is installed; nothing of another file.
///
/// The files of one directory may be installed in several, so that a link which led to its target in the
/// OPKG's directory may have to take another way there.
#[must_use]
pub fn installed_link(opkg: &Opkg, link: &Placed<'_>, documentation: &str) -> Option<String> {
    let written = link.source.link.as_deref()?;
    let Some(target) = installed_target(opkg, &link.source.path, written, documentation) else {
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
fn installed_target(opkg: &Opkg, link: &str, written: &str, documentation: &str) -> Option<String> {
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
        let installed = place(&file.destination, documentation);
        match rest.strip_prefix('/') {
            _ if rest.is_empty() => Some(installed),
            Some(_) => installed.strip_suffix(rest).map(str::to_owned),
            None => None,
        }
    })
}

fn available(opkg: &Opkg, subject: &Subject, findings: &mut Vec<Diagnostic>) -> Result<(), Refusal> {
    let filter = &opkg.filter;
    let decision = subject.decide(filter, findings);
    let arch_excluded = !filter.archs.is_empty() && !filter.archs.iter().any(|arch| arch == subject.arch());
    if decision == Decision::No || arch_excluded {
        return Err(Refusal::Unavailable(unavailable(opkg, subject)));
    }
    if let Decision::Depends(condition) = &decision
        && !condition.versions.is_empty()
    {
        let default = match subject.settle(&decision) {
            true => "its default release is among them",
            false => "its default release is not among them",
        };
        finding::add(
            findings,
            finding::note(
                opkg.at,
                format!(
                    "opkg-{} is only for {}; {} names no version, and {default}",
                    opkg.name,
                    dists(filter),
                    subject.name
                ),
            ),
        );
    }
    Ok(())
}

fn unavailable(opkg: &Opkg, subject: &Subject) -> Diagnostic {
    let filter = &opkg.filter;
    let named = if subject.may_be_meant(filter) { filter.archs.join(", ") } else { dists(filter) };
    let target = match &subject.arch {
        None if subject.may_be_meant(filter) => format!("{} on {}", subject.name, subject.machine),
        _ => subject.name.clone(),
    };
    Diagnostic {
        severity: Severity::Note,
        at: filter.dists.first().map(|dist| dist.at).or(Some(opkg.at)),
        message: format!("opkg-{} is not available for {target}: its filters name only {named}", opkg.name),
        help: None,
    }
}

fn dists(filter: &Filter) -> String {
    let mut names: Vec<String> = Vec::new();
    for dist in &filter.dists {
        let name = match &dist.bound {
            Some(bound) => {
                format!("{} {} {}", dist.id, crate::version::sign(bound.comparison), bound.version)
            }
            None => dist.id.clone(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn part<'a>(
    opkg: &'a Opkg,
    subject: &Subject,
    documentation: &str,
    which: Which,
    findings: &mut Vec<Diagnostic>,
) -> Part<'a> {
    let mut part = Part {
        which,
        name: package_name(opkg, which),
        summary: match which {
            Which::Api => opkg.summary.clone(),
            Which::Server => format!("{}, server part", opkg.summary),
            Which::Client => format!("{}, client part", opkg.summary),
        },
        relations: Vec::new(),
        opkg_conflicts: Vec::new(),
        requires_same: (which == Which::Server).then(|| package_name(opkg, Which::Api)),
        arch_specific: !opkg.filter.archs.is_empty(),
        files: Vec::new(),
        directories: Vec::new(),
    };
    for relation in &opkg.relations {
        let list = match (relation.scope, which) {
            (Scope::Part(of), which) if of == which => &mut part.relations,
            (Scope::Common | Scope::Whole, Which::Server | Which::Client) => &mut part.relations,
            (Scope::Whole, Which::Api) if relation.kind == Kind::Conflicts => &mut part.opkg_conflicts,
            _ => continue,
        };
        let decision = subject.decide(&relation.filter, findings);
        // The package differs between architectures even where this one does not get the relation.
        part.arch_specific |= !relation.filter.archs.is_empty() && subject.may_be_meant(&relation.filter);
        if decision != Decision::No {
            add(list, Resolved { relation, decision });
        }
    }
    part.files = placed_files(opkg, which, documentation);
    part.directories = opkg
        .directories
        .iter()
        .filter(|directory| directory.part == which)
        .map(|directory| place(&directory.destination, documentation))
        .collect();
    part.directories.sort();
    part
}

/// A relation that holds in any case makes the same one under a condition superfluous.
fn add<'a>(list: &mut Vec<Resolved<'a>>, new: Resolved<'a>) {
    let same = |old: &Resolved<'_>| {
        old.relation.kind == new.relation.kind
            && old.relation.name == new.relation.name
            && old.relation.bound == new.relation.bound
    };
    if list.iter().any(|old| same(old) && (old.decision == Decision::Yes || old.decision == new.decision)) {
        return;
    }
    if new.decision == Decision::Yes
        && let Some(first) = list.iter().position(same)
    {
        list[first].decision = Decision::Yes;
        let mut index = 0;
        list.retain(|old| {
            index += 1;
            index == first + 1 || !same(old)
        });
        return;
    }
    list.push(new);
}

fn placed_files<'a>(opkg: &'a Opkg, which: Which, documentation: &str) -> Vec<Placed<'a>> {
    let mut files: Vec<_> = opkg
        .files
        .iter()
        .filter(|file| file.part == which)
        .map(|source| Placed {
            path: place(&source.destination, documentation),
            documentation: matches!(source.destination, Destination::Documentation(_)),
            source,
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn place(destination: &Destination, documentation: &str) -> String {
    match destination {
        Destination::Path(path) => path.clone(),
        Destination::Documentation(path) if path.is_empty() => documentation.to_owned(),
        Destination::Documentation(path) => format!("{documentation}/{path}"),
    }
}
