//! What stands in the journal about a step.

use opkg_oda::{Cluster, Event, EventId, PackageId, RunStatus, Stage, StepKind, StepResult, TargetId};

use crate::effects::StepTrace;
use crate::machine::{FailureReasons, Step, StepStatus};

/// The event of a step that begins.
#[must_use]
pub fn started_event(
    cluster: &Cluster,
    step: &Step,
    id: EventId,
    started_at: i64,
    log_path: Option<String>,
) -> Option<Event> {
    let address = |target: &TargetId| cluster.targets.get(target).map(|it| it.address.name.to_string());
    let (kind, stage, name) = match step {
        Step::VerifyInherited(_) => (StepKind::Verify, Stage::InstallBinPkgs, "query".to_owned()),
        Step::Install(install) => (StepKind::Install, install.stage, "install".to_owned()),
        Step::Hook(hook) => {
            let image = hook.image.as_ref().and_then(address);
            let name = hook.hook.name();
            (StepKind::Hook, hook.stage, image.map_or_else(|| name.to_owned(), |it| format!("{name} {it}")))
        }
        Step::Configure(_) => (StepKind::Configure, Stage::RunConfigurator, "configurator".to_owned()),
        // The highest stage that is left.
        Step::Remove(remove) => {
            let stages = remove.rows().into_iter().filter_map(|key| Some(cluster.state(key)?.current));
            (StepKind::Remove, stages.max()?, "remove".to_owned())
        }
    };
    let rows = step.rows();
    let target = rows.first()?.target;
    let packages = rows.into_iter().map(|row| row.package).collect();
    Some(Event { id, started_at, target, packages, stage, kind, name, log_path, result: None })
}

/// How it ended.
#[must_use]
pub fn step_result(cluster: &Cluster, status: &StepStatus, trace: &StepTrace, ended_at: i64) -> StepResult {
    let (status, message) = match status {
        StepStatus::Done => (RunStatus::Done, None),
        StepStatus::Failed(FailureReasons::Whole(reason)) => (RunStatus::Failed, Some(reason.clone())),
        StepStatus::Failed(FailureReasons::ByPackage(failures)) => {
            let one = |(package, reason): (&PackageId, &String)| {
                let name = cluster.packages.get(package).map_or_else(String::new, |it| it.name.to_string());
                format!("{name}: {reason}")
            };
            (RunStatus::Failed, Some(failures.iter().map(one).collect::<Vec<_>>().join("; ")))
        }
        StepStatus::ActionRequired(what) => (RunStatus::ActionRequired, Some(what.clone())),
        StepStatus::Postponed(why) => (RunStatus::Postponed, Some(why.clone())),
        StepStatus::Stopped => (RunStatus::Interrupted, Some("stopped on request".into())),
    };
    StepResult {
        ended_at,
        status,
        message,
        exit_code: trace.exit_code,
        signal: trace.signal,
        timed_out: trace.timed_out,
        log_path: trace.log.clone(),
        log_tail: trace.tail.clone(),
    }
}

/// How a step ended whose run crashed.
#[must_use]
pub fn interrupted_result(ended_at: i64, message: &str) -> StepResult {
    StepResult {
        ended_at,
        status: RunStatus::Interrupted,
        message: Some(message.into()),
        exit_code: None,
        signal: None,
        timed_out: false,
        log_path: None,
        log_tail: String::new(),
    }
}
