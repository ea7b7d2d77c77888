//! `opkgc hook`: writing, building and trying hooks that are components.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fs_err as fs;
use opkg_opm::system::{Pretended, Trial};
use opkg_runtime::{Names, Problem, Registry, Role, build};
use serde::Serialize;

use crate::args::Hook;
use crate::exit::Exit;
use crate::failure::UsageError;
use crate::plugins;
use crate::shell::Shell;

/// The files of a new crate, each with what is in it.
const TEMPLATE: [(&str, &str); 3] = [
    ("Cargo.toml", include_str!("../../../../templates/hook/Cargo.toml")),
    ("src/lib.rs", include_str!("../../../../templates/hook/lib.rs")),
    ("cluster.toml", include_str!("../../../../templates/hook/cluster.toml")),
];

/// Runs the command.
///
/// # Errors
/// When it fails.
pub fn run(shell: Shell, command: Hook) -> Result<Exit> {
    match command {
        Hook::New { name, output, sdk } => new(shell, &name, output, &sdk),
        Hook::Build { directory, output } => make(shell, &directory, output),
        Hook::Run { file, pretend, hook, files } => {
            attempt(shell, &file, &pretend, hook.as_deref(), files.as_deref())
        }
    }
}

fn new(shell: Shell, name: &str, output: Option<PathBuf>, sdk: &Path) -> Result<Exit> {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-');
    if !is_name {
        let help = "use a-z, 0-9 and `-`, a letter first and no `-` at the end";
        return Err(UsageError::new(format!("`{}` is no name for a crate", name.escape_debug()), help).into());
    }
    if !sdk.join("Cargo.toml").is_file() {
        let message = format!("{} is not the directory of the crate `opkg-plugin`", sdk.display());
        let help = "name it with --sdk: `plugins/sdk` in the sources of this program";
        return Err(UsageError::new(message, help).into());
    }
    let sdk = fs::canonicalize(sdk)?;
    let sdk = sdk.to_str().context("the path of the crate `opkg-plugin` is not UTF-8")?;
    let sdk: String = sdk.chars().flat_map(quoted).collect();
    let target = output.unwrap_or_else(|| PathBuf::from(name));
    // Whole or not at all.
    let parent = target.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staging = tempfile::Builder::new().prefix(".hook-").tempdir_in(parent)?;
    let made = staging.path().join(name);
    for (path, text) in TEMPLATE {
        let path = made.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&made))?;
        fs::write(path, text.replace("@NAME@", name).replace("@SDK@", &sdk))?;
    }
    if fs::symlink_metadata(&target).is_ok() {
        let help = "name another directory with --output";
        return Err(UsageError::new(format!("{} is there already", target.display()), help).into());
    }
    fs::rename(&made, &target)?;
    shell.data(&format!("{}\n", target.display()))?;
    shell.status(&format!("opkgc hook build {} makes a component of it", target.display()));
    Ok(Exit::Done)
}

/// A character of a string of TOML.
fn quoted(c: char) -> impl Iterator<Item = char> {
    matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])
}

/// What `build --format json` prints.
#[derive(Serialize)]
struct Built<'a> {
    path: String,
    size: usize,
    interface: &'a str,
    /// What it asks of its host.
    imports: Vec<String>,
}

fn make(shell: Shell, directory: &Path, output: Option<PathBuf>) -> Result<Exit> {
    let built = build::component(directory, build::Options { quiet: shell.quiet(), ..Default::default() })?;
    let names = Names::read(&built.component)?;
    if let found @ Role::Distribution = names.plugin()?.0 {
        let problem = Problem::Other { found, wanted: Role::HookRunner };
        let help = "`opkgc plugin build` builds those";
        return Err(UsageError::new(format!("the crate {} {problem}", built.crate_name), help).into());
    }
    let path = output.unwrap_or_else(|| built.file_name().into());
    built.write(&path)?;
    if shell.json() {
        let path = path.display().to_string();
        let (size, interface) = (built.component.len(), built.interface.as_str());
        shell.json_data(&Built { path, size, interface, imports: names.imports })?;
        return Ok(Exit::Done);
    }
    let (name, version) = (&built.crate_name, &built.crate_version);
    shell.status(&format!(
        "{name} {version}: {} bytes, interface {}",
        built.component.len(),
        built.interface
    ));
    shell.data(&format!("{}\n", path.display()))?;
    Ok(Exit::Done)
}

/// What `run --format json` prints.
#[derive(Serialize)]
struct Tried {
    ok: bool,
    did: Vec<String>,
    error: Option<String>,
}

fn attempt(
    shell: Shell,
    file: &Path,
    pretend: &Path,
    hook: Option<&str>,
    files: Option<&Path>,
) -> Result<Exit> {
    let text = fs::read_to_string(pretend)?;
    let pretended = Pretended::parse(&text).map_err(|reason| {
        let message =
            format!("the pretended cluster {} is not as it should be:\n{reason}", pretend.display());
        UsageError::new(message, "docs/hooks.md says what may stand there")
    })?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let hook = hook.unwrap_or_else(|| name.strip_suffix(".wasm").unwrap_or(&name)).to_owned();
    let registry = Registry::discover(plugins::options(shell, &[]));
    let scratch = tempfile::tempdir()?;
    let directory = files.unwrap_or(scratch.path());
    let Trial { said, failure } = pretended.run(&registry, &name, fs::read(file)?, &hook, directory)?;
    if shell.json() {
        shell.json_data(&Tried { ok: failure.is_none(), did: said, error: failure.clone() })?;
    } else {
        said.iter().try_for_each(|line| shell.data(&format!("{line}\n")))?;
        match &failure {
            Some(failure) => shell.message(&format!("error: {failure}")),
            None => shell.status("done"),
        }
    }
    Ok(if failure.is_some() { Exit::Failed } else { Exit::Done })
}
