//! What `opkgc build` tells about its jobs: lines for people, one document for programs.

use std::path::Path;

use anyhow::Result;
use opkg::diagnostic::{Diagnostic, Severity};
use opkg_package::{Role, Written};
use opkg_runtime::{Registry, Target};
use serde::Serialize;

use crate::exit::Exit;
use crate::job::{Outcome, Package};
use crate::shell::Shell;
use crate::summary::{Status, Summary};
use crate::{failure, json, render};

/// Collects the outcomes of a run.
pub struct Reports {
    shell: Shell,
    targets: usize,
    documents: Vec<Document>,
    summary: Summary,
    broken_indexes: usize,
    unknown_targets: usize,
}

/// One OPKG for one target, or the index of a target's directory, as `--format json` prints it.
#[derive(Serialize)]
struct Document {
    /// Of the OPKG; of an index, where it was written.
    directory: String,
    name: Option<String>,
    version: Option<String>,
    target: String,
    /// `built`, `indexed`, `unavailable`, `failed` or `not tried`.
    status: &'static str,
    files: Vec<WrittenFile>,
    diagnostics: Vec<json::Finding>,
    /// What went wrong besides the diagnostics.
    error: Option<String>,
}

#[derive(Serialize)]
struct WrittenFile {
    path: String,
    /// `meta`, `source`, `package`, `record` or `index`.
    role: &'static str,
}

impl Reports {
    /// For a run with so many targets.
    #[must_use]
    pub fn new(shell: Shell, targets: usize) -> Self {
        Self {
            shell,
            targets,
            documents: Vec::new(),
            summary: Summary::default(),
            broken_indexes: 0,
            unknown_targets: 0,
        }
    }

    /// One job has ended.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn add(&mut self, package: &Package, target: &Target, outcome: Outcome) -> Result<()> {
        let (status, files, diagnostics, error) = match outcome {
            Outcome::Built(files, diagnostics) => (Status::Built, files, diagnostics, None),
            Outcome::Unavailable(diagnostic) => (Status::Unavailable, Vec::new(), vec![diagnostic], None),
            Outcome::Refused(diagnostics) => (Status::Failed, Vec::new(), diagnostics, None),
            Outcome::Unusable => (Status::Failed, Vec::new(), Vec::new(), None),
            Outcome::UnknownTarget(error) => {
                self.unknown_targets += 1;
                (Status::Failed, Vec::new(), Vec::new(), Some(anyhow::Error::msg(error)))
            }
            Outcome::Failed(error) => (Status::Failed, Vec::new(), Vec::new(), Some(error)),
            Outcome::NotTried => (Status::NotTried, Vec::new(), Vec::new(), None),
        };
        let title = package.title();
        let cause = (status == Status::Failed).then(|| cause(package, &diagnostics, error.as_ref()));
        self.summary.add(&title, &target.to_string(), status, cause.as_deref());
        let error = error.as_ref().map(failure::explain);
        if self.shell.json() {
            self.documents.push(document(package, target, status, &files, &diagnostics, error));
            return Ok(());
        }
        self.show(package, &diagnostics, status);
        if let Some(error) = error {
            self.shell.message(&format!("{title} for {target}:\n{error}"));
        }
        match status {
            Status::Built => self.shell.status(&format!("{title} for {target}: {}", summary(&files))),
            Status::Unavailable => {
                // The plugin's words name the package and the target.
                let reason = diagnostics.first().map_or("excluded by its filters", |it| it.message.as_str());
                self.shell.status(reason);
            }
            Status::Failed => self.shell.message(&format!("{title} for {target}: failed")),
            // The table lists them.
            Status::NotTried => {}
        }
        self.list(&files)
    }

    /// Standard output of people: a file a line.
    fn list(&self, files: &[Written]) -> Result<()> {
        for file in files {
            self.shell.data(&format!("{}\n", file.path.display()))?;
        }
        Ok(())
    }

    /// The index of a target's directory was written, or not.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn index(
        &mut self,
        directory: &Path,
        target: &Target,
        indexed: Result<Vec<Written>, anyhow::Error>,
    ) -> Result<()> {
        let (status, files, error) = match indexed {
            Ok(files) => ("indexed", files, None),
            Err(error) => {
                self.broken_indexes += 1;
                ("failed", Vec::new(), Some(failure::explain(&error)))
            }
        };
        if self.shell.json() {
            let files = files.iter().map(written_file).collect();
            self.documents.push(Document {
                directory: text(directory),
                name: None,
                version: None,
                target: target.to_string(),
                status,
                files,
                diagnostics: Vec::new(),
                error,
            });
            return Ok(());
        }
        match error {
            Some(error) => self.shell.message(&format!("index for {target}:\n{error}")),
            None => self.shell.status(&format!("index for {target}: written")),
        }
        self.list(&files)
    }

    /// All jobs have ended.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn finish(self) -> Result<Exit> {
        if self.shell.json() {
            self.shell.json_data(&self.documents)?;
        } else if let Some(text) = self.summary.text() {
            self.shell.status(&format!("\n{text}"));
            if self.summary.count(Status::NotTried) > 0 {
                self.shell.status("help: --keep-going goes on after a failure");
            }
        }
        Ok(if self.unknown_targets > 0 {
            Exit::Usage
        } else if self.summary.count(Status::Failed) + self.broken_indexes > 0 {
            Exit::Failed
        } else if self.summary.count(Status::Unavailable) > 0 && self.targets == 1 {
            Exit::Unavailable
        } else {
            Exit::Done
        })
    }

    fn show(&self, package: &Package, diagnostics: &[Diagnostic], status: Status) {
        let shown: Vec<Diagnostic> = diagnostics
            .iter()
            .filter(|it| match it.severity {
                _ if status == Status::Unavailable => self.shell.verbose(),
                Severity::Error => true,
                Severity::Warning => !self.shell.quiet(),
                Severity::Note => self.shell.verbose(),
            })
            .cloned()
            .collect();
        let renderer = self.shell.renderer(false);
        let source = package.loaded.source.as_ref();
        let text = render::diagnostics(&renderer, &package.directory, source, &shown);
        if !text.is_empty() {
            self.shell.message(text.trim_end_matches('\n'));
        }
    }
}

