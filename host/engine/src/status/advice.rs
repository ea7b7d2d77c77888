//! What stands beside a table of states: what each one waits for in words, and the command that goes on from there.

use std::collections::BTreeMap;

use opkg_oda::{
    Absence, AbsenceKind, Cluster, Error, Event, EventFilter, PackageId, RolloutState, Stage, StateKey,
    Store, TargetId, TargetKind,
};

use super::cluster_status::Status;
use super::grouping::{PendingGroup, PostponedGroup, SilentGroup, StageFailure, UnseenGroup, VersionGroup};
use super::kind::StatusKind;
use super::rollouts::RolloutStatus;
use crate::clock::{format_duration, format_timestamp};
use crate::format;
use crate::machine::{BlockReason, NextStep};

/// A command that goes on from where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedCommand {
    /// As a shell takes it.
    pub command: String,
    /// What it does, or when it is to be given.
    pub purpose: &'static str,
}

/// What is known of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What, where, and for what it waits; without a full stop.
    pub message: String,
    /// What goes on from there, where there is something to do.
    pub suggestion: Option<SuggestedCommand>,
}

/// The newest failed step of each row.
#[derive(Debug, Default)]
pub struct FailedSteps(BTreeMap<StateKey, Event>);

/// Failed steps that are looked through.
const MAX_EVENTS: u32 = 2_000;

impl FailedSteps {
    /// The steps in which failed what is in error.
    ///
    /// # Errors
    /// When the database fails.
    pub fn load(store: &mut dyn Store, status: &Status) -> Result<Self, Error> {
        if status.failures.is_empty() {
            return Ok(Self::default());
        }
        let wanted = EventFilter { failed_only: true, limit: Some(MAX_EVENTS), ..EventFilter::default() };
        store.events(&wanted).map(Self::new)
    }

    /// From failed steps, newest first.
    #[must_use]
    pub fn new(events: Vec<Event>) -> Self {
        let mut newest = BTreeMap::new();
        for event in events {
            for package in &event.packages {
                let key = StateKey { target: event.target, package: *package };
                newest.entry(key).or_insert_with(|| event.clone());
            }
        }
        Self(newest)
    }

    /// The step in which one of the targets of a problem failed.
    #[must_use]
    pub fn find(&self, problem: &StageFailure) -> Option<&Event> {
        let key = |target: &TargetId| StateKey { target: *target, package: problem.package };
        problem.targets.iter().find_map(|target| self.0.get(&key(target)))
    }
}

/// What lets a problem be tried again.
#[must_use]
pub fn suggest_clear(cluster: &Cluster, problem: &StageFailure) -> SuggestedCommand {
    let (name, on) =
        (format::package_name(cluster, problem.package), format::on_option(cluster, &problem.targets));
    SuggestedCommand {
        command: format!("opm clear {name}{on}"),
        purpose: "when the cause is gone: the next run tries again",
    }
}

/// The heading over findings of a kind.
#[must_use]
pub fn heading(kind: &StatusKind) -> &'static str {
    match kind {
        StatusKind::BlockedBy(_) => "Blocked",
        StatusKind::Waiting(_) => "Waiting",
        StatusKind::Running => "Running",
        _ => "Next run",
    }
}

