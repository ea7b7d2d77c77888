//! One run: from a loaded cluster to the point where nothing more can be done.
//!
//! Write-ahead: that a piece of work begins is committed before it does, what came of it right after. A run that
//! dies in between leaves rows in state `running`; the next one takes the same stages again.

use std::collections::BTreeSet;

use opkg_oda::export::Values;
use opkg_oda::{
    Change, Cluster, Error, EventId, Holder, Kind, Origin, Package, PackageId, Run, RunId, State, Store,
    TargetId, Value, Verdict, Wanted,
};

use crate::alive::is_alive;
use crate::effects::{Effects, Report};
use crate::journal;
use crate::machine::{Hook, Machine, Outcome, Scope, Work};
use crate::requests;

/// What a run is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// The targets that this engine maintains.
    pub targets: BTreeSet<TargetId>,
    /// These packages only; all if absent.
    pub packages: Option<BTreeSet<PackageId>>,
    /// Clears errors first.
    pub retry: bool,
}

/// Who runs, for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The machine.
    pub host: String,
    /// The process.
    pub process: u32,
    /// The command as it was given.
    pub command: String,
}

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another engine works on one of the targets.
    #[error("another run works on {address}")]
    Held {
        /// On which target.
        address: String,
        /// Who.
        holder: Holder,
    },
    /// The database failed. What was being done is taken up again by the next run.
    #[error(transparent)]
    Database(#[from] Error),
}

impl RunError {
    /// Somebody has a target.
    #[must_use]
    pub fn held(cluster: &Cluster, holder: Holder) -> Self {
        let target = cluster.targets.get(&holder.target);
        let address = target.map_or_else(|| "a target".to_owned(), |it| it.address.to_string());
        Self::Held { address, holder }
    }
}

/// Hears what is going on.
pub trait Observer {
    /// A piece of work begins.
    fn begins(&mut self, cluster: &Cluster, work: &Work);
    /// It ended.
    fn ended(&mut self, cluster: &Cluster, work: &Work, report: &Report);
    /// Something else that is worth knowing; one line.
    fn note(&mut self, text: &str);
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its key; absent where nothing was to be done.
    pub run: Option<RunId>,
    /// Pieces of work, without those that only mark a stage.
    pub steps: usize,
    /// How many of them failed.
    pub failed: usize,
    /// The cluster at the end; absent where nothing was to be done.
    pub cluster: Option<Cluster>,
    /// Whether it was asked to stop before its end.
    pub stopped: bool,
    /// Whether a package is in error on a target of this run, from now or from before.
    pub errors: bool,
}

/// The time in milliseconds since 1970.
pub trait Clock {
    /// Now.
    fn now(&self) -> i64;
}

/// Everything that a run works with.
pub struct Engine<'a> {
    /// The database.
    pub store: &'a mut dyn Store,
    /// The world.
    pub effects: &'a mut dyn Effects,
    /// Who listens.
    pub observer: &'a mut dyn Observer,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Who this is.
    pub identity: Identity,
}

