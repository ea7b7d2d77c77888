//! The server goes away for longer than it is waited for: what was done is on the disk, and gets into the database once.

use std::fs;
use std::path::PathBuf;

use opkg_database::{Database, Location};
use opkg_oda::{
    Change, Delivered, Error, EventFilter, PackageState, ProcessIdentity, Recorded, Run, RunId, RunStatus,
    Stage, TargetId, WorkState,
};
use opkg_tests::proxy::Proxy;

use super::filled;
use crate::common::{self, Scratch, state_key};

/// A server behind a network that can be cut, and a machine with an engine.
struct Machine {
    scratch: Scratch,
    network: Proxy,
}

impl Machine {
    fn new() -> Option<Self> {
        let scratch = filled()?;
        let network = Proxy::new(&scratch.server().socket());
        Some(Self { scratch, network })
    }

    fn results(&self) -> PathBuf {
        self.scratch.directory().join("results")
    }

    /// Files of results, by their endings.
    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.results()) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
    }

    /// The database over the network, as an engine opens it that waits for nothing.
    fn open(&self) -> Database {
        let (server, directory) = (self.scratch.server(), self.network.directory());
        let address = server.address_through(&directory, "opm", "reconnect_timeout=0");
        Location::parse(address.as_ref()).unwrap().open_for_engine(&self.results()).unwrap()
    }
}

fn run() -> Run {
    Run { pid: std::process::id(), process: ProcessIdentity::current(), ..common::sample_run() }
}

fn state(work_state: WorkState, current: Stage, attempts: u32) -> Change {
    let row = PackageState { work_state, current, attempts, ..PackageState::new(Stage::Finished, 1) };
    Change::UpdateState(state_key(1, 1), row)
}

/// A step begins.
fn begin(run: RunId, number: u32) -> [Change; 2] {
    [
        state(WorkState::Running, Stage::ShouldNotBeInstalled, 1),
        Change::StartEvent(Box::new(common::sample_event(run, number))),
    ]
}

/// And ends.
fn end(run: RunId, number: u32) -> [Change; 2] {
    let event = common::sample_event(run, number).id;
    let result = Box::new(common::sample_result(RunStatus::Done));
    [state(WorkState::Idle, Stage::ShouldBeInstalled, 1), Change::EndEvent { event, result }]
}

/// An engine has begun a step when the network is cut, ends it and the run, and itself.
fn work_and_be_cut_off(machine: &Machine) -> RunId {
    let mut store = machine.open();
    let held = store.lock(&[TargetId(1)]).unwrap().unwrap();
    let run = store.start_run(&run()).unwrap();
    store.commit(&begin(run, 1)).unwrap();
    machine.network.cut();
    let Recorded::OnDisk { path, .. } = store.record_results(&end(run, 1)).unwrap() else { panic!() };
    assert!(path.starts_with(machine.results()));
    let ended = Change::EndRun { run, ended_at: 9, status: RunStatus::Interrupted };
    assert!(matches!(store.record_results(&[ended]).unwrap(), Recorded::OnDisk { .. }));
    // It begins nothing more.
    let error = store.commit(&begin(run, 2)).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(machine.files("results") == [path]);
    drop(held);
    run
}

/// The verdict on the only step, and how its target is.
fn outcome(store: &mut Database) -> (Option<RunStatus>, PackageState) {
    let events = store.events(&EventFilter::default()).unwrap();
    let last = events.last().unwrap().result.as_ref().map(|result| result.status);
    (last, store.load_state(state_key(1, 1)).unwrap().unwrap())
}

#[test]
fn what_was_done_meanwhile_is_delivered_once() {
    let Some(machine) = Machine::new() else { return };
    let run = work_and_be_cut_off(&machine);
    machine.network.mend();
    let kept = fs::read(&machine.files("results")[0]).unwrap();
    let mut store = machine.open();
    assert_eq!(outcome(&mut store).0, None);
    assert_eq!(store.deliver_results().unwrap(), [Delivered::Steps(1)]);
    let delivered = outcome(&mut store);
    assert_eq!(delivered.0, Some(RunStatus::Done));
    assert_eq!((delivered.1.current, delivered.1.work_state), (Stage::ShouldBeInstalled, WorkState::Idle));
    let runs = store.runs(9).unwrap();
    assert_eq!((runs[0].id, runs[0].status), (run, Some(RunStatus::Interrupted)));
    assert!(machine.files("results").is_empty() && store.deliver_results().unwrap().is_empty());
    assert_eq!(machine.scratch.sql("SELECT count(*) FROM opm.engine"), "0\n");
    // The power went before the file was removed; somebody changed something since.
    fs::write(machine.results().join("again.results"), kept).unwrap();
    store.commit(&[state(WorkState::Idle, Stage::InstallBinPkgs, 7)]).unwrap();
    assert_eq!(store.deliver_results().unwrap(), [Delivered::Steps(0)]);
    assert_eq!(outcome(&mut store).1.attempts, 7);
    assert!(machine.files("results").is_empty());
}

