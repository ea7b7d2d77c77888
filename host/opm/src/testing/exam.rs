//! Running tests, with the journal that engines keep: each of a package on a target is a step of a run.

use opkg_oda::{
    Change, Cluster, Ending, Event, EventId, Key, Kind, PackageId, Phase, Run, RunId, Stage, Step, Store,
    TargetId, Verdict as Ended,
};

use super::find::before;
use super::tree::{Counts, Part, Verdict};
use crate::effects::Report;
use crate::engine::{Clock, Identity, RunError};
use crate::machine::Outcome;

/// What is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A package.
    Package(PackageId),
    /// The cluster, before it comes to a phase.
    Phase(Phase),
}

/// What is tested where, and with which files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exam {
    /// Where.
    pub target: TargetId,
    /// What.
    pub subject: Subject,
    /// Below the testing directory; none where there are no tests.
    pub files: Vec<String>,
}

impl Exam {
    /// How people call it: its file, if it is one.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.files.as_slice() {
            [one] => one.rsplit('/').next().unwrap_or(one),
            _ => "tests",
        }
    }
}

/// What came of an exam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What was tested.
    pub exam: Exam,
    /// How it went as a whole.
    pub verdict: Verdict,
    /// Its tests.
    pub parts: Vec<Part>,
    /// In milliseconds.
    pub took: i64,
    /// Its step in the journal; absent where nothing ran.
    pub event: Option<EventId>,
    /// The file that holds what was printed.
    pub log: Option<String>,
}

/// Runs tests.
pub trait Bench {
    /// The files that test a subject on a target, below the testing directory.
    ///
    /// # Errors
    /// One line: the testing directory cannot be looked into.
    fn find(&mut self, cluster: &Cluster, target: TargetId, subject: Subject) -> Result<Vec<String>, String>;

    /// Runs them. All that can go wrong is in the report.
    fn examine(
        &mut self,
        cluster: &Cluster,
        exam: &Exam,
        run: RunId,
        clock: &dyn Clock,
        audience: &mut dyn Audience,
    ) -> (Report, Vec<Part>);

    /// Whether the run is asked to stop after the present exam.
    fn stopped(&self) -> bool;
}

/// Hears what goes on.
pub trait Audience {
    /// An exam begins.
    fn begins(&mut self, cluster: &Cluster, exam: &Exam);
    /// A test or a batch begins, so deep in others.
    fn part_begins(&mut self, part: &Part, depth: usize);
    /// It ended.
    fn part_ended(&mut self, part: &Part, depth: usize);
    /// An exam ended.
    fn ended(&mut self, cluster: &Cluster, examined: &Examined);
}

/// Everything that running tests needs.
pub struct Examiner<'a> {
    /// The database.
    pub store: &'a mut dyn Store,
    /// The world.
    pub bench: &'a mut dyn Bench,
    /// Who listens.
    pub audience: &'a mut dyn Audience,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Who this is.
    pub identity: Identity,
}

impl Exam {
    fn packages(&self) -> Vec<PackageId> {
        match self.subject {
            Subject::Package(package) => vec![package],
            Subject::Phase(_) => Vec::new(),
        }
    }

    /// The stage that the tested package has; of a phase the first one that waits for it.
    pub(crate) fn stage(&self, cluster: &Cluster) -> Stage {
        match self.subject {
            Subject::Package(package) => {
                let row = cluster.row(Key { target: self.target, package });
                row.map_or(Stage::ShouldNotBeInstalled, |it| it.current)
            }
            Subject::Phase(phase) => {
                let waits = |it: &Stage| it.gate(Kind::Server).is_some_and(|it| it >= phase);
                Stage::ALL.into_iter().find(waits).unwrap_or(Stage::Finished)
            }
        }
    }
}

