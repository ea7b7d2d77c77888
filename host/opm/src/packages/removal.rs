//! Removing the native packages of OPKGs, in as few transactions as scripts allow, and what really came of it for each OPKG.
//! What the manager says of its work is not believed: it is asked what is there, before and after.
//!
//! Two things end a transaction. Managers go on when the script of a package fails, and some then remove what that package
//! needs: so what is needed by a package with scripts leaves after it. And scripts that a package does not carry are run
//! around its own removal and no other: a package that stays, since the removal of another one failed, was never told that
//! it goes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use opkg_engine::machine::{DependencyOrder, RemoveFailure, RemoveOutcome, StepFailure};
use opkg_oda::{PackageId, Stage, TargetKind};

use super::installed_set::{InstalledSet, Presence};
use super::legacy_scripts::{PackagePart, save_script, saved_scripts_dir};
use super::native_packages::NativePackages;
use super::package_error::PackageError;
use super::package_manager_error::PackageManagerError;
use super::package_scripts::carries_scripts;
use super::transaction::cause_of;
use crate::hooks;
use crate::process::{StepLog, Termination};

/// A native package that is to leave.
#[derive(Debug)]
struct LeavingPart {
    id: PackageId,
    /// Of the OPKG.
    name: String,
    part: PackagePart,
    native: String,
    scripts: Scripts,
}

/// The scripts around the removal of a native package.
#[derive(Debug, Default)]
struct Scripts {
    /// Whether it carries scripts, which its manager runs and which may fail.
    are_carried: bool,
    /// The files that serve as the one before, where the manager runs none.
    before: Vec<PathBuf>,
    /// The files that serve as the one after, where the manager runs none.
    after: Vec<PathBuf>,
    /// Whether one was kept over a removal that was cut off.
    is_kept: bool,
}

impl Scripts {
    /// Whether there is one that the manager does not run.
    fn are_run_here(&self) -> bool {
        self.is_kept || !self.before.is_empty() || !self.after.is_empty()
    }
}

/// A removal on its way.
struct Removal<'a> {
    packages: &'a NativePackages<'a>,
    down_to: Stage,
    order: DependencyOrder,
    /// The names of all native packages that are to leave.
    asked: BTreeSet<String>,
    /// Those that have not been taken up yet, in the order in which they leave.
    open: Vec<LeavingPart>,
    /// What was there after the last transaction.
    installed: InstalledSet,
    outcome: RemoveOutcome,
    /// How the program ended that failed last, where one did.
    termination: Option<Termination>,
}

impl NativePackages<'_> {
    /// Removes the parts of packages that they must not have at a stage. The packages come in the order in which they leave:
    /// what depends on others first. Returns as well how the program ended that failed last, where one did.
    pub(crate) fn remove(
        &self,
        packages: &[PackageId],
        down_to: Stage,
        log: &mut StepLog,
    ) -> (RemoveOutcome, Option<Termination>) {
        let installed = match self.manager.query(&self.context, log) {
            Ok(installed) => installed,
            Err(error) => {
                let termination = error.termination().cloned();
                let failure = StepFailure::from(&PackageError::from(error));
                return (RemoveOutcome::failed(packages, &failure), termination);
            }
        };
        let mut removal = Removal {
            packages: self,
            down_to,
            order: DependencyOrder::new(&self.cluster.packages),
            asked: BTreeSet::new(),
            open: Vec::new(),
            installed,
            outcome: RemoveOutcome::removed(),
            termination: None,
        };
        removal.prepare(packages);
        removal.run(log);
        (removal.outcome, removal.termination)
    }

    /// Removes native packages in one transaction; what is in the way but passes by itself is waited for.
    fn remove_natives(&self, natives: &[String], log: &mut StepLog) -> Result<(), PackageManagerError> {
        let (result, _) = self.retry_budget.retry(&self.context.executor.stop, log, |log| {
            let removed = self.manager.remove(natives, &self.context, log);
            let is_transient = removed.as_ref().is_err_and(PackageManagerError::is_transient);
            (removed, is_transient)
        });
        result
    }
}