/// A finding in words.
#[must_use]
pub fn advise(cluster: &Cluster, finding: &PendingGroup) -> Advice {
    let packages = format::package_list(cluster, &finding.packages);
    let targets = format::target_list(cluster, &finding.targets);
    let where_ = format!("{packages} on {targets}");
    let first = finding.packages.first().map_or_else(String::new, |it| format::package_name(cluster, *it));
    let next = |command: String, purpose| Some(SuggestedCommand { command, purpose });
    let (sentence, next) = match &finding.kind {
        StatusKind::BlockedBy(by) => {
            let by = format::package_name(cluster, *by);
            (
                format!("{where_}: {by} must be done first"),
                next(format!("opm status {by}"), "why it does not"),
            )
        }
        StatusKind::Waiting(BlockReason::Phase(phase)) => (
            format!("{where_}: for the phase {phase}; the cluster is in {}", cluster.phase),
            next(format!("opm phase set {phase}"), "when the cluster has come so far"),
        ),
        StatusKind::Waiting(BlockReason::HandOver) => (
            format!("{where_}: for the head node to hand the work over (its stage post-clients)"),
            is_past_hand_over(cluster, finding)
                .then(|| "opm rerun --stage post-clients --stage post-install".to_owned())
                .and_then(|it| next(it, "it has passed that stage before")),
        ),
        StatusKind::Waiting(BlockReason::Configuration(what)) => (
            format!("{where_}: for its configuration: {what}"),
            next(format!("opm configure {first}"), "answers it"),
        ),
        StatusKind::Waiting(BlockReason::StillInstalledOn(target)) => (
            format!("{where_}: until it is gone from {}", format::target_list(cluster, &[*target])),
            next(format!("opm status {first}"), "where it still is"),
        ),
        StatusKind::Waiting(BlockReason::Rollout(id)) => {
            (format!("{where_}: until rollout {id} lets it go"), None)
        }
        StatusKind::Waiting(BlockReason::Maintenance) => {
            let absence = finding.targets.first().and_then(|target| cluster.absences.get(target));
            let said = absence.map_or_else(String::new, |absence| format!(": {}", describe_absence(absence)));
            let on = format::target_label(cluster, finding.targets.iter().copied());
            (format!("{where_}{said}"), next(format!("opm target online '{on}'"), "lets it go on"))
        }
        StatusKind::Waiting(BlockReason::ImageInMaintenance(image)) => (
            format!("{where_}: {} is in maintenance", format::target_list(cluster, &[*image])),
            next(format!("opm target online {}", format::target_list(cluster, &[*image])), "lets it go on"),
        ),
        StatusKind::Running => (
            where_,
            next("opm history".into(), "what is running; the next run resumes what a crashed run left"),
        ),
        StatusKind::Ready(NextStep::Lower(_)) => {
            (format!("{where_}: to be removed"), next("opm".into(), "does so"))
        }
        _ => (where_, next("opm".into(), "goes on with it")),
    };
    Advice { message: sentence, suggestion: next }
}

/// What a status says besides what failed and what is pending: a heading and what stands below it, without those that
/// would be empty.
#[must_use]
pub fn further_sections(cluster: &Cluster, status: &Status) -> Vec<(&'static str, Vec<Advice>)> {
    let held = (!status.held.is_empty()).then(|| advise_held(cluster, &status.held));
    let sections = [
        ("Rollouts", status.rollouts.iter().map(|rollout| advise_rollout(cluster, rollout)).collect()),
        ("Postponed", status.postponed.iter().map(|group| advise_postponed(cluster, group)).collect()),
        ("Other versions", status.versions.iter().map(|group| advise_version(cluster, group)).collect()),
        ("Held", held.into_iter().collect()),
        ("Away", advise_absences(cluster, status)),
        ("Not seen", status.silent.iter().map(|group| advise_silent(cluster, group)).collect()),
        ("Not looked at", status.unseen.iter().map(|group| advise_unseen(cluster, group)).collect()),
    ];
    sections.into_iter().filter(|(_, advice): &(_, Vec<Advice>)| !advice.is_empty()).collect()
}

/// A rollout in words.
fn advise_rollout(cluster: &Cluster, status: &RolloutStatus) -> Advice {
    let RolloutStatus { id, rollout, progress } = status;
    let packages: Vec<_> = rollout.order.packages.iter().copied().collect();
    let targets: Vec<_> = rollout.targets.keys().copied().collect();
    let mut message = format!(
        "rollout {id}, {} on {}, {} at once, up to {} may fail: {}",
        format::package_list(cluster, &packages),
        format::target_list(cluster, &targets),
        rollout.order.at_once,
        rollout.order.max_fail,
        progress.describe(),
    );
    let suggestion = match &rollout.state {
        RolloutState::Stopped(reason) => {
            message.push_str(&format!("; it has stopped: {reason}"));
            Some(SuggestedCommand {
                command: format!("opm rollout resume {id}"),
                purpose: "when the cause is gone; `opm rollout cancel` leaves the others as they are",
            })
        }
        _ => None,
    };
    Advice { message, suggestion }
}

/// What found something in its way that passes by itself, in words.
fn advise_postponed(cluster: &Cluster, group: &PostponedGroup) -> Advice {
    let names = format::package_list(cluster, &group.packages);
    let targets = format::target_list(cluster, &group.targets);
    Advice {
        message: format!("{names} on {targets}: {}", group.reason),
        suggestion: Some(SuggestedCommand { command: "opm".into(), purpose: "tries again" }),
    }
}