/// The server has it, and the answer gets lost: nobody knows that before it is asked.
#[test]
fn what_the_server_has_already_changes_nothing() {
    let Some(machine) = Machine::new() else { return };
    let mut store = machine.open();
    let held = store.lock(&[TargetId(1)]).unwrap().unwrap();
    let run = store.start_run(&run()).unwrap();
    store.commit(&begin(run, 1)).unwrap();
    machine.network.lose_next_answer();
    assert!(matches!(store.record_results(&end(run, 1)).unwrap(), Recorded::OnDisk { .. }));
    drop(held);
    machine.network.mend();
    assert_eq!(outcome(&mut machine.scratch.open()).0, Some(RunStatus::Done), "it is there");
    machine.scratch.open().commit(&[state(WorkState::Idle, Stage::InstallBinPkgs, 7)]).unwrap();
    assert_eq!(machine.open().deliver_results().unwrap(), [Delivered::Steps(0)]);
    assert_eq!(outcome(&mut store).1.attempts, 7);
}

/// A server that is back in time has it at once, and nothing stays on the disk.
#[test]
fn a_connection_that_broke_is_made_again() {
    let Some(machine) = Machine::new() else { return };
    let mut store = machine.open();
    let _held = store.lock(&[TargetId(1)]).unwrap().unwrap();
    let run = store.start_run(&run()).unwrap();
    store.commit(&begin(run, 1)).unwrap();
    machine.network.cut();
    machine.network.mend();
    assert_eq!(store.record_results(&end(run, 1)).unwrap(), Recorded::InDatabase);
    assert!(machine.files("results").is_empty());
    assert_eq!(outcome(&mut store).0, Some(RunStatus::Done));
}

/// Another machine took the target over, and worked on it: it is as that left it, and the journal has both.
#[test]
fn who_took_over_is_not_written_over() {
    let Some(machine) = Machine::new() else { return };
    work_and_be_cut_off(&machine);
    machine.network.mend();
    machine
        .scratch
        .sql("UPDATE opm.engine SET boot = 'another machine', seen = seen - interval '61 seconds'");
    let mut successor = machine.scratch.open();
    let held = successor.lock(&[TargetId(1)]).unwrap().unwrap();
    let second = successor.start_run(&common::sample_run()).unwrap();
    let mut store = machine.open();
    // It has not begun anything yet; the target is its own all the same.
    fs::copy(&machine.files("results")[0], machine.results().join("copy.results")).unwrap();
    assert_eq!(store.deliver_results().unwrap(), [Delivered::Steps(1), Delivered::Steps(0)]);
    let (status, row) = outcome(&mut store);
    assert_eq!((status, row.work_state), (Some(RunStatus::Done), WorkState::Running));
    successor.commit(&begin(second, 1)).unwrap();
    successor.commit(&end(second, 1)).unwrap();
    drop(held);
    assert_eq!(store.events(&EventFilter::default()).unwrap().len(), 2);
}

#[test]
fn what_came_later_is_not_written_over() {
    let Some(machine) = Machine::new() else { return };
    let first = work_and_be_cut_off(&machine);
    machine.network.mend();
    machine
        .scratch
        .sql("UPDATE opm.engine SET boot = 'another machine', seen = seen - interval '61 seconds'");
    let mut successor = machine.scratch.open();
    let held = successor.lock(&[TargetId(1)]).unwrap().unwrap();
    // As every engine does with a run that it took over from.
    let crashed = common::sample_result(RunStatus::Interrupted);
    let ended = Change::EndEvent { event: common::sample_event(first, 1).id, result: Box::new(crashed) };
    let run_ended = Change::EndRun { run: first, ended_at: 5, status: RunStatus::Interrupted };
    successor.commit(&[ended, run_ended]).unwrap();
    let second = successor.start_run(&common::sample_run()).unwrap();
    successor.commit(&begin(second, 1)).unwrap();
    successor.commit(&[state(WorkState::Idle, Stage::ShouldNotBeInstalled, 5)]).unwrap();
    drop(held);
    let mut store = machine.open();
    assert_eq!(store.deliver_results().unwrap(), [Delivered::Steps(1)]);
    let (status, row) = outcome(&mut store);
    assert_eq!((status, row.attempts), (Some(RunStatus::Done), 5), "the journal has what came of the step");
}