impl Removal<'_> {
    /// Finds out what is to leave.
    fn prepare(&mut self, packages: &[PackageId]) {
        let parts = parts_to_remove(self.down_to, self.packages.target.kind());
        for id in packages {
            let Some(package) = self.packages.cluster.packages.get(id) else {
                self.fail(*id, &PackageError::UnknownPackage);
                continue;
            };
            let name = package.name.to_string();
            for part in parts {
                let native = part.native_name(&name);
                self.asked.insert(native.clone());
                match self.scripts_around(*id, *part, &native) {
                    Ok(scripts) => {
                        let name = name.clone();
                        self.open.push(LeavingPart { id: *id, name, part: *part, native, scripts });
                    }
                    Err(error) => self.fail(*id, &error),
                }
            }
        }
        self.hold_back();
    }

    fn scripts_around(
        &self,
        id: PackageId,
        part: PackagePart,
        native: &str,
    ) -> Result<Scripts, PackageError> {
        let root = self.packages.context.root;
        let kept = hooks::find_candidates(root, &saved_scripts_dir(native), part.post_uninstall())?;
        let scripts = Scripts { is_kept: !kept.is_empty(), ..Scripts::default() };
        match self.installed.presence(native) {
            Presence::Absent => Ok(scripts),
            Presence::Residual => Ok(Scripts { are_carried: true, ..scripts }),
            Presence::Complete(found) | Presence::Incomplete(found, _) => Ok(Scripts {
                are_carried: carries_scripts(found),
                before: self.packages.scripts_to_run(id, found, part.pre_uninstall())?,
                after: self.packages.scripts_to_run(id, found, part.post_uninstall())?,
                ..scripts
            }),
        }
    }

    fn run(&mut self, log: &mut StepLog) {
        while !self.open.is_empty() {
            if self.packages.context.executor.stop.stop_requested() {
                return self.give_up(&[], &StepFailure::Stopped);
            }
            let group = self.next_group();
            match self.remove_group(&group, log) {
                Ok(()) => self.hold_back(),
                Err(error) => {
                    self.note_termination(error.termination());
                    return self.give_up(&group, &StepFailure::from(&error));
                }
            }
        }
    }

    /// Nothing more is done to these, and to what is open.
    fn give_up(&mut self, group: &[LeavingPart], failure: &StepFailure) {
        for part in group.iter().chain(&self.open) {
            let own = || RemoveFailure::Own(failure.clone());
            self.outcome.remaining.entry(part.id).or_insert_with(own);
        }
    }

    /// Takes from what is open what may leave in one transaction now: the first, and all others that may go along.
    fn next_group(&mut self) -> Vec<LeavingPart> {
        let (mut group, mut later): (Vec<LeavingPart>, Vec<LeavingPart>) = (Vec::new(), Vec::new());
        for part in std::mem::take(&mut self.open) {
            let is_alone = |part: &LeavingPart| part.scripts.are_run_here();
            let may_stay = |other: &&LeavingPart| other.scripts.are_carried;
            let waits =
                later.iter().chain(group.iter().filter(may_stay)).any(|other| self.needs(other, &part));
            let goes_along = !waits && !is_alone(&part) && !group.iter().any(is_alone);
            match group.is_empty() || goes_along {
                true => group.push(part),
                false => later.push(part),
            }
        }
        self.open = later;
        group
    }

    /// Whether one native package must have left before another one.
    fn needs(&self, dependent: &LeavingPart, needed: &LeavingPart) -> bool {
        dependent.id == needed.id || self.order.dependents(needed.id).contains(&dependent.id)
    }

    /// Removes native packages in one transaction; where it is one with scripts that its manager does not run, with these.
    ///
    /// # Errors
    /// Nothing more can be done: something is in the way that passes by itself, the manager does not tell what is there, or
    /// the run is to stop.
    fn remove_group(&mut self, group: &[LeavingPart], log: &mut StepLog) -> Result<(), PackageError> {
        let around = group.first().filter(|part| part.scripts.are_run_here());
        if let Some(part) = around
            && let Err(error) = self.run_script_before(part, log)
        {
            return self.fail_unless_stopped(part, error);
        }
        let is_there = |part: &&LeavingPart| self.installed.presence(&part.native) != Presence::Absent;
        let natives: Vec<String> = group.iter().filter(is_there).map(|part| part.native.clone()).collect();
        if !natives.is_empty() {
            let error = match self.packages.remove_natives(&natives, log) {
                Err(error) if error.is_stop() || error.is_transient() => return Err(error.into()),
                result => result.err(),
            };
            let after = self.packages.manager.query(&self.packages.context, log)?;
            self.judge(group, &after, error.as_ref());
            self.installed = after;
        }
        if let Some(part) = around
            && !self.outcome.remaining.contains_key(&part.id)
            && let Err(error) =
                self.packages.run_saved_script(part.id, &part.name, part.part, self.down_to, log)
        {
            return self.fail_unless_stopped(part, error);
        }
        Ok(())
    }

    /// Runs the script before, and keeps the one after, whose file goes with the package.
    fn run_script_before(&self, part: &LeavingPart, log: &mut StepLog) -> Result<(), PackageError> {
        let name = part.part.pre_uninstall()[0];
        self.packages.run_script(part.id, name, self.down_to, &part.scripts.before, log)?;
        save_script(self.packages.context.root, &part.native, &part.scripts.after)?;
        Ok(())
    }

    /// Finds out what a transaction has done.
    fn judge(&mut self, group: &[LeavingPart], after: &InstalledSet, error: Option<&PackageManagerError>) {
        self.note_termination(error.and_then(PackageManagerError::termination));
        let lost = after.lost_since(&self.installed, &self.asked);
        // What has left is well where others are to blame for the error.
        let is_to_blame = |part: &LeavingPart| {
            own_cause(error, &part.native).is_some() || after.presence(&part.native) != Presence::Absent
        };
        let is_explained = group.iter().any(is_to_blame);
        for part in group {
            match failure_of(&part.native, after, error, is_explained) {
                Some(failure) => drop(self.outcome.remaining.insert(part.id, failure)),
                None if lost.is_empty() => {}
                None => self.fail(part.id, &PackageError::RemovedOthers(lost.clone())),
            }
        }
    }

    /// What others need that have not left stays, and so do other parts of these.
    fn hold_back(&mut self) {
        let Self { order, outcome: RemoveOutcome { remaining }, .. } = self;
        self.open.retain(|part| {
            if remaining.contains_key(&part.id) {
                return false;
            }
            let is_held = order.dependents(part.id).iter().any(|dependent| remaining.contains_key(dependent));
            if is_held {
                remaining.insert(part.id, RemoveFailure::Held);
            }
            !is_held
        });
    }

    fn fail_unless_stopped(&mut self, part: &LeavingPart, error: PackageError) -> Result<(), PackageError> {
        if error.is_stop() {
            return Err(error);
        }
        self.fail(part.id, &error);
        Ok(())
    }

    fn fail(&mut self, id: PackageId, error: &PackageError) {
        self.note_termination(error.termination());
        self.outcome.remaining.insert(id, RemoveFailure::Own(StepFailure::from(error)));
    }

    fn note_termination(&mut self, termination: Option<&Termination>) {
        if let Some(termination) = termination {
            self.termination = Some(termination.clone());
        }
    }
}

