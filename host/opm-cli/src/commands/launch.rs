//! Engines on nodes that do not look for work themselves: the head node starts them, while it runs or watches.

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::Instant;

use opkg_engine::hostlist;
use opkg_engine::launch::{listening, nodes_with_work};
use opkg_oda::{Cluster, Store, TargetId, TargetKind};
use opkg_opm::{LaunchOn, LaunchReport, Launcher};

use crate::errors::{CliError, Context};
use crate::session::Session;
use crate::view;

/// What was started, and what is at work.
#[derive(Default)]
pub(super) struct NodeLaunches {
    /// When the launcher was started for a node last.
    started: BTreeMap<TargetId, Instant>,
    at_work: Option<Launch>,
}

/// A launcher at work.
struct Launch {
    nodes: Vec<TargetId>,
    thread: JoinHandle<LaunchReport>,
}

impl NodeLaunches {
    /// Whether a launcher is at work.
    pub(super) fn is_at_work(&self) -> bool {
        self.at_work.is_some()
    }

    /// Starts the launcher, unless it is at work, for the nodes that need it. The answer is whether it is at work now.
    ///
    /// # Errors
    /// When the database fails, or there is no thread.
    pub(super) fn begin(
        &mut self,
        session: &Session,
        store: &mut dyn Store,
        launcher: &Launcher,
        cluster: &Cluster,
    ) -> Result<bool, CliError> {
        if self.is_at_work() {
            return Ok(true);
        }
        let nodes = self.nodes_for(session, store, launcher, cluster)?;
        if nodes.is_empty() {
            return Ok(false);
        }
        let names = nodes.iter().filter_map(|node| cluster.targets.get(node));
        let names = hostlist::fold(names.map(|node| node.address.name.as_str()));
        session.shell.status(&format!("starting engines on {names}"));
        let now = Instant::now();
        self.started.extend(nodes.iter().map(|node| (*node, now)));
        let launcher = launcher.clone();
        let thread = std::thread::Builder::new().name("launcher".into());
        let thread =
            thread.spawn(move || launcher.start_engines(&names)).context("cannot start the launcher")?;
        self.at_work = Some(Launch { nodes, thread });
        Ok(true)
    }

    /// The nodes with work for which it was not started a moment ago, and which do not look for work themselves.
    fn nodes_for(
        &self,
        session: &Session,
        store: &mut dyn Store,
        launcher: &Launcher,
        cluster: &Cluster,
    ) -> Result<Vec<TargetId>, CliError> {
        let own = session.local_target(cluster)?;
        if cluster.targets.get(&own).is_none_or(|target| target.kind() != TargetKind::Server) {
            return Ok(Vec::new());
        }
        let settings = launcher.settings();
        let mut nodes = nodes_with_work(cluster, own);
        if settings.nodes == LaunchOn::Silent && !nodes.is_empty() {
            let listening = listening(&store.last_seen()?);
            nodes.retain(|node| !listening.contains(node));
        }
        let was_started =
            |node: &TargetId| self.started.get(node).is_some_and(|at| at.elapsed() < settings.again_after);
        nodes.retain(|node| !was_started(node));
        Ok(nodes)
    }

    /// Says what came of the launcher once it has ended; waits for that, if `waits`. The answer is whether all was well.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn end(
        &mut self,
        session: &Session,
        store: &mut dyn Store,
        waits: bool,
    ) -> Result<bool, CliError> {
        let is_over = |launch: &mut Launch| waits || launch.thread.is_finished();
        let Some(Launch { nodes, thread }) = self.at_work.take_if(is_over) else { return Ok(true) };
        let fault = |_| LaunchReport { failure: Some("ended in a fault of this program".into()), log: None };
        let report = thread.join().unwrap_or_else(fault);
        let log = report.log.map_or_else(String::new, |log| format!("; log {}", log.display()));
        if let Some(failure) = &report.failure {
            session.shell.status(&format!("warning: the launcher {failure}{log}"));
        }
        let cluster = store.load_overview()?;
        let with_work = nodes_with_work(&cluster, session.local_target(&cluster)?);
        let left: Vec<TargetId> = nodes.into_iter().filter(|node| with_work.contains(node)).collect();
        if !left.is_empty() {
            let left = view::target_list(&cluster, &left);
            session.shell.status(&format!("warning: after the launcher, work is left on {left}"));
        }
        Ok(report.failure.is_none() && left.is_empty())
    }
}
