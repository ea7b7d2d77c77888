//! The trait of a distribution, and how a type that has it becomes a component.

use std::marker::PhantomData;

use crate::artefacts::Output;
use crate::log::report_panics;
use crate::manager::PackageManager;
use crate::opkg::{Opkg, Target};
use crate::package_manager::{self, Command, Installed, Place};
use crate::packaging::{self, Description, Refusal};

/// A family of distributions. Both functions are pure: the same input gives the same output.
pub trait Distribution {
    /// How packages are installed there.
    type Manager: PackageManager;

    /// What the plugin answers to.
    fn describe() -> Description;

    /// The meta-files and packages of an OPKG.
    ///
    /// # Errors
    /// Says why there are none for this target; see [`Refusal`].
    fn generate(opkg: &Opkg, target: &Target) -> Result<Output, Refusal>;
}

/// A distribution in the shape that the generated bindings want.
pub struct Exported<D>(PhantomData<D>);

impl<D: Distribution> packaging::Guest for Exported<D> {
    fn describe() -> Description {
        report_panics();
        D::describe()
    }

    fn generate(opkg: Opkg, target: Target) -> Result<Output, Refusal> {
        report_panics();
        D::generate(&opkg, &target)
    }
}

impl<D: Distribution> package_manager::Guest for Exported<D> {
    fn programs() -> Vec<String> {
        report_panics();
        D::Manager::programs()
    }

    fn install(packages: Vec<String>, place: Place) -> Result<Vec<Command>, String> {
        report_panics();
        D::Manager::install(&packages, &place)
    }

    fn remove(packages: Vec<String>, place: Place) -> Result<Vec<Command>, String> {
        report_panics();
        D::Manager::remove(&packages, &place)
    }

    fn refresh(place: Place) -> Result<Vec<Command>, String> {
        report_panics();
        D::Manager::refresh(&place)
    }

    fn query(packages: Vec<String>, place: Place) -> Result<Vec<Command>, String> {
        report_panics();
        D::Manager::query(&packages, &place)
    }

    fn parse_query(printed: String) -> Result<Vec<Installed>, String> {
        report_panics();
        D::Manager::parse_query(&printed)
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
