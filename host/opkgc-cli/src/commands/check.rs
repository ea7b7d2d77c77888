//! `opkgc check`: all mistakes of an OPKG at once.

use opkg::Settings;
use opkg::diagnostic::Severity;
use opkg_shell::{Shell, diagnostics};
use serde::Serialize;

use crate::args::{CheckArgs, DenyLevel};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::source_date;
use crate::{dists, forms, hook_components, json, plugins};

/// What `--format json` prints for one directory.
#[derive(Serialize)]
struct CheckJson {
    directory: String,
    /// Absent if it could not be read.
    name: Option<String>,
    version: Option<String>,
    ok: bool,
    diagnostics: Vec<json::DiagnosticJson>,
}

/// Runs the command.
///
/// # Errors
/// When a plugin is broken or the findings cannot be printed.
pub fn run(shell: Shell, arguments: &CheckArgs) -> Result<ExitStatus, CliError> {
    let renderer = shell.renderer(true);
    let known = plugins::discover_plugins(shell, &[], None)?.ids();
    let settings = Settings { now: source_date::now(), ..Settings::default() };
    let mut reports = Vec::new();
    let mut all_ok = true;
    for directory in &arguments.directories {
        let mut loaded = opkg::load(directory, &settings);
        if let Some(opkg) = &loaded.opkg {
            loaded.diagnostics.extend(dists::misspelled_dists(opkg, &known));
            loaded.diagnostics.extend(hook_components::check_components(directory, opkg));
        }
        loaded.diagnostics.extend(forms::check_forms(directory));
        let worst = loaded.diagnostics.iter().map(|it| it.severity).min();
        let denied = arguments.deny == Some(DenyLevel::Warnings)
            && worst <= Some(Severity::Warning)
            && worst.is_some();
        let usable = loaded.opkg.is_some() && worst != Some(Severity::Error);
        let ok = usable && !denied;
        all_ok &= ok;
        if shell.is_json() {
            let findings = loaded.diagnostics.iter();
            let findings =
                findings.map(|it| json::diagnostic_json(directory, loaded.source.as_ref(), it)).collect();
            reports.push(CheckJson {
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
            .filter(|it| !shell.is_quiet() || it.severity == Severity::Error)
            .cloned()
            .collect();
        shell.print(&diagnostics::render_diagnostics(
            &renderer,
            directory,
            loaded.source.as_ref(),
            &shown,
        ))?;
        let count = diagnostics::count_by_severity(&loaded.diagnostics);
        let count = if count.is_empty() { "no findings".to_owned() } else { count };
        let result = match (ok, denied && usable) {
            (true, _) => "ok",
            (_, true) => "failed: warnings are denied",
            _ => "cannot be compiled",
        };
        shell.status(&format!("{}: {result} ({count})", directory.display()));
    }
    if shell.is_json() {
        shell.print_json(&reports)?;
    }
    Ok(if all_ok { ExitStatus::Success } else { ExitStatus::Failed })
}
