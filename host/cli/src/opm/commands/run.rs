//! `opm run`: everything that can be done now.

use std::collections::BTreeSet;

use anyhow::Result;
use opkg_oda::{Cluster, PackageId, Store, TargetId};
use opkg_opm::choice;
use opkg_opm::effects::Effects;
use opkg_opm::engine::{Clock, Engine, Identity, Order, Summary, maintained, rehearse};
use opkg_opm::requests;
use opkg_opm::status::{Failures, Standing, Status, View};
use serde::Serialize;

use crate::failure::UsageError;
use crate::opm::args::Run;
use crate::opm::clock::{SystemClock, seconds, span};
use crate::opm::exit::Exit;
use crate::opm::paint::Paint;
use crate::opm::session::{Session, packages};
use crate::opm::teller::Teller;
use crate::opm::view::{self, details, told};

/// Runs the command. `world` makes the effects, when there is something to be done.
///
/// # Errors
/// When another run works on one of the targets, something on the command line does not exist, or the database
/// fails.
pub fn run<'a>(
    session: &Session,
    arguments: &Run,
    world: impl FnOnce() -> Result<Box<dyn Effects + 'a>>,
) -> Result<Exit> {
    let mut store = session.open()?;
    if !store.pending()? {
        return idle(session);
    }
    let cluster = store.load()?;
    let order = order(session, &cluster, arguments)?;
    if arguments.dry_run {
        return plan(session, cluster, &order);
    }
    let mut effects = world()?;
    let clock = SystemClock;
    let mut teller = Teller::new(session.shell, &clock);
    let started = clock.now();
    let summary = Engine {
        store: &mut store,
        effects: effects.as_mut(),
        observer: &mut teller,
        clock: &clock,
        identity: identity(),
    }
    .run(&order)?;
    drop(teller);
    report(session, &mut store, &order, &summary, clock.now() - started)
}

/// Who this is, for the journal.
pub fn identity() -> Identity {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let mut words = std::env::args_os().map(|it| it.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let command = std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ");
    Identity { host, process: std::process::id(), command: command.chars().take(500).collect() }
}

fn idle(session: &Session) -> Result<Exit> {
    if session.shell.json() {
        session.shell.json_data(&Document::default())?;
    } else {
        session.shell.status("nothing to do");
    }
    Ok(Exit::Done)
}

fn order(session: &Session, cluster: &Cluster, arguments: &Run) -> Result<Order> {
    let own = session.own(cluster)?;
    let mine = maintained(cluster, own);
    let targets = if arguments.targets.is_empty() {
        mine
    } else {
        let chosen = choice::of_all(&arguments.targets, cluster)?;
        let foreign: Vec<TargetId> = chosen.difference(&mine).copied().collect();
        if !foreign.is_empty() && chosen.is_disjoint(&mine) {
            return Err(UsageError::new(
                format!("{} are not maintained from here", view::target_names(cluster, &foreign)),
                "run opm there, or name their root directories with `opm target add TARGET --root DIR`",
            )
            .into());
        }
        chosen.intersection(&mine).copied().collect()
    };
    let chosen: Option<BTreeSet<PackageId>> = match arguments.packages.as_slice() {
        [] => None,
        names => Some(packages(cluster, names)?.into_iter().collect()),
    };
    Ok(Order { targets, packages: chosen, retry: arguments.retry })
}

/// One step of `--dry-run --format json`.
#[derive(Serialize)]
struct Planned {
    targets: String,
    stage: Option<&'static str>,
    what: String,
}

fn plan(session: &Session, mut cluster: Cluster, order: &Order) -> Result<Exit> {
    if order.retry {
        let cleared = requests::clear(&cluster, order.packages.as_ref(), &order.targets, seconds());
        cleared.iter().for_each(|it| cluster.apply(it));
    }
    let planned: Vec<Planned> = rehearse(cluster.clone(), order)
        .iter()
        .map(|work| {
            let told = told(&cluster, work);
            Planned {
                targets: view::target_names(&cluster, &told.targets),
                stage: told.stage,
                what: told.what,
            }
        })
        .collect();
    if session.shell.json() {
        session.shell.json_data(&planned)?;
        return Ok(Exit::Done);
    }
    if planned.is_empty() {
        session.shell.status("nothing can be done now; `opm status` shows what is waited for");
    }
    let wide = |of: fn(&Planned) -> usize| planned.iter().map(of).max().unwrap_or(0);
    let stage = wide(|it| it.stage.unwrap_or_default().len());
    for step in &planned {
        let line = format!("{:stage$}  {}: {}\n", step.stage.unwrap_or_default(), step.targets, step.what);
        session.shell.data(&line)?;
    }
    Ok(Exit::Done)
}

/// What `--format json` prints.
#[derive(Serialize, Default)]
struct Document {
    /// Null where nothing was to be done.
    run: Option<i64>,
    steps: usize,
    failed: usize,
    /// Whether it was asked to stop before its end.
    stopped: bool,
    /// Pairs of package and target, of those that this run was about.
    errors: usize,
    waiting: usize,
    blocked: usize,
}

fn report(
    session: &Session,
    store: &mut dyn Store,
    order: &Order,
    summary: &Summary,
    took: i64,
) -> Result<Exit> {
    let Some(cluster) = &summary.cluster else { return idle(session) };
    let view = View { packages: order.packages.clone(), targets: Some(order.targets.clone()) };
    let status = Status::of(cluster, &view);
    let document = Document {
        run: summary.run.map(|it| it.0),
        steps: summary.steps,
        failed: summary.failed,
        stopped: summary.stopped,
        errors: status.count(|it| matches!(it, Standing::Error(_))),
        waiting: status.count(|it| matches!(it, Standing::Waits(_))),
        blocked: status.count(|it| matches!(it, Standing::Blocked(_))),
    };
    if session.shell.json() {
        session.shell.json_data(&document)?;
    } else {
        let failures = Failures::load(store, &status)?;
        let details = details(cluster, &status, &failures, Paint(session.shell.colored(false)));
        if !details.is_empty() {
            session.shell.status(&format!("\n{}", details.trim_end()));
        }
        session.shell.status(&format!("\n{}", sum(&document, took)));
    }
    Ok(match summary {
        Summary { errors: true, .. } => Exit::Failed,
        Summary { stopped: true, .. } => Exit::Stopped,
        _ => Exit::Done,
    })
}

/// `run 12: 14 steps in 33 s, 1 failed; 2 in error, 5 waiting`
fn sum(document: &Document, took: i64) -> String {
    let mut text = match document.run {
        Some(run) => {
            let steps = if document.steps == 1 { "step" } else { "steps" };
            format!("run {run}: {} {steps} in {}, {} failed", document.steps, span(took), document.failed)
        }
        None => "nothing could be done".to_owned(),
    };
    let counts =
        [(document.errors, "in error"), (document.waiting, "waiting"), (document.blocked, "blocked")];
    let counts: Vec<String> =
        counts.iter().filter(|it| it.0 > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if !counts.is_empty() {
        text.push_str(&format!("; {}", counts.join(", ")));
    }
    if document.stopped {
        text.push_str("; it was asked to stop, and the next run goes on");
    }
    text
}
