//! What stands below the table: causes, and the commands that go on from there.

use std::collections::BTreeMap;

use opkg_oda::{Cluster, Event, Key, Kind, Row, Stage};
use opkg_opm::machine::{Due, Wait};
use opkg_opm::status::{Finding, Problem, Standing, Status};

use super::words;
use crate::opm::paint::{Paint, Tone};

/// The newest failed step of each row.
#[derive(Debug, Default)]
pub struct Failures(BTreeMap<Key, Event>);

impl Failures {
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
        let key = |target: &opkg_oda::TargetId| Key { target: *target, package: problem.package };
        problem.targets.iter().find_map(|target| self.0.get(&key(target)))
    }
}

/// Errors first, each with the command that goes on from there; then all that is not done.
#[must_use]
pub fn details(cluster: &Cluster, status: &Status, failures: &Failures, paint: Paint) -> String {
    let mut text = String::new();
    if !status.problems.is_empty() {
        text.push_str(&format!("{}\n", paint.tone(Tone::Bad, "In error:")));
        for problem in &status.problems {
            text.push_str(&error(cluster, problem, failures.of(problem), paint));
        }
    }
    let mut heading = "";
    for finding in &status.findings {
        let (title, tone) = match finding.standing {
            Standing::Blocked(_) => ("Blocked:", Tone::Held),
            Standing::Waits(_) => ("Waiting:", Tone::Held),
            Standing::Running => ("Running:", Tone::Moving),
            _ => ("Next run:", Tone::Moving),
        };
        if title != heading {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("{}\n", paint.tone(tone, title)));
            heading = title;
        }
        text.push_str(&finding_text(cluster, finding, paint));
    }
    text
}

fn error(cluster: &Cluster, problem: &Problem, event: Option<&Event>, paint: Paint) -> String {
    let name = words::name(cluster, problem.package);
    let targets = words::target_names(cluster, &problem.targets);
    let mut text = format!("  {name} on {targets}: {} failed\n", words::stage(problem.stage));
    text.push_str(&format!("    {}\n", problem.message.lines().next().unwrap_or_default()));
    if let Some(event) = event {
        let log = event.ending.as_ref().and_then(|it| it.log.as_deref());
        let log = log.map_or_else(String::new, |it| format!(", log {it}"));
        text.push_str(&format!("    step {}.{}{log}\n", event.id.run.0, event.id.number));
        text.push_str(&command(
            &format!("opm log {}.{}", event.id.run.0, event.id.number),
            "what it printed",
            paint,
        ));
    }
    let on = words::on(cluster, &problem.targets);
    text.push_str(&command(
        &format!("opm clear {name}{on}"),
        "when the cause is gone: the next run tries again",
        paint,
    ));
    text
}

fn finding_text(cluster: &Cluster, finding: &Finding, paint: Paint) -> String {
    let packages = words::packages(cluster, &finding.packages);
    let targets = words::target_names(cluster, &finding.targets);
    let first = finding.packages.first().map_or_else(String::new, |it| words::name(cluster, *it));
    let (sentence, next) = match &finding.standing {
        Standing::Blocked(by) => {
            let by = words::name(cluster, *by);
            (
                format!("{packages} on {targets}: {by} must move first"),
                Some((format!("opm status {by}"), "why it does not")),
            )
        }
        Standing::Waits(Wait::Phase(phase)) => (
            format!("{packages} on {targets}: for the phase {phase}; the cluster is in {}", cluster.phase),
            Some((format!("opm phase set {phase}"), "when the cluster has come so far")),
        ),
        Standing::Waits(Wait::HandOver) => (
            format!(
                "{packages} on {targets}: for the head node to hand the work over (its stage post-clients)"
            ),
            passed(cluster, finding).then(|| {
                (
                    "opm rerun --stage post-clients --stage post-install".to_owned(),
                    "it has passed that stage before",
                )
            }),
        ),
        Standing::Waits(Wait::Configuration(what)) => (
            format!("{packages} on {targets}: for its configuration: {what}"),
            Some((format!("opm reconfigure {first}"), "when it is there")),
        ),
        Standing::Waits(Wait::StillOn(target)) => (
            format!(
                "{packages} on {targets}: until it is gone from {}",
                words::target_names(cluster, &[*target])
            ),
            Some((format!("opm status {first}"), "where it still is")),
        ),
        Standing::Running => (
            format!("{packages} on {targets}"),
            Some(("opm history".to_owned(), "who works; what a dead run left is taken up by the next")),
        ),
        Standing::Due(Due::Down(_)) => {
            (format!("{packages} on {targets}: to be removed"), Some(("opm".to_owned(), "does so")))
        }
        _ => (format!("{packages} on {targets}"), Some(("opm".to_owned(), "goes on with it"))),
    };
    let next = next.map_or_else(String::new, |(line, what)| command(&line, what, paint));
    format!("  {sentence}\n{next}")
}

/// Whether the head node is through the stage that hands work over.
fn passed(cluster: &Cluster, finding: &Finding) -> bool {
    let through = |row: &Row| row.current >= Stage::PostClients;
    let mut servers = cluster.of_kind(Kind::Server);
    servers.any(|server| {
        let key = |package: &opkg_oda::PackageId| Key { target: server.id, package: *package };
        finding.packages.iter().any(|it| cluster.row(key(it)).is_some_and(through))
    })
}

fn command(line: &str, what: &str, paint: Paint) -> String {
    format!(
        "    {} {line}   {}\n",
        paint.tone(Tone::Faint, "$"),
        paint.tone(Tone::Faint, &format!("# {what}"))
    )
}
