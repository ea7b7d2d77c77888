//! The trait of a distribution, and its export as a component.

use std::marker::PhantomData;

use crate::artefacts::{Member, Output};
use crate::containers::{self, Built, IndexFile, IndexRequest, PackageFile, PackageSource};
use crate::log::install_panic_hook;
use crate::manager::PackageManager;
use crate::model::{BuildTarget, Opkg};
use crate::package_manager::{
    self, Command, CommandFailure, Installed, Offer, PackageRequest, Place, SideEffect,
};
use crate::packaging::{self, DistributionInfo, Refusal};

/// A family of distributions. All functions are pure: the same input gives the same output.
pub trait Distribution {
    /// How packages are installed there.
    type Manager: PackageManager;

    /// Ids, releases and architectures of the distributions.
    fn describe() -> DistributionInfo;

    /// The meta-files and packages of an OPKG.
    ///
    /// # Errors
    /// Says why there are none for this target; see [`Refusal`].
    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal>;

    /// What stands in a slot of an archive, in this order. Packages that are RPMs or debs have no slots.
    ///
    /// # Errors
    /// Says why there is nothing that could stand there: one line.
    fn members(slot: &str, _built: &Built) -> Result<Vec<Member>, String> {
        Err(format!("the plugin has a slot `{slot}` in its archives, and nothing that fills it"))
    }

    /// What an index of a directory of packages is made of; nothing where the plugin makes none: that of RPMs and debs is the
    /// host's.
    #[must_use]
    fn describe_index() -> Option<IndexRequest> {
        None
    }

    /// The index of a directory of packages, which are sorted by their names.
    ///
    /// # Errors
    /// Says why there is none: one line.
    fn index(_source: &PackageSource, _packages: &[PackageFile]) -> Result<Vec<IndexFile>, String> {
        Err("the plugin makes no index of packages".to_owned())
    }
}

/// A distribution in the shape that the generated bindings want.
pub struct DistributionExport<D>(PhantomData<D>);

impl<D: Distribution> packaging::Guest for DistributionExport<D> {
    fn describe() -> DistributionInfo {
        install_panic_hook();
        D::describe()
    }

    fn generate(opkg: Opkg, target: BuildTarget) -> Result<Output, Refusal> {
        install_panic_hook();
        D::generate(&opkg, &target)
    }
}

impl<D: Distribution> containers::Guest for DistributionExport<D> {
    fn members(slot: String, built: Built) -> Result<Vec<Member>, String> {
        install_panic_hook();
        D::members(&slot, &built)
    }

    fn describe_index() -> Option<IndexRequest> {
        install_panic_hook();
        D::describe_index()
    }

    fn index(source: PackageSource, packages: Vec<PackageFile>) -> Result<Vec<IndexFile>, String> {
        install_panic_hook();
        D::index(&source, &packages)
    }
}

impl<D: Distribution> package_manager::Guest for DistributionExport<D> {
    fn programs() -> Vec<String> {
        install_panic_hook();
        D::Manager::programs()
    }

    fn offers(packages: Vec<String>, place: Place) -> Result<Vec<Command>, String> {
        install_panic_hook();
        D::Manager::offers(&packages, &place).map_err(|error| error.to_string())
    }

    fn parse_offers(printed: Vec<String>) -> Result<Vec<Offer>, String> {
        install_panic_hook();
        D::Manager::parse_offers(&printed).map_err(|error| error.to_string())
    }

    fn install(packages: Vec<PackageRequest>, place: Place) -> Result<Vec<Command>, String> {
        install_panic_hook();
        D::Manager::install(&packages, &place).map_err(|error| error.to_string())
    }

    fn reinstall(packages: Vec<PackageRequest>, place: Place) -> Result<Vec<Command>, String> {
        install_panic_hook();
        D::Manager::reinstall(&packages, &place).map_err(|error| error.to_string())
    }

    fn simulate(packages: Vec<PackageRequest>, place: Place) -> Result<Vec<Command>, String> {
        install_panic_hook();
        D::Manager::simulate(&packages, &place).map_err(|error| error.to_string())
    }

    fn parse_simulation(printed: Vec<String>) -> Result<Vec<SideEffect>, String> {
        install_panic_hook();
        D::Manager::parse_simulation(&printed).map_err(|error| error.to_string())
    }

    fn remove(packages: Vec<String>, place: Place) -> Result<Vec<Command>, String> {
        install_panic_hook();
        D::Manager::remove(&packages, &place).map_err(|error| error.to_string())
    }

    fn repair(packages: Vec<Installed>, place: Place) -> Result<Vec<Command>, String> {
        install_panic_hook();
        D::Manager::repair(&packages, &place).map_err(|error| error.to_string())
    }

    fn refresh(place: Place) -> Result<Vec<Command>, String> {
        install_panic_hook();
        D::Manager::refresh(&place).map_err(|error| error.to_string())
    }

    fn query(place: Place) -> Result<Vec<Command>, String> {
        install_panic_hook();
        D::Manager::query(&place).map_err(|error| error.to_string())
    }

    fn parse_query(printed: Vec<String>) -> Result<Vec<Installed>, String> {
        install_panic_hook();
        D::Manager::parse_query(&printed).map_err(|error| error.to_string())
    }

    fn explain(printed: String, succeeded: bool) -> Vec<CommandFailure> {
        install_panic_hook();
        D::Manager::explain(&printed, succeeded)
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
            type Component = $crate::DistributionExport<$distribution>;
            $crate::bindings::__export_distribution!(Component with_types_in $crate::bindings);
        }
    };
}
