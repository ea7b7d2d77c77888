//! Changes as rows of JSON, under the names that `opm.apply` gives columns.

use std::borrow::Cow;

use opkg_oda::{Change, ConfigValue, Event, EventId, StepResult};
use serde::Serialize;

use crate::error::{PostgresError, Result};
use crate::statement::clean;

/// One row, with the names of columns that `opm.apply` gives it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Row<'a> {
    Request {
        target: i64,
        package: i64,
        stage: i64,
        changed: i64,
    },
    /// Of one package, or of several that fare alike.
    Progress {
        packages: Vec<i64>,
        #[serde(flatten)]
        progress: Progress<'a>,
    },
    Target {
        target: i64,
        kind: u8,
        name: &'a str,
        root: Option<&'a str>,
        image: Option<i64>,
    },
    TargetGone {
        target: i64,
    },
    RootId {
        target: i64,
        root_id: Option<Cow<'a, str>>,
    },
    Package {
        package: i64,
        name: &'a str,
        class: u8,
        version: Option<Cow<'a, str>>,
        awaits: Option<Cow<'a, str>>,
        needs: Vec<i64>,
    },
    PackageGone {
        package: i64,
    },
    Requirements {
        package: i64,
        names: Vec<Cow<'a, str>>,
    },
    Hold {
        package: i64,
        held: bool,
    },
    Pin {
        package: i64,
        version: Option<Cow<'a, str>>,
    },
    Version {
        target: i64,
        package: i64,
        version: Option<Cow<'a, str>>,
    },
    Postponed {
        target: i64,
        package: i64,
        reason: Option<Cow<'a, str>>,
    },
    Assign {
        target: i64,
        package: i64,
        handed_over: Option<i64>,
    },
    /// A target and a package.
    Pair {
        target: i64,
        package: i64,
    },
    Rerun {
        target: i64,
        package: i64,
        stage: i64,
    },
    Configure {
        package: i64,
        image: Option<i64>,
        expected: Option<Vec<Value<'a>>>,
        values: Vec<Value<'a>>,
    },
    Phase {
        phase: u8,
    },
    RunEnded {
        run: i64,
        ended: i64,
        verdict: u8,
    },
    Event {
        run: i64,
        number: u32,
        started: i64,
        target: i64,
        stage: i64,
        step: u8,
        name: Cow<'a, str>,
        packages: Vec<i64>,
        #[serde(flatten)]
        result: EventResult<'a>,
    },
    EventEnded {
        run: i64,
        number: u32,
        #[serde(flatten)]
        result: EventResult<'a>,
    },
    Absence {
        target: i64,
        kind: Option<u8>,
        reason: Option<Cow<'a, str>>,
        since: Option<i64>,
        until: Option<i64>,
        who: Option<Cow<'a, str>>,
    },
    Rollout {
        rollout: i64,
        at_once: u32,
        max_fail: u32,
        is_percent: bool,
        since: i64,
        who: Cow<'a, str>,
        packages: Vec<i64>,
    },
    RolloutState {
        rollout: i64,
        state: u8,
        note: Option<Cow<'a, str>>,
    },
    Wave {
        rollout: i64,
        target: i64,
        state: u8,
    },
    Command {
        at: i64,
        who: Cow<'a, str>,
        host: Cow<'a, str>,
        command: Cow<'a, str>,
    },
}

impl<'a> Row<'a> {
    /// Takes over what another row says of a further package, where it says the same; gives it back otherwise.
    pub(crate) fn absorb(&mut self, next: Row<'a>) -> Option<Row<'a>> {
        match (self, next) {
            (
                Row::Progress { packages, progress },
                Row::Progress { packages: further, progress: its_progress },
            ) if *progress == its_progress => {
                packages.extend(further);
                None
            }
            (_, next) => Some(next),
        }
    }
}

/// Name, value and origin.
type Value<'a> = (Cow<'a, str>, Cow<'a, str>, u8);

/// How far packages are on a target.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Progress<'a> {
    target: i64,
    current: i64,
    state: u8,
    attempts: u32,
    inherits: Option<i64>,
    changed: i64,
    failed_stage: Option<i64>,
    message: Option<Cow<'a, str>>,
    /// Whether the rows were at work, or in error, before this in the same commit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) moved: bool,
}

