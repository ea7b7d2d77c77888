//! `opm status`: how a cluster stands.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use opkg_oda::{Cluster, Store};
use opkg_opm::choice;
use opkg_opm::status::{Failures, Standing, Status, View};

use crate::opm::args;
use crate::opm::exit::Exit;
use crate::opm::paint::{Paint, Tone};
use crate::opm::session::{Session, packages};
use crate::opm::view::{details, document, matrix};

/// Between two looks at a database that has not changed.
const PAUSE: Duration = Duration::from_millis(300);
/// Letters in a line where there is no terminal.
const WIDTH: usize = 100;
/// Away with what is there, and to the top.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Runs the command.
///
/// # Errors
/// When a package or target does not exist, or the database fails.
pub fn run(session: &Session, arguments: &args::Status) -> Result<Exit> {
    let mut store = session.open()?;
    let paint = Paint(session.shell.colored(true));
    loop {
        let cluster = store.load()?;
        let view = view(&cluster, arguments)?;
        let status = Status::of(&cluster, &view);
        let failures = Failures::load(&mut store, &status)?;
        if session.shell.json() {
            session.shell.json_data(&document(&cluster, &status, &failures))?;
        } else {
            let clear = if arguments.watch && io::stdout().is_terminal() { CLEAR } else { "" };
            session.shell.data(&format!("{clear}{}", text(&cluster, &status, &failures, width(), paint)))?;
        }
        if !arguments.watch {
            let errors = status.count(|it| matches!(it, Standing::Error(_)));
            return Ok(if errors > 0 { Exit::Failed } else { Exit::Done });
        }
        while !store.changed()? {
            thread::sleep(PAUSE);
        }
    }
}

fn view(cluster: &Cluster, arguments: &args::Status) -> Result<View> {
    let chosen = |is_empty: bool| if is_empty { None } else { Some(()) };
    let packages = match chosen(arguments.packages.is_empty()) {
        Some(()) => Some(packages(cluster, &arguments.packages)?.into_iter().collect()),
        None => None,
    };
    let targets = match chosen(arguments.on.is_empty()) {
        Some(()) => Some(choice::of_all(&arguments.on, cluster)?),
        None => None,
    };
    Ok(View { packages, targets })
}

fn width() -> usize {
    terminal_size::terminal_size_of(io::stdout()).map_or(WIDTH, |(width, _)| usize::from(width.0))
}

/// All that people read.
#[must_use]
pub fn text(cluster: &Cluster, status: &Status, failures: &Failures, width: usize, paint: Paint) -> String {
    let head = format!(
        "Phase {}; {} of {}, {} of {}\n",
        status.phase,
        plural(status.lines.len(), "package"),
        cluster.packages.len(),
        plural(status.targets(), "target"),
        cluster.targets.len()
    );
    let mut text = paint.tone(Tone::Strong, head.trim_end());
    text.push_str("\n\n");
    if status.targets() == 0 {
        text.push_str("There are no targets: `opm target add KIND:NAME` makes some known.\n");
    } else if status.lines.is_empty() {
        text.push_str("No package was requested: `opm request PACKAGE` does so.\n");
    } else {
        text.push_str(&matrix(cluster, status, width, paint));
    }
    let below = details(cluster, status, failures, paint);
    if !below.is_empty() {
        text.push_str(&format!("\n{below}"));
    }
    text
}

fn plural(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
