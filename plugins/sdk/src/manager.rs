//! How a package manager is driven: the trait, and the commands that it is made of.

use crate::package_manager::{Command, Installed, Place};

/// The package manager of a family of distributions.
///
/// Commands are argument vectors which the host runs without a shell, one after the other until one fails; an
/// `Err(String)` is one line for the user.
pub trait PackageManager {
    /// The programs that the commands may use, so that the host can look which of them are there.
    fn programs() -> Vec<String>;

    /// Installs packages, or upgrades them to the newest version there is.
    ///
    /// # Errors
    /// No program at that place can do it.
    fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String>;

    /// Removes packages that are installed, and what cannot be without them.
    ///
    /// # Errors
    /// No program at that place can do it.
    fn remove(packages: &[String], place: &Place) -> Result<Vec<Command>, String>;

    /// Reads anew what the package sources have.
    ///
    /// # Errors
    /// No program at that place can do it.
    fn refresh(place: &Place) -> Result<Vec<Command>, String>;

    /// Asks which of the packages are installed; all installed ones if none is named.
    ///
    /// # Errors
    /// No program at that place can do it.
    fn query(packages: &[String], place: &Place) -> Result<Vec<Command>, String>;

    /// Reads what the last command of [`query`](Self::query) printed.
    ///
    /// # Errors
    /// It is not what that command prints.
    fn parse_query(printed: &str) -> Result<Vec<Installed>, String>;
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
