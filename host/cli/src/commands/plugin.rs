//! `opkgc plugin`: what plugins there are, what a file is, building and installing one.

use std::path::Path;

use anyhow::Result;
use opkg_runtime::hook::{Pattern, RunnerDescription};
use opkg_runtime::{Entry, Identity, Inspection, Origin, Registry, Role, build, inspect, install, remove};
use serde::Serialize;

use crate::args::{Plugin, Plugins};
use crate::exit::Exit;
use crate::plugins;
use crate::shell::Shell;

/// Runs the command.
///
/// # Errors
/// When it fails.
pub fn run(shell: Shell, command: &Plugin) -> Result<Exit> {
    match command {
        Plugin::List(arguments) => list(shell, arguments),
        Plugin::Inspect { file } => show(shell, file),
        Plugin::Build { directory, output } => make(shell, directory, output.as_deref()),
        Plugin::Install { file } => {
            let installed = install(file, &plugins::options(shell, &[]))?;
            if shell.json() {
                shell.json_data(&installed)?;
            } else {
                let description = &installed.description;
                shell.status(&format!("installed {}", description.title()));
                shell.data(&format!("{}\n", installed.path.display()))?;
            }
            Ok(Exit::Done)
        }
        Plugin::Remove { id } => {
            let path = remove(id, &plugins::options(shell, &[]))?;
            shell.status(&format!("removed {}", path.display()));
            Ok(Exit::Done)
        }
    }
}

/// One plugin, as `list --format json` prints it.
#[derive(Serialize)]
struct Listed<'a> {
    origin: Origin,
    path: Option<String>,
    kind: Option<Role>,
    id: Option<&'a str>,
    name: Option<&'a str>,
    version: Option<&'a str>,
    aliases: Vec<&'a str>,
    /// Of a hook runner: which files.
    takes: Vec<String>,
    interface: Option<&'a str>,
    size: Option<u64>,
    sha256: Option<&'a str>,
    /// Ids that another plugin answers to, which comes first.
    shadowed: Vec<Shadow>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Shadow {
    id: String,
    by: String,
}

fn list(shell: Shell, arguments: &Plugins) -> Result<Exit> {
    let registry = Registry::discover(plugins::options(shell, &arguments.files));
    let listed: Vec<Listed<'_>> = registry.entries().iter().map(|entry| listed(entry, &registry)).collect();
    if shell.json() {
        shell.json_data(&listed)?;
    } else {
        for plugin in &listed {
            shell.data(&text(plugin))?;
        }
    }
    let broken = registry.entries().iter().any(|it| it.error().is_some());
    Ok(if broken { Exit::Failed } else { Exit::Done })
}

fn listed<'a>(entry: &'a Entry, registry: &Registry) -> Listed<'a> {
    let (identity, description) = (entry.identity(), entry.description());
    let by = |index: usize| registry.entries().get(index).map(place).unwrap_or_default();
    Listed {
        origin: entry.origin(),
        path: entry.path().map(|it| it.display().to_string()),
        kind: identity.map(|it| match it {
            Identity::Distribution(_) => Role::Distribution,
            Identity::HookRunner(_) => Role::HookRunner,
        }),
        id: identity.map(Identity::id),
        name: description.map(|it| it.name.as_str()),
        version: identity.map(Identity::version),
        aliases: description.iter().flat_map(|it| &it.aliases).map(|it| it.id.as_str()).collect(),
        takes: entry.runner().map(takes).unwrap_or_default(),
        interface: entry.interface(),
        size: entry.size(),
        sha256: entry.sha256().map(String::as_str),
        shadowed: entry
            .shadowed()
            .iter()
            .map(|(id, index)| Shadow { id: id.clone(), by: by(*index) })
            .collect(),
        error: entry.error().map(|error| match error.help() {
            Some(help) => format!("{error}; {help}"),
            None => error.to_string(),
        }),
    }
}

/// A plugin's file, or where it is from.
fn place(entry: &Entry) -> String {
    entry.path().map_or_else(|| origin(entry.origin()).to_owned(), |it| it.display().to_string())
}

/// Where a plugin comes from.
pub fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Named => "named with --plugin",
        Origin::SearchPath => "from OPKG_PLUGIN_PATH",
        Origin::User => "installed by the user",
        Origin::System => "of the system",
        Origin::Embedded => "built in",
    }
}