/// Why a native package has not left as it should; nothing, where it has. `is_explained` tells whether an error is known to
/// be the fault of some package.
fn failure_of(
    native: &str,
    after: &InstalledSet,
    error: Option<&PackageManagerError>,
    is_explained: bool,
) -> Option<RemoveFailure> {
    let failed = |reason: String| Some(RemoveFailure::Own(StepFailure::Failed(reason)));
    let still_there = |what: String| failed(PackageError::StillThere(what).to_string());
    let (what, state) = match after.presence(native) {
        Presence::Absent => {
            // Of those that have left, all scripts have run.
            return match (own_cause(error, native), error) {
                (Some(cause), _) => failed(cause),
                (None, Some(error)) if !is_explained => Some(RemoveFailure::Untouched(error.to_string())),
                (None, _) => None,
            };
        }
        Presence::Residual => (format!("the configuration of {native}"), String::new()),
        Presence::Incomplete(_, how) => (format!("{native} ({how})"), format!(" ({native} is {how} now)")),
        Presence::Complete(_) => (native.to_owned(), String::new()),
    };
    match (own_cause(error, native), error) {
        (Some(cause), _) => failed(cause + &state),
        (None, Some(error)) => Some(RemoveFailure::Untouched(format!("{error}{state}"))),
        (None, None) => still_there(what),
    }
}

/// What of an error is a package's own fault, in one line.
fn own_cause(error: Option<&PackageManagerError>, native: &str) -> Option<String> {
    let failures = error.map(PackageManagerError::failures).unwrap_or_default();
    cause_of(failures, |failure| failure.packages.iter().any(|name| name == native))
}

/// The parts that must not be there at a stage, in the order in which they go.
fn parts_to_remove(to: Stage, kind: TargetKind) -> &'static [PackagePart] {
    match (to, kind) {
        (Stage::ShouldNotBeInstalled, TargetKind::Server) => &[PackagePart::Server, PackagePart::Api],
        (_, TargetKind::Server) => &[PackagePart::Server],
        (_, TargetKind::Image | TargetKind::Client) => &[PackagePart::Client],
    }
}
