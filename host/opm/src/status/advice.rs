//! What stands beside a table of states: what each one waits for in words, and the command that goes on from there.

use std::collections::BTreeMap;

use opkg_oda::{Cluster, Error, Event, Key, Kind, PackageId, Row, Stage, Store, TargetId, Wanted};

use super::Status;
use super::findings::{Finding, Problem};
use super::standing::Standing;
use crate::machine::{Due, Wait};
use crate::words;

/// A command that goes on from where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// As a shell takes it.
    pub command: String,
    /// What it does, or when it is to be given.
    pub purpose: &'static str,
}

/// What is known of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What, where, and for what it waits; without a full stop.
    pub sentence: String,
    /// What goes on from there, where there is something to do.
    pub next: Option<Next>,
}

/// The newest failed step of each row.
#[derive(Debug, Default)]
pub struct Failures(BTreeMap<Key, Event>);

/// Failed steps that are looked through.
const LOOKED_AT: u32 = 2_000;

impl Failures {
    /// The steps in which failed what is in error.
    ///
    /// # Errors
    /// When the database fails.
    pub fn load(store: &mut dyn Store, status: &Status) -> Result<Self, Error> {
        if status.problems.is_empty() {
            return Ok(Self::default());
        }
        let wanted = Wanted { failed: true, limit: Some(LOOKED_AT), ..Wanted::default() };
        store.events(&wanted).map(Self::new)
    }

    /// From failed steps, newest first.
    #[must_use]
    pub fn new(events: Vec<Event>) -> Self {
        let mut newest = BTreeMap::new();
        for event in events {
            for package in &event.packages {
                let key = Key { target: event.target, package: *package };
                newest.entry(key).or_insert_with(|| event.clone());
            }
        }
        Self(newest)
    }

    /// The step in which one of the targets of a problem failed.
    #[must_use]
    pub fn of(&self, problem: &Problem) -> Option<&Event> {
        let key = |target: &TargetId| Key { target: *target, package: problem.package };
        problem.targets.iter().find_map(|target| self.0.get(&key(target)))
    }
}

/// What lets a problem be tried again.
#[must_use]
pub fn clear(cluster: &Cluster, problem: &Problem) -> Next {
    let (name, on) = (words::name(cluster, problem.package), words::on(cluster, &problem.targets));
    Next {
        command: format!("opm clear {name}{on}"),
        purpose: "when the cause is gone: the next run tries again",
    }
}

/// The heading over findings of a kind.
#[must_use]
pub fn heading(standing: &Standing) -> &'static str {
    match standing {
        Standing::Blocked(_) => "Blocked",
        Standing::Waits(_) => "Waiting",
        Standing::Running => "Running",
        _ => "Next run",
    }
}

/// A finding in words.
#[must_use]
pub fn advice(cluster: &Cluster, finding: &Finding) -> Advice {
    let packages = words::packages(cluster, &finding.packages);
    let targets = words::target_names(cluster, &finding.targets);
    let where_ = format!("{packages} on {targets}");
    let first = finding.packages.first().map_or_else(String::new, |it| words::name(cluster, *it));
    let next = |command: String, purpose| Some(Next { command, purpose });
    let (sentence, next) = match &finding.standing {
        Standing::Blocked(by) => {
            let by = words::name(cluster, *by);
            (format!("{where_}: {by} must move first"), next(format!("opm status {by}"), "why it does not"))
        }
        Standing::Waits(Wait::Phase(phase)) => (
            format!("{where_}: for the phase {phase}; the cluster is in {}", cluster.phase),
            next(format!("opm phase set {phase}"), "when the cluster has come so far"),
        ),
        Standing::Waits(Wait::HandOver) => (
            format!("{where_}: for the head node to hand the work over (its stage post-clients)"),
            passed(cluster, finding)
                .then(|| "opm rerun --stage post-clients --stage post-install".to_owned())
                .and_then(|it| next(it, "it has passed that stage before")),
        ),
        Standing::Waits(Wait::Configuration(what)) => (
            format!("{where_}: for its configuration: {what}"),
            next(format!("opm configure {first}"), "answers it"),
        ),
        Standing::Waits(Wait::StillOn(target)) => (
            format!("{where_}: until it is gone from {}", words::target_names(cluster, &[*target])),
            next(format!("opm status {first}"), "where it still is"),
        ),
        Standing::Running => {
            (where_, next("opm history".into(), "who works; what a dead run left is taken up by the next"))
        }
        Standing::Due(Due::Down(_)) => (format!("{where_}: to be removed"), next("opm".into(), "does so")),
        _ => (where_, next("opm".into(), "goes on with it")),
    };
    Advice { sentence, next }
}

/// Whether the head node is through the stage that hands work over.
fn passed(cluster: &Cluster, finding: &Finding) -> bool {
    let through = |row: &Row| row.current >= Stage::PostClients;
    let mut servers = cluster.of_kind(Kind::Server);
    servers.any(|server| {
        let key = |package: &PackageId| Key { target: server.id, package: *package };
        finding.packages.iter().any(|it| cluster.row(key(it)).is_some_and(through))
    })
}
