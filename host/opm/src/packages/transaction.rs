//! One installation by a package manager, and what really came of it for each package. What the manager says of its work
//! is not believed: it is asked what is there, before and after.

use std::collections::{BTreeMap, BTreeSet};

use opkg_interface::package_manager::{Failure, Installed, PackageRequest};

use super::installed_set::{InstalledSet, Presence, VersionChange};
use super::package_manager::{ManagerContext, PackageManager};
use super::package_manager_error::PackageManagerError;
use super::pin::Pin;
use crate::process::{StepLog, Termination};

/// What came of an installation.
#[derive(Debug)]
pub(crate) struct TransactionReport {
    /// Of each package that was asked for, by its name.
    pub(crate) results: BTreeMap<String, PackageResult>,
    /// How the program ended that failed, where one did.
    pub(crate) termination: Option<Termination>,
    /// Whether the manager failed, and all of the packages are as they were.
    pub(crate) is_futile: bool,
}

/// What came of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PackageResult {
    /// It is there, and its scripts have run.
    Installed(Installed),
    /// It is not as it should be, with the reason in one line.
    Failed(String),
    /// It is as it was, or not known to be whole, since something else went wrong; what, in one line. It is to be tried
    /// alone, with its scripts.
    Untouched(String),
}

impl PackageResult {
    /// Why it is not as it should be.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Installed(_) => None,
            Self::Failed(reason) | Self::Untouched(reason) => Some(reason),
        }
    }
}

/// An installation of packages in one transaction.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    pub(crate) manager: &'a PackageManager,
    pub(crate) context: &'a ManagerContext<'a>,
    /// The packages to be installed.
    pub(crate) packages: &'a [String],
    /// All parts of their OPKGs, that come and go with them, and are mended with them where they were cut off. Not whatever
    /// else is there in part: of a kernel, say, several versions are as they should be.
    pub(crate) parts: &'a [String],
    /// The versions that administrators chose of some of them.
    pub(crate) pins: &'a [Pin],
    /// Those of them whose scripts shall run even if they are there already.
    pub(crate) again: &'a BTreeSet<String>,
}

/// How the manager fared, and what is there now.
struct Attempt {
    before: InstalledSet,
    after: InstalledSet,
    error: Option<PackageManagerError>,
    /// What went wrong, with all that was tried.
    failures: Vec<Failure>,
    /// What the manager printed besides, that said that it succeeded and left a package out.
    omission_causes: Vec<Failure>,
    /// What nobody asked for.
    downgrades: Vec<VersionChange>,
    /// The manager did not come to its own end. Of what it left as complete, some managers' databases do not know whether
    /// the last script has run.
    is_cut_off: bool,
}

