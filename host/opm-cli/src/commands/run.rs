//! `opm run`: everything that can be done now.

use std::collections::BTreeSet;

use opkg_engine::clock::{Clock, SystemClock, format_duration, now_seconds};
use opkg_engine::engine::{Concurrency, Engine, RunOptions, RunSummary, maintained_targets, plan_run};
use opkg_engine::operations::find_packages;
use opkg_engine::requests;
use opkg_engine::roots::{find_replaced, replaced_root_changes};
use opkg_engine::status::{FailedSteps, Status, StatusFilter, StatusKind};
use opkg_oda::{Cluster, PackageId, Store, Target, TargetId, TargetKind};
use opkg_opm::Launcher;
use opkg_shell::UsageError;
use serde::Serialize;

use super::launch::NodeLaunches;
use crate::args::RunArgs;
use crate::backend::{RunBackend, create_run_backend};
use crate::commands::prune::prune_if_due;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::identity::run_identity;
use crate::progress_reporter::ProgressReporter;
use crate::session::Session;
use crate::styles::Styles;
use crate::view::{self, describe_work, render_details};

/// Runs the command.
///
/// # Errors
/// When another run works on one of the targets, something on the command line does not exist, or the database
/// fails.
pub fn run(session: &Session, arguments: &RunArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store_for_engine()?;
    if !arguments.dry_run {
        session.deliver_results(&mut *store)?;
    }
    let Some(cluster) = find_work(session, &mut *store, arguments)? else {
        if !arguments.dry_run {
            prune_if_due(session, &mut *store);
        }
        return report_idle(session);
    };
    let order = run_options(session, &cluster, arguments)?;
    if arguments.dry_run {
        return print_plan(session, cluster, &order);
    }
    let backend = create_run_backend(session, arguments.jobs)?;
    let (summary, took) = run_engine(session, &mut *store, &backend, cluster, &order)?;
    let status = report_summary(session, &mut *store, &order, &summary, took)?;
    prune_if_due(session, &mut *store);
    let is_whole = arguments.targets.is_empty() && arguments.packages.is_empty();
    match &backend.launcher {
        Some(launcher) if is_whole => {
            let is_well = launch_engines(session, &mut *store, arguments, &backend, launcher)?;
            Ok(if is_well || status != ExitStatus::Success { status } else { ExitStatus::Failed })
        }
        _ => Ok(status),
    }
}

/// Has the nodes work that do not look for work themselves, once for each; what they have done may let others go. The answer
/// is whether all was well.
fn launch_engines(
    session: &Session,
    store: &mut dyn Store,
    arguments: &RunArgs,
    backend: &RunBackend,
    launcher: &Launcher,
) -> Result<bool, CliError> {
    let mut launches = NodeLaunches::default();
    let mut is_well = true;
    while !backend.effects.stop_requested() {
        let cluster = store.load_overview()?;
        if !launches.begin(session, store, launcher, &cluster)? {
            break;
        }
        is_well &= launches.end(session, store, true)?;
        let Some(cluster) = find_work(session, store, arguments)? else { break };
        let order = run_options(session, &cluster, arguments)?;
        let (summary, took) = run_engine(session, store, backend, cluster, &order)?;
        if summary.run.is_some() && !session.shell.is_json() {
            report_summary(session, store, &order, &summary, took)?;
        }
        is_well &= !summary.has_errors;
    }
    Ok(is_well)
}

/// Does the work, and shows how it goes on. The time that it took is in milliseconds.
pub(super) fn run_engine(
    session: &Session,
    store: &mut dyn Store,
    backend: &RunBackend,
    cluster: Cluster,
    order: &RunOptions,
) -> Result<(RunSummary, i64), CliError> {
    let order = RunOptions { concurrency: backend.concurrency, ..order.clone() };
    let clock = SystemClock;
    let mut reporter = ProgressReporter::new(session.shell, &clock);
    let started = clock.now();
    let effects = backend.effects.as_ref();
    let identity = run_identity();
    let summary = Engine { store, effects, observer: &mut reporter, clock: &clock, identity }
        .run_from(cluster, &order)?;
    Ok((summary, clock.now() - started))
}

/// What this machine maintains is about, to look at; absent where there is nothing to do. A machine that maintains itself
/// alone asks for no more than that.
pub(super) fn find_work(
    session: &Session,
    store: &mut dyn Store,
    arguments: &RunArgs,
) -> Result<Option<Cluster>, CliError> {
    // What is named may be anything.
    let own = session
        .local_address()?
        .filter(|address| address.kind != TargetKind::Server && arguments.targets.is_empty());
    if let Some(glance) = own.map(|address| store.glance(&address)).transpose()?.flatten() {
        let known = glance.root_id.as_ref();
        // One that cannot be looked into may be back later: that is no other one.
        let is_replaced =
            known.is_some() && root_id(&glance.target).is_ok_and(|found| found.as_ref() != known);
        let has_work = glance.has_pending_work || is_replaced;
        let own = BTreeSet::from([glance.target.id]);
        return has_work.then(|| store.load_part_overview(&own)).transpose().map_err(CliError::from);
    }
    if store.has_pending_work()? {
        return Ok(Some(store.load_overview()?));
    }
    let cluster = store.load_identified_targets()?;
    if cluster.root_ids.is_empty() {
        return Ok(None);
    }
    let own = match session.local_target(&cluster) {
        Ok(own) => own,
        Err(_) => session.local_target(&store.load_targets()?)?,
    };
    let maintained = maintained_targets(&cluster, own);
    match find_replaced(&cluster, &maintained, root_id).is_empty() {
        true => Ok(None),
        false => Ok(Some(store.load_overview()?)),
    }
}

