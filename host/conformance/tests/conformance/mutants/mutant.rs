//! A plugin that is spoiled where the suite calls it, so that none has to be built.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use opkg::model::Opkg;
use opkg_conformance::{ManagerRequest, Outcome, OutputReader, PluginUnderTest};
use opkg_interface::archive::Member;
use opkg_interface::artefacts::{BinaryPackage, Output};
use opkg_interface::built::Built;
use opkg_interface::package_manager::{Command, Place};
use opkg_interface::{DistributionDescription, PackageSettings, Target};
use opkg_runtime::{CallError, CommandsError, DistributionPlugin, ExecutionError, ExecutionErrorKind};

use super::archives::{members, put_into_archives, remove_lines};

/// What is spoiled.
pub enum Spoiled {
    /// What it says of itself.
    Description(fn(&mut DistributionDescription)),
    /// The output; of how many calls this is the last one.
    Output(fn(&mut Output, usize)),
    /// Each package.
    Package(fn(&mut BinaryPackage)),
    /// What it gets.
    Input(fn(&mut Opkg, &mut Target, &mut PackageSettings)),
    /// What stands in slots, of packages that are put into archives; of how many calls this is the last one.
    Members(fn(&mut Result<Vec<Member>, String>, usize)),
    /// The same without lines that have this in them.
    MembersWithout(&'static str),
    /// The answer as a whole.
    Outcome(fn(Outcome) -> Outcome),
    /// The programs that it declares.
    Programs(fn(&mut Vec<String>)),
    Commands(fn(&mut Vec<Command>, &Place)),
    /// The host refuses its commands.
    InvalidCommands,
    /// What reads output fails with this where the text is so.
    Reader(fn(OutputReader, &str) -> Option<ExecutionError>),
    /// It finds something in every text.
    ReadsEverything,
}

pub struct Mutant<'a> {
    pub plugin: &'a DistributionPlugin,
    pub spoiled: &'a Spoiled,
    pub calls: AtomicUsize,
}

impl PluginUnderTest for Mutant<'_> {
    fn describe(&self) -> Result<DistributionDescription, CallError> {
        let mut description = PluginUnderTest::describe(self.plugin)?;
        if let Spoiled::Description(spoil) = self.spoiled {
            spoil(&mut description);
        }
        Ok(description)
    }

    fn generate(&self, opkg: &Arc<Opkg>, target: &Target, settings: &PackageSettings) -> Outcome {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let (mut opkg, mut target, mut settings) = (Arc::clone(opkg), target.clone(), settings.clone());
        if let Spoiled::Input(spoil) = self.spoiled {
            spoil(Arc::make_mut(&mut opkg), &mut target, &mut settings);
        }
        let mut outcome = PluginUnderTest::generate(self.plugin, &opkg, &target, &settings);
        if let Outcome::Generated(generated) = &mut outcome {
            match self.spoiled {
                Spoiled::Output(spoil) => spoil(&mut generated.output, calls),
                Spoiled::Package(spoil) => generated.output.packages.iter_mut().for_each(spoil),
                Spoiled::Members(_) | Spoiled::MembersWithout(_) => {
                    generated.output.packages.iter_mut().for_each(put_into_archives);
                }
                _ => {}
            }
        }
        match self.spoiled {
            Spoiled::Outcome(spoil) => spoil(outcome),
            _ => outcome,
        }
    }

    fn members(
        &self,
        _: &Arc<Opkg>,
        _: &Target,
        _: &PackageSettings,
        _: &str,
        built: &Built<'_>,
    ) -> Result<Vec<Member>, String> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut answer = Ok(members(built));
        match self.spoiled {
            Spoiled::Members(spoil) => spoil(&mut answer, calls),
            Spoiled::MembersWithout(sign) => remove_lines(&mut answer, sign),
            _ => {}
        }
        answer
    }

    fn programs(&self) -> Result<Vec<String>, CallError> {
        let mut programs = PluginUnderTest::programs(self.plugin)?;
        if let Spoiled::Programs(spoil) = self.spoiled {
            spoil(&mut programs);
        }
        Ok(programs)
    }

    fn commands(&self, request: &ManagerRequest, place: &Place) -> Result<Vec<Command>, CommandsError> {
        if matches!(self.spoiled, Spoiled::InvalidCommands) {
            let error = ExecutionErrorKind::Invalid("a command without a program".into()).into();
            return Err(CommandsError::Broken(CallError { plugin: "mutant 1".into(), error }));
        }
        let mut commands = PluginUnderTest::commands(self.plugin, request, place)?;
        if let Spoiled::Commands(spoil) = self.spoiled {
            spoil(&mut commands, place);
        }
        Ok(commands)
    }

    fn read_output(&self, reader: OutputReader, printed: &str) -> Result<usize, CommandsError> {
        match self.spoiled {
            Spoiled::ReadsEverything => return Ok(1),
            Spoiled::Reader(fails) => {
                if let Some(error) = fails(reader, printed) {
                    return Err(CommandsError::Broken(CallError { plugin: "mutant 1".into(), error }));
                }
            }
            _ => {}
        }
        PluginUnderTest::read_output(self.plugin, reader, printed)
    }
}

/// The rule that it breaks, the OPKGs that show it, and what is spoiled.
pub type Case = (&'static str, &'static [&'static str], Spoiled);
