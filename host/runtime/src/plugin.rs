//! A distribution plugin, ready to be called.

use std::sync::{Arc, OnceLock};

use opkg::diagnostic::Diagnostic;
use opkg::model::Opkg;

use opkg_interface::archive::Member;
use opkg_interface::artefacts::{self, Output};
use opkg_interface::built::{
    Built, IndexFile, IndexNeeds, IndexSource, MemberSource, PackageFile, PackageSource,
};
use opkg_interface::package_manager::{
    Command, Failure, Installed, Offer, PackageRequest, Place, SideEffect,
};
use opkg_interface::text::{one_line, truncate};
use opkg_interface::{DistributionDescription, PackageSettings, Target};

use crate::convert::{self, Refusal};
use crate::distribution_calls::{DistributionCalls, Request};
use crate::error::{CallError, CommandsError, GenerateError};
use crate::execution_error::{ExecutionError, ExecutionErrorKind};
use crate::runtime::ComponentInfo;
use crate::validate;
use crate::validate_archives;
use crate::validate_manager;
use crate::validate_words::ValidationError;

/// A distribution plugin. Cheap to clone, and several threads may use it at a time: each call has a fresh
/// instance of the component.
#[derive(Clone)]
pub struct DistributionPlugin(Arc<Inner>);

struct Inner {
    calls: Box<dyn DistributionCalls>,
    description: DistributionDescription,
    sha256: String,
    is_embedded: bool,
    /// What it says it has run, once it was asked.
    programs: OnceLock<Vec<String>>,
}

/// What a plugin made for a target, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedOutput {
    /// Files to be written and packages to be built.
    pub output: Output,
    /// Warnings and notes, with their places in the OPKG.
    pub diagnostics: Vec<Diagnostic>,
}

/// Bytes of the cause of a failure, as people read it.
const MAX_CAUSE_BYTES: usize = 1000;

/// Causes of the failure of one command.
const MAX_FAILURES: usize = 100;

impl DistributionPlugin {
    pub(crate) fn new(
        calls: Box<dyn DistributionCalls>,
        description: DistributionDescription,
        info: ComponentInfo<'_>,
    ) -> Self {
        let (sha256, is_embedded) = (info.sha256.to_owned(), info.is_embedded);
        Self(Arc::new(Inner { calls, description, sha256, is_embedded, programs: OnceLock::new() }))
    }

    /// What the plugin answers to and knows.
    #[must_use]
    pub fn description(&self) -> &DistributionDescription {
        &self.0.description
    }

    /// SHA-256 of the component, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Asks the plugin itself what it is, instead of believing what was noted earlier.
    ///
    /// # Errors
    /// When it fails.
    pub fn describe(&self) -> Result<DistributionDescription, CallError> {
        self.0.calls.describe().map_err(|fault| self.call_error(fault))
    }

    /// Compiles an OPKG for a target.
    ///
    /// # Errors
    /// When the plugin refuses, for the reasons that it gives, or fails.
    #[expect(clippy::result_large_err, reason = "what it returns otherwise is larger still")]
    pub fn generate(
        &self,
        opkg: &Arc<Opkg>,
        target: &Target,
        settings: &PackageSettings,
    ) -> Result<GeneratedOutput, GenerateError> {
        let answer = self.0.calls.generate(Request { opkg, target, settings });
        match answer.map_err(|fault| self.call_error(fault))? {
            Ok(mut output) => {
                self.accept_valid(validate::validate_output(&output, opkg, self.0.calls.limits()))?;
                let found = std::mem::take(&mut output.diagnostics);
                Ok(GeneratedOutput { output, diagnostics: self.to_diagnostics(found, opkg) })
            }
            Err(Refusal::UnknownTarget(reason)) => Err(GenerateError::UnknownTarget(one_line(&reason))),
            Err(Refusal::Unavailable(found)) => {
                self.accept_valid(validate::validate_node(&found, opkg))?;
                let id = &self.0.description.id;
                Err(GenerateError::TargetExcluded(convert::host_diagnostic(found, opkg, id)))
            }
            Err(Refusal::Failed(found)) => {
                self.accept_valid(validate::validate_failure(&found, opkg))?;
                Err(GenerateError::Diagnostics(self.to_diagnostics(found, opkg)))
            }
        }
    }