#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct EventResult<'a> {
    ended: Option<i64>,
    verdict: Option<u8>,
    message: Option<Cow<'a, str>>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    timed_out: Option<bool>,
    log: Option<Cow<'a, str>>,
    tail: Option<Cow<'a, str>>,
}

/// The kind of a change, its key among those of its kind, and its row.
pub(crate) fn row(change: &Change) -> Result<(&'static str, [i64; 3], Row<'_>)> {
    Ok(match change {
        Change::Request { key, stage, requested_at } => {
            let (target, package) = (key.target.0, key.package.0);
            let row = Row::Request { target, package, stage: stage.id().into(), changed: *requested_at };
            ("request", [target, package, 0], row)
        }
        Change::UpdateState(key, state) => {
            let (target, package) = (key.target.0, key.package.0);
            let failure = state.failure.as_deref();
            let progress = Progress {
                target,
                current: state.current.id().into(),
                state: state.work_state as u8,
                attempts: state.attempts,
                inherits: state.inherited_stage.map(|stage| stage.id().into()),
                changed: state.changed_at,
                failed_stage: failure.map(|failure| failure.stage.id().into()),
                message: failure.map(|failure| clean(&failure.message)),
                moved: false,
            };
            let row = Row::Progress { packages: vec![package], progress };
            ("progress", [target, package, 0], row)
        }
        Change::PutTarget(target) => {
            let root = target.root.as_deref().map(|root| {
                root.to_str().ok_or_else(|| {
                    PostgresError::Unsupported(format!("the path {} is not UTF-8", root.display()))
                })
            });
            let row = Row::Target {
                target: target.id.0,
                kind: target.kind() as u8,
                name: target.address.name.as_str(),
                root: root.transpose()?,
                image: target.image.map(|image| image.0),
            };
            ("target", [target.id.0, 0, 0], row)
        }
        Change::RemoveTarget(target) => {
            ("target-gone", [target.0, 0, 0], Row::TargetGone { target: target.0 })
        }
        Change::SetRootId { target, id } => {
            let root_id = id.as_deref().map(clean);
            ("root-id", [target.0, 0, 0], Row::RootId { target: target.0, root_id })
        }
        Change::PutPackage(package) => {
            let row = Row::Package {
                package: package.id.0,
                name: package.name.as_str(),
                class: package.class as u8,
                version: package.version.as_deref().map(clean),
                awaits: package.waiting_for.as_deref().map(clean),
                needs: package.dependencies.iter().map(|needed| needed.0).collect(),
            };
            ("package", [package.id.0, 0, 0], row)
        }
        Change::RemovePackage(package) => {
            ("package-gone", [package.0, 0, 0], Row::PackageGone { package: package.0 })
        }
        Change::SetRequirements { package, names } => {
            let names = names.iter().map(|name| clean(name)).collect();
            ("requirements", [package.0, 0, 0], Row::Requirements { package: package.0, names })
        }
        Change::SetHeld { package, held } => {
            ("hold", [package.0, 0, 0], Row::Hold { package: package.0, held: *held })
        }
        Change::PinVersion { package, version } => {
            let version = version.as_deref().map(clean);
            ("pin", [package.0, 0, 0], Row::Pin { package: package.0, version })
        }
        Change::SetInstalledVersion { key, version } => {
            let (target, package) = (key.target.0, key.package.0);
            let version = version.as_deref().map(clean);
            ("version", [target, package, 0], Row::Version { target, package, version })
        }
        Change::SetPostponed { key, reason } => {
            let (target, package) = (key.target.0, key.package.0);
            let reason = reason.as_deref().map(clean);
            ("postponed", [target, package, 0], Row::Postponed { target, package, reason })
        }
        Change::SetAbsence { target, absence } => {
            let absence = absence.as_ref();
            let row = Row::Absence {
                target: target.0,
                kind: absence.map(|absence| absence.kind as u8),
                reason: absence.map(|absence| clean(&absence.reason)),
                since: absence.map(|absence| absence.since),
                until: absence.and_then(|absence| absence.until),
                who: absence.map(|absence| clean(&absence.who)),
            };
            ("absence", [target.0, 0, 0], row)
        }
        Change::PutRollout { id, order } => {
            let (max_fail, is_percent) = order.max_fail.parts();
            let row = Row::Rollout {
                rollout: id.0,
                at_once: order.at_once,
                max_fail,
                is_percent,
                since: order.since,
                who: clean(&order.who),
                packages: order.packages.iter().map(|package| package.0).collect(),
            };
            ("rollout", [id.0, 0, 0], row)
        }
        Change::SetRolloutState { rollout, state } => {
            let note = state.note().map(clean);
            (
                "rollout-state",
                [rollout.0, 0, 0],
                Row::RolloutState { rollout: rollout.0, state: state.id(), note },
            )
        }
        Change::SetWave { rollout, target, state } => {
            let (rollout, target, state) = (rollout.0, target.0, *state as u8);
            ("wave", [rollout, target, 0], Row::Wave { rollout, target, state })
        }
        Change::Assign { package, client, handed_over_at } => {
            let (target, package) = (client.0, package.0);
            let row = Row::Assign { target, package, handed_over: *handed_over_at };
            ("assign", [target, package, 0], row)
        }
        Change::Unassign { package, client } => {
            let (target, package) = (client.0, package.0);
            ("unassign", [target, package, 0], Row::Pair { target, package })
        }
        Change::SetImageSeen { package, image, seen } => {
            let kind = if *seen { "image-seen" } else { "image-unseen" };
            let (target, package) = (image.0, package.0);
            (kind, [target, package, 0], Row::Pair { target, package })
        }
        Change::SetRerun { key, stage, queued } => {
            let kind = if *queued { "rerun" } else { "rerun-done" };
            let (target, package, stage) = (key.target.0, key.package.0, stage.id().into());
            (kind, [target, package, stage], Row::Rerun { target, package, stage })
        }
        Change::SetValues { package, image, values, expected } => {
            let image = image.map(|image| image.0);
            let row = Row::Configure {
                package: package.0,
                image,
                expected: expected.as_deref().map(encode_values),
                values: encode_values(values),
            };
            ("configure", [package.0, image.unwrap_or_default(), 0], row)
        }
        Change::SetPhase(phase) => ("phase", [0; 3], Row::Phase { phase: *phase as u8 }),
        Change::EndRun { run, ended_at, status } => {
            let row = Row::RunEnded { run: run.0, ended: *ended_at, verdict: *status as u8 };
            ("run-ended", [run.0, 0, 0], row)
        }
        Change::StartEvent(event) => ("event", event_key(event.id), encode_event(event)),
        Change::EndEvent { event, result } => {
            let row =
                Row::EventEnded { run: event.run.0, number: event.number, result: encode_result(result) };
            ("event-ended", event_key(*event), row)
        }
        Change::RecordCommand(command) => {
            let row = Row::Command {
                at: command.at,
                who: clean(&command.who),
                host: clean(&command.host),
                command: clean(&command.command),
            };
            ("command", [command.at, 0, 0], row)
        }
    })
}

fn event_key(event: EventId) -> [i64; 3] {
    [event.run.0, event.number.into(), 0]
}

fn encode_event(event: &Event) -> Row<'_> {
    Row::Event {
        run: event.id.run.0,
        number: event.id.number,
        started: event.started_at,
        target: event.target.0,
        stage: event.stage.id().into(),
        step: event.kind as u8,
        name: clean(&event.name),
        packages: event.packages.iter().map(|package| package.0).collect(),
        result: match &event.result {
            Some(result) => encode_result(result),
            None => EventResult { log: event.log_path.as_deref().map(clean), ..EventResult::default() },
        },
    }
}

fn encode_result(result: &StepResult) -> EventResult<'_> {
    EventResult {
        ended: Some(result.ended_at),
        verdict: Some(result.status as u8),
        message: result.message.as_deref().map(clean),
        exit_code: result.exit_code,
        signal: result.signal,
        timed_out: Some(result.timed_out),
        log: result.log_path.as_deref().map(clean),
        tail: Some(clean(&result.log_tail)),
    }
}

fn encode_values(values: &[ConfigValue]) -> Vec<Value<'_>> {
    values.iter().map(|value| (clean(&value.name), clean(&value.value), value.origin as u8)).collect()
}