impl Transaction<'_> {
    /// Does it.
    ///
    /// # Errors
    /// Nothing was begun: it would do what nobody asked for, no package source has the version that somebody chose,
    /// something passes by itself, or the manager does not tell what is there. Or it was stopped.
    pub(crate) fn run(&self, log: &mut StepLog) -> Result<TransactionReport, PackageManagerError> {
        let before = self.repaired_set(log)?;
        let requests = self.requests(&before, log)?;
        self.manager.simulate(&requests, self.context, log)?;
        let (mut printed, mut error) =
            Self::unless_passing(self.manager.install(&requests, self.context, log))?;
        let mut after = self.manager.query(self.context, log)?;
        let due = self.due_again(&before, &after);
        if error.is_none() && !due.is_empty() {
            let again: Vec<PackageRequest> =
                requests.iter().filter(|request| due.contains(&request.name)).cloned().collect();
            let (printed_again, failed) =
                Self::unless_passing(self.manager.reinstall(&again, self.context, log))?;
            printed.push_str(&printed_again);
            error = failed;
            after = self.manager.query(self.context, log)?;
        }
        let mut failures = error.as_ref().map(|it| it.failures().to_vec()).unwrap_or_default();
        let incomplete = after.incomplete(self.parts);
        if !incomplete.is_empty() {
            // Others may have been unpacked before one failed.
            failures.extend(self.manager.repair(&incomplete, self.context, log)?);
            after = self.manager.query(self.context, log)?;
        }
        let termination = error.as_ref().and_then(PackageManagerError::termination).cloned();
        let is_cut_off = termination.as_ref().is_some_and(|it| !matches!(it, Termination::Exited(_)));
        let omission_causes = match &error {
            Some(_) => Vec::new(),
            None => self.omission_causes(&printed, &after)?,
        };
        let downgrades = self.downgrades(&requests, &before, &after, log);
        let attempt = Attempt { before, after, error, failures, omission_causes, downgrades, is_cut_off };
        let is_same = |name: &String| attempt.after.is_same(&attempt.before, name);
        let is_futile = attempt.error.is_some() && self.packages.iter().all(is_same);
        Ok(TransactionReport { results: attempt.results(self.packages), termination, is_futile })
    }

    /// What the manager is asked for: of each package the version that somebody chose, else the newest. Where the manager
    /// cannot tell which versions there are, it is left to it.
    fn requests(
        &self,
        installed: &InstalledSet,
        log: &mut StepLog,
    ) -> Result<Vec<PackageRequest>, PackageManagerError> {
        let newest = |name: &String| PackageRequest { name: name.clone(), version: None };
        let names: Vec<String> = self.pins.iter().flat_map(|pin| pin.names(installed)).collect();
        let offers = if names.is_empty() { None } else { self.manager.offers(&names, self.context, log)? };
        let Some(offers) = offers else { return Ok(self.packages.iter().map(newest).collect()) };
        let is_pinned = |name: &&String| self.pins.iter().any(|pin| pin.native == **name);
        let mut requests: Vec<PackageRequest> =
            self.packages.iter().filter(|name| !is_pinned(name)).map(newest).collect();
        for pin in self.pins {
            requests.extend(pin.requests(&offers, installed)?);
        }
        Ok(requests)
    }

    /// What is there, after what was cut off earlier was brought to its end as far as that is possible.
    fn repaired_set(&self, log: &mut StepLog) -> Result<InstalledSet, PackageManagerError> {
        let found = self.manager.query(self.context, log)?;
        let incomplete = found.incomplete(self.parts);
        if incomplete.is_empty() {
            return Ok(found);
        }
        self.manager.repair(&incomplete, self.context, log)?;
        self.manager.query(self.context, log)
    }

    /// An error that is no end of the matter is the caller's.
    fn unless_passing(
        result: Result<String, PackageManagerError>,
    ) -> Result<(String, Option<PackageManagerError>), PackageManagerError> {
        match result {
            Err(error) if error.is_transient() || error.is_stop() => Err(error),
            Err(error) => Ok((String::new(), Some(error))),
            Ok(printed) => Ok((printed, None)),
        }
    }

    /// Why some package is not there, although the manager said of all that they are.
    fn omission_causes(
        &self,
        printed: &str,
        after: &InstalledSet,
    ) -> Result<Vec<Failure>, PackageManagerError> {
        let is_there = |name: &String| matches!(after.presence(name), Presence::Complete(_));
        match self.packages.iter().all(is_there) {
            true => Ok(Vec::new()),
            false => self.manager.explain_omission(printed),
        }
    }

    /// Packages that are older than before, though nobody asked for their version: as far as the package sources have both
    /// versions, whose order the manager knows.
    fn downgrades(
        &self,
        requests: &[PackageRequest],
        before: &InstalledSet,
        after: &InstalledSet,
        log: &mut StepLog,
    ) -> Vec<VersionChange> {
        let is_asked = |name: &str| requests.iter().any(|it| it.name == name && it.version.is_some());
        let mut changes = after.changed_since(before);
        changes.retain(|change| !is_asked(&change.name));
        if changes.is_empty() {
            return changes;
        }
        let names: Vec<String> = changes.iter().map(|change| change.name.clone()).collect();
        match self.manager.offers(&names, self.context, log) {
            Ok(offers) => {
                let offers = offers.unwrap_or_default();
                changes.retain(|change| change.is_downgrade(&offers));
                changes
            }
            // What was done is done, whatever is known of it.
            Err(error) => {
                log.note(&format!("not known whether a package is older now than before: {error}"));
                Vec::new()
            }
        }
    }

    /// What the manager takes for done and is not: what is there in part still, and what was there already in its present
    /// version where its scripts shall run.
    fn due_again(&self, before: &InstalledSet, after: &InstalledSet) -> Vec<String> {
        let is_due = |name: &&String| match after.presence(name) {
            Presence::Absent | Presence::Residual => false,
            Presence::Incomplete(..) => true,
            Presence::Complete(_) => self.again.contains(*name) && after.is_same(before, name),
        };
        self.packages.iter().filter(is_due).cloned().collect()
    }
}

