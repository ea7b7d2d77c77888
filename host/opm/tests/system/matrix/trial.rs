//! How a cell is tried.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use opkg_engine::effects::{Effects, StepTrace};
use opkg_engine::machine::{Install, InstallOutcome, Remove, RemoveFailure, StepFailure};
use opkg_oda::{Change, Cluster, PackageId, PackageState, RunId, Stage, StateKey};
use opkg_opm::{Repository, System};
use opkg_tests::inspect::FILESYSTEM_PACKAGE;

use super::ONLY_VAR;
use super::cell::{Cell, Ending, Fault, Operation};
use super::faults::FaultyRoot;
use super::opkgs::{NEW, OLD, PAYLOAD, PROOF, package_files};
use super::root::ManagedRoot;
use crate::fixture::{DEMO, Fixture, OTHER, SERVER};

/// The packages that are asked for, by what they are called.
const PACKAGES: [(PackageId, &str); 2] = [(DEMO, "opkg-demo-server"), (OTHER, "opkg-other-server")];

/// Characters that a line has at most which people are to read.
const MAX_CAUSE: usize = 400;

/// What came of a package, as the engine takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Done,
    Error(String),
    Postponed(String),
}

/// What came of all packages that were asked for.
type Verdicts = BTreeMap<PackageId, Verdict>;

/// What came of a cell.
pub struct Trial {
    /// What the first attempt said, and left.
    pub said: String,
    /// What is not as it must be.
    pub complaints: Vec<String>,
}

/// What is not as it must be.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn unless(&mut self, is_so: bool, complaint: impl FnOnce() -> String) {
        if !is_so {
            self.0.push(complaint());
        }
    }
}

/// A root in which cells are tried, one after the other.
pub struct Trials<R> {
    faulty: FaultyRoot<R>,
    fixture: Fixture,
    /// By the place of their package source.
    systems: BTreeMap<String, System>,
}

impl<R: ManagedRoot> Trials<R> {
    pub fn new(root: R) -> Self {
        let mut fixture = Fixture::new();
        fixture.cluster.targets.get_mut(&SERVER).unwrap().root = Some(root.path().to_owned());
        fixture.config.environment = root.environment();
        fixture.config.limits.package_manager = Duration::from_secs(200);
        Self { faulty: FaultyRoot::new(root), fixture, systems: BTreeMap::new() }
    }

    /// Tries one.
    pub fn run(&mut self, cell: Cell) -> Trial {
        self.begin(cell);
        let mut complaints = Vec::new();
        let before = self.installed();
        self.faulty.induce(cell);
        let mut said = String::new();
        if cell.ending() == Ending::Untold {
            [DEMO, OTHER].into_iter().for_each(|package| self.count_attempt(package));
        } else {
            let first = self.attempt(cell);
            said = self.describe(&first);
            complaints.extend(self.judge_first(cell, &before, &first));
        }
        writeln!(said, "  left: {}", self.describe_installed()).unwrap();
        self.faulty.mend();
        complaints.extend(self.judge_convergence(cell));
        self.end();
        Trial { said, complaints }
    }

    /// What is there before the operation.
    fn begin(&mut self, cell: Cell) {
        if cell.operation != Operation::Install {
            self.faulty.root.put(&package_files(&self.faulty.sources.old));
        }
        self.forget_attempts();
        let _ = self.take_proof();
    }

    fn end(&self) {
        let names: Vec<String> = self.installed().into_keys().collect();
        self.faulty.root.take(&names);
        for name in ["demo", "other"] {
            let _ = fs::remove_dir_all(self.faulty.root.resolve("/usr/lib/oscar/packages").join(name));
        }
    }

    /// Of OPKGs and of the site.
    fn installed(&self) -> BTreeMap<String, String> {
        let mut installed = self.faulty.root.installed();
        installed.remove(FILESYSTEM_PACKAGE);
        installed
    }

    /// Does what was asked for as the engine does it: what a transaction left untouched is tried alone.
    fn attempt(&mut self, cell: Cell) -> Verdicts {
        let mut verdicts = BTreeMap::new();
        let mut alone = Vec::new();
        for (package, verdict) in self.attempt_together(cell, &[DEMO, OTHER]) {
            match verdict {
                Ok(verdict) => drop(verdicts.insert(package, verdict)),
                Err(_) => alone.push(package),
            }
        }
        for package in alone {
            for (package, verdict) in self.attempt_together(cell, &[package]) {
                verdicts.insert(package, verdict.unwrap_or_else(Verdict::Error));
            }
        }
        verdicts
    }

    /// One step. A package that it left untouched has no verdict, but a reason.
    fn attempt_together(
        &mut self,
        cell: Cell,
        packages: &[PackageId],
    ) -> BTreeMap<PackageId, Result<Verdict, String>> {
        packages.iter().for_each(|package| self.count_attempt(*package));
        match cell.operation {
            Operation::Install | Operation::Upgrade => self.attempt_installation(cell, packages),
            Operation::Remove => self.attempt_removal(cell, packages),
        }
    }

