//! `opkgc plugin test`: whether a plugin does what has to hold for any distribution, and what its examples expect.

mod json;
mod junit;
mod results;
mod text;

use std::path::{Path, PathBuf};

use opkg_conformance::{
    Example, Options, PluginUnderTest, Rule, TargetChoice, find_examples, rules, run as run_suite,
    run_example,
};
use opkg_runtime::{
    DistributionPlugin, Origin, ProgramGrants, Registry, RegistryEntry, RuntimeOptions, parallelism,
};
use opkg_scratch::ScratchDir;
use opkg_shell::args::OutputFormat;
use opkg_shell::{Shell, UsageError};

use self::results::Results;
use crate::args::PluginTestArgs;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::plugins;

/// The directory beside a plugin that holds examples.
const EXAMPLES: &str = "tests";

pub fn run(shell: Shell, arguments: &PluginTestArgs) -> Result<ExitStatus, CliError> {
    let filter = arguments.filter.as_deref();
    let wanted = rules_named(filter);
    let Some(named) = arguments.plugin.as_deref().filter(|_| !arguments.rules) else {
        if wanted.is_empty() {
            return Err(no_such_name(filter, &[]).into());
        }
        match arguments.format {
            OutputFormat::Text => shell.print(&text::render_rules(&wanted))?,
            OutputFormat::Json | OutputFormat::Junit => shell.print_json(&json::rules(&wanted))?,
        }
        return Ok(ExitStatus::Success);
    };
    // Nothing is run, so that its programs need not be granted; the grants lie here.
    let scratch = ScratchDir::new("opkgc-plugin-test-", None)?;
    let plugin = load_plugin(shell, named, scratch.path())?;
    let mut examples = examples(arguments, named)?;
    if wanted.is_empty() {
        let names: Vec<String> = examples.iter().map(|example| example.name.clone()).collect();
        examples.retain(|example| filter.is_none_or(|filter| example.name.contains(filter)));
        if examples.is_empty() {
            return Err(no_such_name(filter, &names).into());
        }
    } else if filter.is_some() && arguments.examples.is_none() {
        examples.clear();
    }
    let mut results = Results { report: None, examples: Vec::new() };
    if !arguments.update && !wanted.is_empty() {
        let options = Options {
            targets: if arguments.quick { TargetChoice::Few } else { TargetChoice::All },
            filter: arguments.filter.clone(),
            opkgs: Vec::new(),
            threads: parallelism(),
        };
        results.report = Some(run_suite(&plugin, &options)?);
    }
    for example in examples {
        let description = PluginUnderTest::describe(&plugin)?;
        let result = run_example(&plugin, &description, &example, arguments.update)
            .context(format!("cannot try the example {}", example.directory.display()))?;
        results.examples.push((example, result));
    }
    match arguments.format {
        OutputFormat::Text => shell.print(&text::render(&results))?,
        OutputFormat::Json => shell.print_json(&json::results(&results))?,
        OutputFormat::Junit => shell.print_document(&junit::render(&results))?,
    }
    Ok(if results.is_ok() { ExitStatus::Success } else { ExitStatus::Failed })
}

/// The rules whose names have a text in them.
fn rules_named(filter: Option<&str>) -> Vec<&'static Rule> {
    rules().filter(|rule| filter.is_none_or(|filter| rule.name.contains(filter))).collect()
}

/// Neither a rule nor one of these examples has the text in its name.
fn no_such_name(filter: Option<&str>, examples: &[String]) -> UsageError {
    let filter = filter.unwrap_or_default();
    // One word of a name is what people write.
    let words = rules().flat_map(|rule| [rule.name].into_iter().chain(rule.name.split('-')));
    let near = opkg::closest_match(filter, words.chain(examples.iter().map(String::as_str)));
    let near = near.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
    let what = if examples.is_empty() { "rule" } else { "rule or example" };
    let message = format!("no {what} has `{filter}` in its name");
    UsageError::new(message, format!("{near}`opkgc plugin test --rules` lists the rules"))
}

/// A plugin by its file or id, which may name all programs that it declares.
fn load_plugin(shell: Shell, named: &Path, scratch: &Path) -> Result<DistributionPlugin, CliError> {
    let is_file = named.exists() || named.components().count() > 1 || named.extension().is_some();
    let files: Vec<PathBuf> = is_file.then(|| named.to_owned()).into_iter().collect();
    let plain = plugins::runtime_options(shell, &files);
    let plugin = find_plugin(&Registry::discover(plain.clone()), named, is_file)?;
    let programs = plugin.programs_to_grant()?;
    if programs.is_empty() {
        return Ok(plugin);
    }
    let path = scratch.join("grants.json");
    let mut grants = ProgramGrants::default();
    grants.add(&plugin.description().id, programs);
    grants.write(&path)?;
    let granted = RuntimeOptions { user_grants: Some(path), ..plain };
    find_plugin(&Registry::discover(granted), named, is_file)
}

fn find_plugin(registry: &Registry, named: &Path, is_file: bool) -> Result<DistributionPlugin, CliError> {
    let id = named.to_string_lossy();
    let is_it = |entry: &&RegistryEntry| match is_file {
        true => entry.origin() == Origin::Named,
        false => entry.distribution().is_some_and(|found| found.ids().any(|own| own == id)),
    };
    let Some(entry) = registry.entries().iter().find(is_it) else {
        let help = "name the file of a component, or an id that `opkgc plugin list` shows";
        return Err(UsageError::new(format!("there is no distribution plugin `{id}`"), help).into());
    };
    if let Some(error) = entry.error() {
        let help = error.help().unwrap_or_else(|| "`opkgc plugin inspect` says more".to_owned());
        return Err(UsageError::new(error.to_string(), help).into());
    }
    Ok(registry.plugin(entry)?)
}

/// The examples that are to be tried: those of the directory that is named, else those beside the plugin's file.
fn examples(arguments: &PluginTestArgs, named: &Path) -> Result<Vec<Example>, CliError> {
    let directory = match &arguments.examples {
        Some(directory) => directory.clone(),
        None => {
            let beside = named.parent().filter(|_| named.is_file()).map(|parent| parent.join(EXAMPLES));
            match beside.filter(|directory| directory.is_dir()) {
                Some(directory) => directory,
                None if arguments.update => {
                    let help = "name their directory with --examples";
                    return Err(UsageError::new("there are no examples beside the plugin", help).into());
                }
                None => return Ok(Vec::new()),
            }
        }
    };
    let examples = find_examples(&directory)?;
    if examples.is_empty() && arguments.examples.is_some() {
        let message = format!("{} holds no example", directory.display());
        let help = "an example is a directory with `opkg/`, `target` and `expected/` in it";
        return Err(UsageError::new(message, help).into());
    }
    Ok(examples)
}
