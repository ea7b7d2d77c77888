//! `opm status`: the state of a cluster.

use std::io;
use std::thread;
use std::time::Duration;

use opkg_engine::operations::find_packages;
use opkg_engine::status::{FailedSteps, Status, StatusFilter, StatusKind};
use opkg_oda::Cluster;

use crate::args;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::{Session, all_targets};
use crate::styles::{Style, Styles};
use crate::view::{plural, render_details, render_matrix, status_json};

/// Between two looks at a database that has not changed.
const POLL_INTERVAL: Duration = Duration::from_millis(300);
/// Between two copies of a database that can only be read.
const COPY_INTERVAL: Duration = Duration::from_secs(2);
/// Letters in a line where there is no terminal.
const DEFAULT_WIDTH: usize = 100;

/// Runs the command.
///
/// # Errors
/// When a package or target does not exist, or the database fails.
pub fn run(session: &Session, arguments: &args::StatusArgs) -> Result<ExitStatus, CliError> {
    let open = || if arguments.watch { session.open_follower() } else { session.open_reader() };
    let mut store = open()?;
    let styles = Styles(session.shell.use_color(true));
    loop {
        let cluster = store.load_overview()?;
        let view = StatusFilter {
            unseen: session.unknown_targets(&cluster),
            silent: session.silent_targets(&mut *store, &cluster),
            ..resolve_view(session, &cluster, arguments)?
        };
        let status = Status::compute(&cluster, &view);
        let failures = FailedSteps::load(&mut *store, &status)?;
        if session.shell.is_json() {
            session.shell.print_json(&status_json(&cluster, &status, &failures))?;
        } else {
            if arguments.watch {
                session.shell.clear_screen()?;
            }
            session.shell.print(&render_status(&cluster, &status, &failures, terminal_width(), styles))?;
        }
        if !arguments.watch {
            let errors = status.count_where(|it| matches!(it, StatusKind::Error(_)));
            return Ok(match (errors, status.unseen.as_slice()) {
                (1.., _) => ExitStatus::Failed,
                (0, []) => ExitStatus::Success,
                (0, _) => ExitStatus::Unknown,
            });
        }
        if store.is_copy() {
            thread::sleep(COPY_INTERVAL);
            store = open()?;
            continue;
        }
        while !store.has_changed()? {
            thread::sleep(POLL_INTERVAL);
        }
    }
}

fn resolve_view(
    session: &Session,
    cluster: &Cluster,
    arguments: &args::StatusArgs,
) -> Result<StatusFilter, CliError> {
    let chosen = |is_empty: bool| if is_empty { None } else { Some(()) };
    let packages = match chosen(arguments.packages.is_empty()) {
        Some(()) => Some(find_packages(cluster, &arguments.packages)?.into_iter().collect()),
        None => None,
    };
    let targets = match chosen(arguments.on.is_empty()) {
        Some(()) => Some(session.select_targets(cluster, &arguments.on, &all_targets(cluster))?),
        None => None,
    };
    Ok(StatusFilter { packages, targets, ..StatusFilter::default() })
}

fn terminal_width() -> usize {
    terminal_size::terminal_size_of(io::stdout()).map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0))
}

/// All that people read.
#[must_use]
pub fn render_status(
    cluster: &Cluster,
    status: &Status,
    failures: &FailedSteps,
    width: usize,
    styles: Styles,
) -> String {
    let head = format!(
        "Phase {}; {} of {}, {} of {}\n",
        status.phase,
        plural(status.rows.len(), "package"),
        cluster.packages.len(),
        plural(status.target_count(), "target"),
        cluster.targets.len()
    );
    let mut text = styles.apply(Style::Heading, head.trim_end());
    text.push_str("\n\n");
    if status.target_count() == 0 {
        text.push_str("There are no targets: `opm target add KIND:NAME` makes some known.\n");
    } else if status.rows.is_empty() {
        text.push_str("No package was requested: `opm request PACKAGE` does so.\n");
    } else {
        text.push_str(&render_matrix(cluster, status, width, styles));
    }
    let below = render_details(cluster, status, failures, styles);
    if !below.is_empty() {
        text.push_str(&format!("\n{below}"));
    }
    text
}
