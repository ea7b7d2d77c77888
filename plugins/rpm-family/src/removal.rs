//! Removing packages, by `rpm` itself: it removes what it is told and nothing else, or refuses and says who needs it.
//! The managers above it take along whatever needs a package.

use opkg_sdk::PackageManagerError;
use opkg_sdk::package_manager::{Command, Installed, Place};

use crate::query::{self, check_names};

/// All versions of the packages, should an upgrade have been cut off.
///
/// # Errors
/// A name is none.
pub fn commands(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
    check_names(packages)?;
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![erase(&["--allmatches"], packages, target)])
}

/// Ends upgrades that were cut off: what is incomplete is the older version, which was to go, see
/// [`query::parse`]. Its scriptlets run as in an upgrade, since the newer version stays.
#[must_use]
pub fn repair_commands(packages: &[Installed], target: &Place) -> Vec<Command> {
    let exact = |package: &Installed| {
        let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
        let arch = package.arch.as_ref().map_or_else(String::new, |arch| format!(".{arch}"));
        format!("{}-{version}{arch}", package.name)
    };
    packages.iter().map(|package| erase(&[], &[exact(package)], target)).collect()
}

fn erase(options: &[&str], packages: &[String], target: &Place) -> Command {
    let mut argv = query::rpm(target);
    argv.push("-e".to_owned());
    argv.extend(options.iter().map(ToString::to_string));
    argv.extend_from_slice(packages);
    Command::new(argv)
}
