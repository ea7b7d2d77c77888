//! `opkgc convert`: an OPKG of the form before OSCAR 5 into the present one, and what there is to say about it.

use std::path::{Path, PathBuf};

use opkg::model::Timestamp;
use opkg_convert::{Conversion, Error, ReportEntry, ReportLocation, convert};
use opkg_shell::{Shell, diagnostics};
use serde::Serialize;

use crate::args::ConvertArgs;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::explanations::ShownCodes;
use crate::source_date::source_date;
use crate::{interrupt, json};

/// What `--format json` prints.
#[derive(Serialize)]
struct ConversionJson {
    name: String,
    version: String,
    directory: String,
    taken: Vec<NoteJson>,
    decided: Vec<NoteJson>,
    open: Vec<NoteJson>,
    /// What a check of the new directory finds.
    diagnostics: Vec<json::DiagnosticJson>,
}

/// One thing that was done, or is to be done.
#[derive(Serialize)]
struct NoteJson {
    /// Relative to the old directory; nothing if it is about the OPKG as such.
    file: Option<String>,
    /// Of `config.xml`, counted from 1.
    line: Option<usize>,
    text: String,
}

/// Runs the command.
///
/// # Errors
/// When the old directory cannot be read or the new one cannot be written.
pub fn run(shell: Shell, arguments: &ConvertArgs) -> Result<ExitStatus, CliError> {
    let directory = arguments.directory.as_path();
    let target = match &arguments.output {
        Some(target) => target.clone(),
        None => default_output(directory)?,
    };
    let date = match arguments.date {
        Some(date) => Some(date),
        None => source_date()?.map(|seconds| Timestamp { seconds, offset: 0 }),
    };
    interrupt::clean_up_on_signals(shell).context("cannot wait for signals")?;
    let conversion = match convert(directory, &target, date) {
        Err(Error::Unreadable(refusal)) => {
            let renderer = shell.renderer(false);
            let finding = [refusal.diagnostic];
            let text =
                diagnostics::render_diagnostics(&renderer, directory, refusal.source.as_ref(), &finding);
            shell.eprint(text.trim_end_matches('\n'));
            let mut shown = ShownCodes::default();
            shown.add(&finding);
            shown.print_hint(shell);
            return Ok(ExitStatus::Failed);
        }
        done => done?,
    };
    if shell.is_json() {
        shell.print_json(&conversion_json(conversion))?;
        return Ok(ExitStatus::Success);
    }
    shell.print(&render_report(&conversion, shell.is_quiet()))?;
    let count = diagnostics::count_by_severity(&conversion.check.diagnostics);
    let count = if count.is_empty() { "nothing".to_owned() } else { count };
    shell.status(&format!("wrote {}; `opkgc check` finds {count} there", target.display()));
    Ok(ExitStatus::Success)
}

/// The directory's own name with something behind it.
fn default_output(directory: &Path) -> Result<PathBuf, CliError> {
    let absolute = std::path::absolute(directory).context("cannot find out where the directory is")?;
    let named = if directory.file_name().is_some() { directory.to_owned() } else { absolute };
    // `..` and the like have no name; what they lead to has.
    let named = if named.file_name().is_some() { named } else { fs_err::canonicalize(named)? };
    let mut name = named.file_name().unwrap_or_default().to_owned();
    name.push("-converted");
    Ok(named.with_file_name(name))
}

/// The report as people read it; only what is left to do where little is wanted.
fn render_report(conversion: &Conversion, quiet: bool) -> String {
    let report = &conversion.report;
    let mut text = String::new();
    if !quiet {
        text.push_str(&format!("{} {}\n", conversion.name, conversion.version));
    }
    for (title, list, is_shown) in [
        ("taken over", &report.converted, !quiet),
        ("decided", &report.changed, !quiet),
        ("left to do", &report.needs_review, true),
    ] {
        if !is_shown || list.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{title}:\n"));
        for ReportEntry { at, text: said } in list {
            let place = match at {
                ReportLocation::Package => String::new(),
                ReportLocation::Line(line) => format!("config.xml:{line}: "),
                ReportLocation::File(file) => format!("{file}: "),
            };
            text.push_str("  ");
            text.extend(format!("{place}{said}").chars().filter(|c| !opkg::is_unsafe_control(*c)));
            text.push('\n');
        }
    }
    text
}

fn conversion_json(conversion: Conversion) -> ConversionJson {
    let said = |list: Vec<ReportEntry>| {
        list.into_iter()
            .map(|ReportEntry { at, text }| match at {
                ReportLocation::Package => NoteJson { file: None, line: None, text },
                ReportLocation::Line(line) => {
                    NoteJson { file: Some("config.xml".into()), line: Some(line), text }
                }
                ReportLocation::File(file) => NoteJson { file: Some(file), line: None, text },
            })
            .collect()
    };
    let check = &conversion.check;
    let findings = check.diagnostics.iter();
    let findings = findings.map(|it| json::diagnostic_json(&conversion.directory, check.source.as_ref(), it));
    ConversionJson {
        diagnostics: findings.collect(),
        name: conversion.name,
        version: conversion.version,
        directory: conversion.directory.to_string_lossy().into_owned(),
        taken: said(conversion.report.converted),
        decided: said(conversion.report.changed),
        open: said(conversion.report.needs_review),
    }
}
