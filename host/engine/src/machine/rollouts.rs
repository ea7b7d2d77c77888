//! Requests that go out in waves: how far they have come, and which targets are let go next.
//!
//! Nothing of it is remembered but which targets were let go: how these fare is seen from their packages, so that it does
//! not matter who works on them, nor in which order they end.

use opkg_oda::{
    Cluster, PackageId, Rollout, RolloutId, RolloutState, Share, Stage, StateKey, Target, TargetId, WaveState,
};

use super::decision::{BlockReason, Decision, decide};
use super::dependency_order::DependencyOrder;
use super::work::{AdvanceRollout, RolloutAdvance};

/// The targets of a rollout, each in one of these, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolloutProgress {
    /// Not let go.
    pub held: Vec<TargetId>,
    /// Let go, and not done.
    pub at_work: Vec<TargetId>,
    /// Likewise, but nothing is expected of them for now.
    pub away: Vec<TargetId>,
    /// Done.
    pub arrived: Vec<TargetId>,
    /// In error.
    pub failed: Vec<TargetId>,
    /// In error since before the rollout was resumed.
    pub excused: Vec<TargetId>,
}

/// How a target fares with the packages of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Arrived,
    Moving,
    Failed,
}

impl RolloutProgress {
    /// How far a rollout has come.
    #[must_use]
    pub fn of(cluster: &Cluster, order: &DependencyOrder, rollout: &Rollout) -> Self {
        let mut targets: Vec<(&Target, WaveState)> = rollout
            .targets
            .iter()
            .filter_map(|(target, wave)| Some((cluster.targets.get(target)?, *wave)))
            .collect();
        targets.sort_by(|(a, _), (b, _)| a.address.cmp(&b.address));
        let mut progress = Self::default();
        for (target, wave) in targets {
            let list = match (wave, wave_standing(cluster, order, rollout, target.id)) {
                (WaveState::Held, _) => &mut progress.held,
                (_, Standing::Arrived) => &mut progress.arrived,
                (WaveState::LetGo, Standing::Failed) => &mut progress.failed,
                (WaveState::Excused, Standing::Failed) => &mut progress.excused,
                (_, Standing::Moving) if cluster.absences.contains_key(&target.id) => &mut progress.away,
                (_, Standing::Moving) => &mut progress.at_work,
            };
            list.push(target.id);
        }
        progress
    }

    /// How many were let go, but for those that are excused.
    fn let_go(&self) -> usize {
        self.at_work.len() + self.away.len() + self.arrived.len() + self.failed.len()
    }

    /// Whether more have failed than may.
    #[must_use]
    pub fn has_failed_too_often(&self, max_fail: Share) -> bool {
        match max_fail {
            Share::Count(_) => self.failed.len() > max_fail.of(self.let_go()),
            Share::Percent(percent) => self.failed.len() * 100 > usize::from(percent) * self.let_go(),
        }
    }

    /// `40 arrived, 2 failed, 10 at work, 44 held`, without what there is none of.
    #[must_use]
    pub fn describe(&self) -> String {
        let counts = [
            (&self.arrived, "arrived"),
            (&self.failed, "failed"),
            (&self.excused, "failed before it was resumed"),
            (&self.at_work, "at work"),
            (&self.away, "away"),
            (&self.held, "held"),
        ];
        let some = counts.iter().filter(|(targets, _)| !targets.is_empty());
        let words: Vec<String> = some.map(|(targets, what)| format!("{} {what}", targets.len())).collect();
        if words.is_empty() { "no targets".into() } else { words.join(", ") }
    }
}

/// What the first of the rollouts comes to that can go on: first it is seen how those that were let go have fared.
pub(super) fn next_advance(cluster: &Cluster, order: &DependencyOrder) -> Option<AdvanceRollout> {
    let under_way = cluster.rollouts.iter().filter(|(_, it)| it.state == RolloutState::UnderWay);
    under_way.into_iter().find_map(|(id, rollout)| advance(cluster, order, *id, rollout))
}

fn advance(
    cluster: &Cluster,
    order: &DependencyOrder,
    id: RolloutId,
    rollout: &Rollout,
) -> Option<AdvanceRollout> {
    let progress = RolloutProgress::of(cluster, order, rollout);
    let max_fail = rollout.order.max_fail;
    let advance = if progress.held.is_empty() {
        let is_over = progress.at_work.is_empty() && progress.away.is_empty();
        is_over.then(|| RolloutAdvance::End(progress.describe()))?
    } else if progress.has_failed_too_often(max_fail) {
        let (failed, let_go) = (progress.failed.len(), progress.let_go());
        let targets = if let_go == 1 { "target" } else { "targets" };
        RolloutAdvance::Stop(format!(
            "{failed} of {let_go} {targets} failed, and no more than {max_fail} may"
        ))
    } else {
        let at_once = usize::try_from(rollout.order.at_once).unwrap_or(usize::MAX);
        let room = at_once.saturating_sub(progress.at_work.len());
        let is_there = |target: &TargetId| !cluster.absences.contains_key(target);
        let next: Vec<TargetId> = progress.held.into_iter().filter(is_there).take(room).collect();
        (!next.is_empty()).then_some(RolloutAdvance::LetGo(next))?
    };
    Some(AdvanceRollout { rollout: id, advance })
}

fn wave_standing(
    cluster: &Cluster,
    order: &DependencyOrder,
    rollout: &Rollout,
    target: TargetId,
) -> Standing {
    let standing = |package: &PackageId| standing(cluster, order, StateKey { target, package: *package });
    rollout.order.packages.iter().map(standing).max().unwrap_or(Standing::Arrived)
}

fn standing(cluster: &Cluster, order: &DependencyOrder, key: StateKey) -> Standing {
    let mut key = key;
    // Packages that wait for each other: the chain has no cycles.
    for _ in 0..=cluster.packages.len() {
        match decide(cluster, order, key, &|_| false) {
            Decision::UpToDate => return Standing::Arrived,
            Decision::Failed => return Standing::Failed,
            Decision::Waiting(BlockReason::Phase(_)) if has_only_marks_left(cluster, key) => {
                return Standing::Arrived;
            }
            Decision::BlockedBy(package) => key = StateKey { package, ..key },
            Decision::Ready(_) | Decision::Waiting(_) => return Standing::Moving,
        }
    }
    Standing::Moving
}

/// Whether all is done to a target that is not the head node: what is left are stages that the cluster has yet to come to.
fn has_only_marks_left(cluster: &Cluster, key: StateKey) -> bool {
    let is_installed = |row: &opkg_oda::PackageState| row.current >= Stage::InstallBinPkgs;
    cluster.state(key).is_some_and(is_installed) && !cluster.reruns.contains_key(&key)
}
