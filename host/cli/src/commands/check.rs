//! `opkgc check`: all mistakes of an OPKG at once.

use anyhow::Result;
use opkg::Settings;
use opkg::diagnostic::Severity;
use serde::Serialize;

use crate::args::{Check, Deny};
use crate::exit::Exit;
use crate::shell::Shell;
use crate::{components, dists, forms, json, plugins, render};

/// What `--format json` prints for one directory.
#[derive(Serialize)]
struct Report {
    directory: String,
    /// Absent if it could not be read.
    name: Option<String>,
    version: Option<String>,
    ok: bool,
    diagnostics: Vec<json::Finding>,
}

/// Runs the command.
///
/// # Errors
/// When a plugin is broken or the findings cannot be printed.
pub fn run(shell: Shell, arguments: &Check) -> Result<Exit> {
    let renderer = shell.renderer(true);
    let known = plugins::discover(shell, &[], None)?.ids();
    let mut reports = Vec::new();
    let mut all_ok = true;
    for directory in &arguments.directories {
        let mut loaded = opkg::load(directory, &Settings::default());
        if let Some(opkg) = &loaded.opkg {
            loaded.diagnostics.extend(dists::misspelt(opkg, &known));
            loaded.diagnostics.extend(components::findings(directory, opkg));
        }
        loaded.diagnostics.extend(forms::findings(directory));
        let worst = loaded.diagnostics.iter().map(|it| it.severity).min();
        let denied =
            arguments.deny == Some(Deny::Warnings) && worst <= Some(Severity::Warning) && worst.is_some();
        let usable = loaded.opkg.is_some() && worst != Some(Severity::Error);
        let ok = usable && !denied;
        all_ok &= ok;
        if shell.json() {
            let findings = loaded.diagnostics.iter();
            let findings = findings.map(|it| json::finding(directory, loaded.source.as_ref(), it)).collect();
            reports.push(Report {
                directory: directory.to_string_lossy().into_owned(),
                name: loaded.opkg.as_ref().map(|it| it.name.clone()),
                version: loaded.opkg.as_ref().and_then(|it| it.version()).map(ToString::to_string),
                ok,
                diagnostics: findings,
            });
            continue;
        }
        let shown: Vec<_> = loaded
            .diagnostics
            .iter()
            .filter(|it| !shell.quiet() || it.severity == Severity::Error)
            .cloned()
            .collect();
        shell.data(&render::diagnostics(&renderer, directory, loaded.source.as_ref(), &shown))?;
        let count = render::count(&loaded.diagnostics);
        let count = if count.is_empty() { "no findings".to_owned() } else { count };
        let verdict = match (ok, denied && usable) {
            (true, _) => "ok",
            (_, true) => "refused, since warnings are denied",
            _ => "cannot be compiled",
        };
        shell.status(&format!("{}: {verdict} ({count})", directory.display()));
    }
    if shell.json() {
        shell.json_data(&reports)?;
    }
    Ok(if all_ok { Exit::Done } else { Exit::Failed })
}