/// The first thing that was wrong, in one line.
fn cause(package: &Package, diagnostics: &[Diagnostic], error: Option<&anyhow::Error>) -> String {
    let mut findings = diagnostics.iter().chain(&package.loaded.diagnostics);
    match error {
        Some(error) => format!("{error:#}"),
        None => findings
            .clone()
            .find(|it| it.severity == Severity::Error)
            .or_else(|| findings.find(|it| it.severity == Severity::Warning))
            .map_or_else(String::new, |it| it.message.clone()),
    }
}

fn summary(files: &[Written]) -> String {
    let count = |role| files.iter().filter(|file| file.role == role).count();
    let mut parts = Vec::new();
    for (role, one, many) in [
        (Role::Meta, "meta-files", "meta-files"),
        (Role::Source, "source package", "source package"),
        (Role::Package, "1 package", "packages"),
    ] {
        match (count(role), role) {
            (0, _) => {}
            (1, _) => parts.push(one.to_owned()),
            (n, Role::Package) => parts.push(format!("{n} {many}")),
            _ => parts.push(many.to_owned()),
        }
    }
    parts.join(", ")
}

fn document(
    package: &Package,
    target: &Target,
    status: Status,
    files: &[Written],
    diagnostics: &[Diagnostic],
    error: Option<String>,
) -> Document {
    let source = package.loaded.source.as_ref();
    let opkg = package.loaded.opkg.as_ref();
    let findings = package.loaded.diagnostics.iter().chain(diagnostics);
    Document {
        directory: text(&package.directory),
        name: opkg.map(|it| it.name.clone()),
        version: opkg.and_then(|it| it.version()).map(ToString::to_string),
        target: target.to_string(),
        status: status.name(),
        files: files.iter().map(written_file).collect(),
        diagnostics: findings.map(|it| json::finding(&package.directory, source, it)).collect(),
        error,
    }
}

fn written_file(file: &Written) -> WrittenFile {
    WrittenFile {
        path: text(&file.path),
        role: match file.role {
            Role::Meta => "meta",
            Role::Source => "source",
            Role::Package => "package",
            Role::Record => "record",
            Role::Index => "index",
        },
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// One distribution that can be named.
#[derive(Serialize)]
struct Supported<'a> {
    id: &'a str,
    name: &'a str,
    aliases: Vec<&'a str>,
    versions: Vec<&'a str>,
    default_version: Option<&'a str>,
    architectures: Vec<&'a str>,
}

/// `--supported-dist`.
///
/// # Errors
/// When standard output cannot be written to.
pub fn supported(shell: Shell, registry: &Registry) -> Result<Exit> {
    let descriptions = registry.descriptions();
    let supported: Vec<Supported<'_>> = descriptions
        .iter()
        .map(|it| Supported {
            id: &it.id,
            name: &it.name,
            aliases: it.aliases.iter().map(|alias| alias.id.as_str()).collect(),
            versions: it.releases.iter().map(|release| release.version.as_str()).collect(),
            default_version: it.releases.iter().find(|it| it.is_default).map(|it| it.version.as_str()),
            architectures: it.archs.iter().map(|arch| arch.canonical.as_str()).collect(),
        })
        .collect();
    if shell.json() {
        shell.json_data(&supported)?;
        return Ok(Exit::Done);
    }
    for dist in supported {
        shell.data(&format!("{}  {}\n", dist.id, dist.name))?;
        let lines =
            [("also", dist.aliases), ("versions", dist.versions), ("architectures", dist.architectures)];
        for (what, list) in lines.iter().filter(|(_, list)| !list.is_empty()) {
            shell.data(&format!("    {what}: {}\n", list.join(" ")))?;
        }
    }
    Ok(Exit::Done)
}
