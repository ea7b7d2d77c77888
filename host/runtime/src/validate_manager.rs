//! What a plugin says of a package manager: commands, and what it understood of their output.

use opkg_interface::package_manager::{Command, InstallState, Installed, Offer, SideEffect};
use opkg_interface::text::quote;

use crate::validate::{TreeEntry, validate_command, validate_no_conflicts};
use crate::validate_words::{
    ValidationError, invalid, validate_absolute, validate_file_name, validate_non_empty, validate_single_line,
};

/// How the names of files begin that a command of a package manager brings with it.
const OWN_FILE_PREFIX: &str = "opkg-";

/// Checks the commands of a package manager.
///
/// # Errors
/// When one cannot be started, cannot succeed, or has a file that may be somebody else's.
pub(crate) fn validate_commands(commands: &[Command]) -> Result<(), ValidationError> {
    commands.iter().try_for_each(|command| {
        validate_command(&command.argv, &command.env)?;
        if command.success.is_empty() {
            return invalid(format!("a command that cannot succeed: {}", quote(&command.argv[0])));
        }
        for file in &command.files {
            validate_absolute(&file.path)?;
            if !file.path.rsplit('/').next().is_some_and(|name| name.starts_with(OWN_FILE_PREFIX)) {
                return invalid(format!(
                    "the file {} for a command, whose name does not begin with `{OWN_FILE_PREFIX}`",
                    quote(&file.path)
                ));
            }
        }
        validate_no_conflicts(
            &mut command.files.iter().map(|file| TreeEntry::file(&file.path)).collect::<Vec<_>>(),
        )
    })
}

/// Checks the names of programs that the host shall look for.
///
/// # Errors
/// When one is not a plain name.
pub(crate) fn validate_programs(names: &[String]) -> Result<(), ValidationError> {
    names.iter().try_for_each(|name| validate_file_name(name))
}

/// Checks what a package manager is said to have printed.
///
/// # Errors
/// When something is not one printable line.
pub(crate) fn validate_installed(packages: &[Installed]) -> Result<(), ValidationError> {
    packages.iter().try_for_each(|package| {
        validate_non_empty("name of an installed package", &package.name)?;
        validate_single_line("version of an installed package", &package.version)?;
        if let Some(arch) = &package.arch {
            validate_single_line("architecture of an installed package", arch)?;
        }
        match &package.state {
            InstallState::Incomplete(how) => validate_non_empty("state of an installed package", how),
            InstallState::Complete | InstallState::Residual => Ok(()),
        }
    })
}

/// Checks what package sources are said to have.
///
/// # Errors
/// When a name or version is not one printable line.
pub(crate) fn validate_offers(offers: &[Offer]) -> Result<(), ValidationError> {
    offers.iter().try_for_each(|offer| {
        validate_non_empty("name of an offered package", &offer.name)?;
        validate_non_empty("version of an offered package", &offer.version)
    })
}

/// Checks what a transaction is said to do besides what was asked for.
///
/// # Errors
/// When a name is not one printable line.
pub(crate) fn validate_side_effects(side_effects: &[SideEffect]) -> Result<(), ValidationError> {
    side_effects.iter().try_for_each(|effect| validate_non_empty("name of a package", &effect.name))
}