fn text(plugin: &Listed<'_>) -> String {
    let mut lines = Vec::new();
    let title = match (plugin.id, plugin.version, &plugin.path) {
        (Some(id), Some(version), _) => format!("{id} {version}"),
        (_, _, Some(path)) => path.clone(),
        _ => "a plugin".into(),
    };
    lines.push(format!("{title}  ({})", origin(plugin.origin)));
    if let Some(error) = &plugin.error {
        lines.push(format!("    error: {error}"));
    }
    let mut detail = |what: &str, value: Option<String>| {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            lines.push(format!("    {what}: {value}"));
        }
    };
    detail("for", plugin.name.map(str::to_owned));
    detail("runs hooks that", Some(plugin.takes.join(", ")));
    detail("also", Some(plugin.aliases.join(" ")));
    detail("file", plugin.path.clone().filter(|it| *it != title));
    detail("interface", plugin.interface.map(str::to_owned));
    detail("sha256", plugin.sha256.map(str::to_owned));
    for shadow in &plugin.shadowed {
        detail("shadowed", Some(format!("`{}` is answered by the one {}", shadow.id, shadow.by)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Which files a hook runner takes.
pub fn takes(runner: &RunnerDescription) -> Vec<String> {
    let pattern = |pattern: &Pattern| match pattern {
        Pattern::StartsWith(bytes) => format!("begin with `{}`", bytes.escape_ascii()),
        Pattern::EndsWith(end) => format!("end in `{}`", end.escape_default()),
    };
    runner.takes.iter().map(pattern).collect()
}

fn refs(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn show(shell: Shell, file: &Path) -> Result<Exit> {
    let inspection = inspect(file, &plugins::options(shell, &[]))?;
    if shell.json() {
        shell.json_data(&inspection)?;
    } else {
        shell.data(&inspected(&inspection))?;
    }
    Ok(if inspection.problem.is_some() { Exit::Failed } else { Exit::Done })
}

fn inspected(it: &Inspection) -> String {
    let mut lines = Vec::new();
    let mut detail = |what: &str, values: &[&str]| {
        if !values.is_empty() {
            lines.push(format!("{what:<12}{}", values.join(&format!("\n{:12}", ""))));
        }
    };
    if let Some(Identity::HookRunner(runner)) = &it.description {
        detail("hook", &[&runner.title()]);
        detail("takes", &refs(&takes(runner)));
    }
    if let Some(Identity::Distribution(description)) = &it.description {
        let ids = description.aliases.iter().map(|alias| format!("{} ({})", alias.id, alias.name));
        let ids: Vec<String> =
            std::iter::once(format!("{} ({})", description.id, description.name)).chain(ids).collect();
        let releases: Vec<String> = description.releases.iter().map(plugins::release).collect();
        detail("plugin", &[&format!("{} {}", description.id, description.version)]);
        detail("answers to", &refs(&ids));
        detail("versions", &[&releases.join(", ")]);
    }
    detail("world", &[it.world.unwrap_or("none of this program's")]);
    detail("interface", &[it.interface.as_deref().unwrap_or("not one that this program takes")]);
    detail("size", &[&format!("{} bytes", it.size)]);
    detail("sha256", &[&it.sha256]);
    detail("exports", &refs(&it.exports));
    detail("imports", &refs(&it.imports));
    detail("empty WASI", &refs(&it.wasi));
    if let Some(problem) = &it.problem {
        detail("problem", &[&format!("it {problem}")]);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What `build --format json` prints.
#[derive(Serialize)]
struct Built<'a> {
    path: String,
    size: usize,
    interface: &'a str,
    compiler: &'a str,
}

fn make(shell: Shell, directory: &Path, output: Option<&Path>) -> Result<Exit> {
    let built = build::component(directory, build::Options { quiet: shell.quiet(), ..Default::default() })?;
    let path = output.map_or_else(|| built.file_name().into(), Path::to_owned);
    built.write(&path)?;
    if shell.json() {
        shell.json_data(&Built {
            path: path.display().to_string(),
            size: built.component.len(),
            interface: &built.interface,
            compiler: &built.compiler,
        })?;
        return Ok(Exit::Done);
    }
    shell.status(&format!(
        "{} {}: {} bytes, interface {}",
        built.crate_name,
        built.crate_version,
        built.component.len(),
        built.interface
    ));
    shell.data(&format!("{}\n", path.display()))?;
    Ok(Exit::Done)
}
