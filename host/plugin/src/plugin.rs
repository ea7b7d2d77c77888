//! A distribution plugin, ready to be called.

use std::sync::Arc;

use opkg::diagnostic::Diagnostic;
use opkg::model::Opkg;
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use crate::artefacts::Output;
use crate::bindings::exports::opkg::plugin::package_manager::{Command, Installed, Place};
use crate::bindings::exports::opkg::plugin::packaging::Refusal;
use crate::bindings::opkg::plugin::opkg as wit;
use crate::bindings::{Distribution, DistributionPre};
use crate::description::Description;
use crate::error::{CallError, Fault, GenerateError, ManagerError};
use crate::host::Host;
use crate::identity::Identity;
use crate::runtime::Prepared;
use crate::target::Target;
use crate::text::one_line;
use crate::world::World;
use crate::{check, convert};

impl World for DistributionPre<Host> {
    type Instance = Distribution;
    type Description = Description;

    fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        Distribution::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
    }

    fn new(pre: InstancePre<Host>) -> wasmtime::Result<Self> {
        Self::new(pre)
    }

    fn instantiate(&self, store: &mut Store<Host>) -> wasmtime::Result<Distribution> {
        self.instantiate(store)
    }

    fn describe(
        instance: &Distribution,
        store: &mut Store<Host>,
    ) -> wasmtime::Result<Result<Description, String>> {
        instance.opkg_plugin_packaging().call_describe(store).map(Description::check)
    }

    fn of(identity: Identity) -> Option<Description> {
        match identity {
            Identity::Distribution(description) => Some(description),
            Identity::HookRunner(_) => None,
        }
    }
}

/// A distribution plugin. Cheap to clone, and several threads may use it at a time: each call has a fresh
/// instance of the component.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    prepared: Prepared<DistributionPre<Host>>,
    description: Description,
}

/// What a plugin made for a target, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// Files to be written and packages to be built.
    pub output: Output,
    /// Warnings and notes, with their places in the OPKG.
    pub diagnostics: Vec<Diagnostic>,
}

/// Of the plugin's answers, each one is a list of commands or the reason why there is none.
type Commands = Result<Vec<Command>, String>;

impl Plugin {
    pub(crate) fn new(prepared: Prepared<DistributionPre<Host>>, description: Description) -> Self {
        Self(Arc::new(Inner { prepared, description }))
    }

    /// What the plugin answers to and knows.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// Asks the plugin itself what it is, instead of believing what was noted earlier.
    ///
    /// # Errors
    /// When it fails.
    pub fn describe(&self) -> Result<Description, CallError> {
        self.0.prepared.describe().map_err(|fault| self.broken(fault))
    }

    /// Compiles an OPKG for a target.
    ///
    /// # Errors
    /// When the plugin refuses, for the reasons that it gives, or fails.
    #[expect(clippy::result_large_err, reason = "what it returns otherwise is larger still")]
    pub fn generate(&self, opkg: &Opkg, target: &Target) -> Result<Generated, GenerateError> {
        let (package, wanted) = (convert::opkg(opkg), target_record(target));
        let answer = self
            .0
            .prepared
            .call(|plugin, store| plugin.opkg_plugin_packaging().call_generate(store, &package, &wanted));
        match answer.map_err(|fault| self.broken(fault))? {
            Ok(mut output) => {
                self.checked(check::output(&output, opkg, self.0.prepared.limits()))?;
                let found = std::mem::take(&mut output.diagnostics);
                Ok(Generated { output, diagnostics: self.diagnostics(found, opkg) })
            }
            Err(Refusal::UnknownTarget(reason)) => Err(GenerateError::UnknownTarget(one_line(&reason))),
            Err(Refusal::Unavailable(found)) => {
                self.checked(check::node(&found, opkg))?;
                let id = &self.0.description.id;
                Err(GenerateError::Unavailable(convert::diagnostic(found, opkg, id)))
            }
            Err(Refusal::Failed(found)) => {
                self.checked(check::failure(&found, opkg))?;
                Err(GenerateError::Failed(self.diagnostics(found, opkg)))
            }
        }
    }

    /// Names of the programs that the commands of the package manager may use.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn programs(&self) -> Result<Vec<String>, CallError> {
        let names = self
            .0
            .prepared
            .call(|plugin, store| plugin.opkg_plugin_package_manager().call_programs(store))
            .map_err(|fault| self.broken(fault))?;
        self.checked(check::programs(&names))?;
        Ok(names)
    }

    /// The commands that install packages.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn install(&self, packages: &[String], place: &Place) -> Result<Vec<Command>, ManagerError> {
        self.commands(
            self.0.prepared.call(|plugin, store| {
                plugin.opkg_plugin_package_manager().call_install(store, packages, place)
            }),
        )
    }

    /// The commands that remove packages.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn remove(&self, packages: &[String], place: &Place) -> Result<Vec<Command>, ManagerError> {
        self.commands(
            self.0.prepared.call(|plugin, store| {
                plugin.opkg_plugin_package_manager().call_remove(store, packages, place)
            }),
        )
    }

    /// The commands that read the lists of available packages anew.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn refresh(&self, place: &Place) -> Result<Vec<Command>, ManagerError> {
        self.commands(
            self.0
                .prepared
                .call(|plugin, store| plugin.opkg_plugin_package_manager().call_refresh(store, place)),
        )
    }

    /// The commands whose last one prints what [`Plugin::parse_query`] reads.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn query(&self, packages: &[String], place: &Place) -> Result<Vec<Command>, ManagerError> {
        self.commands(
            self.0.prepared.call(|plugin, store| {
                plugin.opkg_plugin_package_manager().call_query(store, packages, place)
            }),
        )
    }

    /// What the last command of [`Plugin::query`] printed, understood.
    ///
    /// # Errors
    /// When the plugin does not understand it, or fails.
    pub fn parse_query(&self, printed: &str) -> Result<Vec<Installed>, ManagerError> {
        let answer = self
            .0
            .prepared
            .call(|plugin, store| plugin.opkg_plugin_package_manager().call_parse_query(store, printed));
        let installed = self.accepted(answer)?;
        self.checked(check::installed(&installed))?;
        Ok(installed)
    }

    fn commands(&self, answer: Result<Commands, Fault>) -> Result<Vec<Command>, ManagerError> {
        let commands = self.accepted(answer)?;
        self.checked(check::commands(&commands))?;
        Ok(commands)
    }

    fn accepted<R>(&self, answer: Result<Result<R, String>, Fault>) -> Result<R, ManagerError> {
        let answer = answer.map_err(|fault| self.broken(fault))?;
        answer.map_err(|reason| ManagerError::Refused(one_line(&reason)))
    }

    fn checked(&self, result: Result<(), String>) -> Result<(), CallError> {
        result.map_err(|flaw| self.broken(Fault::Invalid(flaw)))
    }

    fn broken(&self, fault: Fault) -> CallError {
        CallError { plugin: self.0.description.title(), fault }
    }

    fn diagnostics(&self, found: Vec<wit::Diagnostic>, opkg: &Opkg) -> Vec<Diagnostic> {
        found.into_iter().map(|it| convert::diagnostic(it, opkg, &self.0.description.id)).collect()
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Plugin").field(&self.0.description.title()).finish()
    }
}

fn target_record(target: &Target) -> wit::Target {
    wit::Target {
        dist: target.dist.clone(),
        version: target.version.clone(),
        arch: target.arch.clone(),
        machine: target.machine.clone(),
    }
}