impl Engine<'_> {
    /// Does all that can be done for the targets now.
    ///
    /// # Errors
    /// When another engine works on one of them, or when the database fails.
    pub fn run(&mut self, order: &Order) -> Result<Summary, RunError> {
        self.bury_the_dead()?;
        if !self.store.pending()? {
            return Ok(idle());
        }
        let targets: Vec<TargetId> = order.targets.iter().copied().collect();
        // Held until the end of the run.
        let _lock = match self.store.lock(&targets)? {
            Ok(lock) => lock,
            Err(holder) => return Err(RunError::held(&self.store.load()?, holder)),
        };
        if order.retry {
            let now = self.seconds();
            let (packages, targets) = (order.packages.as_ref(), &order.targets);
            self.store.update(&mut |cluster| requests::clear(cluster, packages, targets, now))?;
        }
        let cluster = self.store.load()?;
        // From here on only what others write counts as changed.
        self.store.changed()?;
        let scope = Scope { targets: order.targets.clone(), packages: order.packages.clone() };
        let mut course =
            Course { machine: Machine::new(cluster, scope), run: None, next: 1, steps: 0, failed: 0 };
        let stopped = self.work(&mut course)?;
        let errors = errors(course.machine.cluster(), order);
        if let Some(run) = course.run {
            let verdict = match (stopped, errors) {
                (true, _) => Verdict::Interrupted,
                (_, true) => Verdict::Failed,
                _ => Verdict::Done,
            };
            let ended = self.clock.now();
            self.store.commit(&[Change::RunEnded { run, ended, verdict }])?;
        }
        Ok(Summary {
            run: course.run,
            steps: course.steps,
            failed: course.failed,
            cluster: Some(course.machine.cluster().clone()),
            stopped,
            errors,
        })
    }

    /// Works until nothing is left. The answer is whether it was asked to stop before.
    fn work(&mut self, course: &mut Course) -> Result<bool, RunError> {
        loop {
            if self.effects.stopped() {
                return Ok(true);
            }
            match course.machine.next() {
                Some(work) => self.step(course, &work)?,
                None if self.store.changed()? => {
                    let cluster = self.store.load()?;
                    course.machine.renew(cluster);
                }
                None => return Ok(false),
            }
        }
    }

    fn step(&mut self, course: &mut Course, work: &Work) -> Result<(), RunError> {
        let machine = &mut course.machine;
        let effect = !matches!(work, Work::Mark { .. }) && self.effects.concerns(machine.cluster(), work);
        if !effect {
            self.start(&mut course.run)?;
            let changes = machine.finish(work, &Outcome::Done, self.seconds());
            self.store.commit(&changes)?;
            return Ok(());
        }
        let run = self.start(&mut course.run)?;
        let id = EventId { run, number: course.next };
        course.next += 1;
        let mut changes = machine.begin(work, self.seconds());
        let event = journal::began(machine.cluster(), work, id, self.clock.now());
        changes.extend(event.map(Box::new).map(Change::Event));
        self.store.commit(&changes)?;

        self.observer.begins(machine.cluster(), work);
        let (report, known) = match work {
            Work::Configure { key } => {
                let known = values(self.store, machine.cluster(), key.package)?;
                (self.effects.configure(machine.cluster(), *key, None, &known, run), known)
            }
            Work::Hook { key, hook: Hook::PostImage, image, .. } => {
                let known = values(self.store, machine.cluster(), key.package)?;
                let configured = self.effects.configure(machine.cluster(), *key, *image, &known, run);
                let report = match configured.outcome {
                    Outcome::Done => {
                        let report = self.effects.perform(machine.cluster(), work, run);
                        Report { settled: configured.settled, ..report }
                    }
                    _ => configured,
                };
                (report, known)
            }
            _ => (self.effects.perform(machine.cluster(), work, run), Values::new()),
        };
        self.observer.ended(machine.cluster(), work, &report);

        let mut changes = machine.finish(work, &report.outcome, self.seconds());
        changes.extend(machine.learn(&report.learned));
        changes.extend(report.settled.iter().map(|(place, values)| settled(*place, values, &known)));
        let ending = journal::ended(machine.cluster(), &report, self.clock.now());
        course.steps += 1;
        course.failed += usize::from(ending.verdict == Verdict::Failed);
        changes.push(Change::EventEnded { event: id, ending: Box::new(ending) });
        self.store.commit(&changes)?;
        if let Work::Configure { key } = work
            && answered_meanwhile(&known, &values(self.store, course.machine.cluster(), key.package)?)
        {
            let name = course.machine.cluster().packages.get(&key.package).map(|it| it.name.as_str());
            let name = name.unwrap_or_default();
            self.observer
                .note(&format!("{name} was given other answers meanwhile: `opm reconfigure {name}`"));
        }
        Ok(())
    }

    /// The run's key; with the first piece of work it gets into the journal.
    fn start(&mut self, run: &mut Option<RunId>) -> Result<RunId, RunError> {
        if let Some(run) = *run {
            return Ok(run);
        }
        let started = self.store.start_run(&Run {
            id: RunId(0),
            started: self.clock.now(),
            ended: None,
            verdict: None,
            host: self.identity.host.clone(),
            process: self.identity.process,
            command: self.identity.command.clone(),
        })?;
        *run = Some(started);
        Ok(started)
    }

    /// Runs of this machine that neither ended nor live: what they left running is ended, and the journal says so.
    fn bury_the_dead(&mut self) -> Result<(), RunError> {
        for run in self.store.open_runs()? {
            if run.host != self.identity.host || is_alive(&run) {
                continue;
            }
            self.observer.note(&format!("run {} died; its last steps are taken again", run.id.0));
            for line in self.effects.clean_up(run.id) {
                self.observer.note(&line);
            }
            let ended = self.clock.now();
            let events = self.store.events(&Wanted { run: Some(run.id), ..Wanted::default() })?;
            let open = events.into_iter().filter(|it| it.ending.is_none());
            let mut changes: Vec<Change> = open
                .map(|it| Change::EventEnded { event: it.id, ending: Box::new(journal::interrupted(ended)) })
                .collect();
            changes.push(Change::RunEnded { run: run.id, ended, verdict: Verdict::Interrupted });
            self.store.commit(&changes)?;
        }
        Ok(())
    }

    fn seconds(&self) -> i64 {
        self.clock.now().div_euclid(1000)
    }
}

