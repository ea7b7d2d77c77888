//! A whole cluster from request to `finished`, on a real database, with a package manager and hooks that are only
//! pretended: what remains is what the engine itself costs. `cargo bench -p opkg-opm` runs it; after `--`, numbers of
//! clients, and `--keep FILE` to leave the last database there.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use opkg_oda::export::Values;
use opkg_oda::{
    Address, Change, Class, Cluster, Key, Kind, Package, PackageId, Phase, RunId, Sqlite, Stage, Store,
    Target, TargetId,
};
use opkg_opm::effects::{Effects, Report};
use opkg_opm::engine::{Clock, Engine, Identity, Observer, Order};
use opkg_opm::machine::{Hook, Outcome, Work};
use opkg_opm::requests;

const PACKAGES: i64 = 40;

fn main() {
    let mut keep: Option<PathBuf> = None;
    let mut sizes = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => keep = arguments.next().map(PathBuf::from),
            "--bench" => {}
            number => sizes.push(number.parse().unwrap()),
        }
    }
    if sizes.is_empty() {
        sizes = vec![100, 1_000, 10_000];
    }
    println!(
        "| clients | request s | run s | steps | µs a step | idle ms | load ms | database MB | peak MB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for size in sizes {
        let directory = tempfile::tempdir_in(".").unwrap();
        let path = directory.path().join("oda.db");
        measure(size, &path);
        if let Some(keep) = &keep {
            std::fs::copy(&path, keep).unwrap();
        }
    }
}

fn measure(clients: i64, path: &Path) {
    let mut store = Sqlite::create(path).unwrap();
    store.commit(&site(clients)).unwrap();
    let cluster = store.load().unwrap();
    let everywhere: BTreeSet<TargetId> = cluster.targets.keys().copied().collect();
    let packages: Vec<PackageId> = cluster.packages.keys().copied().collect();

    let start = Instant::now();
    store
        .update(&mut |cluster| requests::request(cluster, &packages, Stage::Finished, &everywhere, 1))
        .unwrap();
    let requested = start.elapsed();

    let order = Order { targets: everywhere, ..Order::default() };
    let start = Instant::now();
    let summary = run(&mut store, &order);
    let took = start.elapsed();
    let cluster = summary.cluster.unwrap();
    assert!(cluster.all_rows().all(|(_, row)| row.current == Stage::Finished), "not all of it is finished");
    drop(cluster);

    let start = Instant::now();
    assert_eq!(run(&mut store, &order).run, None);
    let idle = start.elapsed();
    let start = Instant::now();
    store.load().unwrap();
    let loaded = start.elapsed();
    drop(store);
    let size = std::fs::metadata(path).unwrap().len();
    let steps = summary.steps;
    println!(
        "| {clients} | {:.2} | {:.2} | {steps} | {:.0} | {:.1} | {:.0} | {:.1} | {:.0} |",
        requested.as_secs_f64(),
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / steps as f64,
        idle.as_secs_f64() * 1e3,
        loaded.as_secs_f64() * 1e3,
        size as f64 / 1e6,
        peak(),
    );
}

/// A head node, one image, clients, and packages of which each third depends on the one before.
fn site(clients: i64) -> Vec<Change> {
    let target = |id: i64, kind, name: String, image| {
        let root = Some(PathBuf::from(format!("/srv/{name}")));
        let address = Address { kind, name: name.parse().unwrap() };
        Change::Target(Target { id: TargetId(id), address, root, image })
    };
    let mut changes = vec![
        Change::Phase(Phase::TestInstall),
        target(1, Kind::Server, "head".into(), None),
        target(2, Kind::Image, "compute".into(), None),
    ];
    changes.extend(
        (0..clients).map(|it| target(3 + it, Kind::Client, format!("node{it:05}"), Some(TargetId(2)))),
    );
    changes.extend((1..=PACKAGES).map(|id| {
        let needs = if id % 3 == 0 { vec![PackageId(id - 1)] } else { Vec::new() };
        let class = if id == 1 { Class::Core } else { Class::ThirdParty };
        let name = format!("package{id:02}").parse().unwrap();
        Change::Package(Package { id: PackageId(id), name, class, version: None, needs, awaits: None })
    }));
    changes
}

fn run(store: &mut Sqlite, order: &Order) -> opkg_opm::engine::Summary {
    let identity = Identity { host: "head".into(), process: std::process::id(), command: "opm run".into() };
    Engine { store, effects: &mut Pretended, observer: &mut Silent, clock: &Now, identity }
        .run(order)
        .unwrap()
}

struct Pretended;

impl Effects for Pretended {
    fn concerns(&mut self, _: &Cluster, work: &Work) -> bool {
        // As in real packages, most hooks are not there.
        !matches!(work, Work::Hook { hook, .. } if *hook != Hook::PostImage)
    }

    fn perform(&mut self, _: &Cluster, _: &Work, _: RunId) -> Report {
        Report::new(Outcome::Done)
    }

    fn configure(&mut self, _: &Cluster, _: Key, _: Option<TargetId>, _: &Values, _: RunId) -> Report {
        Report::new(Outcome::Done)
    }

    fn clean_up(&mut self, _: RunId) -> Vec<String> {
        Vec::new()
    }

    fn stopped(&self) -> bool {
        false
    }
}

struct Silent;

impl Observer for Silent {
    fn begins(&mut self, _: &Cluster, _: &Work) {}

    fn ended(&mut self, _: &Cluster, _: &Work, _: &Report) {}

    fn note(&mut self, _: &str) {}
}

struct Now;

impl Clock for Now {
    fn now(&self) -> i64 {
        i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
    }
}

/// Peak of resident memory of this process in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
}
