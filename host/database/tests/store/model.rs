//! What is committed and loaded again is what the same changes make of a cluster in memory.

use crate::common;
use crate::common::{Backend, on_both};
use std::collections::BTreeSet;

use crate::common::{failed_state, state_key};
use opkg_database::Database;
use opkg_engine::machine::{Scope, StageMachine};
use opkg_oda::{
    Absence, AbsenceKind, Change, Cluster, Package, PackageClass, PackageId, PackageState, Phase, RolloutId,
    RolloutOrder, RolloutState, Share, Stage, Target, TargetId, TargetKind, WaveState, WorkState,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestRunner};

on_both! {
    committed_is_applied,
    many_at_once_are_applied_as_well,
    what_is_decided_is_what_was_loaded,
    all_or_nothing,
    keys_of_targets_are_never_used_again,
    values_are_replaced_only_instead_of_those_that_were_known,
}

const TARGETS: std::ops::Range<i64> = 1..7;
const PACKAGES: std::ops::Range<i64> = 1..5;

fn stage() -> impl Strategy<Value = Stage> {
    select(Stage::ALL.to_vec())
}

fn row() -> impl Strategy<Value = PackageState> {
    let failure = (stage(), "[^\0\n]*")
        .prop_map(|(stage, message)| Some(Box::new(opkg_oda::StageFailure { stage, message })));
    let state = prop_oneof![
        Just((WorkState::Idle, None)),
        Just((WorkState::Running, None)),
        failure.prop_map(|it| (WorkState::Failed, it)),
    ];
    let rest = (proptest::option::of(stage()), any::<i64>(), any::<u32>());
    (stage(), stage(), state, rest).prop_map(
        |(requested, current, (state, failure), (inherits, changed, attempts))| PackageState {
            requested,
            current,
            work_state: state,
            failure,
            attempts,
            inherited_stage: inherits,
            changed_at: changed,
        },
    )
}

fn target() -> impl Strategy<Value = Target> {
    let root = proptest::option::of("/[a-zé ']{0,9}");
    let image = proptest::option::of(TARGETS.prop_map(TargetId));
    (TARGETS, "[a-z.]{0,5}", root, image).prop_map(|(id, name, root, image)| {
        let kind = TargetKind::ALL[usize::try_from(id).unwrap() % 3];
        let mut target = common::target(id, kind);
        target.address.name = format!("n{id}-{name}").parse().unwrap();
        target.root = root.map(Into::into);
        target.image = image.filter(|_| kind == TargetKind::Client);
        target
    })
}