    fn attempt_removal(
        &mut self,
        cell: Cell,
        packages: &[PackageId],
    ) -> BTreeMap<PackageId, Result<Verdict, String>> {
        let packages = packages.to_vec();
        let step = Remove { target: SERVER, packages: packages.clone(), down_to: Stage::ShouldBeInstalled };
        let (system, cluster) = self.system(cell);
        let report = system.remove(cluster, &step, RunId(1));
        show_output(&report.trace);
        let verdict = |package: &PackageId| match report.outcome.remaining.get(package).cloned() {
            None => Ok(Verdict::Done),
            Some(RemoveFailure::Own(StepFailure::Failed(reason))) => Ok(Verdict::Error(reason)),
            Some(RemoveFailure::Own(StepFailure::Postponed(reason))) => Ok(Verdict::Postponed(reason)),
            Some(RemoveFailure::Own(StepFailure::Stopped)) => panic!("nobody stops it"),
            Some(RemoveFailure::Untouched(reason)) => Err(reason),
            Some(RemoveFailure::Held) => panic!("neither needs the other"),
        };
        packages.iter().map(|package| (*package, verdict(package))).collect()
    }

    fn attempt_installation(
        &mut self,
        cell: Cell,
        packages: &[PackageId],
    ) -> BTreeMap<PackageId, Result<Verdict, String>> {
        let step = Install { target: SERVER, stage: Stage::InstallBinPkgs, packages: packages.to_vec() };
        let (system, cluster) = self.system(cell);
        let report = system.install(cluster, &step, RunId(1));
        show_output(&report.trace);
        let verdict = |package: &PackageId| match &report.outcome {
            InstallOutcome::Installed { failures, untouched, .. } => {
                match (failures.get(package), untouched.get(package)) {
                    (Some(reason), _) => Ok(Verdict::Error(reason.clone())),
                    (None, Some(reason)) => Err(reason.clone()),
                    (None, None) => Ok(Verdict::Done),
                }
            }
            InstallOutcome::TransactionFailed(reason) => Err(reason.clone()),
            InstallOutcome::Failed(reason) => Ok(Verdict::Error(reason.clone())),
            InstallOutcome::Postponed(reason) => Ok(Verdict::Postponed(reason.clone())),
            InstallOutcome::Stopped => panic!("nobody stops it"),
        };
        packages.iter().map(|package| (*package, verdict(package))).collect()
    }

    /// The engine's effects, with the package source of the cell.
    fn system(&mut self, cell: Cell) -> (&mut System, &Cluster) {
        let location = self.faulty.package_source(cell);
        let mut config = self.fixture.config.clone();
        config.repositories = vec![Repository {
            location: location.clone(),
            name: None,
            unauthenticated: true,
            targets: Vec::new(),
        }];
        let options = self.fixture.options();
        let system = self.systems.entry(location).or_insert_with(|| System::new(config, options));
        (system, &self.fixture.cluster)
    }

    fn set_attempts(&mut self, package: PackageId, attempts: impl Fn(u32) -> u32) {
        let key = StateKey { target: SERVER, package };
        let row = self.fixture.cluster.state(key).unwrap().clone();
        let row = PackageState { attempts: attempts(row.attempts), ..row };
        self.fixture.cluster.apply(&Change::UpdateState(key, row));
    }

    fn count_attempt(&mut self, package: PackageId) {
        self.set_attempts(package, |attempts| attempts + 1);
    }

    /// As after a success.
    fn forget_attempts(&mut self) {
        [DEMO, OTHER].into_iter().for_each(|package| self.set_attempts(package, |_| 0));
    }

    /// The truth, the right cause, and nobody else in error. Returns what is not so.
    fn judge_first(&self, cell: Cell, before: &BTreeMap<String, String>, verdicts: &Verdicts) -> Vec<String> {
        let ending = cell.ending();
        let found = match &verdicts[&DEMO] {
            Verdict::Done => Ending::Done,
            Verdict::Error(_) => Ending::Error,
            Verdict::Postponed(_) => Ending::Postponed,
        };
        let mut complaints = Complaints::default();
        complaints.unless(found == ending, || format!("it ends as {found:?} instead of {ending:?}"));
        let installed = self.installed();
        for (package, name) in PACKAGES {
            let Some(verdict) = verdicts.get(&package) else { continue };
            let (is_there, was_there) = (installed.get(name), before.get(name));
            let is_true = match verdict {
                Verdict::Done => is_there == wanted(cell),
                Verdict::Postponed(_) => is_there == was_there,
                // Its files may be there already when its last script fails.
                Verdict::Error(_) => {
                    matches!(cell.fault, Fault::ScriptAfterFails | Fault::Killed | Fault::KilledEachTime)
                        || is_there != wanted(cell)
                }
            };
            complaints.unless(is_true, || format!("{name} is {is_there:?}"));
            let (Verdict::Error(cause) | Verdict::Postponed(cause)) = verdict else { continue };
            let is_line = cause.len() < MAX_CAUSE && !cause.contains('\n');
            complaints.unless(is_line, || format!("this is no line: {cause:?}"));
            let is_innocent = package != DEMO && !cell.concerns_all_packages();
            complaints.unless(!is_innocent, || format!("{name} is innocent"));
            for words in cell.cause() {
                let is_named = words.iter().any(|word| cause.contains(word));
                complaints.unless(is_named, || format!("the cause of {name} has none of {words:?}"));
            }
        }
        complaints.0
    }

