//! Removes old steps of the journal, a few at a time: nobody waits long for it, and it may end at any time.

use std::collections::BTreeSet;

use opkg_oda::{Error, EventId, PruneOrder, Store};

/// Steps that are removed in one transaction.
const BATCH: u32 = 500;

/// Until when steps are old, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    pub ended_before: i64,
    /// Of steps that failed or were interrupted.
    pub failed_before: i64,
}

/// What was removed, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrunedCounts {
    pub steps: usize,
    /// Runs of which steps were removed.
    pub runs: usize,
    /// Files.
    pub logs: usize,
}

/// Removes steps that are old, but for those that run and the newest one of each package on each target, and runs that have none
/// left; with `dry_run` only counts them. Before the steps go their logs, by `remove_log`, so that none is left that nobody names;
/// its answer is whether there was one.
///
/// # Errors
/// When a log cannot be removed, or the database fails; what was removed before stays so.
pub fn prune_journal<E: From<Error>>(
    store: &mut dyn Store,
    cutoffs: Cutoffs,
    dry_run: bool,
    mut remove_log: impl FnMut(&str) -> Result<bool, E>,
) -> Result<PrunedCounts, E> {
    let Cutoffs { ended_before, failed_before } = cutoffs;
    let mut order = PruneOrder { ended_before, failed_before, after: None, limit: BATCH };
    let (mut counts, mut runs) = (PrunedCounts::default(), BTreeSet::new());
    loop {
        let steps = store.prunable(&order)?;
        for log in steps.iter().filter_map(|step| step.log_path.as_deref()) {
            counts.logs += usize::from(remove_log(log)?);
        }
        let ids: Vec<EventId> = steps.iter().map(|step| step.id).collect();
        if !dry_run {
            store.prune(&order, &ids)?;
        }
        counts.steps += ids.len();
        runs.extend(ids.iter().map(|id| id.run));
        counts.runs = runs.len();
        match ids.last() {
            Some(last) => order.after = Some(*last),
            None => return Ok(counts),
        }
    }
}