fn root_id(target: &Target) -> Result<Option<String>, String> {
    opkg_opm::root_id(target).map_err(|error| error.to_string())
}

fn report_idle(session: &Session) -> Result<ExitStatus, CliError> {
    if session.shell.is_json() {
        session.shell.print_json(&RunSummaryJson::default())?;
    } else {
        session.shell.status("nothing to do");
    }
    Ok(ExitStatus::Success)
}

pub(super) fn run_options(
    session: &Session,
    cluster: &Cluster,
    arguments: &RunArgs,
) -> Result<RunOptions, CliError> {
    let own = session.local_target(cluster)?;
    let mine = maintained_targets(cluster, own);
    let targets = if arguments.targets.is_empty() {
        mine
    } else {
        let chosen = session.select_targets(cluster, &arguments.targets, &mine)?;
        let foreign: Vec<TargetId> = chosen.difference(&mine).copied().collect();
        if !foreign.is_empty() && chosen.is_disjoint(&mine) {
            return Err(UsageError::new(
                format!("{} are not maintained from here", view::target_list(cluster, &foreign)),
                "run opm there, or name their root directories with `opm target add TARGET --root DIR`",
            )
            .into());
        }
        chosen.intersection(&mine).copied().collect()
    };
    let chosen: Option<BTreeSet<PackageId>> = match arguments.packages.as_slice() {
        [] => None,
        names => Some(find_packages(cluster, names)?.into_iter().collect()),
    };
    Ok(RunOptions { targets, packages: chosen, retry: arguments.retry, concurrency: Concurrency::default() })
}

/// One step of `--dry-run --format json`.
#[derive(Serialize)]
struct PlannedStepJson {
    targets: String,
    stage: Option<&'static str>,
    what: String,
}

fn print_plan(session: &Session, mut cluster: Cluster, order: &RunOptions) -> Result<ExitStatus, CliError> {
    for replaced in find_replaced(&cluster, &order.targets, root_id) {
        if let Some(target) = cluster.targets.get(&replaced) {
            replaced_root_changes(&cluster, target, now_seconds())
                .iter()
                .for_each(|change| cluster.apply(change));
        }
    }
    if order.retry {
        let cleared =
            requests::clear_errors(&cluster, order.packages.as_ref(), &order.targets, now_seconds());
        cleared.iter().for_each(|it| cluster.apply(it));
    }
    let planned: Vec<PlannedStepJson> = plan_run(cluster.clone(), order)
        .iter()
        .map(|work| {
            let told = describe_work(&cluster, work);
            PlannedStepJson {
                targets: view::target_list(&cluster, &told.targets),
                stage: told.stage,
                what: told.action,
            }
        })
        .collect();
    if session.shell.is_json() {
        session.shell.print_json(&planned)?;
        return Ok(ExitStatus::Success);
    }
    if planned.is_empty() {
        session.shell.status("nothing can be done now; `opm status` shows what is waited for");
    }
    let wide = |of: fn(&PlannedStepJson) -> usize| planned.iter().map(of).max().unwrap_or(0);
    let stage = wide(|it| it.stage.unwrap_or_default().len());
    for step in &planned {
        let line = format!("{:stage$}  {}: {}", step.stage.unwrap_or_default(), step.targets, step.what);
        session.shell.print(&format!("{}\n", opkg::escape_line(&line)))?;
    }
    Ok(ExitStatus::Success)
}

/// What `--format json` prints.
#[derive(Serialize, Default)]
struct RunSummaryJson {
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

pub(super) fn report_summary(
    session: &Session,
    store: &mut dyn Store,
    order: &RunOptions,
    summary: &RunSummary,
    took: i64,
) -> Result<ExitStatus, CliError> {
    let Some(cluster) = &summary.cluster else { return report_idle(session) };
    let view = StatusFilter {
        packages: order.packages.clone(),
        targets: Some(order.targets.clone()),
        ..StatusFilter::default()
    };
    let status = Status::compute(cluster, &view);
    let document = RunSummaryJson {
        run: summary.run.map(|it| it.0),
        steps: summary.steps,
        failed: summary.failed,
        stopped: summary.stopped,
        errors: status.count_where(|it| matches!(it, StatusKind::Error(_))),
        waiting: status.count_where(|it| matches!(it, StatusKind::Waiting(_))),
        blocked: status.count_where(|it| matches!(it, StatusKind::BlockedBy(_))),
    };
    if session.shell.is_json() {
        session.shell.print_json(&document)?;
    } else {
        let failures = FailedSteps::load(store, &status)?;
        let details = render_details(cluster, &status, &failures, Styles(session.shell.use_color(false)));
        if !details.is_empty() {
            session.shell.status(&format!("\n{}", details.trim_end()));
        }
        session.shell.status(&format!("\n{}", format_summary(&document, summary.advances > 0, took)));
    }
    Ok(match summary {
        RunSummary { has_errors: true, .. } => ExitStatus::Failed,
        RunSummary { stopped: true, .. } => ExitStatus::Interrupted,
        _ => ExitStatus::Success,
    })
}

/// `run 12: 14 steps in 33 s, 1 failed; 2 in error, 5 waiting`
fn format_summary(document: &RunSummaryJson, has_let_go: bool, took: i64) -> String {
    let mut text = match document.run {
        Some(run) => {
            let steps = if document.steps == 1 { "step" } else { "steps" };
            format!(
                "run {run}: {} {steps} in {}, {} failed",
                document.steps,
                format_duration(took),
                document.failed
            )
        }
        None if has_let_go => "no step was to be taken here".to_owned(),
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
