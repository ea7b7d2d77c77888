//! `opm simulate`: a cluster that is not there, with the engines that there are.

mod checks;
mod engines;
mod world;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use opkg_database::Location;
use opkg_database::measure::{Counters, ServerProbe, WritesPerCommit, bare_transactions};
use opkg_oda::{Error, TargetId};
use opkg_shell::UsageError;
use serde::Serialize;

use self::world::{Size, World};
use crate::args::SimulateArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;

/// As many engines at most listen for work.
const MAX_LISTENERS: usize = 200;
/// How often they are woken up.
const WAKE_UPS: usize = 20;
/// How long looks, and bare transactions, are measured.
const SPAN: Duration = Duration::from_secs(3);
/// Between two looks at the server.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(500);

/// What a simulation found, as `--format json` prints it.
#[derive(Debug, Serialize)]
struct Report {
    nodes: u32,
    packages: u32,
    engines: u32,
    /// Seconds until the head node had handed the work over.
    hand_over_seconds: f64,
    /// Seconds that all nodes took.
    nodes_seconds: f64,
    nodes_per_second: f64,
    /// Steps of all engines.
    steps: u64,
    server: Option<ServerReport>,
    /// What was not as it must be; empty where all was well.
    faults: Vec<String>,
}

/// Of a database on a server.
#[derive(Debug, Serialize)]
struct ServerReport {
    commits: i64,
    commits_per_second: f64,
    rows_per_commit: f64,
    /// Of bare transactions that insert, update and delete as many rows of as many bytes, from as many connections.
    bare_commits_per_second: f64,
    /// Of the commits of engines to bare ones.
    of_bare: f64,
    /// Deadlocks and conflicts that the server ended, which are tried again.
    conflicts: i64,
    /// Milliseconds from before a commit until a listener wakes up.
    wake_up_median: f64,
    wake_up_99_percent: f64,
    /// The most that there were at a time.
    connections: i64,
    database_megabytes: i64,
    /// Of all processes of the server; null where they cannot be looked at.
    memory_megabytes: Option<u64>,
    /// Seconds of processors that the server took while nodes were at work; likewise.
    processor_seconds: Option<f64>,
    looks_per_second: f64,
    /// How many nodes can look once a minute.
    nodes_at_a_look_a_minute: f64,
    /// Microseconds of processors of the server for a look that finds nothing; likewise.
    look_microseconds: Option<f64>,
}

/// Runs the command.
///
/// # Errors
/// When no database is named, it holds something, or it fails.
pub fn run(session: &Session, arguments: &SimulateArgs) -> Result<ExitStatus, CliError> {
    if session.is_database_usual() {
        return Err(UsageError::new(
            "a simulation needs a database of its own",
            "name one that holds nothing with --database: postgres://USER@HOST/NAME, or a file that is not there yet",
        )
        .into());
    }
    let location = session.database()?;
    let size = Size { nodes: arguments.nodes, packages: arguments.packages };
    show(session, "simulation: making the cluster");
    let mut changes = world::changes(size).map_err(CliError::from)?;
    changes
        .extend(arguments.max_at_once.map(|at_once| world::hold_back(&changes, at_once)).unwrap_or_default());
    drop(location.create_with(&changes)?);
    drop(changes);
    let report = simulate(session, arguments, &location, size);
    show(session, "");
    if !arguments.keep {
        clean_up(&location)?;
    }
    let report = report?;
    if session.shell.is_json() {
        session.shell.print_json(&report)?;
    } else {
        session.shell.print(&render(&report))?;
    }
    Ok(if report.faults.is_empty() { ExitStatus::Success } else { ExitStatus::Failed })
}

