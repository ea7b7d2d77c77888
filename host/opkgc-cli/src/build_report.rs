//! What `opkgc build` tells about its jobs: lines for people, one document for programs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use opkg::diagnostic::{Diagnostic, Severity};
use opkg::{Source, filesystem};
use opkg_interface::Target;
use opkg_package::{OutputKind, StagedPackages, WrittenFile};
use opkg_shell::{Shell, diagnostics};
use serde::Serialize;

use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::explanations::ShownCodes;
use crate::input_package::{InputPackage, first_message};
use crate::job::{JobEnd, JobOutcome};
use crate::json;
use crate::signing::UNACCEPTED_KEY;
use crate::summary_table::{JobPlace, JobStatus, SummaryTable};

/// Collects the outcomes of a run.
pub struct BuildReport {
    shell: Shell,
    results: Vec<ResultJson>,
    summary: SummaryTable,
    built: Vec<BuiltJob>,
    /// That something was made for.
    targets: Vec<BuiltTarget>,
    /// Packages of shared directories that could not be made.
    failed_beside: usize,
    /// What was said of the key to sign with, each for one target.
    said_of_keys: BTreeSet<String>,
    /// Of all findings.
    shown_codes: ShownCodes,
    /// Of the indexes, in the order of their targets.
    index_files: Vec<WrittenFile>,
    unknown_targets: usize,
}

/// A job whose packages are complete. There may be many thousands.
struct BuiltJob {
    /// Which of the targets.
    target: usize,
    packages: StagedPackages,
    /// Where it is in the table, if it is.
    place: Option<JobPlace>,
    /// Where its result is among those for programs.
    result: Option<usize>,
}

struct BuiltTarget {
    target: Target,
    /// The directory that everything has come to, once it has.
    published: Option<PathBuf>,
}

/// One OPKG for one target, or what is written beside all of a target, as `--format json` prints it.
#[derive(Serialize)]
struct ResultJson {
    /// Of the OPKG; of an index and the package of shared directories, where they were written.
    directory: String,
    name: Option<String>,
    version: Option<String>,
    target: String,
    /// `built`, `indexed`, `unavailable`, `failed` or `not tried`.
    status: &'static str,
    files: Vec<FileJson>,
    diagnostics: Vec<json::DiagnosticJson>,
    /// What went wrong besides the diagnostics.
    error: Option<String>,
}

#[derive(Serialize)]
struct FileJson {
    path: String,
    /// `meta`, `source`, `package`, `record`, `document`, `signature` or `index`.
    role: &'static str,
}

impl BuildReport {
    /// Of a run that begins, after findings with these codes were shown.
    #[must_use]
    pub fn new(shell: Shell, shown_codes: ShownCodes) -> Self {
        Self {
            shell,
            results: Vec::new(),
            summary: SummaryTable::default(),
            failed_beside: 0,
            said_of_keys: BTreeSet::new(),
            shown_codes,
            built: Vec::new(),
            targets: Vec::new(),
            index_files: Vec::new(),
            unknown_targets: 0,
        }
    }

    /// One job has ended. What it made is published later.
    pub fn record_job(&mut self, package: &InputPackage, target: &Target, end: JobEnd) {
        let JobEnd { outcome, source } = end;
        let (status, staged, diagnostics, error) = match outcome {
            JobOutcome::Built(staged, diagnostics) => (JobStatus::Built, Some(staged), diagnostics, None),
            JobOutcome::Unavailable(diagnostic) => (JobStatus::Unavailable, None, vec![diagnostic], None),
            JobOutcome::Rejected(diagnostics) => (JobStatus::Failed, None, diagnostics, None),
            JobOutcome::InvalidPackage => (JobStatus::Failed, None, Vec::new(), None),
            JobOutcome::UnknownTarget(error) => {
                self.unknown_targets += 1;
                (JobStatus::Failed, None, Vec::new(), Some(CliError::new(error)))
            }
            JobOutcome::Failed(error) => (JobStatus::Failed, None, Vec::new(), Some(error)),
            JobOutcome::NotTried => (JobStatus::NotTried, None, Vec::new(), None),
        };
        let title = package.title();
        let cause =
            (status == JobStatus::Failed).then(|| first_problem(package, &diagnostics, error.as_ref()));
        let place = self.summary.add(&title, &target.to_string(), status, cause.as_deref());
        let error = error.as_ref().map(|error| error.report().to_string());
        let mut result = None;
        if self.shell.is_json() {
            result = Some(self.results.len());
            self.results.push(result_json(package, target, status, &diagnostics, source.as_ref(), error));
        } else {
            self.print_diagnostics(&package.directory, source.as_ref(), &diagnostics, status);
            if let Some(error) = error {
                self.shell.eprint(&format!("{title} for {target}:\n{error}"));
            }
            match status {
                JobStatus::Built => {
                    let made = staged.as_ref().map(describe_files).unwrap_or_default();
                    self.shell.status(&format!("{title} for {target}: {made}"));
                }
                JobStatus::Unavailable => {
                    // The plugin's words name the package and the target.
                    let reason =
                        diagnostics.first().map_or("excluded by its filters", |it| it.message.as_str());
                    self.shell.status(reason);
                }
                JobStatus::Failed => self.shell.eprint(&format!("{title} for {target}: failed")),
                // The table lists them.
                JobStatus::NotTried => {}
            }
        }
        if let Some(packages) = staged {
            let target = self.target_index(target);
            self.built.push(BuiltJob { target, packages, place: Some(place), result });
        }
    }

