//! What is purged is gone, and nothing else.

use crate::common;
use crate::common::{Backend, Scratch, on_both};
use opkg_database::Database;
use opkg_oda::{Change, ConfigValue, EventFilter, PackageId, PurgeOrder, RunId, RunStatus, ValueOrigin};

on_both! {
    a_trial_says_what_would_be_removed_and_removes_nothing,
    what_is_old_goes_and_what_runs_stays,
    a_package_that_is_forgotten_leaves_its_name_free_and_its_steps_in_the_journal,
}

fn filled(backend: Backend) -> (Scratch, Database) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    for (ended_at, number) in [(Some(100), 1), (Some(200), 2), (None, 3)] {
        let run = store.start_run(&common::sample_run()).unwrap();
        store.commit(&[Change::StartEvent(Box::new(common::sample_event(run, number)))]).unwrap();
        if let Some(ended_at) = ended_at {
            store.commit(&[Change::EndRun { run, ended_at, status: RunStatus::Done }]).unwrap();
        }
    }
    for package in [1, 2] {
        let value = ConfigValue { name: "a".into(), value: "1".into(), origin: ValueOrigin::Administrator };
        let values = vec![value.clone(), ConfigValue { name: "b".into(), ..value }];
        let package = PackageId(package);
        store.commit(&[Change::SetValues { package, image: None, values, expected: None }]).unwrap();
    }
    (scratch, store)
}

fn a_trial_says_what_would_be_removed_and_removes_nothing(backend: Backend) {
    let (_scratch, mut store) = filled(backend);
    let order = PurgeOrder { values_of: vec![PackageId(2), PackageId(9)], runs_ended_before: 200 };
    let planned = store.purge(&order, true).unwrap();
    assert_eq!(planned.values.into_iter().collect::<Vec<_>>(), [(PackageId(2), 2)]);
    assert_eq!((planned.runs.as_slice(), planned.events), (&[RunId(1)][..], 1));
    assert_eq!(planned.logs, ["/var/log/opm/1"]);
    assert_eq!(store.runs(9).unwrap().len(), 3);
    assert_eq!(store.values(PackageId(2), None).unwrap().len(), 2);
}

fn what_is_old_goes_and_what_runs_stays(backend: Backend) {
    let (_scratch, mut store) = filled(backend);
    let order = PurgeOrder { values_of: vec![PackageId(2)], runs_ended_before: i64::MAX };
    let planned = store.purge(&order, true).unwrap();
    assert_eq!(store.purge(&order, false).unwrap(), planned);
    let left: Vec<RunId> = store.runs(9).unwrap().iter().map(|run| run.id).collect();
    assert_eq!(left, [RunId(3)], "it has not ended");
    let events = store.events(&EventFilter::default()).unwrap();
    assert_eq!(events.iter().map(|event| event.id.run).collect::<Vec<_>>(), [RunId(3)]);
    assert!(store.values(PackageId(2), None).unwrap().is_empty());
    assert_eq!(store.values(PackageId(1), None).unwrap().len(), 2);
    let again = store.purge(&order, false).unwrap();
    assert_eq!((again.values.len(), again.runs.len(), again.logs.len()), (0, 0, 0));
    assert_eq!(store.start_run(&common::sample_run()).unwrap(), RunId(4), "no id is used twice");
}

fn a_package_that_is_forgotten_leaves_its_name_free_and_its_steps_in_the_journal(backend: Backend) {
    let (_scratch, mut store) = filled(backend);
    store.commit(&[Change::RemovePackage(PackageId(1))]).unwrap();
    let cluster = store.load().unwrap();
    assert_eq!((cluster.packages.len(), cluster.last_package_id), (1, 2));
    assert!(store.values(PackageId(1), None).unwrap().is_empty());
    assert_eq!(store.events(&EventFilter::default()).unwrap()[0].packages, [PackageId(2), PackageId(1)]);
    let again = opkg_oda::Package { id: PackageId(3), ..common::package(1, &[2]) };
    store.commit(&[Change::PutPackage(again)]).unwrap();
    // What a run knows of it that began before changes nothing.
    store.commit(&[Change::PutPackage(common::package(1, &[2]))]).unwrap();
    assert_eq!(
        store.load().unwrap().packages.keys().copied().collect::<Vec<_>>(),
        [PackageId(2), PackageId(3)]
    );
}