#[test]
fn what_was_asked_for_meanwhile_stays() {
    let Some(machine) = Machine::new() else { return };
    work_and_be_cut_off(&machine);
    let request =
        Change::Request { key: state_key(1, 1), stage: Stage::ShouldNotBeInstalled, requested_at: 5 };
    machine.scratch.open().commit(&[request]).unwrap();
    machine.network.mend();
    let mut store = machine.open();
    assert_eq!(store.deliver_results().unwrap(), [Delivered::Steps(1)]);
    let row = outcome(&mut store).1;
    assert_eq!((row.requested, row.current), (Stage::ShouldNotBeInstalled, Stage::ShouldBeInstalled));
}

/// While the process of an engine lives nobody else of its machine works on its targets, however long it was cut off.
#[test]
fn nobody_of_the_same_machine_takes_over_from_a_process_that_lives() {
    let Some(machine) = Machine::new() else { return };
    let mut store = machine.open();
    let _held = store.lock(&[TargetId(1)]).unwrap().unwrap();
    machine.scratch.sql("UPDATE opm.engine SET seen = seen - interval '1 day'");
    let holder = machine.open().lock(&[TargetId(1)]).unwrap().unwrap_err();
    assert_eq!(holder.pid, Some(std::process::id()));
}

/// An engine that could not say that it ends, as it has given up while the server was away: its process knows that it has.
#[test]
fn a_process_takes_over_from_engines_that_it_has_given_up() {
    let Some(machine) = Machine::new() else { return };
    let mut store = machine.open();
    let held = store.lock(&[TargetId(1)]).unwrap().unwrap();
    machine.network.cut();
    assert!(store.start_run(&run()).is_err());
    drop(held);
    machine.network.mend();
    assert_eq!(machine.scratch.sql("SELECT count(*) FROM opm.claim"), "1\n", "the server was not told");
    let held = store.lock(&[TargetId(1)]).unwrap().unwrap();
    assert!(machine.open().lock(&[TargetId(1)]).unwrap().is_err(), "one of them is at work");
    drop(held);
    // Nor did it hear that it has it.
    machine.network.lose_next_answer();
    assert!(store.lock(&[TargetId(1)]).is_err());
    machine.network.mend();
    assert_eq!(machine.scratch.sql("SELECT count(*) FROM opm.claim"), "1\n");
    assert!(machine.open().lock(&[TargetId(1)]).unwrap().is_ok());
}

#[test]
fn what_a_database_does_not_know_is_put_aside() {
    let Some(machine) = Machine::new() else { return };
    work_and_be_cut_off(&machine);
    machine.network.mend();
    // As after a backup was put back.
    machine.scratch.sql("DELETE FROM opm.event_package; DELETE FROM opm.event; DELETE FROM opm.run");
    let mut store = machine.open();
    let delivered = store.deliver_results().unwrap();
    let refused = machine.files("refused");
    let [Delivered::Refused { path, reason }] = delivered.as_slice() else { panic!("{delivered:?}") };
    assert_eq!((path, reason.contains("backup")), (&refused[0], true));
    assert!(store.deliver_results().unwrap().is_empty());
}

#[test]
fn the_results_of_another_database_are_left_alone() {
    let (Some(machine), Some(other)) = (Machine::new(), Machine::new()) else { return };
    work_and_be_cut_off(&machine);
    fs::rename(machine.results(), other.results()).unwrap();
    assert!(other.open().deliver_results().unwrap().is_empty());
    assert_eq!(other.files("results").len(), 1);
}

#[test]
fn what_is_whole_of_a_damaged_file_is_delivered() {
    let Some(machine) = Machine::new() else { return };
    work_and_be_cut_off(&machine);
    machine.network.mend();
    let file = machine.files("results").remove(0);
    let mut damaged = fs::read(&file).unwrap();
    let at = damaged.len() - 5;
    damaged[at] ^= 1;
    fs::write(&file, damaged).unwrap();
    let mut store = machine.open();
    let delivered = store.deliver_results().unwrap();
    let [Delivered::Steps(1), Delivered::Refused { reason, .. }] = delivered.as_slice() else {
        panic!("{delivered:?}")
    };
    assert!(reason.contains("line 3"), "{reason}");
    assert_eq!(outcome(&mut store).0, Some(RunStatus::Done));
}

/// The disk takes nothing either: the caller learns that what was done is not recorded.
#[test]
fn a_disk_that_takes_nothing_is_told() {
    let Some(machine) = Machine::new() else { return };
    fs::write(machine.results(), "no directory").unwrap();
    let mut store = machine.open();
    let _held = store.lock(&[TargetId(1)]).unwrap().unwrap();
    let run = store.start_run(&run()).unwrap();
    store.commit(&begin(run, 1)).unwrap();
    machine.network.cut();
    let error = store.record_results(&end(run, 1)).unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { .. }) && error.to_string().contains("takes nothing"),
        "{error}"
    );
}
