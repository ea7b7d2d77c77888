//! How the package manager is driven. `opkgc` makes packages without it; `opm` needs it to install them.

use opkg_sdk::package_manager::{Command, CommandFailure, Installed, PackageRequest, Place};
use opkg_sdk::{PackageManager, PackageManagerError};

pub struct Manager;

/// CHANGE: return commands instead, as `Command::new(vec!["pm".into(), "install".into(), …])`, and their program in
/// `programs`.
fn not_written<T>() -> Result<T, PackageManagerError> {
    Err(PackageManagerError::new(
        "the plugin @NAME@ drives no package manager yet: install the packages by hand",
    ))
}

impl PackageManager for Manager {
    fn programs() -> Vec<String> {
        Vec::new()
    }

    fn install(_: &[PackageRequest], _: &Place) -> Result<Vec<Command>, PackageManagerError> {
        not_written()
    }

    fn reinstall(_: &[PackageRequest], _: &Place) -> Result<Vec<Command>, PackageManagerError> {
        not_written()
    }

    fn remove(_: &[String], _: &Place) -> Result<Vec<Command>, PackageManagerError> {
        not_written()
    }

    fn refresh(_: &Place) -> Result<Vec<Command>, PackageManagerError> {
        not_written()
    }

    fn query(_: &Place) -> Result<Vec<Command>, PackageManagerError> {
        not_written()
    }

    fn parse_query(_: &[String]) -> Result<Vec<Installed>, PackageManagerError> {
        not_written()
    }

    fn explain(_: &str, _: bool) -> Vec<CommandFailure> {
        Vec::new()
    }
}
