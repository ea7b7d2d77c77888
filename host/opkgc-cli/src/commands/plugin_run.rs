//! `opkgc plugin run`: what a plugin answers, for its author.

use std::path::Path;

use opkg::Settings;
use opkg::diagnostic::Diagnostic;
use opkg_interface::PackageSettings;
use opkg_interface::artefacts::Output;
use opkg_payload::PayloadStore;
use opkg_runtime::{DistributionPlugin, GenerateError, PluginDescription, Registry};
use opkg_shell::diagnostics::render_diagnostics;
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use crate::args::PluginRunArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::json::{DiagnosticJson, diagnostic_json};
use crate::source_date::{now, source_date};
use crate::{plugins, targets};

/// What it prints.
#[derive(Serialize)]
struct PluginRunJson<'a> {
    /// What the plugin says that it is.
    description: &'a PluginDescription,
    #[serde(flatten)]
    answer: Option<AnswerJson>,
}

/// What the plugin made of an OPKG.
#[derive(Serialize)]
struct AnswerJson {
    target: String,
    /// As the interface has it; `source` of the content of a file is the OPKG's file with this number.
    output: Option<Box<Output>>,
    refusal: Option<RefusalJson>,
    /// Of the output, or of a refusal.
    diagnostics: Vec<DiagnosticJson>,
}

/// Why it made nothing.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum RefusalJson {
    UnknownTarget(String),
    /// The diagnostic says why.
    Unavailable,
    /// The diagnostics say why.
    Failed,
}

pub fn run(shell: Shell, arguments: &PluginRunArgs) -> Result<ExitStatus, CliError> {
    let registry = plugins::discover_all_kinds(shell, std::slice::from_ref(&arguments.file), None)?;
    // The one that was named is asked first.
    let entry = registry.entries().first().ok_or_else(|| CliError::new("there is no plugin"))?;
    // Of itself, not of what was noted when it was seen first: its author is to see what it does now.
    let description = match entry.description() {
        Some(PluginDescription::Distribution(_)) => {
            PluginDescription::Distribution(registry.plugin(entry)?.describe()?)
        }
        Some(PluginDescription::HookRunner(_)) => {
            PluginDescription::HookRunner(registry.runner(entry)?.describe()?)
        }
        None => return Err(CliError::new(format!("{} says nothing of itself", arguments.file.display()))),
    };
    let answer = match &arguments.input {
        None => None,
        Some(_) if entry.distribution().is_none() => {
            let message = format!("{} runs hooks, and makes no packages", arguments.file.display());
            return Err(UsageError::new(message, "`opkgc hook run` tries it").into());
        }
        Some(directory) => {
            let plugin = registry.plugin(entry)?;
            match ask(shell, &registry, &plugin, arguments, directory)? {
                Some(answer) => Some(answer),
                // What is wrong with the OPKG has been said.
                None => return Ok(ExitStatus::UsageError),
            }
        }
    };
    let is_refused = answer.as_ref().is_some_and(|answer| answer.refusal.is_some());
    shell.print_json(&PluginRunJson { description: &description, answer })?;
    Ok(if is_refused { ExitStatus::Failed } else { ExitStatus::Success })
}

/// Nothing where the OPKG has errors, which have been shown.
fn ask(
    shell: Shell,
    registry: &Registry,
    plugin: &DistributionPlugin,
    arguments: &PluginRunArgs,
    directory: &Path,
) -> Result<Option<AnswerJson>, CliError> {
    let id = &plugin.description().id;
    let asked = arguments.dist.as_ref().unwrap_or(id);
    let mut found = targets::resolve_targets(registry, std::slice::from_ref(asked), None)?;
    let Some((target, answering)) = found.pop() else { return Ok(None) };
    if answering.sha256() != plugin.sha256() {
        let message = format!("{} does not answer to `{asked}`", arguments.file.display());
        let ids = plugin.description().ids().collect::<Vec<_>>().join("`, `");
        return Err(UsageError::new(message, format!("it answers to `{ids}`")).into());
    }
    let settings = Settings { source_date: source_date()?, now: now(), ..Settings::default() };
    let read = opkg_payload::load(directory, &settings, &PayloadStore::from_env(Vec::new()));
    let source = read.loaded.source.as_ref();
    let Some(opkg) = &read.loaded.opkg else {
        let findings = &read.loaded.diagnostics;
        shell.eprint(&render_diagnostics(&shell.renderer(false), directory, source, findings));
        shell.eprint(&format!("error: {} has errors\n  help: correct them first", directory.display()));
        return Ok(None);
    };
    let wanted = PackageSettings {
        release_tag: arguments.release_tag.clone().unwrap_or_default(),
        ..PackageSettings::default()
    };
    let (output, refusal, said) = match plugin.generate(opkg, &target, &wanted) {
        Ok(generated) => (Some(Box::new(generated.output)), None, generated.diagnostics),
        Err(GenerateError::UnknownTarget(why)) => (None, Some(RefusalJson::UnknownTarget(why)), Vec::new()),
        Err(GenerateError::TargetExcluded(why)) => (None, Some(RefusalJson::Unavailable), vec![why]),
        Err(GenerateError::Diagnostics(said)) => (None, Some(RefusalJson::Failed), said),
        Err(error) => return Err(error.into()),
    };
    let resolve = |it: &Diagnostic| diagnostic_json(directory, source, it);
    let diagnostics = said.iter().map(resolve).collect();
    Ok(Some(AnswerJson { target: target.to_string(), output, refusal, diagnostics }))
}
