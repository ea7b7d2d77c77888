//! What is asked of a distribution plugin, in the host's own records, whichever version of the interface it was made for.

use std::sync::Arc;

use opkg::model::Opkg;
use opkg_interface::archive::Member;
use opkg_interface::artefacts::Output;
use opkg_interface::built::{Built, IndexFile, IndexNeeds, PackageFile, PackageSource};
use opkg_interface::package_manager::{
    Command, Failure, Installed, Offer, PackageRequest, Place, SideEffect,
};
use opkg_interface::{DistributionDescription, PackageSettings, Target};
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use crate::convert::Refusal;
use crate::execution_error::{ExecutionError, ExecutionErrorKind};
use crate::grants::ProgramGrants;
use crate::host::HostState;
use crate::limits::Limits;
use crate::plugin_description::PluginDescription;
use crate::prepared_component::PreparedComponent;
use crate::validate_words::ValidationError;
use crate::world::World;
use crate::{bindings, convert};

/// What a plugin answers with a reason where it has no answer.
type Answer<T> = Result<Result<T, String>, ExecutionError>;

/// The OPKG that a call is about, and what is made of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) opkg: &'a Arc<Opkg>,
    pub(crate) target: &'a Target,
    pub(crate) settings: &'a PackageSettings,
}

/// The functions of a distribution plugin. The outer error is its fault, or that it was stopped; see `wit/` for the rest.
pub(crate) trait DistributionCalls: Send + Sync {
    fn limits(&self) -> &Limits;
    fn grants(&self) -> &ProgramGrants;
    fn describe(&self) -> Result<DistributionDescription, ExecutionError>;
    fn generate(&self, request: Request<'_>) -> Result<Result<Output, Refusal>, ExecutionError>;
    fn members(&self, request: Request<'_>, slot: &str, built: &Built<'_>) -> Answer<Vec<Member>>;
    fn describe_index(&self) -> Result<Option<IndexNeeds>, ExecutionError>;
    fn index(&self, source: &PackageSource, packages: &[PackageFile]) -> Answer<Vec<IndexFile>>;
    fn programs(&self) -> Result<Vec<String>, ExecutionError>;
    fn offers(&self, packages: &[String], place: &Place) -> Answer<Vec<Command>>;
    fn parse_offers(&self, printed: &[String]) -> Answer<Vec<Offer>>;
    fn install(&self, packages: &[PackageRequest], place: &Place) -> Answer<Vec<Command>>;
    fn reinstall(&self, packages: &[PackageRequest], place: &Place) -> Answer<Vec<Command>>;
    fn simulate(&self, packages: &[PackageRequest], place: &Place) -> Answer<Vec<Command>>;
    fn parse_simulation(&self, printed: &[String]) -> Answer<Vec<SideEffect>>;
    fn remove(&self, packages: &[String], place: &Place) -> Answer<Vec<Command>>;
    fn repair(&self, packages: &[Installed], place: &Place) -> Answer<Vec<Command>>;
    fn refresh(&self, place: &Place) -> Answer<Vec<Command>>;
    fn query(&self, place: &Place) -> Answer<Vec<Command>>;
    fn parse_query(&self, printed: &[String]) -> Answer<Vec<Installed>>;
    fn explain(&self, printed: &str, succeeded: bool) -> Result<Vec<Failure>, ExecutionError>;
}

fn invalid(error: ValidationError) -> ExecutionError {
    ExecutionErrorKind::Invalid(error.to_string()).into()
}

/// Takes an answer whose records are checked while they are converted.
fn checked<R, T>(
    answer: Result<R, String>,
    convert: impl FnOnce(R) -> Result<T, ValidationError>,
) -> Answer<T> {
    match answer {
        Ok(raw) => Ok(Ok(convert(raw).map_err(invalid)?)),
        Err(reason) => Ok(Err(reason)),
    }
}

/// A version of the interface: its bindings and conversions, and the functions that it has beside those of all versions.
macro_rules! version {
    ($version:ident, { $($own:item)* }) => {
        impl World for bindings::$version::DistributionPre<HostState> {
            type Instance = bindings::$version::Distribution;
            type Description = DistributionDescription;

            fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
                Self::Instance::add_to_linker::<HostState, HasSelf<HostState>>(linker, |host| host)
            }

            fn new(pre: InstancePre<HostState>) -> wasmtime::Result<Self> {
                Self::new(pre)
            }

            fn instantiate(&self, store: &mut Store<HostState>) -> wasmtime::Result<Self::Instance> {
                self.instantiate(store)
            }

            fn describe(
                instance: &Self::Instance,
                store: &mut Store<HostState>,
            ) -> wasmtime::Result<Result<DistributionDescription, ValidationError>> {
                let raw = instance.opkg_plugin_packaging().call_describe(store)?;
                Ok(convert::$version::from_wit::checked_description(raw))
            }

            fn from_description(identity: PluginDescription) -> Option<DistributionDescription> {
                match identity {
                    PluginDescription::Distribution(description) => Some(description),
                    PluginDescription::HookRunner(_) => None,
                }
            }
        }

        impl DistributionCalls for PreparedComponent<bindings::$version::DistributionPre<HostState>> {
            fn limits(&self) -> &Limits {
                self.limits()
            }

            fn grants(&self) -> &ProgramGrants {
                self.grants()
            }

            fn describe(&self) -> Result<DistributionDescription, ExecutionError> {
                self.describe()
            }

            fn generate(&self, request: Request<'_>) -> Result<Result<Output, Refusal>, ExecutionError> {
                use convert::$version::{from_wit, to_wit};
                let package = to_wit::opkg(request.opkg);
                let target = to_wit::target(request.target, request.settings);
                let answer = self.call_about(request.opkg, |plugin, store| {
                    plugin.opkg_plugin_packaging().call_generate(store, &package, &target)
                })?;
                match answer {
                    Ok(output) => Ok(Ok(from_wit::output(output).map_err(invalid)?)),
                    Err(refusal) => Ok(Err(from_wit::refusal(refusal))),
                }
            }

            fn programs(&self) -> Result<Vec<String>, ExecutionError> {
                self.call(|plugin, store| plugin.opkg_plugin_package_manager().call_programs(store))
            }

            fn offers(&self, packages: &[String], place: &Place) -> Answer<Vec<Command>> {
                use convert::$version::{from_wit, to_wit};
                let place = to_wit::place(place);
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_offers(store, packages, &place)
                })?;
                checked(answer, from_wit::checked_commands)
            }

