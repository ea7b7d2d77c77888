//! `opkgc plugin`: what plugins there are, what a file is, building and installing one.

use std::path::Path;

use opkg_runtime::hook::RunnerDescription;
use opkg_runtime::{
    GrantError, Inspection, Origin, PluginDescription, PluginKind, ProgramGrants, Registry, RegistryEntry,
    SYSTEM_CACHE, SignatureState, inspect, remove, warm_system_cache,
};
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use super::{
    plugin_build, plugin_install, plugin_kit, plugin_new, plugin_publish, plugin_run, plugin_update,
};
use crate::args::{PluginArgs, PluginCommand};
use crate::commands::plugin_test;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::plugins;

pub fn run(shell: Shell, command: &PluginCommand) -> Result<ExitStatus, CliError> {
    match command {
        PluginCommand::List(arguments) => list_plugins(shell, arguments),
        PluginCommand::Inspect { file } => inspect_plugin(shell, file),
        PluginCommand::New(arguments) => plugin_new::run(shell, arguments),
        PluginCommand::Sdk(arguments) => plugin_kit::write_sdk(shell, arguments),
        PluginCommand::Wit(arguments) => plugin_kit::write_wit(shell, arguments),
        PluginCommand::Bindings(arguments) => plugin_kit::write_bindings(shell, arguments),
        PluginCommand::Build(arguments) => plugin_build::run(shell, arguments),
        PluginCommand::Run(arguments) => plugin_run::run(shell, arguments),
        PluginCommand::Install(arguments) => plugin_install::run(shell, arguments),
        PluginCommand::Update(arguments) => plugin_update::run(shell, arguments),
        PluginCommand::Publish(arguments) => plugin_publish::run(shell, arguments),
        PluginCommand::Sign(arguments) => plugin_publish::sign(shell, arguments),
        PluginCommand::Test(arguments) => plugin_test::run(shell, arguments),
        PluginCommand::Grant { id, programs } => grant_programs(shell, id, programs),
        PluginCommand::Warm => {
            let options = plugins::runtime_options(shell, &[]);
            let ids = warm_system_cache(Path::new(SYSTEM_CACHE), &options)?;
            shell.status(&format!("compiled for everybody, in {SYSTEM_CACHE}: {}", ids.join(", ")));
            Ok(ExitStatus::Success)
        }
        PluginCommand::Remove { id } => {
            let path = remove(id, &plugins::runtime_options(shell, &[]))?;
            shell.status(&format!("removed {}", path.display()));
            Ok(ExitStatus::Success)
        }
    }
}

/// Notes for this user what a plugin may have run.
fn grant_programs(shell: Shell, id: &str, programs: &[String]) -> Result<ExitStatus, CliError> {
    let options = plugins::runtime_options(shell, &[]);
    let path = options.user_grants.clone().ok_or(GrantError::NoPlace)?;
    let registry = Registry::discover(options);
    let is_asked = |entry: &&RegistryEntry| entry.distribution().is_some_and(|found| found.id == id);
    let entry = registry.entries().iter().find(is_asked).ok_or_else(|| {
        let help = "`opkgc plugin list` shows what there is; `opkgc plugin install` adds one";
        UsageError::new(format!("there is no distribution plugin `{id}`"), help)
    })?;
    if entry.origin() == Origin::Embedded {
        let message = format!("the plugin `{id}` is built in: it may have its programs run already");
        return Err(UsageError::new(message, "only plugins that somebody added need this").into());
    }
    let declared = registry.plugin(entry)?.programs()?;
    if let Some(unknown) = programs.iter().find(|program| !declared.contains(program)) {
        let message = format!("the plugin `{id}` has no `{unknown}` run");
        let help = match declared.is_empty() {
            true => "it has none run".to_owned(),
            false => format!("it may want {}", declared.join(", ")),
        };
        return Err(UsageError::new(message, help).into());
    }
    if declared.is_empty() {
        shell.status(&format!("{id} has no programs run: there is nothing to grant"));
        return Ok(ExitStatus::Success);
    }
    let granted = if programs.is_empty() { &declared } else { programs };
    let mut grants = ProgramGrants::read(&path)?;
    grants.add(id, granted.iter().cloned());
    grants.write(&path)?;
    shell.status(&format!("{id} may run {}", granted.join(", ")));
    Ok(ExitStatus::Success)
}

/// One plugin, as `list --format json` prints it.
#[derive(Serialize)]
struct PluginJson<'a> {
    origin: Origin,
    path: Option<String>,
    kind: Option<PluginKind>,
    id: Option<&'a str>,
    name: Option<&'a str>,
    version: Option<&'a str>,
    aliases: Vec<&'a str>,
    /// Of a hook runner: which files.
    takes: Vec<String>,
    interface: Option<&'a str>,
    size: Option<u64>,
    sha256: Option<&'a str>,
    /// Of one that somebody installed: where from.
    source: Option<&'a str>,
    /// By which a registry has it.
    digest: Option<&'a str>,
    /// Who vouches for it.
    signature: Option<SignatureState>,
    /// Ids that another plugin answers to, which comes first.
    shadowed: Vec<ShadowJson>,
    error: Option<String>,
}

#[derive(Serialize)]
struct ShadowJson {
    id: String,
    by: String,
}