    /// What says what stands in the slots of packages that this plugin described for a target.
    #[must_use]
    pub fn members<'a>(
        &'a self,
        opkg: &'a Arc<Opkg>,
        target: &'a Target,
        settings: &'a PackageSettings,
    ) -> impl MemberSource + 'a {
        PackageMembers { plugin: self, request: Request { opkg, target, settings } }
    }

    /// Checks what a native build starts: nothing but what the plugin says it has run, and of one that is not built in
    /// nothing but what it was granted.
    ///
    /// # Errors
    /// When it starts anything else.
    pub fn check_native_build(&self, build: &artefacts::NativeBuild) -> Result<(), CommandsError> {
        build.commands.iter().try_for_each(|command| self.check_program(&command.argv))
    }

    /// Names of the programs that the plugin may have run: by the commands of the package manager and by native builds.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn programs(&self) -> Result<Vec<String>, CallError> {
        if let Some(names) = self.0.programs.get() {
            return Ok(names.clone());
        }
        let names = self.0.calls.programs().map_err(|fault| self.call_error(fault))?;
        self.accept_valid(validate_manager::validate_programs(&names))?;
        Ok(self.0.programs.get_or_init(|| names).clone())
    }

    /// Those of its programs that it may not have run as yet.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn programs_to_grant(&self) -> Result<Vec<String>, CallError> {
        let (grants, id) = (self.0.calls.grants(), &self.0.description.id);
        let mut programs = self.programs()?;
        programs.retain(|program| !self.0.is_embedded && !grants.allows(id, program));
        Ok(programs)
    }

    /// The commands that print what [`Self::parse_offers`] reads; none where the manager cannot tell.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn offers(&self, packages: &[String], place: &Place) -> Result<Vec<Command>, CommandsError> {
        self.accept_commands(self.0.calls.offers(packages, place))
    }

    /// What each command of [`Self::offers`] printed, understood: of each package the newest version first.
    ///
    /// # Errors
    /// When the plugin does not understand it, or fails.
    pub fn parse_offers(&self, printed: &[String]) -> Result<Vec<Offer>, CommandsError> {
        let offers = self.accept_answer(self.0.calls.parse_offers(printed))?;
        self.accept_valid(validate_manager::validate_offers(&offers))?;
        Ok(offers)
    }

    /// The commands that install packages.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn install(&self, packages: &[PackageRequest], place: &Place) -> Result<Vec<Command>, CommandsError> {
        self.accept_commands(self.0.calls.install(packages, place))
    }

    /// The commands that install packages once more.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn reinstall(
        &self,
        packages: &[PackageRequest],
        place: &Place,
    ) -> Result<Vec<Command>, CommandsError> {
        self.accept_commands(self.0.calls.reinstall(packages, place))
    }

    /// The commands that try an installation without changing anything.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn simulate(
        &self,
        packages: &[PackageRequest],
        place: &Place,
    ) -> Result<Vec<Command>, CommandsError> {
        self.accept_commands(self.0.calls.simulate(packages, place))
    }

    /// What each command of [`Self::simulate`] printed, understood.
    ///
    /// # Errors
    /// When the plugin does not understand it, or fails.
    pub fn parse_simulation(&self, printed: &[String]) -> Result<Vec<SideEffect>, CommandsError> {
        let side_effects = self.accept_answer(self.0.calls.parse_simulation(printed))?;
        self.accept_valid(validate_manager::validate_side_effects(&side_effects))?;
        Ok(side_effects)
    }

    /// The commands that remove packages.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn remove(&self, packages: &[String], place: &Place) -> Result<Vec<Command>, CommandsError> {
        self.accept_commands(self.0.calls.remove(packages, place))
    }

    /// The commands that bring incomplete packages to an end.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn repair(&self, packages: &[Installed], place: &Place) -> Result<Vec<Command>, CommandsError> {
        self.accept_commands(self.0.calls.repair(packages, place))
    }

    /// The commands that read the lists of available packages anew.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn refresh(&self, place: &Place) -> Result<Vec<Command>, CommandsError> {
        self.accept_commands(self.0.calls.refresh(place))
    }

    /// The commands that print what [`Self::parse_query`] reads.
    ///
    /// # Errors
    /// When the plugin refuses or fails.
    pub fn query(&self, place: &Place) -> Result<Vec<Command>, CommandsError> {
        self.accept_commands(self.0.calls.query(place))
    }

    /// What each command of [`Self::query`] printed, understood.
    ///
    /// # Errors
    /// When the plugin does not understand it, or fails.
    pub fn parse_query(&self, printed: &[String]) -> Result<Vec<Installed>, CommandsError> {
        let installed = self.accept_answer(self.0.calls.parse_query(printed))?;
        self.accept_valid(validate_manager::validate_installed(&installed))?;
        Ok(installed)
    }

    /// What went wrong with a command, out of all that it printed; of one that succeeded, what is a failure
    /// nevertheless.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn explain(&self, printed: &str, succeeded: bool) -> Result<Vec<Failure>, CallError> {
        let failures = self.0.calls.explain(printed, succeeded).map_err(|fault| self.call_error(fault))?;
        let shown = |failure: Failure| {
            let cause = one_line(&failure.cause);
            Failure { cause: truncate(&cause, MAX_CAUSE_BYTES).to_owned(), ..failure }
        };
        Ok(failures
            .into_iter()
            .take(MAX_FAILURES)
            .map(shown)
            .filter(|failure| !failure.cause.is_empty())
            .collect())
    }

    fn accept_commands(
        &self,
        answer: Result<Result<Vec<Command>, String>, ExecutionError>,
    ) -> Result<Vec<Command>, CommandsError> {
        let commands = self.accept_answer(answer)?;
        self.accept_valid(validate_manager::validate_commands(&commands))?;
        commands.iter().try_for_each(|command| self.check_program(&command.argv))?;
        Ok(commands)
    }

    fn check_program(&self, argv: &[String]) -> Result<(), CommandsError> {
        let program = argv.first().map(String::as_str).unwrap_or_default();
        if !self.programs()?.iter().any(|declared| declared == program) {
            let message = format!("a command `{}`, which is none of its programs", one_line(program));
            return Err(self.call_error(ExecutionErrorKind::Invalid(message).into()).into());
        }
        let description = &self.0.description;
        match self.0.is_embedded || self.0.calls.grants().allows(&description.id, program) {
            true => Ok(()),
            false => Err(CommandsError::NotGranted {
                plugin: description.name_and_version(),
                id: description.id.clone(),
                program: program.to_owned(),
            }),
        }
    }

    fn accept_answer<R>(
        &self,
        answer: Result<Result<R, String>, ExecutionError>,
    ) -> Result<R, CommandsError> {
        let answer = answer.map_err(|fault| self.call_error(fault))?;
        answer.map_err(|reason| CommandsError::Refused(one_line(&reason)))
    }

    fn accept_valid(&self, result: Result<(), ValidationError>) -> Result<(), CallError> {
        result.map_err(|error| self.call_error(ExecutionErrorKind::Invalid(error.to_string()).into()))
    }

    fn call_error(&self, fault: ExecutionError) -> CallError {
        CallError { plugin: self.0.description.name_and_version(), error: fault }
    }

    fn to_diagnostics(&self, found: Vec<artefacts::Diagnostic>, opkg: &Opkg) -> Vec<Diagnostic> {
        found
            .into_iter()
            .map(|diagnostic| convert::host_diagnostic(diagnostic, opkg, &self.0.description.id))
            .collect()
    }
}