            fn parse_offers(&self, printed: &[String]) -> Answer<Vec<Offer>> {
                let printed = convert::$version::to_wit::printed(printed);
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_parse_offers(store, printed)
                })?;
                Ok(answer.map(convert::$version::from_wit::offers))
            }

            fn install(&self, packages: &[PackageRequest], place: &Place) -> Answer<Vec<Command>> {
                use convert::$version::{from_wit, to_wit};
                let (packages, place) = (to_wit::package_requests(packages), to_wit::place(place));
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_install(store, &packages, &place)
                })?;
                checked(answer, from_wit::checked_commands)
            }

            fn reinstall(&self, packages: &[PackageRequest], place: &Place) -> Answer<Vec<Command>> {
                use convert::$version::{from_wit, to_wit};
                let (packages, place) = (to_wit::package_requests(packages), to_wit::place(place));
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_reinstall(store, &packages, &place)
                })?;
                checked(answer, from_wit::checked_commands)
            }

            fn simulate(&self, packages: &[PackageRequest], place: &Place) -> Answer<Vec<Command>> {
                use convert::$version::{from_wit, to_wit};
                let (packages, place) = (to_wit::package_requests(packages), to_wit::place(place));
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_simulate(store, &packages, &place)
                })?;
                checked(answer, from_wit::checked_commands)
            }

            fn parse_simulation(&self, printed: &[String]) -> Answer<Vec<SideEffect>> {
                let printed = convert::$version::to_wit::printed(printed);
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_parse_simulation(store, printed)
                })?;
                Ok(answer.map(convert::$version::from_wit::side_effects))
            }

            fn remove(&self, packages: &[String], place: &Place) -> Answer<Vec<Command>> {
                use convert::$version::{from_wit, to_wit};
                let place = to_wit::place(place);
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_remove(store, packages, &place)
                })?;
                checked(answer, from_wit::checked_commands)
            }

            fn repair(&self, packages: &[Installed], place: &Place) -> Answer<Vec<Command>> {
                use convert::$version::{from_wit, to_wit};
                let (packages, place) = (to_wit::installed(packages), to_wit::place(place));
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_repair(store, &packages, &place)
                })?;
                checked(answer, from_wit::checked_commands)
            }

            fn refresh(&self, place: &Place) -> Answer<Vec<Command>> {
                use convert::$version::{from_wit, to_wit};
                let place = to_wit::place(place);
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_refresh(store, &place)
                })?;
                checked(answer, from_wit::checked_commands)
            }

            fn query(&self, place: &Place) -> Answer<Vec<Command>> {
                use convert::$version::{from_wit, to_wit};
                let place = to_wit::place(place);
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_query(store, &place)
                })?;
                checked(answer, from_wit::checked_commands)
            }

            fn parse_query(&self, printed: &[String]) -> Answer<Vec<Installed>> {
                let printed = convert::$version::to_wit::printed(printed);
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_parse_query(store, printed)
                })?;
                checked(answer, convert::$version::from_wit::installed)
            }

            fn explain(&self, printed: &str, succeeded: bool) -> Result<Vec<Failure>, ExecutionError> {
                let answer = self.call(|plugin, store| {
                    plugin.opkg_plugin_package_manager().call_explain(store, printed, succeeded)
                })?;
                Ok(convert::$version::from_wit::failures(answer))
            }

            $($own)*
        }
    };
}

