//! A database in memory and a world that does as it is told.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;

use opkg_oda::export::Values;
use opkg_oda::{
    Address, Change, Class, Cluster, Error, Event, Holder, Key, Kind, Lock, Package, PackageId, Phase, Run,
    RunId, Stage, Store, Target, TargetId, Value, Wanted,
};
use opkg_opm::effects::{Effects, Report};
use opkg_opm::engine::{Clock, Observer};
use opkg_opm::machine::{Outcome, Work};

/// What happened, in the order of time: commits and effects.
pub type Trace = Rc<RefCell<Vec<String>>>;

#[derive(Debug)]
struct Free;

impl Lock for Free {}

/// A database in memory.
pub struct Memory {
    pub cluster: Cluster,
    pub runs: Vec<Run>,
    pub events: Vec<Event>,
    pub values: Values,
    /// What another process writes right after values are read.
    pub after_values: Option<Change>,
    pub holder: Option<Holder>,
    /// Commits that still succeed; all of them if absent.
    pub room: Option<usize>,
    /// What another process writes, each after one commit of this one.
    pub meanwhile: VecDeque<Vec<Change>>,
    changed: bool,
    trace: Trace,
}

impl Memory {
    pub fn new(cluster: Cluster, trace: &Trace) -> Self {
        Self {
            cluster,
            runs: Vec::new(),
            events: Vec::new(),
            values: Values::new(),
            after_values: None,
            holder: None,
            room: None,
            meanwhile: VecDeque::new(),
            changed: false,
            trace: Rc::clone(trace),
        }
    }

    fn write(&mut self, change: &Change) {
        self.cluster.apply(change);
        match change {
            Change::Event(event) => self.events.push((**event).clone()),
            Change::EventEnded { event, ending } => {
                for known in self.events.iter_mut().filter(|it| it.id == *event) {
                    known.ending = Some((**ending).clone());
                }
            }
            Change::RunEnded { run, ended, verdict } => {
                for known in self.runs.iter_mut().filter(|it| it.id == *run) {
                    known.ended = Some(*ended);
                    known.verdict = Some(*verdict);
                }
            }
            Change::Configure { package, image, values, instead_of } => {
                let there = self.values.entry((*package, *image)).or_default();
                if instead_of.as_ref().is_none_or(|it| it == there) {
                    there.clone_from(values);
                }
            }
            _ => {}
        }
    }
}

impl Store for Memory {
    fn pending(&mut self) -> Result<bool, Error> {
        Ok(self
            .cluster
            .all_rows()
            .any(|(_, row)| row.requested != row.current || row.state != opkg_oda::State::Idle)
            || !self.cluster.reruns.is_empty())
    }

    fn load(&mut self) -> Result<Cluster, Error> {
        self.trace.borrow_mut().push("load".into());
        Ok(self.cluster.clone())
    }

    fn changed(&mut self) -> Result<bool, Error> {
        Ok(std::mem::take(&mut self.changed))
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), Error> {
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(1).ok_or_else(|| Error::Full(PathBuf::from("oda.db")))?;
        }
        let mut line = String::from("commit");
        for change in changes {
            line += &match change {
                Change::Progress(key, row) => {
                    format!(" {}/{}={}:{}", key.target.0, key.package.0, row.current.id(), row.state)
                }
                Change::Event(event) => format!(" +event{}", event.id.number),
                Change::EventEnded { event, ending } => format!(" event{}={}", event.number, ending.verdict),
                Change::RunEnded { verdict, .. } => format!(" run={verdict}"),
                Change::Request { key, stage, .. } => {
                    format!(" {}/{}→{}", key.target.0, key.package.0, stage.id())
                }
                Change::Assign { .. } => " assign".into(),
                Change::Package(_) => " package".into(),
                other => format!(" {other:?}"),
            };
            self.write(change);
        }
        self.trace.borrow_mut().push(line);
        if let Some(others) = self.meanwhile.pop_front() {
            others.iter().for_each(|it| self.write(it));
            self.changed = true;
        }
        Ok(())
    }

    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> Result<(), Error> {
        let changes = decide(&self.cluster);
        self.commit(&changes)
    }

    fn start_run(&mut self, run: &Run) -> Result<RunId, Error> {
        let id = RunId(i64::try_from(self.runs.len()).unwrap() + 1);
        self.runs.push(Run { id, ..run.clone() });
        self.trace.borrow_mut().push(format!("run {}", id.0));
        Ok(id)
    }

    fn runs(&mut self, _limit: u32) -> Result<Vec<Run>, Error> {
        Ok(self.runs.clone())
    }

    fn open_runs(&mut self) -> Result<Vec<Run>, Error> {
        Ok(self.runs.iter().filter(|it| it.ended.is_none()).cloned().collect())
    }

    fn events(&mut self, wanted: &Wanted) -> Result<Vec<Event>, Error> {
        let events = self.events.iter().filter(|it| wanted.run.is_none_or(|run| it.id.run == run));
        Ok(events.cloned().collect())
    }

    fn values(&mut self, package: PackageId, image: Option<TargetId>) -> Result<Vec<Value>, Error> {
        let values = self.values.get(&(package, image)).cloned().unwrap_or_default();
        if let Some(change) = self.after_values.take() {
            self.write(&change);
        }
        Ok(values)
    }

    fn lock(&mut self, _targets: &[TargetId]) -> Result<Result<Box<dyn Lock>, Holder>, Error> {
        Ok(match self.holder.clone() {
            Some(holder) => Err(holder),
            None => Ok(Box::new(Free)),
        })
    }
}

