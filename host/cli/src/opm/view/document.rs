//! `opm status --format json`: part of the interface, described in docs/opm.md.

use std::collections::BTreeMap;

use opkg_oda::Cluster;
use opkg_opm::machine::{Due, Wait};
use opkg_opm::status::{Cell, Failures, Standing, Status};
use opkg_opm::words;
use serde::Serialize;

/// Grows when something is taken away or changes its meaning, not when something is added.
const VERSION: u32 = 1;

/// The whole document.
#[derive(Serialize)]
pub struct Document {
    version: u32,
    phase: &'static str,
    /// How many pairs of package and target stand so.
    counts: BTreeMap<&'static str, usize>,
    groups: Vec<Group>,
    packages: Vec<Package>,
    errors: Vec<Problem>,
}

/// Targets that stand alike in all packages.
#[derive(Serialize)]
struct Group {
    /// As the command line takes it.
    label: String,
    kind: &'static str,
    names: Vec<String>,
}

#[derive(Serialize)]
struct Package {
    name: String,
    class: Option<&'static str>,
    version: Option<String>,
    /// One for each group; null where it was never requested.
    states: Vec<Option<State>>,
}

#[derive(Serialize)]
struct State {
    requested: &'static str,
    current: &'static str,
    /// `done`, `absent`, `due`, `running`, `waits`, `blocked` or `error`.
    standing: &'static str,
    /// What is done next, what it waits for, what blocks it, or the stage that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Detail>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Detail {
    Confirm,
    Stage(&'static str),
    Again(&'static str),
    Image(String),
    Down(&'static str),
    Phase(&'static str),
    HandOver,
    Configuration(String),
    StillOn(String),
    BlockedBy(String),
    Failed(&'static str),
}

#[derive(Serialize)]
struct Problem {
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
pub fn document(cluster: &Cluster, status: &Status, failures: &Failures) -> Document {
    let mut counts = BTreeMap::new();
    for (cell, group) in status.lines.iter().flat_map(|line| line.cells.iter().zip(&status.groups)) {
        if let Some(cell) = cell {
            *counts.entry(cell.standing.name()).or_default() += group.targets.len();
        }
    }
    let name =
        |target: &opkg_oda::TargetId| cluster.targets.get(target).map(|it| it.address.name.to_string());
    let groups = status.groups.iter().map(|group| Group {
        label: group.label.clone(),
        kind: group.kind.name(),
        names: group.targets.iter().filter_map(name).collect(),
    });
    let packages = status.lines.iter().map(|line| {
        let package = cluster.packages.get(&line.package);
        Package {
            name: words::name(cluster, line.package),
            class: package.map(|it| it.class.name()),
            version: package.and_then(|it| it.version.clone()),
            states: line.cells.iter().map(|cell| cell.as_ref().map(|it| state(cluster, it))).collect(),
        }
    });
    let errors = status.problems.iter().map(|problem| {
        let event = failures.of(problem);
        Problem {
            package: words::name(cluster, problem.package),
            targets: opkg_opm::status::label(cluster, problem.targets.iter().copied()),
            stage: problem.stage.name(),
            message: problem.message.clone(),
            event: event.map(|it| format!("{}.{}", it.id.run.0, it.id.number)),
            log: event.and_then(|it| it.ending.as_ref()?.log.clone()),
        }
    });
    Document {
        version: VERSION,
        phase: status.phase.name(),
        counts,
        groups: groups.collect(),
        packages: packages.collect(),
        errors: errors.collect(),
    }
}

fn state(cluster: &Cluster, cell: &Cell) -> State {
    let address = |target| words::target_names(cluster, &[target]);
    let detail = match &cell.standing {
        Standing::Done | Standing::Absent | Standing::Running => None,
        Standing::Due(Due::Confirm) => Some(Detail::Confirm),
        Standing::Due(Due::Up(stage)) => Some(Detail::Stage(stage.name())),
        Standing::Due(Due::Again(stage)) => Some(Detail::Again(stage.name())),
        Standing::Due(Due::Image(image)) => Some(Detail::Image(address(*image))),
        Standing::Due(Due::Down(stage)) => Some(Detail::Down(stage.name())),
        Standing::Waits(Wait::Phase(phase)) => Some(Detail::Phase(phase.name())),
        Standing::Waits(Wait::HandOver) => Some(Detail::HandOver),
        Standing::Waits(Wait::Configuration(what)) => Some(Detail::Configuration(what.clone())),
        Standing::Waits(Wait::StillOn(target)) => Some(Detail::StillOn(address(*target))),
        Standing::Blocked(by) => Some(Detail::BlockedBy(words::name(cluster, *by))),
        Standing::Error(stage) => Some(Detail::Failed(stage.name())),
    };
    let (requested, current) = (cell.requested.name(), cell.current.name());
    State { requested, current, standing: cell.standing.name(), detail }
}
