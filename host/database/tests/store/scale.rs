//! How long the work of a large cluster takes: `cargo test --release --test scale -- --ignored --nocapture`.

use crate::common;
use std::time::Instant;

use crate::common::state_key;
use opkg_oda::{Change, PackageState, Stage, Store, TargetKind};
use opkg_sqlite::SqliteStore;

const TARGETS: i64 = 10_000;
const PACKAGES: i64 = 40;

/// Prints the time that went by, and that for which this thread had a processor.
fn measure<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let busy = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
    };
    let (begin, before) = (Instant::now(), busy());
    let done = work();
    println!("{what}: {:.1} ms, processor {:.1} ms", begin.elapsed().as_secs_f64() * 1e3, busy() - before);
    done
}

#[test]
#[ignore = "a measurement"]
fn ten_thousand_targets_and_forty_packages() {
    let scratch = common::Fixture::new();
    let mut store = scratch.create();
    let mut changes = vec![
        Change::PutTarget(common::target(1, TargetKind::Server)),
        Change::PutTarget(common::target(2, TargetKind::Image)),
    ];
    changes.extend((3..=TARGETS).map(|id| Change::PutTarget(common::target(id, TargetKind::Client))));
    changes.extend((1..=PACKAGES).map(|id| Change::PutPackage(common::package(id, &[]))));
    measure("10,000 targets", || store.commit(&changes).unwrap());
    let keys =
        || (1..=TARGETS).flat_map(|target| (1..=PACKAGES).map(move |package| state_key(target, package)));
    let requests: Vec<Change> =
        keys().map(|key| Change::Request { key, stage: Stage::Finished, requested_at: 3 }).collect();
    measure("400,000 requests", || store.commit(&requests).unwrap());
    let row = PackageState { current: Stage::Finished, ..PackageState::new(Stage::Finished, 5) };
    let finished: Vec<Change> = keys().map(|key| Change::UpdateState(key, row.clone())).collect();
    measure("20,000 steps", || store.commit(&finished[..20_000]).unwrap());
    measure("one step", || store.commit(&finished[20_000..20_001]).unwrap());
    measure("all steps", || store.commit(&finished).unwrap());
    let seen: Vec<Change> = (1..=PACKAGES)
        .map(|it| Change::SetImageSeen {
            package: state_key(1, it).package,
            image: state_key(2, 1).target,
            seen: true,
        })
        .collect();
    store.commit(&seen).unwrap();
    drop(store);
    println!("size: {} kB", scratch.path().metadata().unwrap().len() / 1024);
    let mut store = measure("open", || SqliteStore::open(&scratch.path()).unwrap());
    assert!(!measure("pending", || store.has_pending_work().unwrap()));
    assert_eq!(measure("load", || store.load().unwrap()).all_states().count(), requests.len());
    assert_eq!(
        measure("load again", || store.load().unwrap()).states.len(),
        requests.len() / PACKAGES as usize
    );
    let all: Vec<_> = (1..=TARGETS).map(opkg_oda::TargetId).collect();
    let _lock = measure("lock", || store.lock(&all).unwrap().unwrap());
}
