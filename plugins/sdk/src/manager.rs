//! The trait of a package manager, and the commands that it returns.

use std::fmt;

use crate::package_manager::{Command, Installed, Place};

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
    /// The programs that the commands may use, so that the host can look which of them are there.
    fn programs() -> Vec<String>;

    /// Installs packages, or upgrades them to the newest version there is.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn install(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError>;

    /// Removes packages that are installed, and what cannot be without them.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn remove(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError>;

    /// Reads anew what the package sources have.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn refresh(target: &Place) -> Result<Vec<Command>, PackageManagerError>;

    /// Asks which of the packages are installed; all installed ones if none is named.
    ///
    /// # Errors
    /// None of the programs there can do it.
    fn query(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError>;

    /// Reads what the last command of [`query`](Self::query) printed.
    ///
    /// # Errors
    /// It is not what that command prints.
    fn parse_query(printed: &str) -> Result<Vec<Installed>, PackageManagerError>;
}

impl Command {
    /// Run by the host outside the target's root, in the environment in which programs print what they are
    /// documented to print. It succeeds with exit status 0.
    #[must_use]
    pub fn new(argv: Vec<String>) -> Self {
        Self {
            argv,
            env: vec![("LC_ALL".to_owned(), "C".to_owned())],
            in_root: false,
            files: Vec::new(),
            success: vec![0],
        }
    }
}
