//! What is read of targets that are alike is read once, and says the same as all of it.

use crate::common;
use crate::common::{Backend, on_both};
use crate::common::{package, state_key, target};
use crate::model::without_times;
use opkg_database::Database;
use opkg_oda::{
    Change, Cluster, PackageId, PackageState, Stage, StageFailure, TargetId, TargetKind, WorkState,
};

on_both! {
    only_what_decides_tells_targets_apart,
    what_engines_write_is_seen_at_once,
    one_state_is_read_with_its_own_time,
}

/// Clients 1 to 4 with the packages 1 and 2, each changed at a time of its own.
fn clients() -> Vec<Change> {
    let mut changes: Vec<Change> =
        (1..=4).map(|id| Change::PutTarget(target(id, TargetKind::Client))).collect();
    changes.extend([1, 2].map(|id| Change::PutPackage(package(id, &[]))));
    for (client, number) in (1..=4).flat_map(|client| [(client, 1), (client, 2)]) {
        let key = state_key(client, number);
        let row = PackageState { current: Stage::PostClients, ..PackageState::new(Stage::Finished, client) };
        changes.extend([
            Change::Request { key, stage: Stage::Finished, requested_at: client },
            Change::UpdateState(key, row),
            Change::Assign {
                package: PackageId(number),
                client: TargetId(client),
                handed_over_at: Some(client),
            },
        ]);
    }
    changes
}

/// Which targets share their packages with the first client.
fn alike(cluster: &Cluster) -> Vec<i64> {
    let sharing = |id: i64| {
        let (states, assigned) =
            (cluster.states.get(&TargetId(id))?, cluster.assignments.get(&TargetId(id))?);
        Some((states.sharing(), assigned.sharing()))
    };
    (1..=4).filter(|id| sharing(*id).is_some() && sharing(*id) == sharing(1)).collect()
}

fn only_what_decides_tells_targets_apart(backend: Backend) {
    let row = PackageState { current: Stage::PostClients, ..PackageState::new(Stage::Finished, 99) };
    let failure =
        |message: &str| Some(Box::new(StageFailure { stage: Stage::Finished, message: message.into() }));
    let failed = PackageState { work_state: WorkState::Failed, failure: failure("a"), ..row.clone() };
    let key = state_key(3, 2);
    let (package, client) = (PackageId(2), TargetId(3));
    let version = |version: &str| Change::SetInstalledVersion { key, version: Some(version.into()) };
    let assign = |handed_over_at| Change::Assign { package, client, handed_over_at };
    let cases: [(&str, Vec<Change>, bool); 12] = [
        ("another time", vec![Change::UpdateState(key, row.clone())], true),
        ("another hand-over", vec![assign(Some(99))], true),
        ("no hand-over", vec![assign(None)], false),
        ("no assignment", vec![Change::Unassign { package, client }], false),
        ("a request", vec![Change::Request { key, stage: Stage::PostClients, requested_at: 1 }], false),
        ("an attempt", vec![Change::UpdateState(key, PackageState { attempts: 1, ..row.clone() })], false),
        ("a failure", vec![Change::UpdateState(key, failed.clone())], false),
        (
            "work",
            vec![Change::UpdateState(key, PackageState { work_state: WorkState::Running, ..row.clone() })],
            false,
        ),
        (
            "inherited",
            vec![Change::UpdateState(
                key,
                PackageState { inherited_stage: Some(Stage::Finished), ..row.clone() },
            )],
            false,
        ),
        ("a version", vec![version("1")], false),
        ("a version and back", vec![version("1"), Change::SetInstalledVersion { key, version: None }], true),
        (
            "a package",
            vec![
                Change::PutPackage(common::package(3, &[])),
                Change::Request { key: state_key(3, 3), stage: Stage::Finished, requested_at: 1 },
            ],
            false,
        ),
    ];
    for (what, changes, stays) in cases {
        let scratch = backend.scratch();
        let mut store = scratch.create();
        store.commit(&clients()).unwrap();
        assert_eq!(alike(&store.load_overview().unwrap()), [1, 2, 3, 4], "{what}: before");
        store.commit(&changes).unwrap();
        let expected: &[i64] = if stays { &[1, 2, 3, 4] } else { &[1, 2, 4] };
        assert_eq!(alike(&store.load_overview().unwrap()), expected, "{what}");
        // The same on all of them: they are alike again.
        let elsewhere: Vec<Change> = [1, 2, 4]
            .into_iter()
            .flat_map(|other| changes.iter().cloned().map(move |change| moved(change, other)))
            .collect();
        store.commit(&elsewhere).unwrap();
        let overview = store.load_overview().unwrap();
        let has_assignment = overview.assignments.contains_key(&TargetId(1));
        assert!(has_assignment);
        assert_eq!(alike(&overview), [1, 2, 3, 4], "{what}: everywhere");
    }
    // Of failures the causes count.
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&clients()).unwrap();
    for (client, message) in [(1, "a"), (2, "b"), (3, "a"), (4, "a")] {
        let row = PackageState { failure: failure(message), ..failed.clone() };
        store.commit(&[Change::UpdateState(state_key(client, 2), row)]).unwrap();
    }
    assert_eq!(alike(&store.load_overview().unwrap()), [1, 3, 4]);
}