fn simulate(
    session: &Session,
    arguments: &SimulateArgs,
    location: &Location,
    size: Size,
) -> Result<Report, CliError> {
    let world = World::new(arguments.fail);
    let nodes: Vec<TargetId> = size.nodes().collect();
    let engines = arguments.engines.max(1) as usize;
    show(session, "simulation: the head node hands the work over");
    let began = Instant::now();
    engines::run_head(location, &world)?;
    let hand_over = began.elapsed();

    let mut probe = location.server().cloned().map(ServerProbe::open).transpose()?;
    let before = probe.as_mut().map(sample).transpose()?;
    let done = AtomicUsize::new(0);
    let began = Instant::now();
    let peak = watch(session, probe.as_mut(), nodes.len(), &done, || match arguments.max_at_once {
        Some(_) => engines::run_in_waves(location, &world, &nodes, engines, &done),
        None => engines::run_nodes(location, &world, &nodes, engines, &done),
    })?;
    let took = began.elapsed().as_secs_f64();

    let server = match (&mut probe, before) {
        (Some(probe), Some(before)) => {
            let after = sample(probe)?;
            Some(measure_server(session, location, probe, &nodes, engines, took, peak, [before, after])?)
        }
        _ => None,
    };
    show(session, "simulation: checking what came of it");
    let at_once = arguments.max_at_once.map(|at_once| at_once.of(nodes.len()).max(1));
    let faults = checks::find_faults(&mut *location.open()?, &world, size, at_once)?;
    Ok(Report {
        nodes: size.nodes,
        packages: size.packages,
        engines: arguments.engines,
        hand_over_seconds: hand_over.as_secs_f64(),
        nodes_seconds: took,
        nodes_per_second: f64::from(size.nodes) / took,
        steps: world.steps(),
        server,
        faults,
    })
}

/// Says how far it is, where somebody looks.
fn show(session: &Session, text: &str) {
    if session.shell.is_progress_enabled() {
        session.shell.set_progress(text);
    }
}

/// What the server has counted, and the time of processors that it took.
type Sample = (Counters, Option<Duration>);

fn sample(probe: &mut ServerProbe) -> Result<Sample, CliError> {
    Ok((probe.counters()?, probe.load()?.processor))
}

/// The most that was seen at a time: connections, bytes of memory.
type Peak = (i64, Option<u64>);

/// Looks at the server and says how far it is, while something is done.
fn watch(
    session: &Session,
    mut probe: Option<&mut ServerProbe>,
    total: usize,
    done: &AtomicUsize,
    work: impl FnOnce() -> Result<(), CliError> + Send,
) -> Result<Peak, CliError> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let worked = work();
            is_over.store(true, Ordering::Relaxed);
            worked
        });
        let mut peak: Peak = (0, None);
        while !is_over.load(Ordering::Relaxed) {
            session
                .shell
                .set_progress(&format!("simulation: {} of {total} nodes", done.load(Ordering::Relaxed)));
            // What cannot be looked at now is looked at later; memory once, since that slows the server down.
            if let Some(Ok(load)) = probe.as_mut().map(|probe| probe.load()) {
                peak.0 = peak.0.max(load.connections);
            }
            if peak.1.is_none() && done.load(Ordering::Relaxed) > total / 2 {
                peak.1 = probe.as_mut().and_then(|probe| probe.memory().ok()).flatten();
            }
            std::thread::sleep(SAMPLE_INTERVAL);
        }
        match worker.join() {
            Ok(worked) => worked.map(|()| peak),
            Err(_) => Err(CliError::new("an engine of the simulation ended in a fault of the program")),
        }
    })
}

