//! The real program `opm`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::opkgc;

/// The program to test instead of the one that this checkout builds.
pub const PROGRAM_VAR: &str = "OPM";

/// The program, built once per test process unless `$OPM` names one.
///
/// # Panics
///
/// If it cannot be built.
#[must_use]
pub fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        std::env::var_os(PROGRAM_VAR).map_or_else(|| opkgc::build_program("opm"), PathBuf::from)
    })
}

/// The program, without variables that would change what it does.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new(program());
    for variable in ["OPM_DATABASE", "OPM_CONF", "OPM_SETTINGS", "OPKG_PLUGIN_PATH"] {
        command.env_remove(variable);
    }
    command
}