    fn target_index(&mut self, target: &Target) -> usize {
        self.targets.iter().position(|built| built.target == *target).unwrap_or_else(|| {
            self.targets.push(BuiltTarget { target: target.clone(), published: None });
            self.targets.len() - 1
        })
    }

    /// What was made for a target, in the order of the jobs. It is published later.
    #[must_use]
    pub fn staged(&self, target: &Target) -> Vec<&StagedPackages> {
        let is_of_target = |job: &&BuiltJob| self.targets[job.target].target == *target;
        self.built.iter().filter(is_of_target).map(|job| &job.packages).collect()
    }

    /// The package of shared directories was made for a target, or not.
    pub fn record_filesystem(
        &mut self,
        directory: &Path,
        target: &Target,
        staged: Result<StagedPackages, CliError>,
    ) {
        let (status, packages, error) = match staged {
            Ok(packages) => (JobStatus::Built, Some(packages), None),
            Err(error) => {
                self.failed_beside += 1;
                (JobStatus::Failed, None, Some(error.report().to_string()))
            }
        };
        let title = filesystem::PACKAGE.to_owned();
        let mut result = None;
        if self.shell.is_json() {
            result = Some(self.results.len());
            self.results.push(ResultJson {
                directory: path_text(directory),
                name: Some(filesystem::NAME.to_owned()),
                version: filesystem::opkg().version().map(ToString::to_string),
                target: target.to_string(),
                status: status.name(),
                files: Vec::new(),
                diagnostics: Vec::new(),
                error,
            });
        } else {
            match error {
                Some(error) => self.shell.eprint(&format!("{title} for {target}:\n{error}")),
                None => self.shell.status(&format!("{title} for {target}: made")),
            }
        }
        if let Some(packages) = packages {
            let target = self.target_index(target);
            self.built.push(BuiltJob { target, packages, place: None, result });
        }
    }

    /// What was [staged](Self::staged) for a target has come to its directory, or nothing of it has; and what there is to say of its
    /// index.
    pub fn record_publication(
        &mut self,
        directory: &Path,
        target: &Target,
        published: Result<Vec<WrittenFile>, CliError>,
        finding: Option<Diagnostic>,
    ) {
        let number = self.target_index(target);
        let jobs = self.built.iter().filter(|job| job.target == number);
        let (status, files, error) = match published {
            Ok(index) => {
                for job in jobs {
                    if let Some(result) = job.result.and_then(|result| self.results.get_mut(result)) {
                        let files = job.packages.files_in(directory);
                        result.files = files.map(|file| file_json(&file)).collect();
                    }
                }
                self.targets[number].published = Some(directory.to_owned());
                if index.is_empty() {
                    return;
                }
                if !self.shell.is_json() {
                    self.print_diagnostics(directory, None, finding.as_slice(), JobStatus::Built);
                }
                self.shell.status(&format!("index for {target}: written"));
                ("indexed", index, None)
            }
            Err(error) => {
                let text = error.report().to_string();
                for job in jobs {
                    if let Some(place) = job.place {
                        self.summary.fail(place, &error.report().one_line());
                    }
                    if let Some(result) = job.result.and_then(|result| self.results.get_mut(result)) {
                        result.status = JobStatus::Failed.name();
                        result.error = Some(text.clone());
                    }
                }
                if !self.shell.is_json() {
                    self.shell.eprint(&format!("output for {target}:\n{text}"));
                }
                (JobStatus::Failed.name(), Vec::new(), Some(text))
            }
        };
        if self.shell.is_json() {
            self.results.push(ResultJson {
                directory: path_text(directory),
                name: None,
                version: None,
                target: target.to_string(),
                status,
                files: files.iter().map(file_json).collect(),
                diagnostics: finding.iter().map(|it| json::diagnostic_json(directory, None, it)).collect(),
                error,
            });
        }
        self.index_files.extend(files);
    }