fn list_plugins(shell: Shell, arguments: &PluginArgs) -> Result<ExitStatus, CliError> {
    let registry = Registry::discover(plugins::runtime_options(shell, &arguments.files));
    let listed: Vec<PluginJson<'_>> =
        registry.entries().iter().map(|entry| plugin_json(entry, &registry)).collect();
    if shell.is_json() {
        shell.print_json(&listed)?;
    } else {
        for plugin in &listed {
            shell.print(&render_plugin(plugin))?;
        }
    }
    let broken = registry.entries().iter().any(|entry| entry.error().is_some());
    Ok(if broken { ExitStatus::Failed } else { ExitStatus::Success })
}

fn plugin_json<'a>(entry: &'a RegistryEntry, registry: &Registry) -> PluginJson<'a> {
    let (identity, description) = (entry.description(), entry.distribution());
    let by = |index: usize| registry.entries().get(index).map(plugin_location).unwrap_or_default();
    PluginJson {
        origin: entry.origin(),
        path: entry.path().map(|path| path.display().to_string()),
        kind: identity.map(|identity| match identity {
            PluginDescription::Distribution(_) => PluginKind::Distribution,
            PluginDescription::HookRunner(_) => PluginKind::HookRunner,
        }),
        id: identity.map(PluginDescription::id),
        name: description.map(|description| description.name.as_str()),
        version: identity.map(PluginDescription::version),
        aliases: description
            .iter()
            .flat_map(|description| &description.aliases)
            .map(|alias| alias.id.as_str())
            .collect(),
        takes: entry.hook_runner().map(describe_patterns).unwrap_or_default(),
        interface: entry.interface(),
        size: entry.size(),
        sha256: entry.sha256().map(String::as_str),
        source: entry.locked().map(|it| it.source.as_str()),
        digest: entry.locked().and_then(|it| it.digest.as_deref()),
        signature: entry.signature_state(),
        shadowed: entry
            .shadowed()
            .iter()
            .map(|(id, index)| ShadowJson { id: id.clone(), by: by(*index) })
            .collect(),
        error: entry.error().map(|error| match error.help() {
            Some(help) => format!("{error}; {help}"),
            None => error.to_string(),
        }),
    }
}

/// A plugin's file, or where it is from.
fn plugin_location(entry: &RegistryEntry) -> String {
    entry.path().map_or_else(|| entry.origin().to_string(), |path| path.display().to_string())
}

fn render_plugin(plugin: &PluginJson<'_>) -> String {
    let mut lines = Vec::new();
    let title = match (plugin.id, plugin.version, &plugin.path) {
        (Some(id), Some(version), _) => format!("{id} {version}"),
        (_, _, Some(path)) => path.clone(),
        _ => "a plugin".into(),
    };
    lines.push(format!("{title}  ({})", plugin.origin));
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
    detail("source", plugin.source.map(str::to_owned));
    detail("digest", plugin.digest.map(str::to_owned));
    detail("signature", plugin.signature.as_ref().map(ToString::to_string));
    for shadow in &plugin.shadowed {
        detail("shadowed by", Some(format!("{} (`{}`)", shadow.by, shadow.id)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Which files a hook runner takes.
fn describe_patterns(runner: &RunnerDescription) -> Vec<String> {
    runner.takes.iter().map(ToString::to_string).collect()
}

fn as_strs(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn inspect_plugin(shell: Shell, file: &Path) -> Result<ExitStatus, CliError> {
    let inspection = inspect(file, &plugins::runtime_options(shell, &[]))?;
    if shell.is_json() {
        shell.print_json(&inspection)?;
    } else {
        shell.print(&render_inspection(&inspection))?;
    }
    Ok(if inspection.problem.is_some() { ExitStatus::Failed } else { ExitStatus::Success })
}

fn render_inspection(it: &Inspection) -> String {
    let mut lines = Vec::new();
    let mut detail = |what: &str, values: &[&str]| {
        if !values.is_empty() {
            lines.push(format!("{what:<12}{}", values.join(&format!("\n{:12}", ""))));
        }
    };
    if let Some(PluginDescription::HookRunner(runner)) = &it.description {
        detail("hook", &[&runner.name_and_version()]);
        detail("takes", &as_strs(&describe_patterns(runner)));
    }
    if let Some(PluginDescription::Distribution(description)) = &it.description {
        let ids = description.aliases.iter().map(|alias| format!("{} ({})", alias.id, alias.name));
        let ids: Vec<String> =
            std::iter::once(format!("{} ({})", description.id, description.name)).chain(ids).collect();
        let releases: Vec<String> = description.releases.iter().map(plugins::format_release).collect();
        detail("plugin", &[&format!("{} {}", description.id, description.version)]);
        detail("answers to", &as_strs(&ids));
        detail("versions", &[&releases.join(", ")]);
        let programs = it.programs.iter().map(|program| match it.programs_to_grant.contains(program) {
            true => format!("{program} (not granted)"),
            false => program.clone(),
        });
        detail("may run", &as_strs(&programs.collect::<Vec<_>>()));
    }
    detail("world", &[it.world.unwrap_or("unknown to this program")]);
    detail("interface", &[it.interface.as_deref().unwrap_or("not supported by this program")]);
    detail("size", &[&format!("{} bytes", it.size)]);
    detail("sha256", &[&it.sha256]);
    detail("exports", &as_strs(&it.exports));
    detail("imports", &as_strs(&it.imports));
    detail("empty WASI", &as_strs(&it.wasi));
    if let Some(problem) = &it.problem {
        detail("problem", &[&format!("it {problem}")]);
    }
    lines.push(String::new());
    lines.join("\n")
}