    /// The same request comes to its end, and once more changes nothing. Returns what is not so.
    fn judge_convergence(&mut self, cell: Cell) -> Vec<String> {
        let mut complaints = Complaints::default();
        let second = self.attempt(cell);
        let said = self.describe(&second);
        let is_done = second.values().all(|verdict| *verdict == Verdict::Done);
        complaints.unless(is_done, || format!("it does not go on:\n{said}"));
        let installed = self.installed();
        for (package, name) in PACKAGES {
            let is_there = installed.get(name);
            let is_wanted = !second.contains_key(&package) || is_there == wanted(cell);
            complaints.unless(is_wanted, || format!("{name} is {is_there:?} in the end"));
        }
        let is_old = |version: &String| version.starts_with(OLD);
        let left = installed.values().filter(|version| is_old(version)).count();
        let is_whole = cell.operation == Operation::Remove || left == 0;
        complaints.unless(is_whole, || format!("something of the older version is left: {installed:?}"));
        let payload = self.faulty.root.resolve(PAYLOAD);
        let ran = self.take_proof();
        if cell.operation == Operation::Remove {
            for name in ["opkg-demo", "opkg-other"] {
                let is_there = installed.get(name);
                complaints.unless(is_there.is_some_and(|it| it == OLD), || format!("{name} is {is_there:?}"));
            }
        } else {
            let size = fs::metadata(&payload).map(|file| file.len()).unwrap_or_default();
            complaints.unless(size > 1 << 20, || format!("{} has {size} bytes", payload.display()));
            for name in ["demo", "other"] {
                let line = format!("{name} server-post-install of {NEW}");
                complaints
                    .unless(ran.contains(&line), || format!("the script of {name} has not run: {ran:?}"));
            }
        }
        self.forget_attempts();
        let third = self.attempt(cell);
        let said = self.describe(&third);
        complaints.unless(third == second, || format!("the third time:\n{said}"));
        complaints.unless(self.installed() == installed, || "the third time something else is there".into());
        let ran = self.take_proof();
        complaints.unless(ran.is_empty(), || format!("the third time scripts run: {ran:?}"));
        complaints.0
    }

    /// What scripts noted since this was asked last, line by line.
    fn take_proof(&self) -> Vec<String> {
        let file = self.faulty.root.resolve(PROOF);
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        text.lines().map(str::to_owned).collect()
    }

    /// A line for each package.
    fn describe(&self, verdicts: &Verdicts) -> String {
        let root = self.faulty.root.path().display().to_string();
        let line = |(package, verdict): (&PackageId, &Verdict)| {
            let name = if *package == DEMO { "demo" } else { "other" };
            let said = match verdict {
                Verdict::Done => "done".to_owned(),
                Verdict::Error(cause) => format!("error: {cause}"),
                Verdict::Postponed(cause) => format!("postponed: {cause}"),
            };
            format!("  {name}: {}\n", without_chance(&said.replace(&root, "ROOT")))
        };
        verdicts.iter().map(line).collect()
    }

    fn describe_installed(&self) -> String {
        let installed = self.installed();
        let packages = installed.iter().map(|(name, version)| format!("{name} {version}"));
        let packages = packages.collect::<Vec<_>>().join(", ");
        if packages.is_empty() { "nothing".to_owned() } else { packages }
    }
}

/// What the database must have of a package that was asked for.
fn wanted(cell: Cell) -> Option<&'static String> {
    static WANTED: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| NEW.to_owned());
    (cell.operation != Operation::Remove).then(|| &*WANTED)
}

/// For whoever looks at single cells.
fn show_output(trace: &StepTrace) {
    if std::env::var_os(ONLY_VAR).is_some() {
        eprintln!("{}", trace.tail);
    }
}

/// Without what is another time different: how far a program that was killed had come, how long something took, how much was
/// free.
fn without_chance(said: &str) -> String {
    let said = match said.split_once("; the last that it printed: ") {
        Some((cause, printed)) => {
            let state = printed.find(" (opkg-").map_or("", |found| &printed[found..]);
            format!("{cause}; the last that it printed: …{state}")
        }
        None => said.to_owned(),
    };
    let words: Vec<&str> = said.split(' ').collect();
    let steady = words.iter().enumerate().map(|(index, word)| {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_amount = word.len() > unit.len()
            && (["KB", "MB"].contains(&unit) || unit.is_empty() && words.get(index + 1) == Some(&"ms"));
        if is_amount { format!("N{unit}") } else { (*word).to_owned() }
    });
    steady.collect::<Vec<_>>().join(" ")
}