/// A package of another version than the wanted one, in words.
fn advise_version(cluster: &Cluster, group: &VersionGroup) -> Advice {
    let VersionGroup { package, targets, installed, wanted } = group;
    let (name, on) = (format::package_name(cluster, *package), format::target_list(cluster, targets));
    let pinned = cluster.pinned_versions.get(package).map_or_else(String::new, |to| format!(" --to {to}"));
    let suggestion = (!cluster.held.contains(package)).then(|| SuggestedCommand {
        command: format!("opm upgrade {name}{}{pinned}", format::on_option(cluster, targets)),
        purpose: "has it installed there",
    });
    Advice { message: format!("{name} on {on}: {installed} is installed, {wanted} is wanted"), suggestion }
}

/// What is not upgraded, in words.
fn advise_held(cluster: &Cluster, held: &[PackageId]) -> Advice {
    let names = format::package_list(cluster, held);
    let words: Vec<String> = held.iter().map(|package| format::package_name(cluster, *package)).collect();
    let command = format!("opm unhold {}", words.join(" "));
    let purpose = "lets them be upgraded again";
    Advice {
        message: format!("{names}: not upgraded"),
        suggestion: Some(SuggestedCommand { command, purpose }),
    }
}

/// Targets of which nothing is expected, those with the same reason together.
fn advise_absences(cluster: &Cluster, status: &Status) -> Vec<Advice> {
    let mut alike: Vec<(&Absence, Vec<TargetId>)> = Vec::new();
    for target in status.groups.iter().flat_map(|group| &group.targets) {
        let Some(absence) = cluster.absences.get(target) else { continue };
        match alike.iter_mut().find(|(known, _)| *known == absence) {
            Some((_, targets)) => targets.push(*target),
            None => alike.push((absence, vec![*target])),
        }
    }
    let advise = |(absence, targets): (&Absence, Vec<TargetId>)| Advice {
        message: format!("{}: {}", format::target_list(cluster, &targets), describe_absence(absence)),
        suggestion: None,
    };
    alike.into_iter().map(advise).collect()
}

/// `offline since …, until … (reason), says ada`
#[must_use]
pub fn describe_absence(absence: &Absence) -> String {
    let what = match absence.kind {
        AbsenceKind::Offline => "offline",
        AbsenceKind::Maintenance => "in maintenance",
    };
    let until =
        absence.until.map_or_else(String::new, |until| format!(", until {}", format_timestamp(until * 1000)));
    let reason = if absence.reason.is_empty() { String::new() } else { format!(" ({})", absence.reason) };
    format!("{what} since {}{until}{reason}, says {}", format_timestamp(absence.since * 1000), absence.who)
}

/// What has not looked for work for a while, in words.
fn advise_silent(cluster: &Cluster, group: &SilentGroup) -> Advice {
    let targets = format::target_list(cluster, &group.targets);
    let how_long = match group.seconds {
        Some(seconds) => format!("for {}", format_duration(seconds * 1000)),
        None => "so far".to_owned(),
    };
    let label = format::target_label(cluster, group.targets.iter().copied());
    Advice {
        message: format!("{targets}: has not looked for work {how_long}"),
        suggestion: Some(SuggestedCommand {
            command: format!("opm target offline '{label}'"),
            purpose: "if that is as it should be",
        }),
    }
}

/// What was not looked at, in words.
fn advise_unseen(cluster: &Cluster, group: &UnseenGroup) -> Advice {
    let targets = format::target_list(cluster, &group.targets);
    Advice { message: format!("{targets}: {}", group.reason), suggestion: None }
}

/// Whether the head node is through the stage that hands work over, and will not come through it again by itself.
fn is_past_hand_over(cluster: &Cluster, finding: &PendingGroup) -> bool {
    let comes_again =
        |key: &StateKey| cluster.reruns.get(key).is_some_and(|queued| queued.contains(&Stage::PostClients));
    let is_through = |key: StateKey| {
        cluster.state(key).is_some_and(|row| row.current >= Stage::PostClients) && !comes_again(&key)
    };
    let mut servers = cluster.targets_of_kind(TargetKind::Server);
    servers.any(|server| {
        finding.packages.iter().any(|package| is_through(StateKey { target: server.id, package: *package }))
    })
}