/// A change of client 3 for another one.
fn moved(change: Change, to: i64) -> Change {
    let at = |key: opkg_oda::StateKey| state_key(to, key.package.0);
    match change {
        Change::UpdateState(key, row) => Change::UpdateState(at(key), row),
        Change::Request { key, stage, requested_at } => Change::Request { key: at(key), stage, requested_at },
        Change::SetInstalledVersion { key, version } => Change::SetInstalledVersion { key: at(key), version },
        Change::Assign { package, handed_over_at, .. } => {
            Change::Assign { package, client: TargetId(to), handed_over_at }
        }
        Change::Unassign { package, .. } => Change::Unassign { package, client: TargetId(to) },
        other => other,
    }
}

/// Whether or not the targets that an engine has written to are known to be alike while it works, they are when it ends.
fn what_engines_write_is_seen_at_once(backend: Backend) {
    const HEAD: TargetId = TargetId(9);
    let scratch = backend.scratch();
    let (mut store, mut node) = (scratch.create(), scratch.open());
    store.commit(&[clients(), vec![Change::PutTarget(target(HEAD.0, TargetKind::Server))]].concat()).unwrap();
    let mut expected = store.load().unwrap();
    let mut commit = |engine: &mut Database, changes: &[Change]| {
        engine.commit(changes).unwrap();
        changes.iter().for_each(|change| expected.apply(change));
        assert_eq!(without_times(engine.load_overview().unwrap()), without_times(expected.clone()));
    };
    let assign = |client, number, handed_over_at| Change::Assign {
        package: PackageId(number),
        client: TargetId(client),
        handed_over_at,
    };
    // A head node hands over to all of them, package by package; a node goes on meanwhile.
    let head = store.lock(&[HEAD]).unwrap().unwrap();
    for number in [1, 2] {
        commit(&mut store, &[1, 2, 3, 4].map(|client| assign(client, number, None)));
    }
    let failed = PackageState {
        work_state: WorkState::Failed,
        failure: Some(Box::new(StageFailure { stage: Stage::Finished, message: "a".into() })),
        ..PackageState::new(Stage::Finished, 7)
    };
    let claim = node.lock(&[TargetId(2)]).unwrap().unwrap();
    commit(&mut node, &[Change::UpdateState(state_key(2, 1), failed.clone())]);
    drop(head);
    assert_eq!(alike(&store.load_overview().unwrap()), [1, 3, 4]);
    commit(&mut node, &[Change::UpdateState(state_key(2, 2), failed.clone())]);
    drop(claim);
    // Another one comes to the same.
    let claim = node.lock(&[TargetId(1)]).unwrap().unwrap();
    commit(&mut node, &[1, 2].map(|number| Change::UpdateState(state_key(1, number), failed.clone())));
    drop(claim);
    assert_eq!(alike(&store.load_overview().unwrap()), [1, 2]);
    // What nobody claims is alike at once.
    commit(&mut store, &[3, 4].map(|client| assign(client, 1, Some(8))));
    commit(&mut store, &[1, 2].map(|client| assign(client, 1, Some(9))));
    assert_eq!(alike(&store.load_overview().unwrap()), [1, 2]);
}

fn one_state_is_read_with_its_own_time(backend: Backend) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&clients()).unwrap();
    let changed = |row: Option<PackageState>| row.map(|row| row.changed_at);
    assert_eq!(changed(store.load_state(state_key(3, 1)).unwrap()), Some(3));
    assert_eq!(changed(store.load_state(state_key(4, 1)).unwrap()), Some(4));
    assert_eq!(store.load_state(state_key(5, 1)).unwrap(), None);
    assert_eq!(store.load_state(state_key(1, 9)).unwrap(), None);
}