fn package() -> impl Strategy<Value = Package> {
    let rest = (proptest::option::of("[^\0\n]*"), proptest::option::of("[^\0\n]*"));
    let needs = proptest::collection::vec(PACKAGES.prop_map(PackageId), 0..4);
    (PACKAGES, "[a-z+]{0,5}", select(PackageClass::ALL.to_vec()), needs, rest).prop_map(
        |(id, name, class, needs, (version, awaits))| Package {
            id: PackageId(id),
            name: format!("p{id}{name}").parse().unwrap(),
            class,
            version,
            dependencies: needs,
            waiting_for: awaits,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let a_key = || (TARGETS, PACKAGES).prop_map(|(target, package)| state_key(target, package));
    let pair = || (TARGETS.prop_map(TargetId), PACKAGES.prop_map(PackageId));
    prop_oneof![
        4 => target().prop_map(Change::PutTarget),
        4 => package().prop_map(Change::PutPackage),
        4 => (a_key(), stage(), any::<i64>()).prop_map(|(key, stage, at)| Change::Request { key, stage, requested_at: at }),
        4 => (a_key(), row()).prop_map(|(key, row)| Change::UpdateState(key, row)),
        1 => TARGETS.prop_map(|id| Change::RemoveTarget(TargetId(id))),
        2 => (pair(), any::<Option<i64>>()).prop_map(|((client, package), handed_over_at)| {
            Change::Assign { package, client, handed_over_at }
        }),
        1 => pair().prop_map(|(client, package)| Change::Unassign { package, client }),
        2 => (pair(), any::<bool>()).prop_map(|((image, package), seen)| Change::SetImageSeen { package, image, seen }),
        2 => (a_key(), stage(), any::<bool>()).prop_map(|(key, stage, queued)| Change::SetRerun { key, stage, queued }),
        1 => PACKAGES.prop_map(|id| Change::RemovePackage(PackageId(id))),
        1 => (PACKAGES, proptest::collection::vec("opkg-[a-z]{1,3}", 0..3))
            .prop_map(|(id, names)| Change::SetRequirements { package: PackageId(id), names }),
        1 => (PACKAGES, any::<bool>()).prop_map(|(id, held)| Change::SetHeld { package: PackageId(id), held }),
        1 => (PACKAGES, proptest::option::of("[0-9.]{1,4}"))
            .prop_map(|(id, version)| Change::PinVersion { package: PackageId(id), version }),
        2 => (a_key(), proptest::option::of("[0-9.]{1,4}"))
            .prop_map(|(key, version)| Change::SetInstalledVersion { key, version }),
        2 => (a_key(), proptest::option::of("[a-z]{1,4}"))
            .prop_map(|(key, reason)| Change::SetPostponed { key, reason }),
        1 => (TARGETS, proptest::option::of((any::<bool>(), "[a-z]{0,4}", any::<bool>()))).prop_map(|(id, absence)| {
            let absence = absence.map(|(is_off, reason, ends)| Absence {
                kind: if is_off { AbsenceKind::Offline } else { AbsenceKind::Maintenance },
                reason,
                since: 5,
                // One that has ended is not read any more.
                until: ends.then_some(i64::from(u32::MAX)),
                who: "ada".into(),
            });
            Change::SetAbsence { target: TargetId(id), absence }
        }),
        2 => rollout_change(),
        1 => (TARGETS, proptest::option::of("[0-9a-f]{1,4}"))
            .prop_map(|(id, root_id)| Change::SetRootId { target: TargetId(id), id: root_id }),
        1 => select(Phase::ALL.to_vec()).prop_map(Change::SetPhase),
    ]
}

fn rollout_change() -> impl Strategy<Value = Change> {
    let id = || (1..4_i64).prop_map(RolloutId);
    let share = prop_oneof![any::<u32>().prop_map(Share::Count), (0..=100_u8).prop_map(Share::Percent)];
    let packages = proptest::collection::btree_set(PACKAGES.prop_map(PackageId), 0..4);
    let order =
        (packages, 1..=u32::MAX, share, any::<i64>()).prop_map(|(packages, at_once, max_fail, since)| {
            Box::new(RolloutOrder { packages, at_once, max_fail, since, who: "ada".into() })
        });
    let state = prop_oneof![
        3 => Just(RolloutState::UnderWay),
        2 => "[a-z]{0,3}".prop_map(RolloutState::Stopped),
        1 => "[a-z]{0,3}".prop_map(RolloutState::Ended),
    ];
    prop_oneof![
        2 => (id(), order).prop_map(|(id, order)| Change::PutRollout { id, order }),
        1 => (id(), state).prop_map(|(rollout, state)| Change::SetRolloutState { rollout, state }),
        3 => (id(), TARGETS, select(WaveState::ALL.to_vec()))
            .prop_map(|(rollout, target, state)| Change::SetWave { rollout, target: TargetId(target), state }),
    ]
}

/// Leaves out what nobody may ask for: a key that was used before, a dependency on nothing.
fn keep_valid(changes: Vec<Change>) -> Vec<Change> {
    let (mut gone, mut gone_packages, mut packages) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut rollouts, mut ended) = (BTreeSet::new(), BTreeSet::new());
    let mut kept = Vec::new();
    for mut change in changes {
        match &mut change {
            Change::PutRollout { id, .. } if ended.contains(id) => continue,
            Change::PutRollout { id, .. } => {
                rollouts.insert(*id);
            }
            Change::SetRolloutState { rollout, state: RolloutState::Ended(_) }
                if rollouts.contains(rollout) =>
            {
                ended.insert(*rollout);
            }
            Change::PutTarget(it) if gone.contains(&it.id) => continue,
            Change::RemoveTarget(it) => {
                gone.insert(*it);
            }
            Change::PutPackage(it) if gone_packages.contains(&it.id) => continue,
            // What was never there does not go.
            Change::RemovePackage(it) if !packages.remove(it) => continue,
            Change::RemovePackage(it) => {
                gone_packages.insert(*it);
            }
            Change::PutPackage(it) => {
                packages.insert(it.id);
                it.dependencies.retain(|needs| packages.contains(needs));
            }
            _ => {}
        }
        kept.push(change);
    }
    kept
}

/// An overview does not know when what changed.
pub(crate) fn without_times(mut cluster: Cluster) -> Cluster {
    let rows: Vec<_> = cluster.all_states().map(|(key, row)| (key, row.clone())).collect();
    for (key, row) in rows {
        cluster.apply(&Change::UpdateState(key, PackageState { changed_at: 0, ..row }));
    }
    for (client, assigned) in cluster.assignments.clone() {
        for (package, handed_over_at) in assigned.iter() {
            let handed_over_at = handed_over_at.map(|_| 0);
            cluster.apply(&Change::Assign { package, client, handed_over_at });
        }
    }
    cluster
}

fn committed_is_applied(backend: Backend) {
    // To make a database on a server takes longer.
    let cases = if backend == Backend::Sqlite { 60 } else { 25 };
    let cases = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let changes = (proptest::collection::vec(change(), 0..60), 1_usize..9, any::<bool>());
    let committed = |(changes, step, as_engine): (Vec<Change>, usize, bool)| {
        let changes = keep_valid(changes);
        let scratch = backend.scratch();
        let mut store = scratch.create();
        let mut cluster = Cluster::default();
        for part in changes.chunks(step) {
            let own: Vec<TargetId> = cluster.targets.keys().copied().filter(|_| as_engine).take(2).collect();
            let claim = (!own.is_empty()).then(|| store.lock(&own).unwrap().unwrap());
            store.commit(part).unwrap();
            drop(claim);
            part.iter().for_each(|change| cluster.apply(change));
            prop_assert_eq!(without_times(store.load_overview().unwrap()), without_times(cluster.clone()));
        }
        prop_assert_eq!(store.load().unwrap(), cluster.clone());
        check_parts(&mut store, &cluster)?;
        drop(store);
        prop_assert_eq!(scratch.open().load().unwrap(), cluster);
        Ok(())
    };
    TestRunner::new(cases).run(&changes, committed).unwrap();
}

/// All targets but clients whose roots have no id.
fn identified(cluster: &Cluster) -> Vec<TargetId> {
    let is_identified =
        |target: &&Target| target.kind() != TargetKind::Client || cluster.root_ids.contains_key(&target.id);
    cluster.targets.values().filter(is_identified).map(|target| target.id).collect()
}

/// An engine of some targets reads what it is about, and sees its work from afar.
fn check_parts(store: &mut Database, cluster: &Cluster) -> Result<(), TestCaseError> {
    let found = store.load_identified_targets().unwrap();
    prop_assert_eq!(found.targets.keys().copied().collect::<Vec<_>>(), identified(cluster));
    prop_assert_eq!(&found.root_ids, &cluster.root_ids);
    let all: BTreeSet<TargetId> = cluster.targets.keys().copied().collect();
    let one_each = all.iter().map(|target| BTreeSet::from([*target]));
    let pairs = all.iter().zip(all.iter().skip(1)).map(|(one, other)| BTreeSet::from([*one, *other]));
    for targets in one_each.chain(pairs).chain([all.clone(), BTreeSet::from([TargetId(99)]), BTreeSet::new()])
    {
        prop_assert_eq!(
            store.load_part(&targets).unwrap(),
            cluster.clone().into_part(&targets),
            "{:?}",
            targets
        );
    }
    for target in cluster.targets.values() {
        let glance = store.glance(&target.address).unwrap();
        let Some(glance) = glance else { return Err(TestCaseError::fail("it is there")) };
        prop_assert_eq!(&glance.target, target);
        prop_assert_eq!(glance.root_id.as_ref(), cluster.root_ids.get(&target.id));
        let scope = Scope { targets: BTreeSet::from([target.id]), packages: None };
        let has_work = StageMachine::new(cluster.clone(), scope).next_work().is_some();
        prop_assert!(glance.has_pending_work || !has_work, "{:?}", target);
        let root_id = glance.root_id.unwrap_or_default();
        let found = store.find_root(&root_id).unwrap();
        prop_assert_eq!(
            found.map(|found| &cluster.root_ids[&found]),
            cluster.root_ids.values().find(|id| **id == root_id)
        );
    }
    let nowhere = common::target(98, TargetKind::Client).address;
    prop_assert_eq!(store.glance(&nowhere).unwrap(), None);
    Ok(())
}

/// Requests and assignments are written in batches, which end in the middle of other changes.
fn many_at_once_are_applied_as_well(backend: Backend) {
    let mut changes: Vec<Change> = (1..=40)
        .map(|id| {
            let mut target = common::target(id, TargetKind::ALL[usize::try_from(id % 3).unwrap()]);
            target.address.name = format!("n{id}").parse().unwrap();
            Change::PutTarget(target)
        })
        .collect();
    changes.extend((1..=40).map(|id| Change::PutPackage(common::package(id, &[]))));
    // With each key twice, and with targets and packages that are not there.
    for round in 0..3600_i64 {
        let key = state_key(1 + round % 42, 1 + round / 42 % 41);
        let stage = Stage::ALL[usize::try_from(round % 8).unwrap()];
        changes.push(Change::Request { key, stage, requested_at: round });
        let handed_over_at = (round % 5 > 0).then_some(round);
        changes.push(Change::Assign { package: key.package, client: key.target, handed_over_at });
        match round {
            1700 => changes.push(Change::RemoveTarget(TargetId(6))),
            1900 => changes.push(Change::RemovePackage(PackageId(7))),
            _ if round % 997 == 0 => changes.push(Change::UpdateState(key, failed_state(round))),
            _ => {}
        }
    }
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&changes).unwrap();
    let mut cluster = Cluster::default();
    changes.iter().for_each(|change| cluster.apply(change));
    assert_eq!(without_times(store.load_overview().unwrap()), without_times(cluster.clone()));
    assert_eq!(store.load().unwrap(), cluster);
}