#[allow(clippy::too_many_arguments)] // what was measured before
#[allow(clippy::cast_precision_loss)] // far below where that matters
fn measure_server(
    session: &Session,
    location: &Location,
    probe: &mut ServerProbe,
    nodes: &[TargetId],
    engines: usize,
    took: f64,
    (connections, memory): Peak,
    [(before, processor_before), (after, processor_after)]: [Sample; 2],
) -> Result<ServerReport, CliError> {
    show(session, "simulation: listeners wake up");
    let wake_ups = engines::measure_wake_ups(location, engines.min(MAX_LISTENERS), WAKE_UPS)?;
    let at = |part: f64| {
        let index = ((wake_ups.len() as f64 * part) as usize).min(wake_ups.len().saturating_sub(1));
        wake_ups.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
    };
    show(session, "simulation: looks that find nothing");
    let idle_before = sample(probe)?.1;
    let looks = engines::measure_looks(location, nodes, engines, SPAN)? as f64;
    let idle_after = sample(probe)?.1;
    let spent = |before: Option<Duration>, after: Option<Duration>| {
        before.zip(after).map(|(before, after)| after.saturating_sub(before).as_secs_f64())
    };
    show(session, "simulation: bare transactions");
    let commits = (after.commits - before.commits).max(1);
    let writes = WritesPerCommit::between(&before, &after);
    let bare = match location.server() {
        Some(address) => bare_transactions(address, engines, SPAN, writes)?,
        None => 0.0,
    };
    let per_second = commits as f64 / took;
    let looks_per_second = looks / SPAN.as_secs_f64();
    Ok(ServerReport {
        commits,
        commits_per_second: per_second,
        rows_per_commit: writes.inserted + writes.updated + writes.deleted,
        bare_commits_per_second: bare,
        of_bare: per_second / bare,
        conflicts: after.conflicts - before.conflicts,
        wake_up_median: at(0.5),
        wake_up_99_percent: at(0.99),
        connections,
        database_megabytes: after.size >> 20,
        memory_megabytes: memory.map(|bytes| bytes >> 20),
        processor_seconds: spent(processor_before, processor_after),
        looks_per_second,
        nodes_at_a_look_a_minute: looks_per_second * 60.0,
        look_microseconds: spent(idle_before, idle_after).map(|seconds| seconds * 1e6 / looks),
    })
}

fn clean_up(location: &Location) -> Result<(), CliError> {
    match (location.server(), location.file()) {
        (Some(address), _) => Ok(ServerProbe::open(address.clone())?.drop_schema()?),
        (None, Some(file)) => {
            for suffix in ["", "-wal", "-shm", "-locks"] {
                let mut name = file.as_os_str().to_owned();
                name.push(suffix);
                match fs_err::remove_file(&name) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
            Ok(())
        }
        (None, None) => Err(Error::NotFound(location.to_string()).into()),
    }
}

fn render(report: &Report) -> String {
    let mut text = format!(
        "{} nodes with {} packages, {} engines\n\
         handed over        {:.2} s\n\
         nodes              {:.2} s, {:.0} nodes and {:.0} steps a second\n",
        report.nodes,
        report.packages,
        report.engines,
        report.hand_over_seconds,
        report.nodes_seconds,
        report.nodes_per_second,
        report.steps as f64 / report.nodes_seconds,
    );
    if let Some(server) = &report.server {
        let known = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
        text += &format!(
            "commits            {} of about {:.0} rows, {:.0} a second; {:.2} of {:.0} bare ones\n\
             conflicts          {}, each tried again\n\
             wake-up            {:.1} ms in the middle, {:.1} ms for 99 of 100\n\
             connections        {} at most\n\
             database           {} MB\n\
             server             memory {}, processors {}\n\
             looks              {:.0} a second, processors {} each: {:.0} nodes at one look a minute\n",
            server.commits,
            server.rows_per_commit,
            server.commits_per_second,
            server.of_bare,
            server.bare_commits_per_second,
            server.conflicts,
            server.wake_up_median,
            server.wake_up_99_percent,
            server.connections,
            server.database_megabytes,
            known(server.memory_megabytes.map(|megabytes| format!("{megabytes} MB"))),
            known(server.processor_seconds.map(|seconds| format!("{seconds:.1} s"))),
            server.looks_per_second,
            known(server.look_microseconds.map(|time| format!("{time:.0} µs"))),
            server.nodes_at_a_look_a_minute,
        );
    }
    match report.faults.as_slice() {
        [] => text += "all checks passed\n",
        faults => faults.iter().for_each(|fault| text += &format!("FAULT: {fault}\n")),
    }
    text
}
