//! `opkgc convert`: an OPKG of the form before OSCAR 5 into the present one, and what there is to say about it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use opkg::model::Timestamp;
use opkg_convert::{At, Conversion, Entry, Error, convert};
use serde::Serialize;

use crate::args::Convert;
use crate::commands::build::source_date;
use crate::exit::Exit;
use crate::shell::Shell;
use crate::{interrupt, json, render};

/// What `--format json` prints.
#[derive(Serialize)]
struct Report {
    name: String,
    version: String,
    directory: String,
    taken: Vec<Said>,
    decided: Vec<Said>,
    open: Vec<Said>,
    /// What a check of the new directory finds.
    diagnostics: Vec<json::Finding>,
}

/// One thing that was done, or is to be done.
#[derive(Serialize)]
struct Said {
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
pub fn run(shell: Shell, arguments: &Convert) -> Result<Exit> {
    let directory = arguments.directory.as_path();
    let target = match &arguments.output {
        Some(target) => target.clone(),
        None => beside(directory)?,
    };
    let date = match arguments.date {
        Some(date) => Some(date),
        None => source_date()?.map(|seconds| Timestamp { seconds, offset: 0 }),
    };
    interrupt::clean_up_on_signals(shell).context("cannot wait for signals")?;
    let conversion = match convert(directory, &target, date) {
        Err(Error::Unreadable(refusal)) => {
            let renderer = shell.renderer(false);
            let finding = [refusal.finding];
            let text = render::diagnostics(&renderer, directory, refusal.source.as_ref(), &finding);
            shell.message(text.trim_end_matches('\n'));
            return Ok(Exit::Failed);
        }
        done => done?,
    };
    if shell.json() {
        shell.json_data(&document(conversion))?;
        return Ok(Exit::Done);
    }
    shell.data(&text(&conversion, shell.quiet()))?;
    let count = render::count(&conversion.check.diagnostics);
    let count = if count.is_empty() { "nothing".to_owned() } else { count };
    shell.status(&format!("wrote {}; `opkgc check` finds {count} there", target.display()));
    Ok(Exit::Done)
}

/// The directory's own name with something behind it.
fn beside(directory: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(directory).context("cannot find out where the directory is")?;
    let named = if directory.file_name().is_some() { directory.to_owned() } else { absolute };
    // `..` and the like have no name; what they lead to has.
    let named = if named.file_name().is_some() { named } else { fs_err::canonicalize(named)? };
    let mut name = named.file_name().unwrap_or_default().to_owned();
    name.push("-converted");
    Ok(named.with_file_name(name))
}

/// The report as people read it; only what is left to do where little is wanted.
fn text(conversion: &Conversion, quiet: bool) -> String {
    let report = &conversion.report;
    let mut text = String::new();
    if !quiet {
        text.push_str(&format!("{} {}\n", conversion.name, conversion.version));
    }
    for (title, list, is_shown) in [
        ("taken over", &report.taken, !quiet),
        ("decided", &report.decided, !quiet),
        ("left to do", &report.open, true),
    ] {
        if !is_shown || list.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{title}:\n"));
        for Entry { at, text: said } in list {
            let place = match at {
                At::Whole => String::new(),
                At::Line(line) => format!("config.xml:{line}: "),
                At::File(file) => format!("{file}: "),
            };
            text.push_str("  ");
            text.extend(format!("{place}{said}").chars().filter(|c| !opkg::is_control(*c)));
            text.push('\n');
        }
    }
    text
}

fn document(conversion: Conversion) -> Report {
    let said = |list: Vec<Entry>| {
        list.into_iter()
            .map(|Entry { at, text }| match at {
                At::Whole => Said { file: None, line: None, text },
                At::Line(line) => Said { file: Some("config.xml".into()), line: Some(line), text },
                At::File(file) => Said { file: Some(file), line: None, text },
            })
            .collect()
    };
    let check = &conversion.check;
    let findings = check.diagnostics.iter();
    let findings = findings.map(|it| json::finding(&conversion.directory, check.source.as_ref(), it));
    Report {
        diagnostics: findings.collect(),
        name: conversion.name,
        version: conversion.version,
        directory: conversion.directory.to_string_lossy().into_owned(),
        taken: said(conversion.report.taken),
        decided: said(conversion.report.decided),
        open: said(conversion.report.open),
    }
}