fn what_is_decided_is_what_was_loaded(backend: Backend) {
    let scratch = backend.scratch();
    let (mut one, mut other) = (scratch.create(), scratch.open());
    one.commit(&common::sample_cluster()).unwrap();
    other
        .update(&mut |cluster| {
            assert_eq!((cluster.targets.len(), cluster.last_target_id), (3, 3));
            vec![
                Change::Request { key: state_key(1, 1), stage: Stage::Finished, requested_at: 5 },
                Change::UpdateState(state_key(1, 1), failed_state(6)),
            ]
        })
        .unwrap();
    assert_eq!(one.load().unwrap().state(state_key(1, 1)), Some(&failed_state(6)));
}

fn all_or_nothing(backend: Backend) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    let before = store.load().unwrap();
    let twice = Change::PutTarget(common::target(9, TargetKind::Client));
    let mut same_name = common::target(10, TargetKind::Client);
    same_name.address.name = "client9".parse().unwrap();
    let error =
        store.commit(&[Change::SetPhase(Phase::Netboot), twice, Change::PutTarget(same_name)]).unwrap_err();
    assert!(matches!(error, opkg_oda::Error::Other { .. }), "{error}");
    assert_eq!(store.load().unwrap(), before);
    // A dependency on a package that is not there is found when all is written.
    store
        .commit(&[Change::SetPhase(Phase::Netboot), Change::PutPackage(common::package(7, &[8]))])
        .unwrap_err();
    assert_eq!(store.load().unwrap(), before);
    store
        .commit(&[Change::PutPackage(common::package(7, &[8])), Change::PutPackage(common::package(8, &[]))])
        .unwrap();
}

