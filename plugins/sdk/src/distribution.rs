//! The trait of a distribution, and how a type that has it becomes a component.

use std::marker::PhantomData;

use crate::artefacts::Output;
use crate::log::report_panics;
use crate::opkg::{Opkg, Target};
use crate::package_manager::{Command, Guest as PackageManager, Installed, Place};
use crate::packaging::{Description, Guest as Packaging, Refusal};

/// A family of distributions: how an OPKG becomes its packages, and how its package manager is driven.
///
/// Every function is pure: the same input gives the same output. Commands are argument vectors which the
/// host runs without a shell; an `Err(String)` is one line for the user.
pub trait Distribution {
    /// What the plugin answers to.
    fn describe() -> Description;

    /// The meta-files and packages of an OPKG.
    ///
    /// # Errors
    /// Says why there are none for this target; see [`Refusal`].
    fn generate(opkg: &Opkg, target: &Target) -> Result<Output, Refusal>;

    /// The programs that the commands may use, so that the host can look which of them are there.
    fn programs() -> Vec<String>;

    /// Installs or upgrades packages.
    ///
    /// # Errors
    /// No program at that place can do it.
    fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String>;

    /// Removes packages.
    ///
    /// # Errors
    /// No program at that place can do it.
    fn remove(packages: &[String], place: &Place) -> Result<Vec<Command>, String>;

    /// Reads the indexes of the package sources anew.
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

/// A distribution in the shape that the generated bindings want.
pub struct Exported<D>(PhantomData<D>);

impl<D: Distribution> Packaging for Exported<D> {
    fn describe() -> Description {
        report_panics();
        D::describe()
    }

    fn generate(opkg: Opkg, target: Target) -> Result<Output, Refusal> {
        report_panics();
        D::generate(&opkg, &target)
    }
}

impl<D: Distribution> PackageManager for Exported<D> {
    fn programs() -> Vec<String> {
        report_panics();
        D::programs()
    }

    fn install(packages: Vec<String>, place: Place) -> Result<Vec<Command>, String> {
        report_panics();
        D::install(&packages, &place)
    }

    fn remove(packages: Vec<String>, place: Place) -> Result<Vec<Command>, String> {
        report_panics();
        D::remove(&packages, &place)
    }

    fn refresh(place: Place) -> Result<Vec<Command>, String> {
        report_panics();
        D::refresh(&place)
    }

    fn query(packages: Vec<String>, place: Place) -> Result<Vec<Command>, String> {
        report_panics();
        D::query(&packages, &place)
    }

    fn parse_query(printed: String) -> Result<Vec<Installed>, String> {
        report_panics();
        D::parse_query(&printed)
    }
}

/// Makes a type that implements [`Distribution`] the plugin that its crate builds.
///
/// Exports nothing in a native build, where several plugins may be linked into one test.
#[macro_export]
macro_rules! export_distribution {
    ($distribution:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, missing_docs)] // the calling convention of components passes raw pointers
        mod component {
            use super::*;
            type Component = $crate::Exported<$distribution>;
            $crate::bindings::__export_distribution!(Component with_types_in $crate::bindings);
        }
    };
}
