//! `opkgc plugin build`: a component of a crate, or of a core module.

use std::path::{Path, PathBuf};

use opkg_build::{BuildOptions, Language};
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use crate::args::PluginBuildArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;

/// What `--format json` prints.
#[derive(Serialize)]
struct BuildJson<'a> {
    path: String,
    size: usize,
    interface: &'a str,
    /// Of a crate.
    compiler: Option<&'a str>,
}

pub fn run(shell: Shell, arguments: &PluginBuildArgs) -> Result<ExitStatus, CliError> {
    let PluginBuildArgs { source, output } = arguments;
    if source.is_file() {
        return build_from_module(shell, source, output.as_deref());
    }
    match Language::detect(source) {
        Some(Language::Rust) | None => build_crate(shell, source, output.as_deref()),
        Some(language) => Err(explain_language(source, language)),
    }
}

fn build_crate(shell: Shell, directory: &Path, output: Option<&Path>) -> Result<ExitStatus, CliError> {
    let built = opkg_build::build_component(
        directory,
        BuildOptions { quiet: shell.is_quiet(), ..BuildOptions::default() },
    )?;
    let path = output.map_or_else(|| built.file_name().into(), Path::to_owned);
    built.write(&path)?;
    let title = format!("{} {}", built.crate_name, built.crate_version);
    let (component, interface) = (&built.component, built.interface.as_str());
    report(shell, &title, &path, (component, interface), Some(&built.compiler))
}

fn build_from_module(shell: Shell, module: &Path, output: Option<&Path>) -> Result<ExitStatus, CliError> {
    let name = module.file_name().unwrap_or_default();
    let path = output.map_or_else(|| PathBuf::from(name).with_extension("wasm"), Path::to_owned);
    let is_module = |path: &Path| {
        path.canonicalize().is_ok_and(|path| module.canonicalize().is_ok_and(|module| path == module))
    };
    if is_module(&path) {
        let message = "the component would take the place of the module that it is made of";
        return Err(UsageError::new(message, "name another file with --output").into());
    }
    let built = opkg_build::build_from_module(module)?;
    built.write(&path)?;
    let title = name.to_string_lossy();
    report(shell, &title, &path, (&built.component, &built.interface), None)
}

fn report(
    shell: Shell,
    title: &str,
    path: &Path,
    (component, interface): (&[u8], &str),
    compiler: Option<&str>,
) -> Result<ExitStatus, CliError> {
    if shell.is_json() {
        let path = path.display().to_string();
        shell.print_json(&BuildJson { path, size: component.len(), interface, compiler })?;
        return Ok(ExitStatus::Success);
    }
    shell.status(&format!("{title}: {} bytes, interface {interface}", component.len()));
    shell.print(&format!("{}\n", path.display()))?;
    Ok(ExitStatus::Success)
}

/// What builds a directory that is no crate: its own tools do.
fn explain_language(directory: &Path, language: Language) -> CliError {
    // Where the template for C looks first.
    let sdk = std::env::var_os("WASI_SDK_PATH").map(|sdk| PathBuf::from(sdk).join("bin"));
    let programs = std::env::var_os("PATH");
    let path: Vec<PathBuf> = sdk.into_iter().chain(programs.iter().flat_map(std::env::split_paths)).collect();
    let missing = language.missing_tools(&path);
    let message =
        format!("{} holds a plugin in {}, which its own tools build", directory.display(), language.name());
    let mut help = format!("run `{}` in there", language.command());
    for tool in missing {
        help.push_str(&format!("; `{}` is not installed: {}", tool.name, tool.remedy));
    }
    UsageError::new(message, help).into()
}
