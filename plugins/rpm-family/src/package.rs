//! One plan of the three packages, from which both the spec and the package records are made.

use opkg_plugin::finding;
use opkg_plugin::opkg::{Diagnostic, Node, Opkg, Role};
use opkg_plugin::packaging::Refusal;
use opkg_plugin::parts::{self, Part, Placed};
use opkg_plugin::scriptlet::{self, Scriptlet};

use crate::changelog::{self, Entry};
use crate::condition::{self, Only};
use crate::escape::{file_pattern, paragraph, pattern_matches};
use crate::evr::Evr;
use crate::flavour::Flavour;
use crate::relation::{self, Relation};

/// Everything that is decided about an OPKG for one flavour.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The version being built.
    pub evr: Evr,
    /// Restricts it to releases.
    pub only: Option<Only>,
    /// Restrict it to machines, by RPM's names; nothing restricts it if there are none.
    pub exclusive_archs: Vec<&'a str>,
    /// By the distribution's name.
    pub license: &'a str,
    /// First maintainer, `Name <address>`.
    pub packager: String,
    /// Lines, with empty ones between paragraphs.
    pub description: Vec<String>,
    /// Directory of the api package's documents.
    pub documentation: String,
    /// Newest first.
    pub changelog: Vec<Entry>,
    /// The first is the one that the spec is named for. RPM allows packages of no architecture beside one
    /// that has one, but not the other way round.
    pub packages: Vec<Package<'a>>,
}

/// One of the three packages.
#[derive(Debug)]
pub struct Package<'a> {
    /// Names, files and directories.
    pub part: Part<'a>,
    /// RPM's name, or `noarch`.
    pub arch: String,
    /// Sorted for the spec.
    pub relations: Vec<Relation>,
    /// Each with its file.
    pub scriptlets: Vec<(Node, Scriptlet)>,
}

impl<'a> Plan<'a> {
    /// The packages that are built: none if the release that they would be made for is not among those that
    /// the OPKG is for.
    pub fn built(&self) -> &[Package<'a>] {
        match &self.only {
            Some(only) if !only.settled => &[],
            _ => &self.packages,
        }
    }
}

/// Decides everything.
///
/// # Errors
/// [`Refusal::Unavailable`] as in [`parts::plan`], [`Refusal::UnknownTarget`] where something is built for an
/// architecture that the distribution does not have, [`Refusal::Failed`] where RPM cannot express something.
pub fn plan<'a>(
    opkg: &'a Opkg,
    flavour: &Flavour,
    findings: &mut Vec<Diagnostic>,
) -> Result<Plan<'a>, Refusal> {
    let Some(release) = opkg.history.first() else {
        let message = "the changelog has no entry, so the package has no version";
        let help = "add a `versionEntry` to the `changelog`";
        return Err(Refusal::Failed(vec![finding::error(opkg.at, message, help)]));
    };
    let at = release.changes.first().map_or(opkg.at, |change| change.at);
    let evr = Evr::of(&release.version);
    evr.check(&release.version, at, findings);

    let documentation = match flavour.versioned_documentation {
        true => format!("{}/opkg-{}-{}", flavour.documentation, opkg.name, evr.version),
        false => format!("{}/opkg-{}", flavour.documentation, opkg.name),
    };
    let parts = parts::plan(opkg, &flavour.subject, &documentation, findings)?;
    let mut packages: Vec<Package<'a>> =
        parts.into_iter().map(|part| package(part, opkg, &evr, flavour, findings)).collect();
    packages.sort_by_key(|package| !package.part.arch_specific);
    if packages.iter().any(|package| package.part.arch_specific) {
        check_arch(flavour, flavour.subject.arch())?;
    }
    Ok(Plan {
        evr,
        only: condition::of_package(opkg, flavour, findings),
        exclusive_archs: opkg.filter.archs.iter().flat_map(|arch| flavour.arch_names(arch)).collect(),
        license: flavour.licenses.name(&opkg.license),
        packager: packager(opkg),
        description: description(opkg),
        documentation,
        changelog: changelog::of(opkg),
        packages,
    })
}

/// An architecture must be one that the distribution has.
///
/// # Errors
/// [`Refusal::UnknownTarget`] names those there are.
pub fn check_arch(flavour: &Flavour, arch: &str) -> Result<(), Refusal> {
    if flavour.archs.iter().any(|(canonical, _)| *canonical == arch) {
        return Ok(());
    }
    let known: Vec<&str> = flavour.archs.iter().map(|(canonical, _)| *canonical).collect();
    let name = &flavour.subject.name;
    Err(Refusal::UnknownTarget(format!("{name} has no architecture `{arch}`; it has {}", known.join(", "))))
}

fn package<'a>(
    part: Part<'a>,
    opkg: &'a Opkg,
    evr: &Evr,
    flavour: &Flavour,
    findings: &mut Vec<Diagnostic>,
) -> Package<'a> {
    let scriptlets: Vec<(Node, Scriptlet)> = part
        .files
        .iter()
        .filter_map(|file| scriptlet::of(file, &opkg.home).map(|scriptlet| (file.source.at, scriptlet)))
        .collect();
    let relations = relation::of(&part, &scriptlets, evr, flavour, findings);
    check_files(&part.files, findings);
    let arch = if part.arch_specific { flavour.arch() } else { "noarch" }.to_owned();
    Package { part, arch, relations, scriptlets }
}

/// `%files` names a file with unusual characters by a pattern, which must not stand for another as well.
fn check_files(files: &[Placed<'_>], findings: &mut Vec<Diagnostic>) {
    for file in files {
        if file.path.chars().any(|character| character.is_control() && character != '\t') {
            findings.push(finding::error(
                file.source.at,
                format!("RPM cannot name a file with a control character: {:?}", file.path),
                "rename the file",
            ));
        }
        let pattern = file_pattern(&file.path);
        let twin = pattern
            .contains('?')
            .then(|| {
                files.iter().find(|other| other.path != file.path && pattern_matches(&pattern, &other.path))
            })
            .flatten();
        if let Some(twin) = twin
            && (twin.source.mode, twin.documentation) != (file.source.mode, file.documentation)
        {
            findings.push(finding::error(
                file.source.at,
                format!("a spec cannot tell `{}` from `{}`, and their modes differ", file.path, twin.path),
                "rename one of them, or give both the same mode",
            ));
        }
    }
}

fn packager(opkg: &Opkg) -> String {
    let maintainer = opkg.authors.iter().find(|author| author.role == Role::Maintainer);
    maintainer
        .or(opkg.authors.first())
        .map(|author| format!("{} <{}>", author.name, author.email))
        .unwrap_or_default()
}

fn description(opkg: &Opkg) -> Vec<String> {
    let paragraphs = opkg.description.iter().map(|text| paragraph(text, 79, 0));
    let paragraphs: Vec<Vec<String>> = paragraphs.filter(|lines| !lines.is_empty()).collect();
    paragraphs.join(&String::new())
}
