//! `opkgc hook`: writing, building and trying hooks that are components.

use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_opm::{HookComponent, SimulatedCluster, TrialResult};
use opkg_runtime::{ComponentInterface, LoadErrorKind, PluginKind, Registry};
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use crate::args::HookCommand;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::new_tree::{NewFile, write_new_tree};
use crate::plugins;

/// The files of a new crate, each with what is in it.
const TEMPLATE: [(&str, &str); 3] = [
    ("Cargo.toml", include_str!("../../../../templates/hook/Cargo.toml")),
    ("src/lib.rs", include_str!("../../../../templates/hook/lib.rs")),
    ("cluster.toml", include_str!("../../../../templates/hook/cluster.toml")),
];

const SDK_HELP: &str = "`opkgc plugin sdk DIR` writes it: name DIR/opkg-sdk with --sdk";

pub fn run(shell: Shell, command: HookCommand) -> Result<ExitStatus, CliError> {
    match command {
        HookCommand::New { name, output, sdk } => create_crate(shell, &name, output, sdk),
        HookCommand::Build { directory, output } => build_hook(shell, &directory, output),
        HookCommand::Run { file, program, pretend, hook, files } => {
            let trial =
                TrialFiles { component: &file, program: program.as_deref(), directory: files.as_deref() };
            run_hook(shell, &trial, &pretend, hook.as_deref())
        }
    }
}

fn create_crate(
    shell: Shell,
    name: &str,
    output: Option<PathBuf>,
    sdk: Option<PathBuf>,
) -> Result<ExitStatus, CliError> {
    check_crate_name(name)?;
    let sdk = fs::canonicalize(find_sdk(sdk)?)?;
    let sdk = sdk.to_str().ok_or_else(|| CliError::new("the path of the crate `opkg-sdk` is not UTF-8"))?;
    let sdk: String = sdk.chars().flat_map(escape_toml).collect();
    let target = output.unwrap_or_else(|| PathBuf::from(name));
    let file =
        |(path, text): (&str, &str)| NewFile::new(path, text.replace("@NAME@", name).replace("@SDK@", &sdk));
    write_new_tree(&target, &TEMPLATE.map(file))?;
    shell.print(&format!("{}\n", target.display()))?;
    shell.status(&format!("opkgc hook build {} makes a component of it", target.display()));
    Ok(ExitStatus::Success)
}

/// Refuses what cannot be the name of a crate.
pub fn check_crate_name(name: &str) -> Result<(), UsageError> {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-');
    if is_name {
        return Ok(());
    }
    let help = "use a-z, 0-9 and `-`, a letter first and no `-` at the end";
    Err(UsageError::new(format!("`{}` is no name for a crate", name.escape_debug()), help))
}

/// The directory of the crate `opkg-sdk`: the one that was named, or else the one that is installed with the program
/// that runs, `../share/opkg/plugins/sdk` seen from its own directory.
fn find_sdk(named: Option<PathBuf>) -> Result<PathBuf, CliError> {
    let is_crate = |directory: &Path| directory.join("Cargo.toml").is_file();
    if let Some(named) = named {
        if is_crate(&named) {
            return Ok(named);
        }
        let message = format!("{} is not the directory of the crate `opkg-sdk`", named.display());
        return Err(UsageError::new(message, SDK_HELP).into());
    }
    let program = std::env::current_exe()?;
    let installed = program.ancestors().nth(2).map(|prefix| prefix.join("share/opkg/plugins/sdk"));
    installed.filter(|directory| is_crate(directory)).ok_or_else(|| {
        UsageError::new("the crate `opkg-sdk` is not installed with this program", SDK_HELP).into()
    })
}

/// A character of a string of TOML.
pub fn escape_toml(c: char) -> impl Iterator<Item = char> {
    matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])
}

/// What `build --format json` prints.
#[derive(Serialize)]
struct BuildJson<'a> {
    path: String,
    size: usize,
    interface: &'a str,
    /// What it asks of its host.
    imports: Vec<String>,
}

fn build_hook(shell: Shell, directory: &Path, output: Option<PathBuf>) -> Result<ExitStatus, CliError> {
    let built = opkg_build::build_component(
        directory,
        opkg_build::BuildOptions { quiet: shell.is_quiet(), ..Default::default() },
    )?;
    let names = ComponentInterface::read(&built.component)?;
    if let found @ PluginKind::Distribution = names.classify()?.0 {
        let problem = LoadErrorKind::WrongKind { found, wanted: PluginKind::HookRunner };
        let help = "`opkgc plugin build` builds those";
        return Err(UsageError::new(format!("the crate {} {problem}", built.crate_name), help).into());
    }
    let path = output.unwrap_or_else(|| built.file_name().into());
    built.write(&path)?;
    if shell.is_json() {
        let path = path.display().to_string();
        let (size, interface) = (built.component.len(), built.interface.as_str());
        shell.print_json(&BuildJson { path, size, interface, imports: names.imports })?;
        return Ok(ExitStatus::Success);
    }
    let (name, version) = (&built.crate_name, &built.crate_version);
    shell.status(&format!(
        "{name} {version}: {} bytes, interface {}",
        built.component.len(),
        built.interface
    ));
    shell.print(&format!("{}\n", path.display()))?;
    Ok(ExitStatus::Success)
}

/// What `run --format json` prints.
#[derive(Serialize)]
struct HookRunJson {
    ok: bool,
    did: Vec<String>,
    error: Option<String>,
}

/// What is tried.
struct TrialFiles<'a> {
    component: &'a Path,
    /// What a runner runs.
    program: Option<&'a Path>,
    /// Where the files of the hook are.
    directory: Option<&'a Path>,
}

fn run_hook(
    shell: Shell,
    files: &TrialFiles<'_>,
    pretend: &Path,
    hook: Option<&str>,
) -> Result<ExitStatus, CliError> {
    let text = fs::read_to_string(pretend)?;
    let cluster = SimulatedCluster::parse(&text).map_err(|reason| {
        let message = format!("the simulated cluster {} is invalid:\n{reason}", pretend.display());
        UsageError::new(message, "docs/hooks.md says what may stand there")
    })?;
    let file_name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = file_name(files.component);
    let served = file_name(files.program.unwrap_or(files.component));
    let stem = served.strip_suffix(".wasm").unwrap_or(&served);
    let hook = hook.unwrap_or(stem).to_owned();
    let registry = Registry::discover(plugins::runtime_options(shell, &[]));
    let scratch = tempfile::tempdir()?;
    let component =
        HookComponent { name: &name, component: fs::read(files.component)?, program: files.program };
    let TrialResult { transcript: said, failure } =
        cluster.run(&registry, component, &hook, files.directory.unwrap_or(scratch.path()))?;
    if shell.is_json() {
        shell.print_json(&HookRunJson { ok: failure.is_none(), did: said, error: failure.clone() })?;
    } else {
        said.iter().try_for_each(|line| shell.print(&format!("{line}\n")))?;
        match &failure {
            Some(failure) => shell.eprint(&format!("error: {failure}")),
            None => shell.status("done"),
        }
    }
    Ok(if failure.is_some() { ExitStatus::Failed } else { ExitStatus::Success })
}
