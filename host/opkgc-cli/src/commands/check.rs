//! `opkgc check`: all mistakes of an OPKG at once, those that a build for the targets would find among them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use opkg::diagnostic::{Diagnostic, Location, Severity};
use opkg::model::Opkg;
use opkg::{LoadResult, Settings};
use opkg_convert::find_template_texts;
use opkg_interface::Target;
use opkg_payload::PayloadStore;
use opkg_runtime::DistributionPlugin;
use opkg_shell::{Shell, diagnostics};
use serde::Serialize;

use crate::args::{CheckArgs, DenyLevel};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::explanations::ShownCodes;
use crate::source_date::{now, source_date};
use crate::target_check::TargetFinding;
use crate::{
    dists, forms, hook_components, json, opkg_names, plugins, script_syntax, shared_libraries, target_check,
    targets, test_definitions,
};

/// What `--format json` prints for one directory.
#[derive(Serialize)]
struct CheckJson {
    directory: String,
    /// Absent if it could not be read.
    name: Option<String>,
    version: Option<String>,
    ok: bool,
    /// What was checked for.
    targets: Vec<String>,
    diagnostics: Vec<FindingJson>,
}

#[derive(Serialize)]
struct FindingJson {
    #[serde(flatten)]
    diagnostic: json::DiagnosticJson,
    /// Those that it holds for; absent where it holds whatever the target.
    targets: Option<Vec<String>>,
}

/// The rule about licences.
const LICENSE_CODE: &str = "license";

/// What was found in one directory.
struct CheckReport {
    loaded: LoadResult,
    /// Of the plugins.
    of_targets: Vec<TargetFinding>,
}

/// Runs the command.
///
/// # Errors
/// When a target is unknown, a plugin is broken, or the findings cannot be printed.
pub fn run(shell: Shell, arguments: &CheckArgs) -> Result<ExitStatus, CliError> {
    let registry = plugins::discover_plugins(shell, &arguments.plugins.files, None)?;
    let targets = match arguments.dist.as_slice() {
        [] => targets::all_distributions(&registry)?,
        names => targets::resolve_targets(&registry, names, None)?,
    };
    let settings = Settings { source_date: source_date()?, now: now(), ..Settings::default() };
    let known = registry.ids();
    let mut shared_names = SharedNames::default();
    let mut reports = Vec::new();
    let mut shown = ShownCodes::default();
    let mut all_ok = true;
    let is_asked_for = !arguments.dist.is_empty();
    let payloads = PayloadStore::from_env(arguments.payload_dir.payload_directories.clone());
    let check = |directory: &PathBuf| {
        check_directory(directory, &settings, &payloads, &known, &targets, is_asked_for)
    };
    let mut checked = arguments.directories.iter().map(check).collect::<Result<Vec<_>, _>>()?;
    let names: opkg_names::Directories = std::iter::zip(&arguments.directories, &checked)
        .filter_map(|(directory, report)| {
            Some((report.loaded.opkg.as_ref()?.name.clone(), directory.clone()))
        })
        .collect();
    for (directory, report) in std::iter::zip(&arguments.directories, &mut checked) {
        if let Some(opkg) = &report.loaded.opkg {
            // Two of one name may be checked together; only their packages must not be built together.
            let mut found = shared_names.add(directory, opkg);
            found.extend(opkg_names::package_clash(&opkg.name, &names));
            found.extend(opkg_names::bare_names(opkg, &names));
            report.loaded.diagnostics.extend(found);
        }
        let verdict = Verdict::new(report, arguments.deny);
        all_ok &= verdict.ok;
        if shell.is_json() {
            reports.push(check_json(directory, report, &targets, verdict.ok));
        } else {
            print_report(shell, directory, report, targets.len(), &verdict, &mut shown)?;
        }
    }
    if shell.is_json() {
        shell.print_json(&reports)?;
    }
    shown.print_hint(shell);
    Ok(if all_ok { ExitStatus::Success } else { ExitStatus::Failed })
}

fn check_directory(
    directory: &Path,
    settings: &Settings,
    payloads: &PayloadStore,
    known_dists: &[String],
    targets: &[(Target, DistributionPlugin)],
    is_asked_for: bool,
) -> Result<CheckReport, CliError> {
    let mut loaded = opkg_payload::load(directory, settings, payloads).loaded;
    let mut of_targets = Vec::new();
    if let Some(opkg) = &loaded.opkg {
        let config = loaded.source.as_ref().map(|source| source.text.as_str()).unwrap_or_default();
        loaded.diagnostics.extend(find_template_texts(opkg, config));
        loaded.diagnostics.extend(dists::misspelled_dists(opkg, known_dists));
        loaded.diagnostics.extend(hook_components::check_components(directory, opkg));
        loaded.diagnostics.extend(script_syntax::check_syntax(directory, opkg));
        loaded.diagnostics.extend(shared_libraries::check_libraries(directory, opkg));
        loaded.diagnostics.extend(test_definitions::check_tests(directory, opkg));
        let mut check = target_check::check_targets(opkg, targets)?;
        if !is_asked_for {
            check.tolerate_single_targets();
        }
        // About a licence that is none of the format's list there is a note already: what becomes of it belongs there.
        let note = loaded.diagnostics.iter_mut().find(|diagnostic| diagnostic.code == LICENSE_CODE);
        if let (Some(note), Some(names)) = (note, check.describe_licenses()) {
            let help = note.help.take().unwrap_or_default();
            note.help = Some(format!("{help}; the packages call it {names}"));
        }
        of_targets = check.findings;
    }
    loaded.diagnostics.extend(forms::check_forms(directory));
    Ok(CheckReport { loaded, of_targets })
}

