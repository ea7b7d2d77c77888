//! `opm plugin`: what runs hooks, and what it may do; what is compiled before anybody needs it.

use std::path::Path;

use opkg_opm::{Config, ProgramPattern};
use opkg_runtime::{Origin, Registry, RuntimeOptions, SYSTEM_CACHE, SignatureState, warm_system_cache};
use opkg_shell::Shell;
use serde::Serialize;

use crate::backend;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;

/// What `--format json` prints.
#[derive(Serialize)]
struct PluginsJson {
    runners: Vec<RunnerJson>,
    /// What hooks that are components may run.
    grants: Vec<GrantJson>,
}

#[derive(Serialize)]
struct RunnerJson {
    name: String,
    version: String,
    origin: Origin,
    path: Option<String>,
    sha256: Option<String>,
    /// Of one that somebody installed: where from, and who vouches for it.
    source: Option<String>,
    signature: Option<SignatureState>,
    takes: Vec<String>,
    /// What the configuration wants it for.
    serves: Vec<String>,
    programs: Vec<String>,
}

#[derive(Serialize)]
struct GrantJson {
    package: String,
    /// All of them if none is named.
    hooks: Vec<String>,
    programs: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// The configuration is wrong, or the output cannot be written.
pub fn list(session: &Session) -> Result<ExitStatus, CliError> {
    let shell = session.shell;
    let config = Config::load(session.settings_dir())?;
    let registry =
        Registry::discover(RuntimeOptions { log: backend::log_sink(shell), ..RuntimeOptions::for_program() });
    for (_, error) in registry.load_errors() {
        shell.status(&format!("warning: {error}; it is not used"));
    }
    let listed = plugins_json(&config, &registry);
    if shell.is_json() {
        shell.print_json(&listed)?;
    } else {
        shell.print(&render_plugins(&listed))?;
    }
    Ok(ExitStatus::Success)
}

/// Compiles the built-in plugins for everybody.
///
/// # Errors
/// Only root may write there.
pub fn warm(shell: Shell) -> Result<ExitStatus, CliError> {
    let options = RuntimeOptions { log: backend::log_sink(shell), ..RuntimeOptions::for_program() };
    let ids = warm_system_cache(Path::new(SYSTEM_CACHE), &options)?;
    shell.status(&format!("compiled for everybody, in {SYSTEM_CACHE}: {}", ids.join(", ")));
    Ok(ExitStatus::Success)
}

fn plugins_json(config: &Config, registry: &Registry) -> PluginsJson {
    let names = |programs: &[ProgramPattern]| programs.iter().map(ToString::to_string).collect::<Vec<_>>();
    let runners = registry.runners().map(|(entry, runner)| {
        let rules: Vec<_> = config.runners.iter().filter(|rule| rule.name == runner.id).collect();
        let programs = match entry.origin() {
            Origin::Embedded => vec![ProgramPattern::AnyInHome.to_string()],
            _ => rules.iter().flat_map(|rule| names(&rule.programs)).collect(),
        };
        let serves = rules.iter().map(|rule| {
            let hooks = if rule.hooks.is_empty() { "all hooks".to_owned() } else { rule.hooks.join(", ") };
            match rule.packages.iter().map(|package| package.0.to_string()).collect::<Vec<_>>() {
                packages if packages.is_empty() => hooks,
                packages => format!("{hooks} of {}", packages.join(", ")),
            }
        });
        RunnerJson {
            name: runner.id.clone(),
            version: runner.version.clone(),
            origin: entry.origin(),
            path: entry.path().map(|path| path.display().to_string()),
            sha256: entry.sha256().cloned(),
            source: entry.locked().map(|it| it.source.clone()),
            signature: entry.signature_state(),
            takes: runner.takes.iter().map(ToString::to_string).collect(),
            serves: serves.collect(),
            programs,
        }
    });
    let grants = config.grants.iter().map(|grant| GrantJson {
        package: grant.package.0.to_string(),
        hooks: grant.hooks.clone(),
        programs: names(&grant.programs),
    });
    PluginsJson { runners: runners.collect(), grants: grants.collect() }
}

fn render_plugins(listed: &PluginsJson) -> String {
    let mut lines = Vec::new();
    for runner in &listed.runners {
        lines.push(format!("{} {}  ({})", runner.name, runner.version, runner.origin));
        let details = [
            ("takes hooks that", runner.takes.join(", ")),
            ("serves", runner.serves.join("; ")),
            ("may run", runner.programs.join(", ")),
            ("file", runner.path.clone().unwrap_or_default()),
            ("sha256", runner.sha256.clone().unwrap_or_default()),
            ("source", runner.source.clone().unwrap_or_default()),
            ("signature", runner.signature.as_ref().map(ToString::to_string).unwrap_or_default()),
        ];
        let details = details.iter().filter(|(_, value)| !value.is_empty());
        lines.extend(details.map(|(what, value)| format!("    {what}: {value}")));
    }
    if !listed.grants.is_empty() {
        lines.push("Granted to hooks that are components:".to_owned());
    }
    for grant in &listed.grants {
        let hooks =
            if grant.hooks.is_empty() { String::new() } else { format!(", {}", grant.hooks.join(", ")) };
        lines.push(format!("    {}{hooks}: {}", grant.package, grant.programs.join(", ")));
    }
    lines.push(String::new());
    lines.join("\n")
}
