//! Whether work may be left: seen without looking at the cluster, and never denied where there is some.
#![allow(clippy::unwrap_used)]

mod common;

use common::{key, target};
use opkg_oda::{Change, Kind, PackageId, Row, Stage, State, Store, TargetId, Verdict};

fn at(current: Stage) -> Row {
    Row { current, ..Row::new(Stage::Finished, 1) }
}

/// The package 1 is finished on the server and in the image, and whatever a case adds to it.
fn pending(more: &[Change]) -> bool {
    let scratch = common::Scratch::new();
    let mut store = scratch.create();
    store.commit(&common::small()).unwrap();
    let request = |target| Change::Request { key: key(target, 1), stage: Stage::Finished, at: 1 };
    store.commit(&[1, 2, 3].map(request)).unwrap();
    assert!(store.pending().unwrap());
    store.commit(&[1, 2, 3].map(|it| Change::Progress(key(it, 1), at(Stage::Finished)))).unwrap();
    // The image has not been seen yet.
    assert!(store.pending().unwrap());
    store.commit(&[Change::ImageSeen { package: PackageId(1), image: TargetId(2), seen: true }]).unwrap();
    assert!(!store.pending().unwrap());
    store.commit(more).unwrap();
    store.pending().unwrap()
}

#[test]
fn work_is_seen_wherever_it_is() {
    let request = |stage| Change::Request { key: key(3, 1), stage, at: 2 };
    let row = |row| Change::Progress(key(3, 1), row);
    let assign = |handed_over| Change::Assign { package: PackageId(1), client: TargetId(3), handed_over };
    let gone = at(Stage::ShouldNotBeInstalled);
    let cases = [
        (vec![], false),
        (vec![row(at(Stage::PostInstall))], true),
        (vec![row(Row { state: State::Running, ..at(Stage::Finished) })], true),
        (vec![row(common::failed(3))], true),
        (vec![row(Row { inherits: Some(Stage::InstallBinPkgs), ..at(Stage::Finished) })], true),
        // Less than what is there asks for nothing, unless nothing is to be there.
        (vec![request(Stage::InstallBinPkgs)], false),
        (vec![request(Stage::ShouldNotBeInstalled)], true),
        (vec![request(Stage::ShouldNotBeInstalled), row(gone.clone())], false),
        (vec![request(Stage::ShouldNotBeInstalled), row(Row { attempts: 1, ..gone })], true),
        (vec![Change::Rerun { key: key(1, 1), stage: Stage::PostClients, queued: true }], true),
        (vec![assign(None)], true),
        (vec![assign(Some(3))], false),
        (vec![Change::ImageSeen { package: PackageId(1), image: TargetId(2), seen: false }], true),
        (vec![Change::Target(target(5, Kind::Image))], false),
    ];
    for (more, expected) in cases {
        assert_eq!(pending(&more), expected, "{more:?}");
    }
}

#[test]
fn a_run_that_died_is_work() {
    let scratch = common::Scratch::new();
    let mut store = scratch.create();
    assert!(!store.pending().unwrap());
    let run = store.start_run(&common::run()).unwrap();
    assert!(store.pending().unwrap());
    store.commit(&[Change::RunEnded { run, ended: 3, verdict: Verdict::Interrupted }]).unwrap();
    assert!(!store.pending().unwrap());
}

#[test]
fn the_journal_tells_what_was_asked_for() {
    let scratch = common::Scratch::new();
    let mut store = scratch.create();
    store.commit(&common::small()).unwrap();
    let run = store.start_run(&common::run()).unwrap();
    let one = common::event(run, 1);
    let two = opkg_oda::Event {
        target: TargetId(3),
        packages: vec![PackageId(2)],
        ending: Some(common::ending(Verdict::Failed)),
        ..common::event(run, 2)
    };
    let open = common::event(run, 3);
    let ended = Change::EventEnded { event: one.id, ending: Box::new(common::ending(Verdict::Done)) };
    let events = [&one, &two, &open].map(|it| Change::Event(Box::new(it.clone())));
    store.commit(&events).unwrap();
    store.commit(&[ended, Change::TargetGone(TargetId(3))]).unwrap();
    let one = opkg_oda::Event { ending: Some(common::ending(Verdict::Done)), ..one };
    let all = opkg_oda::Wanted::default();
    let mut asked = |wanted| store.events(&wanted).unwrap();
    assert_eq!(asked(all.clone()), [open.clone(), two.clone(), one.clone()]);
    assert_eq!(asked(opkg_oda::Wanted { limit: Some(1), ..all.clone() }), vec![open.clone()]);
    // Its target is gone, and the journal still has it.
    assert_eq!(asked(opkg_oda::Wanted { target: Some(TargetId(3)), ..all.clone() }), vec![two.clone()]);
    assert_eq!(asked(opkg_oda::Wanted { failed: true, ..all.clone() }), vec![two.clone()]);
    assert_eq!(asked(opkg_oda::Wanted { package: Some(PackageId(1)), ..all.clone() }), [open, one]);
    assert!(asked(opkg_oda::Wanted { run: Some(opkg_oda::RunId(9)), ..all }).is_empty());
    let runs = store.runs(5).unwrap();
    assert_eq!(runs, [opkg_oda::Run { id: run, ..common::run() }]);
    assert_eq!(store.open_runs().unwrap(), runs);
}