/// Where packages put files into directories that they share, each with the OPKG and its file.
#[derive(Default)]
struct SharedNames(BTreeMap<String, (PathBuf, String)>);

impl SharedNames {
    /// Warns of files that an OPKG checked before installs at the same place.
    fn add(&mut self, directory: &Path, opkg: &Opkg) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (installed, file) in test_definitions::shared_files(opkg) {
            match self.0.get(&installed) {
                Some((other, _)) if other == directory => {}
                Some((other, theirs)) => {
                    let message = format!(
                        "{} installs `{}` at the same place",
                        other.display(),
                        opkg::escape_for_display(theirs)
                    );
                    let diagnostic = Diagnostic::warning("test-shared-name", message)
                        .at(Location::File(file))
                        .help(format!("let its name begin with `{}_`: both cannot be installed", opkg.name));
                    found.push(diagnostic);
                }
                None => drop(self.0.insert(installed, (directory.to_owned(), file))),
            }
        }
        found
    }
}

/// What the findings come to.
struct Verdict {
    ok: bool,
    words: &'static str,
}

impl Verdict {
    fn new(report: &CheckReport, deny: Option<DenyLevel>) -> Self {
        let worst = report.findings().map(|finding| finding.severity).min();
        let is_compilable = report.loaded.opkg.is_some() && worst != Some(Severity::Error);
        let is_denied =
            deny == Some(DenyLevel::Warnings) && worst.is_some_and(|worst| worst <= Severity::Warning);
        let is_of_targets =
            report.of_targets.iter().any(|finding| finding.diagnostic.severity == Severity::Error);
        let (ok, words) = match (is_compilable, is_denied) {
            (true, false) => (true, "ok"),
            (true, true) => (false, "failed: warnings are denied"),
            (false, _) if is_of_targets => (false, "cannot be compiled for all targets"),
            (false, _) => (false, "cannot be compiled"),
        };
        Self { ok, words }
    }
}

impl CheckReport {
    fn findings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.loaded.diagnostics.iter().chain(self.of_targets.iter().map(|finding| &finding.diagnostic))
    }
}

fn print_report(
    shell: Shell,
    directory: &Path,
    report: &CheckReport,
    target_count: usize,
    verdict: &Verdict,
    shown_codes: &mut ShownCodes,
) -> Result<(), CliError> {
    let of_targets = report.of_targets.iter().map(|finding| finding.with_targets(target_count));
    let findings: Vec<Diagnostic> = report.loaded.diagnostics.iter().cloned().chain(of_targets).collect();
    let is_shown = |finding: &&Diagnostic| !shell.is_quiet() || finding.severity == Severity::Error;
    let shown: Vec<Diagnostic> = findings.iter().filter(is_shown).cloned().collect();
    shown_codes.add(&shown);
    let source = report.loaded.source.as_ref();
    shell.print(&diagnostics::render_diagnostics(&shell.renderer(true), directory, source, &shown))?;
    let count = diagnostics::count_by_severity(&findings);
    let count = if count.is_empty() { "no findings".to_owned() } else { count };
    shell.status(&format!("{}: {} ({count})", directory.display(), verdict.words));
    Ok(())
}

fn check_json(
    directory: &Path,
    report: &CheckReport,
    targets: &[(Target, DistributionPlugin)],
    ok: bool,
) -> CheckJson {
    let (loaded, source) = (&report.loaded, report.loaded.source.as_ref());
    let of_opkg = loaded.diagnostics.iter().map(|diagnostic| (diagnostic, None));
    let of_targets =
        report.of_targets.iter().map(|finding| (&finding.diagnostic, Some(finding.targets.clone())));
    let findings = of_opkg.chain(of_targets).map(|(diagnostic, targets)| FindingJson {
        diagnostic: json::diagnostic_json(directory, source, diagnostic),
        targets,
    });
    CheckJson {
        directory: directory.to_string_lossy().into_owned(),
        name: loaded.opkg.as_ref().map(|opkg| opkg.name.clone()),
        version: loaded.opkg.as_ref().and_then(|opkg| opkg.version()).map(ToString::to_string),
        ok,
        targets: targets.iter().map(|(target, _)| target.to_string()).collect(),
        diagnostics: findings.collect(),
    }
}