/// What a run carries along.
struct Course {
    machine: Machine,
    run: Option<RunId>,
    /// Number of the next event.
    next: u32,
    steps: usize,
    failed: usize,
}

/// The values of a package: for the whole cluster, and for each image.
fn values(store: &mut dyn Store, cluster: &Cluster, package: PackageId) -> Result<Values, Error> {
    let images = cluster.of_kind(Kind::Image).map(|it| Some(it.id));
    let contexts: Vec<Option<TargetId>> = std::iter::once(None).chain(images).collect();
    contexts.into_iter().map(|image| Ok(((package, image), store.values(package, image)?))).collect()
}

/// Written only if nobody has answered otherwise since the values were read.
fn settled(place: (PackageId, Option<TargetId>), values: &[Value], known: &Values) -> Change {
    let instead_of = Some(known.get(&place).cloned().unwrap_or_default());
    Change::Configure { package: place.0, image: place.1, values: values.to_vec(), instead_of }
}

/// Whether the administrator's answers have changed since they were read.
fn answered_meanwhile(known: &Values, now: &Values) -> bool {
    let answers = |values: &Values| -> Vec<_> {
        let each =
            values.iter().flat_map(|(place, values)| values.iter().map(move |it| (*place, it.clone())));
        each.filter(|(_, it)| it.origin == Origin::Administrator).collect()
    };
    answers(known) != answers(now)
}

fn idle() -> Summary {
    Summary { run: None, steps: 0, failed: 0, cluster: None, stopped: false, errors: false }
}

fn errors(cluster: &Cluster, order: &Order) -> bool {
    cluster.all_rows().any(|(key, row)| {
        row.state == State::Error
            && order.targets.contains(&key.target)
            && order.packages.as_ref().is_none_or(|it| it.contains(&key.package))
    })
}

/// What a run would do if everything went well, without doing it. Whether a package has a hook is known only once
/// it is installed, so hooks are listed that may not be there.
#[must_use]
pub fn rehearse(cluster: Cluster, order: &Order) -> Vec<Work> {
    let scope = Scope { targets: order.targets.clone(), packages: order.packages.clone() };
    let mut machine = Machine::new(cluster, scope);
    let mut plan = Vec::new();
    while let Some(work) = machine.next() {
        machine.begin(&work, 0);
        let outcome = match &work {
            Work::Confirm { packages, .. } => Outcome::Present(packages.iter().copied().collect()),
            _ => Outcome::Done,
        };
        machine.finish(&work, &outcome, 0);
        plan.push(work);
    }
    plan
}

/// The targets that an engine on a machine maintains: on the head node its own, the images, and the clients whose
/// root directories it sees; elsewhere its own alone.
#[must_use]
pub fn maintained(cluster: &Cluster, own: TargetId) -> BTreeSet<TargetId> {
    let server = cluster.targets.get(&own).is_some_and(|it| it.kind() == Kind::Server);
    let others =
        cluster.targets.values().filter(|it| server && it.kind() != Kind::Server && it.root.is_some());
    others.map(|it| it.id).chain([own]).collect()
}

impl Machine {
    /// What packages say of themselves, now that they are installed. The order of packages may change by it.
    fn learn(&mut self, learned: &[Package]) -> Vec<Change> {
        let known = |found: &Package| self.cluster().packages.get(&found.id);
        let changes: Vec<Change> = learned
            .iter()
            .filter_map(|found| {
                let old = known(found)?;
                let new = Package { awaits: old.awaits.clone(), name: old.name.clone(), ..found.clone() };
                (new != *old).then_some(Change::Package(new))
            })
            .collect();
        self.take(&changes);
        changes
    }
}
