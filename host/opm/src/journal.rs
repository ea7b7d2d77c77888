//! What stands in the journal about a piece of work.

use opkg_oda::{Cluster, Ending, Event, EventId, Step, TargetId, Verdict};

use crate::effects::Report;
use crate::machine::{Outcome, Work};

/// The event of a piece of work that begins; marking a stage as done is none.
#[must_use]
pub fn began(cluster: &Cluster, work: &Work, id: EventId, started: i64) -> Option<Event> {
    let address = |target: &TargetId| cluster.targets.get(target).map(|it| it.address.name.to_string());
    let (step, name) = match work {
        Work::Mark { .. } => return None,
        Work::Confirm { .. } => (Step::Confirm, "query".to_owned()),
        Work::Install { .. } => (Step::Install, "install".to_owned()),
        Work::Hook { hook, image, .. } => {
            let image = image.as_ref().and_then(address);
            let name = image.map_or_else(|| hook.name().to_owned(), |it| format!("{} {it}", hook.name()));
            (Step::Hook, name)
        }
        Work::Configure { .. } => (Step::Configure, "configurator".to_owned()),
        Work::Remove { .. } => (Step::Remove, "remove".to_owned()),
    };
    let rows = work.rows();
    let target = rows.first()?.target;
    let stage = match work {
        Work::Mark { stage, .. } | Work::Install { stage, .. } | Work::Hook { stage, .. } => *stage,
        Work::Confirm { .. } => opkg_oda::Stage::InstallBinPkgs,
        Work::Configure { .. } => opkg_oda::Stage::RunConfigurator,
        Work::Remove { key, .. } => cluster.row(*key)?.current,
    };
    let packages = rows.into_iter().map(|it| it.package).collect();
    Some(Event { id, started, target, packages, stage, step, name, ending: None })
}

/// How it ended.
#[must_use]
pub fn ended(cluster: &Cluster, report: &Report, ended: i64) -> Ending {
    let (verdict, message) = match &report.outcome {
        Outcome::Done | Outcome::Present(_) => (Verdict::Done, None),
        Outcome::Failed(reason) | Outcome::Together(reason) => (Verdict::Failed, Some(reason.clone())),
        Outcome::Waits(reason) => (Verdict::Waits, Some(reason.clone())),
        Outcome::Stopped => (Verdict::Interrupted, Some("it was asked to stop".into())),
        Outcome::Partly(failed) if failed.is_empty() => (Verdict::Done, None),
        Outcome::Partly(failed) => {
            let one = |(package, reason): (&opkg_oda::PackageId, &String)| {
                let name = cluster.packages.get(package).map_or_else(String::new, |it| it.name.to_string());
                format!("{name}: {reason}")
            };
            (Verdict::Failed, Some(failed.iter().map(one).collect::<Vec<_>>().join("; ")))
        }
    };
    Ending {
        ended,
        verdict,
        message,
        exit_code: report.exit_code,
        signal: report.signal,
        timed_out: report.timed_out,
        log: report.log.clone(),
        tail: report.tail.clone(),
    }
}

/// How a step ended whose run died.
#[must_use]
pub fn interrupted(ended: i64) -> Ending {
    Ending {
        ended,
        verdict: Verdict::Interrupted,
        message: Some("its run died".into()),
        exit_code: None,
        signal: None,
        timed_out: false,
        log: None,
        tail: String::new(),
    }
}