impl Examiner<'_> {
    /// Tests the subjects on the targets, one after the other. The answer ends early where it is asked to stop.
    ///
    /// # Errors
    /// When an engine works on one of the targets, or when the database fails.
    pub fn run(&mut self, targets: &[TargetId], subjects: &[Subject]) -> Result<Vec<Examined>, RunError> {
        // What is being installed cannot be tested.
        let _lock = match self.store.lock(targets)? {
            Ok(lock) => lock,
            Err(holder) => return Err(RunError::held(&self.store.load()?, holder)),
        };
        let cluster = self.store.load()?;
        let mut last = None;
        let mut all = Vec::new();
        for (&target, &subject) in targets.iter().flat_map(|it| subjects.iter().map(move |other| (it, other)))
        {
            if self.bench.stopped() {
                break;
            }
            let examined = self.examine(&cluster, target, subject, &mut last)?;
            self.audience.ended(&cluster, &examined);
            all.push(examined);
        }
        if let Some(EventId { run, .. }) = last {
            let good = all.iter().all(|it| matches!(it.verdict, Verdict::Passed | Verdict::Skipped(_)));
            let verdict = match (self.bench.stopped(), good) {
                (true, _) => Ended::Interrupted,
                (_, true) => Ended::Done,
                (_, false) => Ended::Failed,
            };
            let ended = self.clock.now();
            self.store.commit(&[Change::RunEnded { run, ended, verdict }])?;
        }
        Ok(all)
    }

    /// Runs one exam. `last` is the last event of the run that all of them belong to.
    fn examine(
        &mut self,
        cluster: &Cluster,
        target: TargetId,
        subject: Subject,
        last: &mut Option<EventId>,
    ) -> Result<Examined, RunError> {
        let idle = |files, verdict| {
            let exam = Exam { target, subject, files };
            Examined { exam, verdict, parts: Vec::new(), took: 0, event: None, log: None }
        };
        let files = match self.bench.find(cluster, target, subject) {
            Ok(files) => files,
            Err(reason) => return Ok(idle(Vec::new(), Verdict::Broken(reason))),
        };
        if files.is_empty() {
            return Ok(idle(files, absent(cluster, target, subject)));
        }
        let exam = Exam { target, subject, files };
        self.audience.begins(cluster, &exam);
        let id = match *last {
            Some(EventId { run, number }) => EventId { run, number: number + 1 },
            None => EventId { run: self.start()?, number: 1 },
        };
        *last = Some(id);
        let started = self.clock.now();
        let event = Event {
            id,
            started,
            target,
            packages: exam.packages(),
            stage: exam.stage(cluster),
            step: Step::Test,
            name: exam.name().to_owned(),
            ending: None,
        };
        self.store.commit(&[Change::Event(Box::new(event))])?;
        let (report, parts) = self.bench.examine(cluster, &exam, id.run, self.clock, self.audience);
        let now = self.clock.now();
        let verdict = verdict(&report.outcome, &parts);
        let ending = ending(&report, &verdict, now);
        self.store.commit(&[Change::EventEnded { event: id, ending: Box::new(ending) }])?;
        Ok(Examined { exam, verdict, parts, took: now - started, event: Some(id), log: report.log })
    }

    fn start(&mut self) -> Result<RunId, RunError> {
        Ok(self.store.start_run(&Run {
            id: RunId(0),
            started: self.clock.now(),
            ended: None,
            verdict: None,
            host: self.identity.host.clone(),
            process: self.identity.process,
            command: self.identity.command.clone(),
        })?)
    }
}

/// That there is nothing to run.
fn absent(cluster: &Cluster, target: TargetId, subject: Subject) -> Verdict {
    match subject {
        Subject::Phase(phase) => Verdict::Broken(format!("there is no {}", before(phase))),
        Subject::Package(package) => {
            let row = cluster.row(Key { target, package });
            let name = cluster.packages.get(&package).map(|it| it.name.as_str()).unwrap_or_default();
            match row.is_some_and(|it| it.current >= Stage::ShouldBeInstalled) {
                true => Verdict::Skipped("it brings no tests".into()),
                false => Verdict::Broken(format!("it is not installed there: see `opm status {name}`")),
            }
        }
    }
}

/// How an exam went. Where its runner is not content and no test has failed, nothing is known of the package.
fn verdict(outcome: &Outcome, parts: &[Part]) -> Verdict {
    let counts = Counts::of(parts);
    let reason = match outcome {
        Outcome::Done => return Verdict::Passed,
        Outcome::Failed(reason) | Outcome::Together(reason) | Outcome::Waits(reason) => reason.clone(),
        Outcome::Stopped => "it was asked to stop".to_owned(),
        Outcome::Partly(_) | Outcome::Present(_) => "it ended in a way that tests do not".to_owned(),
    };
    match counts.failed > 0 {
        true => Verdict::Failed(reason),
        false => Verdict::Broken(reason),
    }
}

fn ending(report: &Report, verdict: &Verdict, ended: i64) -> Ending {
    Ending {
        ended,
        verdict: match (&report.outcome, verdict) {
            (Outcome::Stopped, _) => Ended::Interrupted,
            (_, Verdict::Passed) => Ended::Done,
            _ => Ended::Failed,
        },
        message: verdict.reason().map(str::to_owned),
        exit_code: report.exit_code,
        signal: report.signal,
        timed_out: report.timed_out,
        log: report.log.clone(),
        tail: report.tail.clone(),
    }
}
