//! A plugin as the suite calls it: the calls of the interface, with nothing of the engine that runs them.

use std::sync::Arc;

use opkg::diagnostic::Diagnostic;
use opkg::model::Opkg;
use opkg_interface::archive::Member;
use opkg_interface::built::{Built, MemberSource};
use opkg_interface::package_manager::{Command, Installed, PackageRequest, Place};
use opkg_interface::{DistributionDescription, PackageSettings, Target};
use opkg_runtime::{
    CallError, CommandsError, DistributionPlugin, ExecutionError, GenerateError, GeneratedOutput,
};

/// What is asked of a package manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagerRequest {
    /// See `install` in the interface, and so on.
    Install(Vec<PackageRequest>),
    Reinstall(Vec<PackageRequest>),
    Simulate(Vec<PackageRequest>),
    Remove(Vec<String>),
    Repair(Vec<Installed>),
    Offers(Vec<String>),
    Refresh,
    Query,
}

impl ManagerRequest {
    /// As the interface calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Install(_) => "install",
            Self::Reinstall(_) => "reinstall",
            Self::Simulate(_) => "simulate",
            Self::Remove(_) => "remove",
            Self::Repair(_) => "repair",
            Self::Offers(_) => "offers",
            Self::Refresh => "refresh",
            Self::Query => "query",
        }
    }
}

/// What reads the output of a package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputReader {
    Query,
    Offers,
    Simulation,
    /// `explain`, of a command that succeeded or did not.
    Explain {
        succeeded: bool,
    },
}

impl OutputReader {
    /// As the interface calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "parse-query",
            Self::Offers => "parse-offers",
            Self::Simulation => "parse-simulation",
            Self::Explain { .. } => "explain",
        }
    }
}

/// What came of `generate`, so that two of them can be compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Packages, checked by the host.
    Generated(Box<GeneratedOutput>),
    /// The target cannot be; why.
    UnknownTarget(String),
    /// The filters of the OPKG exclude the target.
    Unavailable(Diagnostic),
    /// The OPKG cannot be expressed.
    Refused(Vec<Diagnostic>),
    /// The plugin failed, or returned what the host does not take.
    Broken(ExecutionError),
}

/// Any plugin for distributions. The calls are those of the interface, and checked as the host always does.
pub trait PluginUnderTest: Sync {
    /// Asks it anew what it is.
    ///
    /// # Errors
    /// It failed.
    fn describe(&self) -> Result<DistributionDescription, CallError>;

    /// Compiles an OPKG.
    fn generate(&self, opkg: &Arc<Opkg>, target: &Target, settings: &PackageSettings) -> Outcome;

    /// What stands in a slot of an archive of a package.
    ///
    /// # Errors
    /// Why there is nothing, in one line.
    fn members(
        &self,
        opkg: &Arc<Opkg>,
        target: &Target,
        settings: &PackageSettings,
        slot: &str,
        built: &Built<'_>,
    ) -> Result<Vec<Member>, String>;

    /// The programs that its commands start.
    ///
    /// # Errors
    /// It failed.
    fn programs(&self) -> Result<Vec<String>, CallError>;

    /// Asks for commands.
    ///
    /// # Errors
    /// It refuses or failed.
    fn commands(&self, request: &ManagerRequest, place: &Place) -> Result<Vec<Command>, CommandsError>;

    /// Has it read what a package manager printed; returns how many entries it found.
    ///
    /// # Errors
    /// It does not understand it, or failed.
    fn read_output(&self, reader: OutputReader, printed: &str) -> Result<usize, CommandsError>;
}

impl PluginUnderTest for DistributionPlugin {
    fn describe(&self) -> Result<DistributionDescription, CallError> {
        Self::describe(self)
    }

    fn generate(&self, opkg: &Arc<Opkg>, target: &Target, settings: &PackageSettings) -> Outcome {
        match Self::generate(self, opkg, target, settings) {
            Ok(generated) => Outcome::Generated(Box::new(generated)),
            Err(GenerateError::UnknownTarget(reason)) => Outcome::UnknownTarget(reason),
            Err(GenerateError::TargetExcluded(found)) => Outcome::Unavailable(found),
            Err(GenerateError::Diagnostics(found)) => Outcome::Refused(found),
            Err(GenerateError::Broken(error)) => Outcome::Broken(error.error),
        }
    }

    fn members(
        &self,
        opkg: &Arc<Opkg>,
        target: &Target,
        settings: &PackageSettings,
        slot: &str,
        built: &Built<'_>,
    ) -> Result<Vec<Member>, String> {
        Self::members(self, opkg, target, settings).members(slot, built)
    }

    fn programs(&self) -> Result<Vec<String>, CallError> {
        Self::programs(self)
    }

    fn commands(&self, request: &ManagerRequest, place: &Place) -> Result<Vec<Command>, CommandsError> {
        match request {
            ManagerRequest::Install(packages) => self.install(packages, place),
            ManagerRequest::Reinstall(packages) => self.reinstall(packages, place),
            ManagerRequest::Simulate(packages) => self.simulate(packages, place),
            ManagerRequest::Remove(packages) => self.remove(packages, place),
            ManagerRequest::Repair(packages) => self.repair(packages, place),
            ManagerRequest::Offers(packages) => self.offers(packages, place),
            ManagerRequest::Refresh => self.refresh(place),
            ManagerRequest::Query => self.query(place),
        }
    }

    fn read_output(&self, reader: OutputReader, printed: &str) -> Result<usize, CommandsError> {
        let of_commands = [printed.to_owned()];
        Ok(match reader {
            OutputReader::Query => self.parse_query(&of_commands)?.len(),
            OutputReader::Offers => self.parse_offers(&of_commands)?.len(),
            OutputReader::Simulation => self.parse_simulation(&of_commands)?.len(),
            OutputReader::Explain { succeeded } => self.explain(printed, succeeded)?.len(),
        })
    }
}
