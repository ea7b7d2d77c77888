//! Requests that go out in waves, for people and for programs.

use opkg::escape_line;
use opkg_engine::clock::format_timestamp;
use opkg_engine::format;
use opkg_engine::status::RolloutStatus;
use opkg_oda::{Cluster, RolloutState, TargetId};
use serde::Serialize;

/// A rollout that is not over; targets as the command line takes them, empty where there are none.
#[derive(Serialize)]
pub struct RolloutJson {
    id: i64,
    packages: Vec<String>,
    at_once: u32,
    /// A number, or a percentage of those that were let go: `5%`.
    max_fail: String,
    /// In seconds since 1970.
    since: i64,
    who: String,
    /// Why it lets no further target go; null while it does.
    stopped: Option<String>,
    held: String,
    at_work: String,
    away: String,
    arrived: String,
    failed: String,
    excused: String,
    /// How many targets are in each of these.
    counts: CountsJson,
}

#[derive(Serialize)]
struct CountsJson {
    held: usize,
    at_work: usize,
    away: usize,
    arrived: usize,
    failed: usize,
    excused: usize,
}

/// A rollout as programs read it.
#[must_use]
pub fn rollout_json(cluster: &Cluster, status: &RolloutStatus) -> RolloutJson {
    let RolloutStatus { id, rollout, progress } = status;
    let label = |targets: &[TargetId]| format::target_label(cluster, targets.iter().copied());
    let packages = rollout.order.packages.iter();
    RolloutJson {
        id: id.0,
        packages: packages.map(|package| format::package_name(cluster, *package)).collect(),
        at_once: rollout.order.at_once,
        max_fail: rollout.order.max_fail.to_string(),
        since: rollout.order.since,
        who: rollout.order.who.clone(),
        stopped: stop_reason(&rollout.state).map(str::to_owned),
        held: label(&progress.held),
        at_work: label(&progress.at_work),
        away: label(&progress.away),
        arrived: label(&progress.arrived),
        failed: label(&progress.failed),
        excused: label(&progress.excused),
        counts: CountsJson {
            held: progress.held.len(),
            at_work: progress.at_work.len(),
            away: progress.away.len(),
            arrived: progress.arrived.len(),
            failed: progress.failed.len(),
            excused: progress.excused.len(),
        },
    }
}

/// A rollout as people read it, on several lines.
#[must_use]
pub fn describe_rollout(cluster: &Cluster, status: &RolloutStatus) -> String {
    let RolloutStatus { id, rollout, progress } = status;
    let packages: Vec<_> = rollout.order.packages.iter().copied().collect();
    let targets: Vec<_> = rollout.targets.keys().copied().collect();
    let mut text = format!(
        "rollout {id}: {} on {}\n  since {}, for {}; on {} at once, until more than {} fail\n  {}\n",
        format::package_list(cluster, &packages),
        format::target_list(cluster, &targets),
        format_timestamp(rollout.order.since.saturating_mul(1000)),
        escape_line(&rollout.order.who),
        rollout.order.at_once,
        rollout.order.max_fail,
        progress.describe(),
    );
    let lists = [
        ("at work", &progress.at_work),
        ("away", &progress.away),
        ("failed", &progress.failed),
        ("excused", &progress.excused),
    ];
    for (what, targets) in lists.iter().filter(|(_, targets)| !targets.is_empty()) {
        text.push_str(&format!("  {what}: {}\n", format::target_list(cluster, targets)));
    }
    if let Some(reason) = stop_reason(&rollout.state) {
        text.push_str(&format!("  stopped: {}\n", escape_line(reason)));
    }
    text
}

fn stop_reason(state: &RolloutState) -> Option<&str> {
    match state {
        RolloutState::Stopped(reason) => Some(reason),
        RolloutState::UnderWay | RolloutState::Ended(_) => None,
    }
}
