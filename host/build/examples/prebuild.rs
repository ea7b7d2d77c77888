//! Builds the components that are kept in `plugins/prebuilt` and in the examples anew, each with its provenance, or
//! checks with `--check` that building them again gives the same bytes. Names of plugins restrict it to those.
//!
//! The standard library is always built from source, since then the bytes depend on the version of the
//! compiler alone and not on who made it.

use std::path::Path;
use std::process::ExitCode;

use opkg_build::provenance::{self, PrebuiltComponent, Provenance};
use opkg_build::{self as build, BuildResult, StdLibrary};
use opkg_runtime::{PluginDescription, RuntimeOptions};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let (flags, plugins): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    let check = match flags.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => {
            eprintln!("usage: prebuild [--check] [PLUGIN...]");
            return ExitCode::from(2);
        }
    };
    match prebuild(check, &plugins) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether everything is as it should be.
fn prebuild(check: bool, plugins: &[String]) -> Result<bool> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let mut kept = provenance::find_prebuilt(&workspace)?;
    if !plugins.is_empty() {
        kept.retain(|it| plugins.iter().any(|plugin| it.directory.ends_with(plugin)));
    }
    if kept.is_empty() {
        return Err("no such plugin below plugins/ or examples/hooks/".into());
    }
    let mut good = true;
    for one in kept {
        good &= build_or_check(&one, check)?;
    }
    Ok(good)
}

fn build_or_check(
    PrebuiltComponent { directory, component, record }: &PrebuiltComponent,
    check: bool,
) -> Result<bool> {
    let options = build::BuildOptions { std: Some(StdLibrary::Source), locked: true, quiet: false };
    let built = build::build_component(directory, options)?;
    let now = Provenance::from_build(&built, directory, describe(&built, directory)?)?;
    if !check {
        component.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        // In this order, since every component that is there becomes part of the program with its record.
        std::fs::write(record, now.to_json()?)?;
        built.write(component)?;
        println!("{}: {} bytes, interface {}", now.plugin, now.size, now.interface);
        return Ok(true);
    }
    let differences = provenance::compare(&Provenance::read(record)?, &now);
    if differences.is_empty() {
        println!("{}: the same bytes", now.plugin);
        return Ok(true);
    }
    eprintln!("{}: the component that is kept is not what its sources give here:", now.plugin);
    differences.iter().for_each(|difference| eprintln!("  {difference}"));
    eprintln!("{}", provenance::REBUILD_HINT);
    Ok(false)
}

/// Runs a component that has just been built, to ask what it is.
fn describe(built: &BuildResult, directory: &Path) -> Result<PluginDescription> {
    let scratch = tempfile::tempdir()?;
    let component = scratch.path().join(built.file_name());
    built.write(&component)?;
    let inspection = opkg_runtime::inspect(&component, &RuntimeOptions::default())?;
    match inspection.description {
        Some(description) if directory.ends_with(description.id()) => Ok(description),
        Some(description) => Err(format!(
            "{} calls itself `{}`: give the directory and the plugin the same name",
            directory.display(),
            description.id()
        )
        .into()),
        None => {
            let problem = inspection.problem.unwrap_or_default();
            Err(format!("the plugin in {} {problem}", directory.display()).into())
        }
    }
}
