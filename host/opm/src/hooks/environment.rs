//! The environment of programs.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;

use opkg_oda::{Cluster, PackageName, TargetKind};
use opkg_scratch::ScratchDir;

use super::context::HookContext;
use super::home::{OSCAR_HOME, VALUES_FILE, package_home};
use crate::config::Config;
use crate::process::DEFAULT_PATH;

/// The names of the nodes, with blanks between them.
const NODES: &str = "OPM_NODES";

/// The path of a file with the names of the nodes, a line each.
const NODES_FILE: &str = "OPM_NODES_FILE";

/// Names of variables with their values, each name once.
pub(crate) type Environment = Vec<(OsString, OsString)>;

/// Where the directories of hooks are: nothing is left of it in a root, which has one of its own for every program.
const DIRECTORY_PARENT: &str = "/tmp";

/// How their names begin.
const DIRECTORY_PREFIX: &str = "opm-hook-";

/// Bytes of the longest text that the kernel takes as one variable or argument, its end included: `MAX_ARG_STRLEN`.
const MAX_VARIABLE_BYTES: usize = 128 << 10;

/// The environment of a hook, with the file that it names, which is there as long as this lives.
#[derive(Debug)]
pub(crate) struct HookEnvironment {
    /// All of it.
    pub(crate) variables: Environment,
    directory: ScratchDir,
}

impl HookEnvironment {
    /// The directory that the hook must see, under this path.
    pub(crate) fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }
}

/// Makes the environment of a hook. The names of the nodes are in a file; in a variable as well, as long as the kernel
/// takes it, since one that is cut would be a wrong list.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn hook_environment(config: &Config, context: &HookContext<'_>) -> io::Result<HookEnvironment> {
    let nodes = node_names(context.cluster);
    let directory = new_directory()?;
    let file = directory.path().join("nodes");
    fs::write(&file, nodes.iter().flat_map(|name| [name, "\n"]).collect::<String>())?;
    // Whatever the umask of this process, and whoever the hook runs as.
    fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755))?;
    fs::set_permissions(&file, PermissionsExt::from_mode(0o644))?;
    let mut variables = variables(config, context);
    set_variable(&mut variables, NODES_FILE, file);
    let list = nodes.join(" ");
    if NODES.len() + "=".len() + list.len() < MAX_VARIABLE_BYTES {
        set_variable(&mut variables, NODES, list);
    }
    Ok(HookEnvironment { variables, directory })
}

/// A directory of this process' own. What processes left that were killed is removed.
fn new_directory() -> io::Result<ScratchDir> {
    ScratchDir::new(DIRECTORY_PREFIX, Some(Path::new(DIRECTORY_PARENT)))
}

/// Removes the directories that hooks of killed processes had.
pub(crate) fn remove_leftover_directories() {
    // What is in the way of that is in the way of the next hook, which says so.
    let _ = new_directory();
}

/// The names of all nodes, sorted.
pub(crate) fn node_names(cluster: &Cluster) -> Vec<&str> {
    let clients = cluster.targets_of_kind(TargetKind::Client);
    let mut nodes: Vec<_> = clients.map(|client| client.address.name.as_str()).collect();
    nodes.sort_unstable();
    nodes
}

/// The names of all nodes as arguments; none, where they are more than the kernel is sure to take.
pub(crate) fn node_arguments(cluster: &Cluster) -> Vec<OsString> {
    let nodes = node_names(cluster);
    let bytes: usize = nodes.iter().map(|name| name.len() + 1).sum();
    if bytes < MAX_VARIABLE_BYTES { nodes.into_iter().map(Into::into).collect() } else { Vec::new() }
}

fn variables(config: &Config, context: &HookContext<'_>) -> Environment {
    let mut variables = base_environment(config);
    let mut set = |name: &str, value: OsString| set_variable(&mut variables, name, value);
    set("OSCAR_HOME", OSCAR_HOME.into());
    set("OSCAR_VERBOSE", if config.verbose { "1" } else { "0" }.into());
    set("OSCAR_UI", "cli".into());
    let package = context.package.map(|package| &package.name);
    set("OPM_PACKAGE", package.map_or("", PackageName::as_str).into());
    if let Some(home) = package.map(package_home) {
        set("OPM_CONFIG_VALUES", home.join(VALUES_FILE).into());
        set("OSCAR_PACKAGE_HOME", home.into());
    }
    set("OPM_STAGE", context.stage.name().into());
    set("OPM_TARGET_KIND", context.target.kind.name().into());
    set("OPM_TARGET_NAME", context.target.name.as_str().into());
    let (image, directory) = context.image.map_or(("", Path::new("")), |(name, root)| (name, root.path()));
    set("OPM_IMAGE", image.into());
    set("OPM_IMAGE_DIR", directory.into());
    for (name, value) in context.tag.to_env() {
        set(name, value.into());
    }
    variables
}

/// Sets a variable, in place of one of the same name.
pub(crate) fn set_variable(variables: &mut Environment, name: &str, value: impl Into<OsString>) {
    variables.retain(|(known, _)| known != name);
    variables.push((name.into(), value.into()));
}

/// What every program gets.
pub(crate) fn base_environment(config: &Config) -> Environment {
    let machine = rustix::system::uname();
    let machine = OsStr::from_bytes(machine.nodename().to_bytes()).to_owned();
    let mut variables: Environment = [("PATH", DEFAULT_PATH), ("HOME", "/root"), ("LANG", "C.UTF-8")]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    variables.push(("HOSTNAME".into(), machine));
    for (name, value) in &config.environment {
        set_variable(&mut variables, name, value);
    }
    variables
}