/// A world in which everything succeeds but what is told otherwise.
pub struct World {
    /// By a word of the trace: how it ends, once.
    pub outcomes: BTreeMap<String, Outcome>,
    /// What packages say of themselves after they are installed.
    pub learned: Vec<Package>,
    /// Hooks that packages do not have.
    pub absent: BTreeSet<&'static str>,
    pub stop_after: Option<usize>,
    /// What the configurator makes of the answers, and what it was last given.
    pub settled: Values,
    pub known: Values,
    trace: Trace,
}

impl World {
    pub fn new(trace: &Trace) -> Self {
        Self {
            outcomes: BTreeMap::new(),
            learned: Vec::new(),
            absent: BTreeSet::new(),
            stop_after: None,
            settled: Values::new(),
            known: Values::new(),
            trace: Rc::clone(trace),
        }
    }
}

/// A piece of work in one word.
fn word(work: &Work) -> String {
    let list =
        |packages: &[PackageId]| packages.iter().map(|it| it.0.to_string()).collect::<Vec<_>>().join("+");
    match work {
        Work::Mark { stage, rows } => format!("mark:{}:{}", stage.id(), rows.len()),
        Work::Confirm { target, packages } => format!("confirm:{}:{}", target.0, list(packages)),
        Work::Install { target, stage, packages } => {
            format!("install:{}:{}:{}", target.0, stage.id(), list(packages))
        }
        Work::Hook { key, hook, .. } => format!("{}:{}", hook.name(), key.package.0),
        Work::Configure { key } => format!("configure:{}", key.package.0),
        Work::Remove { key, to } => format!("remove:{}:{}:{}", key.target.0, to.id(), key.package.0),
    }
}

impl Effects for World {
    fn concerns(&mut self, _cluster: &Cluster, work: &Work) -> bool {
        !matches!(work, Work::Hook { hook, .. } if self.absent.contains(hook.name()))
    }

    fn perform(&mut self, _cluster: &Cluster, work: &Work, _run: RunId) -> Report {
        let word = word(work);
        let outcome = self.outcomes.remove(&word).unwrap_or(Outcome::Done);
        self.trace.borrow_mut().push(word);
        let learned =
            if matches!(work, Work::Install { .. }) { std::mem::take(&mut self.learned) } else { Vec::new() };
        Report { learned, ..Report::new(outcome) }
    }

    fn configure(
        &mut self,
        cluster: &Cluster,
        key: Key,
        image: Option<TargetId>,
        known: &Values,
        run: RunId,
    ) -> Report {
        let report = match image {
            Some(image) => Report::new(
                self.outcomes
                    .remove(&format!("configure:{}:{}", key.package.0, image.0))
                    .unwrap_or(Outcome::Done),
            ),
            None => self.perform(cluster, &Work::Configure { key }, run),
        };
        self.known.clone_from(known);
        Report { settled: std::mem::take(&mut self.settled), ..report }
    }

    fn clean_up(&mut self, dead: RunId) -> Vec<String> {
        self.trace.borrow_mut().push(format!("clean up {}", dead.0));
        Vec::new()
    }

    fn stopped(&self) -> bool {
        let effects =
            self.trace.borrow().iter().filter(|it| it.contains(':') && !it.starts_with("commit")).count();
        self.stop_after.is_some_and(|it| effects >= it)
    }
}

/// Time that goes on by a second with each look at it.
#[derive(Default)]
pub struct Ticks(Cell<i64>);

impl Clock for Ticks {
    fn now(&self) -> i64 {
        self.0.set(self.0.get() + 1000);
        self.0.get()
    }
}

/// Listens to notes.
#[derive(Default)]
pub struct Notes(pub Vec<String>);

impl Observer for Notes {
    fn begins(&mut self, _: &Cluster, _: &Work) {}

    fn ended(&mut self, _: &Cluster, _: &Work, _: &Report) {}

    fn note(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }
}

pub const SERVER: TargetId = TargetId(1);

/// A head node in the last phase, and packages of these numbers.
pub fn head(packages: &[i64]) -> Cluster {
    let mut cluster = Cluster { phase: Phase::TestInstall, ..Cluster::default() };
    let address = Address { kind: Kind::Server, name: "head".parse().unwrap() };
    cluster.apply(&Change::Target(Target { id: SERVER, address, root: None, image: None }));
    for id in packages {
        cluster.apply(&Change::Package(package(*id)));
    }
    cluster
}

pub fn package(id: i64) -> Package {
    Package {
        id: PackageId(id),
        name: format!("p{id}").parse().unwrap(),
        class: Class::ThirdParty,
        version: None,
        needs: Vec::new(),
        awaits: None,
    }
}

pub fn requested(mut cluster: Cluster, package: i64, stage: Stage) -> Cluster {
    let key = Key { target: SERVER, package: PackageId(package) };
    cluster.apply(&Change::Request { key, stage, at: 0 });
    cluster
}
