//! What a run leaves out or takes away although somebody may count on it: said, and refused where going on would
//! deceive.

use std::path::Path;

use opkg::diagnostic::Diagnostic;
use opkg_interface::artefacts::{Container, Output};
use opkg_package::{BuildMode, IndexState};
use opkg_shell::{Shell, UsageError};

/// What of a plan was not made, though it succeeded.
pub fn left_out(output: &Output, builder: BuildMode) -> Vec<Diagnostic> {
    let is_native = matches!(builder, BuildMode::Native { .. });
    let mut found = Vec::new();
    if is_native && matches!(output.main_container(), Some(Container::Deb(_))) && !output.packages.is_empty()
    {
        let message = "a native build leaves out `.changes` and `.buildinfo`, which describe an upload";
        let help = "leave out --builder: opkgc makes the same packages itself, and describes them";
        found.push(Diagnostic::warning("no-upload", message).help(help));
    }
    if builder != BuildMode::None && output.packages.is_empty() {
        let message = "no binary packages are made: the release that they would be for is not among those that the \
                       package is meant for";
        found.push(
            Diagnostic::warning("no-packages", message)
                .help("name a release that is, as in --dist DIST-VERSION"),
        );
    }
    found
}

/// What is to become of the index of a directory that packages are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexPlan {
    /// It stays as it is.
    Untouched,
    /// It is written anew, signed.
    Signed,
    /// It is written anew, without a signature.
    Unsigned,
    /// The same, and somebody asked for that.
    UnsignedOnPurpose,
}

impl IndexPlan {
    /// One that is written, with a key or without, and perhaps so on purpose.
    #[must_use]
    pub fn of(has_key: bool, signs_nothing: bool) -> Self {
        match (has_key, signs_nothing) {
            (true, _) => Self::Signed,
            (false, true) => Self::UnsignedOnPurpose,
            (false, false) => Self::Unsigned,
        }
    }
}

/// Holds what is planned for the index of a directory against the one that it has.
///
/// # Errors
/// When its signature would go away unasked: readers would believe that somebody tampered with it.
pub fn check_index(shell: Shell, directory: &Path, plan: IndexPlan) -> Result<(), UsageError> {
    let place = directory.display();
    match (opkg_package::index_state(directory), plan) {
        (IndexState::Signed, IndexPlan::Unsigned) => Err(UsageError::new(
            format!("the index in {place} is signed, and this run has no key to sign the new one with"),
            "name the key with --sign; with --no-sign, the new index is not signed",
        )),
        (IndexState::Signed, IndexPlan::UnsignedOnPurpose) => {
            shell.status(&format!("warning: the index in {place} is no longer signed"));
            Ok(())
        }
        (IndexState::Signed | IndexState::Unsigned, IndexPlan::Untouched) => {
            shell.status(&format!(
                "warning: the index in {place} will not list what is written now\n  help: --repo writes it anew"
            ));
            Ok(())
        }
        _ => Ok(()),
    }
}
