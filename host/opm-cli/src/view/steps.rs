//! What an engine does, in words.

use opkg_engine::format;
use opkg_engine::machine::{AdvanceRollout, HookStep, RolloutAdvance, SetStage, Step, WorkItem};
use opkg_oda::{Cluster, RolloutId, Stage, StateKey, TargetId};

/// A piece of work in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkDescription {
    pub targets: Vec<TargetId>,
    /// The stage that it belongs to; where packages leave, the one that they come down to.
    pub stage: Option<&'static str>,
    /// `install ganglia, munge`
    pub action: String,
}

/// What a piece of work does.
#[must_use]
pub fn describe_work(cluster: &Cluster, work: &WorkItem) -> WorkDescription {
    match work {
        WorkItem::SetStage(SetStage { stage, rows }) => {
            let mut packages: Vec<_> = rows.iter().map(|row| row.package).collect();
            packages.sort_unstable();
            packages.dedup();
            let action = format!("mark {}", format::package_list(cluster, &packages));
            WorkDescription::new(rows, Some(*stage), action)
        }
        WorkItem::AdvanceRollout(AdvanceRollout { rollout, advance }) => {
            describe_advance(cluster, *rollout, advance)
        }
        WorkItem::Step(step) => describe_step(cluster, step),
    }
}

fn describe_advance(cluster: &Cluster, id: RolloutId, advance: &RolloutAdvance) -> WorkDescription {
    let all = cluster.rollouts.get(&id).into_iter().flat_map(|rollout| rollout.targets.keys().copied());
    let (targets, action) = match advance {
        RolloutAdvance::LetGo(targets) => (targets.clone(), format!("let go by rollout {id}")),
        RolloutAdvance::Stop(reason) => (all.collect(), format!("rollout {id} stops: {reason}")),
        RolloutAdvance::End(how) => (all.collect(), format!("rollout {id} is over: {how}")),
    };
    WorkDescription { targets, stage: None, action }
}

/// What a step does.
#[must_use]
pub fn describe_step(cluster: &Cluster, step: &Step) -> WorkDescription {
    let packages = |ids| format::package_list(cluster, ids);
    let name = |id| format::package_name(cluster, id);
    let (stage, action) = match step {
        Step::VerifyInherited(verify) => (None, format!("look for {}", packages(&verify.packages))),
        Step::Install(install) => (Some(install.stage), format!("install {}", packages(&install.packages))),
        Step::Hook(HookStep { key, stage, hook, image }) => {
            let image = image.map(|image| format!(" for {}", format::target_list(cluster, &[image])));
            let action = format!("{} of {}{}", hook.name(), name(key.package), image.unwrap_or_default());
            (Some(*stage), action)
        }
        Step::Configure(configure) => {
            (Some(Stage::RunConfigurator), format!("configure {}", name(configure.key.package)))
        }
        Step::Remove(remove) => (Some(remove.down_to), format!("remove {}", packages(&remove.packages))),
    };
    WorkDescription::new(&step.rows(), stage, action)
}

impl WorkDescription {
    fn new(rows: &[StateKey], stage: Option<Stage>, action: String) -> Self {
        let mut targets: Vec<TargetId> = rows.iter().map(|row| row.target).collect();
        targets.dedup();
        Self { targets, stage: stage.map(format::stage_label), action }
    }
}
