//! How long the work of a large cluster takes: `cargo test --release --test scale -- --ignored --nocapture`.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Instant;

use common::key;
use opkg_oda::{Change, Kind, Row, Sqlite, Stage, Store};

const TARGETS: i64 = 10_000;
const PACKAGES: i64 = 40;

/// Prints the time that went by, and that for which this thread had a processor.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
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
    let scratch = common::Scratch::new();
    let mut store = scratch.create();
    let mut changes =
        vec![Change::Target(common::target(1, Kind::Server)), Change::Target(common::target(2, Kind::Image))];
    changes.extend((3..=TARGETS).map(|id| Change::Target(common::target(id, Kind::Client))));
    changes.extend((1..=PACKAGES).map(|id| Change::Package(common::package(id, &[]))));
    timed("10,000 targets", || store.commit(&changes).unwrap());
    let keys = || (1..=TARGETS).flat_map(|target| (1..=PACKAGES).map(move |package| key(target, package)));
    let requests: Vec<Change> =
        keys().map(|key| Change::Request { key, stage: Stage::Finished, at: 3 }).collect();
    timed("400,000 requests", || store.commit(&requests).unwrap());
    let row = Row { current: Stage::Finished, ..Row::new(Stage::Finished, 5) };
    let finished: Vec<Change> = keys().map(|key| Change::Progress(key, row.clone())).collect();
    timed("20,000 steps", || store.commit(&finished[..20_000]).unwrap());
    timed("one step", || store.commit(&finished[20_000..20_001]).unwrap());
    timed("all steps", || store.commit(&finished).unwrap());
    let seen: Vec<Change> = (1..=PACKAGES)
        .map(|it| Change::ImageSeen { package: key(1, it).package, image: key(2, 1).target, seen: true })
        .collect();
    store.commit(&seen).unwrap();
    drop(store);
    println!("size: {} kB", scratch.path().metadata().unwrap().len() / 1024);
    let mut store = timed("open", || Sqlite::open(&scratch.path()).unwrap());
    assert!(!timed("pending", || store.pending().unwrap()));
    assert_eq!(timed("load", || store.load().unwrap()).all_rows().count(), requests.len());
    assert_eq!(timed("load again", || store.load().unwrap()).rows.len(), requests.len() / PACKAGES as usize);
    let all: Vec<_> = (1..=TARGETS).map(opkg_oda::TargetId).collect();
    let _lock = timed("lock", || store.lock(&all).unwrap().unwrap());
}