version!(v0_1, {
    fn members(&self, _: Request<'_>, slot: &str, _: &Built<'_>) -> Answer<Vec<Member>> {
        // Its packages never have one.
        Ok(Err(format!("nothing is known of {slot}")))
    }

    fn describe_index(&self) -> Result<Option<IndexNeeds>, ExecutionError> {
        Ok(None)
    }

    fn index(&self, _: &PackageSource, _: &[PackageFile]) -> Answer<Vec<IndexFile>> {
        Ok(Ok(Vec::new()))
    }
});

version!(v1, {
    fn members(&self, request: Request<'_>, slot: &str, built: &Built<'_>) -> Answer<Vec<Member>> {
        use convert::archive::to_wit::{built_archive, built_file};
        let built = bindings::v1::exports::opkg::plugin::containers::Built {
            package: convert::package_to_wit::package(built.package),
            opkg: convert::v1::to_wit::opkg(request.opkg),
            target: convert::v1::to_wit::target(request.target, request.settings),
            files: built.files.iter().map(built_file).collect(),
            installed_size: built.installed_size,
            archives: built.archives.iter().map(built_archive).collect(),
        };
        let answer = self.call_about(request.opkg, |plugin, store| {
            plugin.opkg_plugin_containers().call_members(store, slot, &built)
        })?;
        Ok(answer.map(convert::archive::from_wit::members))
    }

    fn describe_index(&self) -> Result<Option<IndexNeeds>, ExecutionError> {
        let needs = self.call(|plugin, store| plugin.opkg_plugin_containers().call_describe_index(store))?;
        needs.map(convert::archive::from_wit::index_needs).transpose().map_err(invalid)
    }

    fn index(&self, source: &PackageSource, packages: &[PackageFile]) -> Answer<Vec<IndexFile>> {
        use convert::archive::to_wit::{package_file, package_source};
        let packages: Vec<_> = packages.iter().map(package_file).collect();
        let source = package_source(source);
        let answer =
            self.call(|plugin, store| plugin.opkg_plugin_containers().call_index(store, &source, &packages))?;
        checked(answer, convert::archive::from_wit::index_files)
    }
});
