//! `opm plugin list`: what runs hooks, and what it may do.

use anyhow::Result;
use opkg_opm::system::{Config, Program};
use opkg_runtime::{Origin, Registry};
use serde::Serialize;

use crate::commands::plugin::{origin, takes};
use crate::opm::exit::Exit;
use crate::opm::session::Session;
use crate::plugins;

/// What `--format json` prints.
#[derive(Serialize)]
struct Listed {
    runners: Vec<Runner>,
    /// What hooks that are components may run.
    grants: Vec<Grant>,
}

#[derive(Serialize)]
struct Runner {
    name: String,
    version: String,
    origin: Origin,
    path: Option<String>,
    sha256: Option<String>,
    takes: Vec<String>,
    /// What the configuration wants it for.
    serves: Vec<String>,
    programs: Vec<String>,
}

#[derive(Serialize)]
struct Grant {
    package: String,
    /// All of them if none is named.
    hooks: Vec<String>,
    programs: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// The configuration is wrong, or the output cannot be written.
pub fn list(session: &Session) -> Result<Exit> {
    let shell = session.shell;
    let config = Config::load(session.settings())?;
    let registry = Registry::discover(plugins::options(shell, &[]));
    for (_, error) in registry.broken() {
        shell.status(&format!("warning: {error}; it is not used"));
    }
    let listed = listed(&config, &registry);
    if shell.json() {
        shell.json_data(&listed)?;
    } else {
        shell.data(&text(&listed))?;
    }
    Ok(Exit::Done)
}

fn listed(config: &Config, registry: &Registry) -> Listed {
    let names = |programs: &[Program]| programs.iter().map(ToString::to_string).collect::<Vec<_>>();
    let runners = registry.runners().map(|(entry, runner)| {
        let choices: Vec<_> = config.runners.iter().filter(|it| it.name == runner.id).collect();
        let programs = match entry.origin() {
            Origin::Embedded => vec![Program::Home.to_string()],
            _ => choices.iter().flat_map(|it| names(&it.programs)).collect(),
        };
        let serves = choices.iter().map(|it| {
            let hooks = if it.hooks.is_empty() { "all hooks".to_owned() } else { it.hooks.join(", ") };
            match it.packages.iter().map(|it| it.0.to_string()).collect::<Vec<_>>() {
                packages if packages.is_empty() => hooks,
                packages => format!("{hooks} of {}", packages.join(", ")),
            }
        });
        Runner {
            name: runner.id.clone(),
            version: runner.version.clone(),
            origin: entry.origin(),
            path: entry.path().map(|it| it.display().to_string()),
            sha256: entry.sha256().cloned(),
            takes: takes(runner),
            serves: serves.collect(),
            programs,
        }
    });
    let grants = config.grants.iter().map(|it| Grant {
        package: it.package.0.to_string(),
        hooks: it.hooks.clone(),
        programs: names(&it.programs),
    });
    Listed { runners: runners.collect(), grants: grants.collect() }
}

fn text(listed: &Listed) -> String {
    let mut lines = Vec::new();
    for runner in &listed.runners {
        lines.push(format!("{} {}  ({})", runner.name, runner.version, origin(runner.origin)));
        let details = [
            ("takes hooks that", runner.takes.join(", ")),
            ("serves", runner.serves.join("; ")),
            ("may run", runner.programs.join(", ")),
            ("file", runner.path.clone().unwrap_or_default()),
            ("sha256", runner.sha256.clone().unwrap_or_default()),
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
