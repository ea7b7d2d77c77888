//! What must be so after a simulation, whatever went on at the same time.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{Cluster, Event, EventFilter, PackageId, Stage, Store, TargetId, WorkState};

use super::world::{HEAD, Size, World};
use crate::errors::CliError;

/// So many findings of one kind are told.
const MAX_TOLD: usize = 5;

/// All that is not as it must be, a line each; empty where all is well. `at_once`: on how many nodes something may have been
/// under way at once.
///
/// # Errors
/// The database fails.
pub fn find_faults(
    store: &mut dyn Store,
    world: &World,
    size: Size,
    at_once: Option<usize>,
) -> Result<Vec<String>, CliError> {
    let cluster = store.load()?;
    let events = store.events(&EventFilter::default())?;
    let (installed, transactions) = world.what_happened();
    let mut faults = Vec::new();
    let mut tell = |what: &str, found: Vec<String>| {
        if !found.is_empty() {
            let shown = found.iter().take(MAX_TOLD).cloned().collect::<Vec<_>>().join("; ");
            faults.push(format!("{what}, {} times: {shown}", found.len()));
        }
    };
    tell("a node is not where it should be", misplaced(&cluster, world, size));
    tell("the database does not say what is installed", unlike(&cluster, &installed));
    tell("two engines were at work on one target", overlaps(&events));
    tell("a step has no end", open_steps(&events));
    let most = most_at_once(&events);
    let is_too_many = at_once.is_some_and(|at_once| most > at_once);
    tell("too many nodes were at work at once", is_too_many.then(|| most.to_string()).into_iter().collect());
    tell("the journal does not have each transaction once", uncounted(&events, &transactions));
    let open = store.runs(u32::MAX)?.into_iter().filter(|run| run.ended_at.is_none());
    tell("a run has no end", open.map(|run| format!("run {}", run.id.0)).collect());
    Ok(faults)
}

fn misplaced(cluster: &Cluster, world: &World, size: Size) -> Vec<String> {
    let is_wrong = |node: &TargetId| {
        let rows = cluster.states.get(node).into_iter().flat_map(|states| states.iter());
        let (mut count, mut is_right) = (0, true);
        for (_, row) in rows {
            count += 1;
            is_right &= match world.fails_on(*node) {
                true => row.work_state == WorkState::Failed && row.current < Stage::InstallBinPkgs,
                false => row.work_state == WorkState::Idle && row.current == Stage::Finished,
            };
        }
        count != size.packages || !is_right
    };
    size.nodes().filter(is_wrong).map(|node| format!("target {}", node.0)).collect()
}

fn unlike(cluster: &Cluster, installed: &BTreeMap<TargetId, BTreeSet<PackageId>>) -> Vec<String> {
    let is_unlike = |target: &TargetId| {
        let rows = cluster.states.get(target).into_iter().flat_map(|states| states.iter());
        let said: BTreeSet<PackageId> = rows
            .filter(|(_, row)| row.current >= Stage::InstallBinPkgs)
            .map(|(package, _)| package)
            .collect();
        installed.get(target).map_or(!said.is_empty(), |known| *known != said)
    };
    cluster.targets.keys().filter(|target| is_unlike(target)).map(|id| format!("target {}", id.0)).collect()
}

fn overlaps(events: &[Event]) -> Vec<String> {
    let mut of_target: BTreeMap<TargetId, Vec<&Event>> = BTreeMap::new();
    for event in events {
        of_target.entry(event.target).or_default().push(event);
    }
    let mut found = Vec::new();
    for (target, mut events) in of_target {
        events.sort_by_key(|event| (event.started_at, event.id));
        let pairs = events.iter().zip(events.iter().skip(1));
        let overlap = |(one, other): &(&&Event, &&Event)| {
            one.result.as_ref().is_none_or(|result| result.ended_at > other.started_at)
        };
        found.extend(pairs.filter(overlap).map(|(one, other)| {
            let (one, other) = (one.id, other.id);
            format!(
                "{}.{} and {}.{} on target {}",
                one.run.0, one.number, other.run.0, other.number, target.0
            )
        }));
    }
    found
}

/// On how many nodes at once something was under way at most, from the first step on each to the last.
fn most_at_once(events: &[Event]) -> usize {
    let mut spans: BTreeMap<TargetId, (i64, i64)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.target != HEAD) {
        let ended = event.result.as_ref().map_or(i64::MAX, |result| result.ended_at);
        let span = spans.entry(event.target).or_insert((event.started_at, ended));
        *span = (span.0.min(event.started_at), span.1.max(ended));
    }
    // What ends when another begins is over before.
    let mut changes: Vec<(i64, bool)> =
        spans.into_values().flat_map(|(begin, end)| [(begin, true), (end, false)]).collect();
    changes.sort_unstable();
    let (mut now, mut most) = (0_usize, 0);
    for (_, begins) in changes {
        now = if begins { now + 1 } else { now.saturating_sub(1) };
        most = most.max(now);
    }
    most
}

fn open_steps(events: &[Event]) -> Vec<String> {
    let open = events.iter().filter(|event| event.result.is_none());
    open.map(|event| format!("{}.{}", event.id.run.0, event.id.number)).collect()
}

fn uncounted(events: &[Event], transactions: &BTreeMap<TargetId, u32>) -> Vec<String> {
    let mut written: BTreeMap<TargetId, u32> = BTreeMap::new();
    for event in events {
        *written.entry(event.target).or_default() += 1;
    }
    let targets: BTreeSet<TargetId> = written.keys().chain(transactions.keys()).copied().collect();
    let differs = |target: &TargetId| written.get(target) != transactions.get(target);
    targets.into_iter().filter(differs).map(|id| format!("target {}", id.0)).collect()
}
