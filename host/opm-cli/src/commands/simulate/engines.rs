//! What goes on at the same time: engines on nodes, listeners, looks that find nothing.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opkg_database::Location;
use opkg_engine::clock::SystemClock;
use opkg_engine::effects::StepTrace;
use opkg_engine::engine::{Concurrency, Engine, Observer, RunOptions};
use opkg_engine::machine::{Step, StepStatus};
use opkg_oda::{Change, Cluster, PackageId, Store, TargetId};

use super::world::{HEAD, World, node_address};
use crate::errors::CliError;
use crate::identity::run_identity;

/// Between two commits that wake listeners up, so that it is known which one woke them.
const ROUND: Duration = Duration::from_millis(100);

/// Between two looks of engines, where nodes are let go in waves.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Nobody reads what thousands of engines say.
struct Silent;

impl Observer for Silent {
    fn work_started(&mut self, _: &Cluster, _: &Step) {}
    fn work_finished(&mut self, _: &Cluster, _: &Step, _: &StepStatus, _: &StepTrace) {}
    fn note(&mut self, _: &str) {}
}

/// All that can be done on the head node, which hands the work over to the nodes.
///
/// # Errors
/// The database fails.
pub fn run_head(location: &Location, world: &World) -> Result<(), CliError> {
    let mut store = location.open()?;
    run(&mut *store, world, HEAD).map(drop)
}

/// All that can be done on nodes, by so many engines at a time, each of which goes from one to the next.
///
/// # Errors
/// An engine failed; the first one that did.
pub fn run_nodes(
    location: &Location,
    world: &World,
    nodes: &[TargetId],
    engines: usize,
    done: &AtomicUsize,
) -> Result<(), CliError> {
    let next = AtomicUsize::new(0);
    let engine = || -> Result<(), CliError> {
        let mut store = location.open()?;
        while let Some(node) = nodes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let glance = store.glance(&node_address(*node).map_err(CliError::from)?)?;
            if glance.is_some_and(|glance| glance.has_pending_work) {
                run(&mut *store, world, *node)?;
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    in_parallel(engines, engine).into_iter().collect()
}

/// The same, where the head node lets nodes go in waves: each engine has nodes of its own, which look until they were let go.
///
/// # Errors
/// An engine failed; the first one that did.
pub fn run_in_waves(
    location: &Location,
    world: &World,
    nodes: &[TargetId],
    engines: usize,
    done: &AtomicUsize,
) -> Result<(), CliError> {
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let lead = || -> Result<(), CliError> {
        let mut store = location.open()?;
        while !store.load_part_overview(&BTreeSet::from([HEAD]))?.rollouts.is_empty() {
            run(&mut *store, world, HEAD)?;
            std::thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    };
    let engine = || -> Result<(), CliError> {
        let mut store = location.open()?;
        let first = next.fetch_add(1, Ordering::Relaxed);
        let mut waiting: Vec<TargetId> = nodes.iter().skip(first).step_by(engines).copied().collect();
        while !waiting.is_empty() && !is_over.load(Ordering::Relaxed) {
            let mut held = Vec::new();
            for node in waiting {
                let glance = store.glance(&node_address(node).map_err(CliError::from)?)?;
                if glance.is_some_and(|glance| glance.has_pending_work) && run(&mut *store, world, node)? > 0
                {
                    done.fetch_add(1, Ordering::Relaxed);
                } else {
                    held.push(node);
                }
            }
            waiting = held;
            std::thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| {
            let led = lead();
            is_over.store(true, Ordering::Relaxed);
            led
        });
        let worked: Result<(), CliError> = in_parallel(engines, engine).into_iter().collect();
        let led = leader.join();
        worked?;
        led.unwrap_or_else(|_| {
            Err(CliError::new("an engine of the simulation ended in a fault of the program"))
        })
    })
}

/// All that can be done on a target; how many steps that was.
fn run(store: &mut dyn Store, world: &World, target: TargetId) -> Result<usize, CliError> {
    let targets = BTreeSet::from([target]);
    let concurrency = Concurrency { jobs: NonZeroUsize::MIN, package_source: None };
    let order = RunOptions { targets, packages: None, retry: false, concurrency };
    let known = store.load_part_overview(&order.targets)?;
    let identity = run_identity();
    let mut engine = Engine { store, effects: world, observer: &mut Silent, clock: &SystemClock, identity };
    Ok(engine.run_from(known, &order)?.steps)
}

/// How long it takes from before a commit until each of the listeners has woken up, sorted.
///
/// # Errors
/// The database fails.
pub fn measure_wake_ups(
    location: &Location,
    listeners: usize,
    rounds: usize,
) -> Result<Vec<Duration>, CliError> {
    let commits: Mutex<Vec<Instant>> = Mutex::default();
    let (ready, is_over) = (Barrier::new(listeners + 1), AtomicUsize::new(0));
    let listen = || -> Result<Vec<Instant>, CliError> {
        let opened = location.open().and_then(|mut store| Ok((store.subscribe()?, store)));
        ready.wait();
        let (has_place, mut store) = opened?;
        let mut woken = Vec::new();
        while has_place && is_over.load(Ordering::Relaxed) == 0 {
            if store.wait_for_change(ROUND)? {
                woken.push(Instant::now());
            }
        }
        Ok(woken)
    };
    let ask = || -> Result<(), CliError> {
        let opened = location.open();
        ready.wait();
        let mut store = opened?;
        for round in 0..rounds {
            std::thread::sleep(ROUND);
            commits.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
            store.commit(&[Change::SetHeld { package: PackageId(1), held: round % 2 == 0 }])?;
        }
        std::thread::sleep(ROUND * 2);
        Ok(())
    };
    let (asked, heard) = std::thread::scope(|scope| {
        let listeners: Vec<_> = (0..listeners).map(|_| scope.spawn(listen)).collect();
        let asked = ask();
        is_over.store(1, Ordering::Relaxed);
        let heard = listeners.into_iter().filter_map(|listener| listener.join().ok());
        (asked, heard.collect::<Result<Vec<_>, _>>())
    });
    asked?;
    let commits = commits.into_inner().unwrap_or_else(PoisonError::into_inner);
    let latency = |woken: Instant| {
        let last = commits.iter().rev().find(|commit| **commit <= woken)?;
        Some(woken.duration_since(*last))
    };
    let mut latencies: Vec<Duration> = heard?.into_iter().flatten().filter_map(latency).collect();
    latencies.sort_unstable();
    Ok(latencies)
}

/// How many looks of nodes without work are answered in that time.
///
/// # Errors
/// The database fails.
pub fn measure_looks(
    location: &Location,
    nodes: &[TargetId],
    engines: usize,
    duration: Duration,
) -> Result<usize, CliError> {
    let (next, began) = (AtomicUsize::new(0), Instant::now());
    let look = || -> Result<(), CliError> {
        let mut store = location.open()?;
        while began.elapsed() < duration {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if let Some(node) = nodes.get(number % nodes.len().max(1)) {
                store.glance(&node_address(*node).map_err(CliError::from)?)?;
            }
        }
        Ok(())
    };
    in_parallel(engines, look).into_iter().collect::<Result<(), CliError>>()?;
    Ok(next.into_inner())
}

/// Does the same in so many threads; what came of each.
fn in_parallel<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        started.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}