impl Attempt {
    fn results(&self, packages: &[String]) -> BTreeMap<String, PackageResult> {
        let asked: BTreeSet<String> = packages.iter().cloned().collect();
        let lost = self.after.lost_since(&self.before, &asked);
        let downgrades: Vec<String> = self.downgrades.iter().map(ToString::to_string).collect();
        let unasked: Vec<String> = [("removed", lost), ("downgraded", downgrades)]
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(verb, names)| format!("{verb} {}", names.join(", ")))
            .collect();
        let result = |name: &String| {
            let result = match unasked.is_empty() {
                true => self.result(name, &asked),
                false => {
                    let unasked = unasked.join(" and ");
                    PackageResult::Failed(format!("the installation {unasked}, which nobody asked for"))
                }
            };
            (name.clone(), result)
        };
        packages.iter().map(result).collect()
    }

    fn result(&self, name: &str, asked: &BTreeSet<String>) -> PackageResult {
        let blamed = self.cause_of(|failure| failure.packages.iter().any(|it| it == name));
        let is_changed = !self.after.is_same(&self.before, name);
        let reason = || self.error.as_ref().map(ToString::to_string);
        match self.after.presence(name) {
            Presence::Incomplete(_, how) => {
                let is_others =
                    || self.cause_of(|failure| failure.packages.iter().any(|it| asked.contains(it)));
                match (blamed, is_others(), reason()) {
                    (Some(cause), ..) => PackageResult::Failed(format!("{cause} ({name} is {how} now)")),
                    // It waits for another one, which failed.
                    (None, Some(cause), _) => {
                        PackageResult::Untouched(format!("{cause} ({name} is {how} now)"))
                    }
                    (None, None, Some(reason)) => {
                        PackageResult::Failed(format!("{reason} ({name} is {how} now)"))
                    }
                    (None, None, None) => {
                        PackageResult::Failed(self.describe_omission(name, &format!("is {how}")))
                    }
                }
            }
            Presence::Absent | Presence::Residual => match (blamed, reason()) {
                (Some(cause), _) => PackageResult::Failed(cause),
                (None, Some(reason)) => PackageResult::Untouched(reason),
                (None, None) => PackageResult::Failed(self.describe_omission(name, "is not installed")),
            },
            Presence::Complete(found) => match (blamed, reason()) {
                (Some(cause), _) => PackageResult::Failed(cause),
                (None, Some(reason)) if !is_changed || self.is_cut_off => PackageResult::Untouched(reason),
                // What came with it failed, and nothing else tells of that.
                (None, Some(_)) => match self.cause_of(|failure| self.is_silent(failure, asked)) {
                    Some(cause) => PackageResult::Failed(cause),
                    None => PackageResult::Installed(found.clone()),
                },
                (None, None) => PackageResult::Installed(found.clone()),
            },
        }
    }

    /// Why a package is not as it should be whose installation was said to have succeeded: what the manager printed of it, or
    /// of none in particular.
    fn describe_omission(&self, name: &str, how: &str) -> String {
        let is_meant =
            |failure: &Failure| failure.packages.is_empty() || failure.packages.iter().any(|it| it == name);
        match cause_of(&self.omission_causes, is_meant) {
            Some(cause) => format!("{cause} ({name} {how} now)"),
            None => format!("{name} {how}, although its installation was said to have succeeded"),
        }
    }

    /// Whether a failure is that of a package which nobody asked for, which came with this transaction, and which the
    /// manager's database takes for complete.
    fn is_silent(&self, failure: &Failure, asked: &BTreeSet<String>) -> bool {
        failure.packages.iter().any(|name| {
            !asked.contains(name)
                && matches!(self.after.presence(name), Presence::Complete(_))
                && !self.after.is_same(&self.before, name)
        })
    }

    fn cause_of(&self, is_meant: impl Fn(&Failure) -> bool) -> Option<String> {
        cause_of(&self.failures, is_meant)
    }
}

/// What the failures that are meant say, in one line.
pub(super) fn cause_of(failures: &[Failure], is_meant: impl Fn(&Failure) -> bool) -> Option<String> {
    let mut causes: Vec<&str> = Vec::new();
    for failure in failures.iter().filter(|failure| is_meant(failure)) {
        if !causes.contains(&failure.cause.as_str()) {
            causes.push(&failure.cause);
        }
    }
    (!causes.is_empty()).then(|| causes.join("; "))
}
