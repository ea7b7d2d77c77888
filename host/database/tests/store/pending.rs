//! Whether work may be left: seen without looking at the cluster, and never denied where there is some.

use crate::common;
use crate::common::{Backend, on_both};
use crate::common::{state_key, target};
use opkg_oda::{Change, PackageId, PackageState, RunStatus, Stage, TargetId, TargetKind, WorkState};

on_both! {
    work_is_seen_wherever_it_is,
    a_run_that_died_is_work,
    the_journal_tells_what_was_asked_for,
    steps_end_in_every_way,
}

fn state_at(current: Stage) -> PackageState {
    PackageState { current, ..PackageState::new(Stage::Finished, 1) }
}

/// The package 1 is finished on the server and in the image, and whatever a case adds to it.
fn pending(backend: Backend, more: &[Change]) -> bool {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    let request =
        |target| Change::Request { key: state_key(target, 1), stage: Stage::Finished, requested_at: 1 };
    store.commit(&[1, 2, 3].map(request)).unwrap();
    assert!(store.has_pending_work().unwrap());
    store
        .commit(&[1, 2, 3].map(|it| Change::UpdateState(state_key(it, 1), state_at(Stage::Finished))))
        .unwrap();
    // The image has not been seen yet.
    assert!(store.has_pending_work().unwrap());
    store.commit(&[Change::SetImageSeen { package: PackageId(1), image: TargetId(2), seen: true }]).unwrap();
    assert!(!store.has_pending_work().unwrap());
    store.commit(more).unwrap();
    store.has_pending_work().unwrap()
}

fn work_is_seen_wherever_it_is(backend: Backend) {
    let request = |stage| Change::Request { key: state_key(3, 1), stage, requested_at: 2 };
    let row = |row| Change::UpdateState(state_key(3, 1), row);
    let assign = |handed_over| Change::Assign {
        package: PackageId(1),
        client: TargetId(3),
        handed_over_at: handed_over,
    };
    let gone = state_at(Stage::ShouldNotBeInstalled);
    let cases = [
        (vec![], false),
        (vec![row(state_at(Stage::PostInstall))], true),
        (vec![row(PackageState { work_state: WorkState::Running, ..state_at(Stage::Finished) })], true),
        (vec![row(common::failed_state(3))], true),
        (
            vec![row(PackageState {
                inherited_stage: Some(Stage::InstallBinPkgs),
                ..state_at(Stage::Finished)
            })],
            true,
        ),
        // Less than what is there asks for nothing, unless nothing is to be there.
        (vec![request(Stage::InstallBinPkgs)], false),
        (vec![request(Stage::ShouldNotBeInstalled)], true),
        (vec![request(Stage::ShouldNotBeInstalled), row(gone.clone())], false),
        (vec![request(Stage::ShouldNotBeInstalled), row(PackageState { attempts: 1, ..gone })], true),
        (vec![Change::SetRerun { key: state_key(1, 1), stage: Stage::PostClients, queued: true }], true),
        (vec![assign(None)], true),
        (vec![assign(Some(3))], false),
        (vec![Change::SetImageSeen { package: PackageId(1), image: TargetId(2), seen: false }], true),
        (vec![Change::PutTarget(target(5, TargetKind::Image))], false),
    ];
    for (more, expected) in cases {
        assert_eq!(pending(backend, &more), expected, "{more:?}");
    }
}

fn a_run_that_died_is_work(backend: Backend) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    assert!(!store.has_pending_work().unwrap());
    let run = store.start_run(&common::sample_run()).unwrap();
    assert!(store.has_pending_work().unwrap());
    store.commit(&[Change::EndRun { run, ended_at: 3, status: RunStatus::Interrupted }]).unwrap();
    assert!(!store.has_pending_work().unwrap());
}

fn the_journal_tells_what_was_asked_for(backend: Backend) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    let run = store.start_run(&common::sample_run()).unwrap();
    let one = common::sample_event(run, 1);
    let two = opkg_oda::Event {
        target: TargetId(3),
        packages: vec![PackageId(2)],
        result: Some(common::sample_result(RunStatus::Failed)),
        ..common::sample_event(run, 2)
    };
    let open = common::sample_event(run, 3);
    let ended = Change::EndEvent { event: one.id, result: Box::new(common::sample_result(RunStatus::Done)) };
    let events = [&one, &two, &open].map(|it| Change::StartEvent(Box::new(it.clone())));
    store.commit(&events).unwrap();
    store.commit(&[ended, Change::RemoveTarget(TargetId(3))]).unwrap();
    let one = opkg_oda::Event { result: Some(common::sample_result(RunStatus::Done)), ..one };
    let all = opkg_oda::EventFilter::default();
    let mut asked = |wanted| store.events(&wanted).unwrap();
    assert_eq!(asked(all.clone()), [open.clone(), two.clone(), one.clone()]);
    assert_eq!(asked(opkg_oda::EventFilter { limit: Some(1), ..all.clone() }), vec![open.clone()]);
    // Its target is gone, and the journal still has it.
    assert_eq!(asked(opkg_oda::EventFilter { target: Some(TargetId(3)), ..all.clone() }), vec![two.clone()]);
    assert_eq!(asked(opkg_oda::EventFilter { failed_only: true, ..all.clone() }), vec![two.clone()]);
    assert_eq!(asked(opkg_oda::EventFilter { package: Some(PackageId(1)), ..all.clone() }), [open, one]);
    assert!(asked(opkg_oda::EventFilter { run: Some(opkg_oda::RunId(9)), ..all }).is_empty());
    let runs = store.runs(5).unwrap();
    assert_eq!(runs, [opkg_oda::Run { id: run, ..common::sample_run() }]);
    let unfinished = store.unfinished_runs().unwrap();
    assert_eq!(unfinished.into_iter().map(|unfinished| unfinished.run).collect::<Vec<_>>(), runs);
}

/// What the model can say, the schema can hold.
fn steps_end_in_every_way(backend: Backend) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    let run = store.start_run(&common::sample_run()).unwrap();
    let events: Vec<opkg_oda::Event> = (1..)
        .zip(RunStatus::ALL)
        .map(|(number, status)| opkg_oda::Event {
            result: Some(common::sample_result(status)),
            ..common::sample_event(run, number)
        })
        .collect();
    store
        .commit(&events.iter().map(|event| Change::StartEvent(Box::new(event.clone()))).collect::<Vec<_>>())
        .unwrap();
    let newest_first: Vec<opkg_oda::Event> = events.into_iter().rev().collect();
    assert_eq!(store.events(&opkg_oda::EventFilter::default()).unwrap(), newest_first);
}
