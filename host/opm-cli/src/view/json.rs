//! `opm status --format json`: part of the interface, described in docs/opm.md.

use std::collections::BTreeMap;

use opkg_engine::format;
use opkg_engine::machine::{BlockReason, NextStep};
use opkg_engine::status::{FailedSteps, Status, StatusCell, StatusKind};
use opkg_oda::Cluster;
use serde::Serialize;

use super::rollouts::{RolloutJson, rollout_json};

/// Grows when something is taken away or changes its meaning, not when something is added.
const FORMAT_VERSION: u32 = 1;

/// The whole document.
#[derive(Serialize)]
pub struct StatusJson {
    version: u32,
    phase: &'static str,
    /// How many pairs of package and target are in each state.
    counts: BTreeMap<&'static str, usize>,
    groups: Vec<GroupJson>,
    packages: Vec<PackageJson>,
    errors: Vec<ErrorJson>,
    /// What was in the way of pending work, and passes by itself.
    postponed: Vec<PostponedJson>,
    /// What was not looked at: nothing is known to be well there.
    unknown: Vec<UnknownJson>,
    silent: Vec<SilentJson>,
    away: Vec<AwayJson>,
    /// Requests that go out in waves, those that are not over.
    rollouts: Vec<RolloutJson>,
}

#[derive(Serialize)]
struct UnknownJson {
    /// As the command line takes them.
    targets: String,
    reason: String,
}

/// Targets with the same states of all packages.
#[derive(Serialize)]
struct GroupJson {
    /// As the command line takes it.
    label: String,
    kind: &'static str,
    names: Vec<String>,
}

#[derive(Serialize)]
struct PackageJson {
    name: String,
    class: Option<&'static str>,
    /// The version that is wanted, as `config.xml` or the administrator writes it.
    version: Option<String>,
    /// Whether it is kept at its version.
    held: bool,
    /// Whether the administrator chose the version.
    pinned: bool,
    /// One for each group; null where it was never requested.
    states: Vec<Option<StateJson>>,
}