/// Says what stands in the slots of the packages of one OPKG for one target.
struct PackageMembers<'a> {
    plugin: &'a DistributionPlugin,
    request: Request<'a>,
}

impl MemberSource for PackageMembers<'_> {
    fn members(&self, slot: &str, built: &Built<'_>) -> Result<Vec<Member>, String> {
        let answer = self.plugin.0.calls.members(self.request, slot, built);
        let members = self.plugin.accept_answer(answer).map_err(|error| error.to_string())?;
        let checked = validate_archives::validate_members(&members, self.plugin.0.calls.limits());
        self.plugin.accept_valid(checked).map_err(|error| error.to_string())?;
        Ok(members)
    }
}

impl IndexSource for DistributionPlugin {
    fn describe_index(&self) -> Result<Option<IndexNeeds>, String> {
        let needs = self.0.calls.describe_index().map_err(|fault| self.call_error(fault).to_string())?;
        let checked = needs.as_ref().map_or(Ok(()), validate_archives::validate_index_needs);
        self.accept_valid(checked).map_err(|error| error.to_string())?;
        Ok(needs)
    }

    fn index(&self, source: &PackageSource, packages: &[PackageFile]) -> Result<Vec<IndexFile>, String> {
        let answer = self.0.calls.index(source, packages);
        let files = self.accept_answer(answer).map_err(|error| error.to_string())?;
        let checked = validate_archives::validate_index(&files, self.0.calls.limits());
        self.accept_valid(checked).map_err(|error| error.to_string())?;
        Ok(files)
    }
}

impl std::fmt::Debug for DistributionPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Plugin").field(&self.0.description.name_and_version()).finish()
    }
}
