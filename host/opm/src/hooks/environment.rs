//! The environment of programs.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use opkg_oda::{PackageName, TargetKind};

use super::home::{OSCAR_HOME, VALUES_FILE, package_home};
use super::invocation::HookContext;
use crate::config::Config;
use crate::process::DEFAULT_PATH;

/// Names of variables with their values, each name once.
pub(crate) type Environment = Vec<(OsString, OsString)>;

/// The environment of a hook: all of it.
pub(crate) fn hook_environment(config: &Config, context: &HookContext<'_>) -> Environment {
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
    let mut nodes: Vec<_> = context
        .cluster
        .targets_of_kind(TargetKind::Client)
        .map(|client| client.address.name.as_str())
        .collect();
    nodes.sort_unstable();
    set("OPM_NODES", nodes.join(" ").into());
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