#[derive(Serialize)]
struct StateJson {
    requested: &'static str,
    current: &'static str,
    /// The version that is installed, as its package manager writes it; null where that is not known.
    version: Option<String>,
    /// `done`, `absent`, `due`, `running`, `waits`, `blocked`, `unknown` or `error`.
    standing: &'static str,
    /// What is done next, what it waits for, what blocks it, or the stage that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<DetailJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum DetailJson {
    Confirm,
    Stage(&'static str),
    Again(&'static str),
    Image(String),
    Down(&'static str),
    Phase(&'static str),
    HandOver,
    Configuration(String),
    StillOn(String),
    Rollout(i64),
    Maintenance,
    ImageInMaintenance(String),
    BlockedBy(String),
    Failed(&'static str),
}

#[derive(Serialize)]
struct PostponedJson {
    packages: Vec<String>,
    targets: String,
    /// What was in the way, and passes by itself.
    reason: String,
}

/// Targets that have not looked for work for a while.
#[derive(Serialize)]
struct SilentJson {
    targets: String,
    /// For how long; null where they never did.
    seconds: Option<i64>,
}

/// A target of which nothing is expected; times are in seconds since 1970.
#[derive(Serialize)]
struct AwayJson {
    target: String,
    /// `offline` or `maintenance`.
    kind: &'static str,
    reason: String,
    since: i64,
    until: Option<i64>,
    who: String,
}

#[derive(Serialize)]
struct ErrorJson {
    package: String,
    targets: String,
    stage: &'static str,
    message: String,
    /// RUN.STEP, as `opm log` takes it.
    event: Option<String>,
    log: Option<String>,
}

/// The status as programs read it.
#[must_use]
pub fn status_json(cluster: &Cluster, status: &Status, failures: &FailedSteps) -> StatusJson {
    let mut counts = BTreeMap::new();
    for (cell, group) in status.rows.iter().flat_map(|line| line.cells.iter().zip(&status.groups)) {
        if let Some(cell) = cell {
            *counts.entry(cell.kind.name()).or_default() += group.targets.len();
        }
    }
    let name = |target: &opkg_oda::TargetId| {
        cluster.targets.get(target).map(|target| target.address.name.to_string())
    };
    let groups = status.groups.iter().map(|group| GroupJson {
        label: group.label.clone(),
        kind: group.kind.name(),
        names: group.targets.iter().filter_map(name).collect(),
    });
    let packages = status.rows.iter().map(|line| {
        let package = cluster.packages.get(&line.package);
        PackageJson {
            name: format::package_name(cluster, line.package),
            class: package.map(|package| package.class.name()),
            version: cluster.wanted_version(line.package).map(str::to_owned),
            held: cluster.held.contains(&line.package),
            pinned: cluster.pinned_versions.contains_key(&line.package),
            states: line
                .cells
                .iter()
                .map(|cell| cell.as_ref().map(|cell| state_json(cluster, cell)))
                .collect(),
        }
    });
    let errors = status.failures.iter().map(|problem| {
        let event = failures.find(problem);
        ErrorJson {
            package: format::package_name(cluster, problem.package),
            targets: opkg_engine::status::target_label(cluster, problem.targets.iter().copied()),
            stage: problem.stage.name(),
            message: problem.message.clone(),
            event: event.map(|event| format!("{}.{}", event.id.run.0, event.id.number)),
            log: event.and_then(|event| event.result.as_ref()?.log_path.clone()),
        }
    });
    let postponed = status.postponed.iter().map(|group| PostponedJson {
        packages: group.packages.iter().map(|package| format::package_name(cluster, *package)).collect(),
        targets: opkg_engine::status::target_label(cluster, group.targets.iter().copied()),
        reason: group.reason.clone(),
    });
    let unknown = status.unseen.iter().map(|group| UnknownJson {
        targets: opkg_engine::status::target_label(cluster, group.targets.iter().copied()),
        reason: group.reason.clone(),
    });
    let silent = status.silent.iter().map(|group| SilentJson {
        targets: opkg_engine::status::target_label(cluster, group.targets.iter().copied()),
        seconds: group.seconds,
    });
    let shown = status.groups.iter().flat_map(|group| &group.targets);
    let away = shown.filter_map(|target| {
        let absence = cluster.absences.get(target)?;
        Some(AwayJson {
            target: address_of(cluster, *target),
            kind: absence.kind.name(),
            reason: absence.reason.clone(),
            since: absence.since,
            until: absence.until,
            who: absence.who.clone(),
        })
    });
    StatusJson {
        version: FORMAT_VERSION,
        phase: status.phase.name(),
        counts,
        groups: groups.collect(),
        packages: packages.collect(),
        errors: errors.collect(),
        postponed: postponed.collect(),
        unknown: unknown.collect(),
        silent: silent.collect(),
        away: away.collect(),
        rollouts: status.rollouts.iter().map(|rollout| rollout_json(cluster, rollout)).collect(),
    }
}

fn address_of(cluster: &Cluster, target: opkg_oda::TargetId) -> String {
    format::target_list(cluster, &[target])
}

fn state_json(cluster: &Cluster, cell: &StatusCell) -> StateJson {
    let address = |target| format::target_list(cluster, &[target]);
    let detail = match &cell.kind {
        StatusKind::Done | StatusKind::Absent | StatusKind::Unknown | StatusKind::Running => None,
        StatusKind::Ready(NextStep::VerifyInherited) => Some(DetailJson::Confirm),
        StatusKind::Ready(NextStep::Advance(stage)) => Some(DetailJson::Stage(stage.name())),
        StatusKind::Ready(NextStep::Rerun(stage)) => Some(DetailJson::Again(stage.name())),
        StatusKind::Ready(NextStep::ImageHook(image)) => Some(DetailJson::Image(address(*image))),
        StatusKind::Ready(NextStep::Lower(stage)) => Some(DetailJson::Down(stage.name())),
        StatusKind::Waiting(BlockReason::Phase(phase)) => Some(DetailJson::Phase(phase.name())),
        StatusKind::Waiting(BlockReason::HandOver) => Some(DetailJson::HandOver),
        StatusKind::Waiting(BlockReason::Configuration(what)) => {
            Some(DetailJson::Configuration(what.clone()))
        }
        StatusKind::Waiting(BlockReason::StillInstalledOn(target)) => {
            Some(DetailJson::StillOn(address(*target)))
        }
        StatusKind::Waiting(BlockReason::Rollout(id)) => Some(DetailJson::Rollout(id.0)),
        StatusKind::Waiting(BlockReason::Maintenance) => Some(DetailJson::Maintenance),
        StatusKind::Waiting(BlockReason::ImageInMaintenance(image)) => {
            Some(DetailJson::ImageInMaintenance(address(*image)))
        }
        StatusKind::BlockedBy(by) => Some(DetailJson::BlockedBy(format::package_name(cluster, *by))),
        StatusKind::Error(stage) => Some(DetailJson::Failed(stage.name())),
    };
    let (requested, current) = (cell.requested.name(), cell.current.name());
    StateJson { requested, current, version: cell.version.clone(), standing: cell.kind.name(), detail }
}
