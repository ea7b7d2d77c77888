//! The trait of a package manager, and the commands that it returns.

use std::fmt;

use crate::package_manager::{Command, CommandFailure, Installed, Offer, PackageRequest, Place, SideEffect};

/// Why a package manager cannot do what is asked for: one line for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageManagerError(String);

impl PackageManagerError {
    /// The message, which the host shows as it is.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for PackageManagerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PackageManagerError {}

/// The package manager of a family of distributions.
///
/// Commands are argument vectors which the host runs without a shell, one after the other until one fails.
pub trait PackageManager {
    /// The programs that the commands may start, those of [`NativeBuild`](crate::artefacts::NativeBuild) as well. The host
    /// looks which of them are there, and starts nothing else.
    fn programs() -> Vec<String>;

    /// Asks which versions of these packages the package sources have. No commands, where the manager cannot tell: then no
    /// [`PackageRequest`] names a version.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn offers(_packages: &[String], _target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(Vec::new())
    }

    /// Reads what each command of [`offers`](Self::offers) printed: of each package the newest version first, nothing
    /// that is only installed.
    ///
    /// # Errors
    /// It is not what that command prints.
    fn parse_offers(_printed: &[String]) -> Result<Vec<Offer>, PackageManagerError> {
        Ok(Vec::new())
    }

    /// Installs packages, or brings them to the version that is asked for, older than the one that is there or newer; where
    /// none is named, to the newest there is.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn install(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError>;

    /// Installs packages once more in the version that is there, so that their scripts run again. Where a request names a
    /// version, it is that one.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn reinstall(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError>;

    /// Tries [`install`](Self::install) without changing anything, where its commands would not refuse by themselves to
    /// remove, replace or downgrade what nobody named.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn simulate(_packages: &[PackageRequest], _target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(Vec::new())
    }

    /// Reads what each command of [`simulate`](Self::simulate) printed.
    ///
    /// # Errors
    /// It is not what that command prints.
    fn parse_simulation(_printed: &[String]) -> Result<Vec<SideEffect>, PackageManagerError> {
        Ok(Vec::new())
    }

    /// Removes packages, complete or not, with their configuration; fails where others need them.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn remove(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError>;

    /// Brings packages that are incomplete to an end. That a command cannot is no failure.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn repair(_packages: &[Installed], _target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(Vec::new())
    }

    /// Reads anew what the package sources have.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn refresh(target: &Place) -> Result<Vec<Command>, PackageManagerError>;

    /// Asks for all packages that are installed, in whatever state.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn query(target: &Place) -> Result<Vec<Command>, PackageManagerError>;

    /// Reads what each command of [`query`](Self::query) printed.
    ///
    /// # Errors
    /// It is not what that command prints, or there is no package at all, which no system is without.
    fn parse_query(printed: &[String]) -> Result<Vec<Installed>, PackageManagerError>;

    /// Finds what went wrong with a command in all that it printed: never in its last line because that is the last. Of
    /// a command that succeeded, what is a failure nevertheless, as a script that failed.
    fn explain(printed: &str, succeeded: bool) -> Vec<CommandFailure>;
}

/// What the last of some commands printed, where that one is the answer.
#[must_use]
pub fn last_answer(printed: &[String]) -> &str {
    printed.last().map_or("", String::as_str)
}

impl PackageRequest {
    /// The package in the newest version there is.
    #[must_use]
    pub fn newest(name: impl Into<String>) -> Self {
        Self { name: name.into(), version: None, attributes: Vec::new() }
    }

    /// The package in this version, as the package manager writes it.
    #[must_use]
    pub fn exactly(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: Some(version.into()), attributes: Vec::new() }
    }
}

impl CommandFailure {
    /// A cause that somebody has to remove, by no package in particular.
    #[must_use]
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), packages: Vec::new(), transient: false }
    }

    /// A cause that passes by itself.
    #[must_use]
    pub fn transient(cause: impl Into<String>) -> Self {
        Self { transient: true, ..Self::new(cause) }
    }

    /// A cause that is the fault of a package.
    #[must_use]
    pub fn of_package(cause: impl Into<String>, package: impl Into<String>) -> Self {
        Self { packages: vec![package.into()], ..Self::new(cause) }
    }
}

impl Command {
    /// Run by the host outside the target's root, in the environment in which programs print what they are
    /// documented to print: for gettext of Python `LANGUAGE` counts more than `LC_ALL`. It succeeds with exit status 0.
    #[must_use]
    pub fn new(argv: Vec<String>) -> Self {
        Self {
            argv,
            env: ["LC_ALL", "LANGUAGE"].map(|name| (name.to_owned(), "C".to_owned())).into(),
            in_root: false,
            files: Vec::new(),
            success: vec![0],
            attributes: Vec::new(),
        }
    }
}