    /// All jobs have ended.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn finish(self) -> Result<ExitStatus, CliError> {
        for package in self.summary.packages_all(JobStatus::Unavailable) {
            self.shell.status(&format!(
                "warning: nothing was made of {package}: its filters exclude every target asked for"
            ));
        }
        if self.shell.is_json() {
            self.shell.print_json(&self.results)?;
            return Ok(self.exit_status());
        }
        // Standard output of people: a file a line.
        let of_jobs = self.built.iter().flat_map(|job| {
            let directory = self.targets[job.target].published.as_ref();
            directory.into_iter().flat_map(|directory| job.packages.files_in(directory))
        });
        for file in of_jobs.chain(self.index_files.iter().cloned()) {
            self.shell.print(&format!("{}\n", file.path.display()))?;
        }
        if let Some(text) = self.summary.render() {
            self.shell.status(&format!("\n{text}"));
            if self.summary.count(JobStatus::NotTried) > 0 {
                self.shell.status("help: --keep-going goes on after a failure");
            }
        }
        self.shown_codes.print_hint(self.shell);
        Ok(self.exit_status())
    }

    fn exit_status(&self) -> ExitStatus {
        let count = |status| self.summary.count(status);
        let is_nothing_built = count(JobStatus::Built) == 0 && count(JobStatus::Unavailable) > 0;
        if self.unknown_targets > 0 {
            ExitStatus::UsageError
        } else if count(JobStatus::Failed) + self.failed_beside > 0 {
            ExitStatus::Failed
        } else if is_nothing_built {
            ExitStatus::TargetExcluded
        } else {
            ExitStatus::Success
        }
    }

    fn print_diagnostics(
        &mut self,
        directory: &Path,
        source: Option<&Source>,
        diagnostics: &[Diagnostic],
        status: JobStatus,
    ) {
        let said_before = &mut self.said_of_keys;
        let shown: Vec<Diagnostic> = diagnostics
            .iter()
            // The same for every OPKG.
            .filter(|found| found.code != UNACCEPTED_KEY || said_before.insert(found.message.clone()))
            .filter(|it| match it.severity {
                _ if status == JobStatus::Unavailable => self.shell.is_verbose(),
                Severity::Error => true,
                Severity::Warning => !self.shell.is_quiet(),
                Severity::Note => self.shell.is_verbose(),
            })
            .cloned()
            .collect();
        self.shown_codes.add(&shown);
        let renderer = self.shell.renderer(false);
        let text = diagnostics::render_diagnostics(&renderer, directory, source, &shown);
        if !text.is_empty() {
            self.shell.eprint(text.trim_end_matches('\n'));
        }
    }
}

/// The first thing that was wrong, in one line.
fn first_problem(package: &InputPackage, diagnostics: &[Diagnostic], error: Option<&CliError>) -> String {
    if let Some(error) = error {
        return error.report().one_line();
    }
    let of_package = |severity| package.problem.as_ref().filter(|(found, _)| *found == severity);
    let found = [Severity::Error, Severity::Warning].into_iter().find_map(|severity| {
        let of_package = of_package(severity).map(|(_, message)| message.as_str());
        first_message(diagnostics, severity).or(of_package)
    });
    found.unwrap_or_default().to_owned()
}

fn describe_files(packages: &StagedPackages) -> String {
    let count = |role| packages.kinds().filter(|kind| *kind == role).count();
    let mut parts = Vec::new();
    for (role, one, many) in [
        (OutputKind::MetaFile, "meta-files", "meta-files"),
        (OutputKind::SourcePackage, "source package", "source package"),
        (OutputKind::BinaryPackage, "1 package", "packages"),
    ] {
        match (count(role), role) {
            (0, _) => {}
            (1, _) => parts.push(one.to_owned()),
            (n, OutputKind::BinaryPackage) => parts.push(format!("{n} {many}")),
            _ => parts.push(many.to_owned()),
        }
    }
    parts.join(", ")
}

fn result_json(
    package: &InputPackage,
    target: &Target,
    status: JobStatus,
    diagnostics: &[Diagnostic],
    source: Option<&Source>,
    error: Option<String>,
) -> ResultJson {
    let of_plugin = diagnostics.iter().map(|found| json::diagnostic_json(&package.directory, source, found));
    ResultJson {
        directory: path_text(&package.directory),
        name: package.name.clone(),
        version: package.version.clone(),
        target: target.to_string(),
        status: status.name(),
        files: Vec::new(),
        diagnostics: package.findings.iter().cloned().chain(of_plugin).collect(),
        error,
    }
}

fn file_json(file: &WrittenFile) -> FileJson {
    FileJson {
        path: path_text(&file.path),
        role: match file.kind {
            OutputKind::MetaFile => "meta",
            OutputKind::SourcePackage => "source",
            OutputKind::BinaryPackage => "package",
            OutputKind::BuildRecord => "record",
            OutputKind::Document => "document",
            OutputKind::Signature => "signature",
            OutputKind::Index => "index",
        },
    }
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
