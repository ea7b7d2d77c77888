//! `opm watch`: does work whenever there is some.

use std::time::{Duration, Instant};

use opkg_database::Database;
use opkg_engine::engine::RunOptions;
use opkg_oda::{Cluster, RolloutState, TargetKind};
use opkg_opm::StopToken;

use crate::args::{RunArgs, WatchArgs};
use crate::backend::{create_watch_backend, stop_on_signals};
use crate::commands::enroll::open_enrolled;
use crate::commands::launch::NodeLaunches;
use crate::commands::prune::prune_if_due;
use crate::commands::run::{find_work, report_summary, run_engine, run_options};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;

/// So soon a request to stop is heard.
const STOP_LATENCY: Duration = Duration::from_millis(250);

/// Between two looks whether a day has passed since the journal was pruned.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3600);

/// So often the head node looks how nodes fare that a rollout has let go, or a launcher was started for: of that, servers
/// tell nobody.
const NODES_INTERVAL: Duration = Duration::from_secs(5);

/// Runs the command.
///
/// # Errors
/// When signals cannot be waited for, or nobody says which target this machine is. What else goes wrong is said, and tried
/// again.
pub fn run(session: &Session, arguments: &WatchArgs) -> Result<ExitStatus, CliError> {
    let stop = StopToken::default();
    stop_on_signals(session.shell, stop.clone())?;
    let mut watch = Watch {
        session,
        arguments,
        stop,
        store: None,
        launches: NodeLaunches::default(),
        launcher_stop: StopToken::default(),
        leads_rollout: false,
        last_problem: None,
        prunes_from: None,
    };
    while !watch.stop.stop_requested() {
        match watch.look() {
            Ok(()) => watch.last_problem = None,
            Err(error) if error.is_about_usage() => return Err(error),
            Err(error) => watch.report_problem(&error),
        }
        watch.wait();
    }
    watch.end_launcher()?;
    Ok(ExitStatus::Success)
}

/// Waits for work.
struct Watch<'a> {
    session: &'a Session,
    arguments: &'a WatchArgs,
    stop: StopToken,
    /// Open while this machine has a place among the listeners.
    store: Option<Database>,
    launches: NodeLaunches,
    /// The launcher is stopped with this one, at the end.
    launcher_stop: StopToken,
    /// Whether a request goes out in waves that this machine lets go.
    leads_rollout: bool,
    /// What went wrong the last time, which is not said again and again.
    last_problem: Option<String>,
    /// When to look next whether the journal is to be pruned; at once if absent.
    prunes_from: Option<Instant>,
}

impl Watch<'_> {
    /// Does what there is to do now.
    fn look(&mut self) -> Result<(), CliError> {
        let mut store = match self.store.take() {
            Some(store) => store,
            None => open_enrolled(self.session)?,
        };
        self.session.deliver_results(&mut *store)?;
        // Before anything is looked at: what comes after that wakes up.
        let listens = !self.arguments.no_listen && store.subscribe()?;
        self.leads_rollout = false;
        self.launches.end(self.session, &mut *store, false)?;
        let wanted = RunArgs { jobs: self.arguments.jobs, ..RunArgs::default() };
        if let Some(cluster) = find_work(self.session, &mut *store, &wanted)? {
            let order = run_options(self.session, &cluster, &wanted)?;
            // Anew each time: what the administrator has changed counts.
            let backend = create_watch_backend(self.session, self.stop.clone(), wanted.jobs)?;
            let (summary, took) = run_engine(self.session, &mut *store, &backend, cluster, &order)?;
            self.leads_rollout =
                summary.cluster.as_ref().is_some_and(|cluster| leads_rollout(cluster, &order));
            if summary.run.is_some() {
                report_summary(self.session, &mut *store, &order, &summary, took)?;
            }
            if let (Some(launcher), Some(cluster)) = (backend.launcher, &summary.cluster) {
                let launcher = launcher.stopped_by(self.launcher_stop.clone());
                self.launches.begin(self.session, &mut *store, &launcher, cluster)?;
            }
        }
        if self.prunes_from.is_none_or(|at| at <= Instant::now()) {
            self.prunes_from = Some(Instant::now() + PRUNE_INTERVAL);
            prune_if_due(self.session, &mut *store);
        }
        self.store = Some(store).filter(|_| listens);
        Ok(())
    }

    /// Until there may be work, or it is time to look.
    fn wait(&mut self) {
        let interval = match self.leads_rollout || self.launches.is_at_work() {
            true => self.arguments.interval.min(NODES_INTERVAL),
            false => self.arguments.interval,
        };
        let until = Instant::now() + jittered(interval);
        while !self.stop.stop_requested() {
            let left = until.saturating_duration_since(Instant::now()).min(STOP_LATENCY);
            if left.is_zero() {
                return;
            }
            match &mut self.store {
                None => std::thread::sleep(left),
                Some(store) => match store.wait_for_change(left) {
                    Ok(false) => {}
                    Ok(true) => return,
                    // It is opened again when it is time to look.
                    Err(_) => self.store = None,
                },
            }
        }
    }

    /// What the launcher does is not waited for.
    fn end_launcher(&mut self) -> Result<(), CliError> {
        if !self.launches.is_at_work() {
            return Ok(());
        }
        self.launcher_stop.request();
        self.launcher_stop.request();
        let mut store = self.session.open_store()?;
        self.launches.end(self.session, &mut *store, true).map(drop)
    }

    fn report_problem(&mut self, error: &CliError) {
        // For how long it has been so already is no news.
        let problem = error.report().one_line();
        if self.last_problem.as_ref() != Some(&problem) {
            self.session.shell.eprint(&error.report().to_string());
            self.session.shell.status("it is tried again");
        }
        self.last_problem = Some(problem);
    }
}

/// Whether a request goes out in waves, and these targets have the head node among them.
fn leads_rollout(cluster: &Cluster, order: &RunOptions) -> bool {
    let mut servers = cluster.targets_of_kind(TargetKind::Server);
    servers.any(|server| order.targets.contains(&server.id))
        && cluster.rollouts.values().any(|rollout| rollout.state == RolloutState::UnderWay)
}

/// Up to a quarter less or more, so that machines that were switched on together do not look together.
fn jittered(interval: Duration) -> Duration {
    let nanoseconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos());
    // The order of nanoseconds and of process numbers has nothing to do with that of machines.
    let mixed = u64::from(nanoseconds).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(std::process::id());
    interval.mul_f64(0.75 + f64::from((mixed >> 20) as u16) / f64::from(u16::MAX) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_quarter_off_at_most() {
        for _ in 0..1000 {
            let interval = jittered(Duration::from_secs(60));
            assert!((45..=75).contains(&interval.as_secs()), "{interval:?}");
        }
    }
}