fn keys_of_targets_are_never_used_again(backend: Backend) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    store.commit(&[Change::RemoveTarget(TargetId(3))]).unwrap();
    let cluster = store.load().unwrap();
    assert_eq!((cluster.last_target_id, cluster.targets.len()), (3, 2));
    store.commit(&[Change::PutTarget(common::target(3, TargetKind::Client))]).unwrap_err();
    let mut again = common::target(4, TargetKind::Client);
    again.address.name = "client3".parse().unwrap();
    store.commit(&[Change::PutTarget(again)]).unwrap();
}

fn values_are_replaced_only_instead_of_those_that_were_known(backend: Backend) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    let value = |value: &str| {
        vec![opkg_oda::ConfigValue {
            name: "a".into(),
            value: value.into(),
            origin: opkg_oda::ValueOrigin::Default,
        }]
    };
    let mut configure = |instead_of: Option<Vec<opkg_oda::ConfigValue>>, values: &str| {
        let (package, image) = (PackageId(1), None);
        let change = Change::SetValues { package, image, values: value(values), expected: instead_of };
        store.commit(&[change]).unwrap();
        store.values(package, image).unwrap()
    };
    assert_eq!(configure(Some(Vec::new()), "1"), value("1"));
    assert_eq!(configure(Some(Vec::new()), "2"), value("1"));
    assert_eq!(configure(Some(value("1")), "3"), value("3"));
    assert_eq!(configure(None, "4"), value("4"));
}
