//! What was done: runs, their steps, and what these printed.

use std::path::Path;

use askama::Template;
use http::StatusCode;
use opkg_oda::{Cluster, Ending, Event, Run, RunId, Store, Verdict, Wanted};
use opkg_opm::clock::{date, span};
use opkg_opm::words;

use super::names::pair_address;
use super::{Frame, Tab, Trouble, html};
use crate::asked::Asked;
use crate::logs::{self, Excerpt};
use crate::plain::plain;
use crate::reply::Reply;
use crate::site::Site;

/// Runs that are listed.
const RUNS: u32 = 100;
/// Steps that are listed.
const STEPS: u32 = 500;

/// How something ended, or that it did not.
#[derive(Debug)]
pub struct End {
    /// The name of its style.
    pub class: &'static str,
    /// The same sign as in the table of states.
    pub sign: char,
    /// In words.
    pub text: String,
}

impl End {
    fn new(verdict: Option<Verdict>) -> Self {
        let (class, sign, text) = match verdict {
            Some(it @ Verdict::Done) => ("done", '+', it.name()),
            Some(it @ Verdict::Failed) => ("error", '!', it.name()),
            Some(it @ (Verdict::Interrupted | Verdict::Waits)) => ("waits", '~', it.name()),
            None => ("running", '*', "unfinished"),
        };
        Self { class, sign, text: text.to_owned() }
    }
}

#[derive(Debug)]
struct ListedRun {
    number: i64,
    began: String,
    took: String,
    end: End,
    by: String,
    command: String,
}

#[derive(Debug, Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    runs: Vec<ListedRun>,
}

/// The runs that did something, newest first.
///
/// # Errors
/// When the database fails.
pub fn runs(site: &Site, asked: &Asked) -> Result<Reply, Trouble> {
    let number = site.number();
    let runs = site.open()?.runs(RUNS)?.iter().map(listed_run).collect();
    html(StatusCode::OK, &RunsPage { frame: Frame::new(asked, Tab::Runs, number, "Runs"), runs })
}

fn listed_run(run: &Run) -> ListedRun {
    ListedRun {
        number: run.id.0,
        began: date(run.started),
        took: run.ended.map_or_else(String::new, |it| span(it - run.started)),
        end: End::new(run.verdict),
        by: format!("{}, process {}", plain(&run.host), run.process),
        command: plain(&run.command),
    }
}

/// A step in a table.
#[derive(Debug)]
pub struct Step {
    /// RUN.STEP, as `opm log` takes it.
    pub number: String,
    /// Its page.
    pub href: String,
    /// When, in universal time.
    pub began: String,
    /// How long.
    pub took: String,
    /// Where.
    pub target: String,
    /// What.
    pub name: String,
    /// Of which packages.
    pub packages: String,
    /// How it ended.
    pub end: End,
    /// One line, where there is something to say.
    pub message: Option<String>,
    /// The last lines of what it printed.
    pub tail: String,
}

/// A step as tables show it.
#[must_use]
pub fn step_of(cluster: &Cluster, event: &Event) -> Step {
    let (run, number) = (event.id.run.0, event.id.number);
    let ending = event.ending.as_ref();
    Step {
        number: format!("{run}.{number}"),
        href: format!("/runs/{run}/{number}"),
        began: date(event.started),
        took: ending.map_or_else(String::new, |it| span(it.ended - event.started)),
        target: words::target_names(cluster, &[event.target]),
        name: event.name.clone(),
        packages: words::packages(cluster, &event.packages),
        end: end(ending),
        message: ending.and_then(|it| it.message.as_deref()).map(plain),
        tail: ending.map_or_else(String::new, |it| plain(&it.tail)),
    }
}

/// How a step ended, with exit status or signal.
fn end(ending: Option<&Ending>) -> End {
    let mut end = End::new(ending.map(|it| it.verdict));
    if let Some(ending) = ending {
        end.text.push_str(&words::ending(ending));
    }
    end
}

#[derive(Debug, Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    run: ListedRun,
    steps: Vec<Step>,
    /// Whether earlier ones are not listed.
    is_cut: bool,
}

/// The steps of a run, in their order.
///
/// # Errors
/// When there is no such run, or the database fails.
pub fn run(site: &Site, asked: &Asked, number: &str) -> Result<Reply, Trouble> {
    let id = number.parse().map(RunId).map_err(|_| Trouble::Unknown("run"))?;
    let seen = site.number();
    let snapshot = site.snapshot()?;
    let mut store = site.open()?;
    let runs = store.runs(u32::MAX)?;
    let run = runs.iter().find(|it| it.id == id).ok_or(Trouble::Unknown("run"))?;
    let newest = Wanted { run: Some(id), limit: Some(STEPS + 1), ..Wanted::default() };
    let events = store.events(&newest)?;
    let listed = STEPS as usize;
    let steps = events.iter().take(listed).rev().map(|it| step_of(&snapshot.cluster, it)).collect();
    let frame = Frame::new(asked, Tab::Runs, seen, format!("Run {}", id.0));
    html(StatusCode::OK, &RunPage { frame, run: listed_run(run), steps, is_cut: events.len() > listed })
}

#[derive(Debug, Template)]
#[template(path = "step.html")]
struct StepPage {
    frame: Frame,
    step: Step,
    run: i64,
    stage: &'static str,
    ended: Option<String>,
    /// Names and pages of its packages.
    packages: Vec<(String, String)>,
    log: Option<Log>,
}

#[derive(Debug)]
struct Log {
    path: String,
    shown: Result<Excerpt, String>,
}

/// A step with all that it printed.
///
/// # Errors
/// When there is no such step, or the database fails.
pub fn step(site: &Site, asked: &Asked, run: &str, number: &str) -> Result<Reply, Trouble> {
    let unknown = || Trouble::Unknown("step");
    let run: i64 = run.parse().map_err(|_| unknown())?;
    let number: u32 = number.parse().map_err(|_| unknown())?;
    let seen = site.number();
    let snapshot = site.snapshot()?;
    let cluster = &snapshot.cluster;
    let events = site.open()?.events(&Wanted { run: Some(RunId(run)), ..Wanted::default() })?;
    let event = events.iter().find(|it| it.id.number == number).ok_or_else(unknown)?;
    let step = step_of(cluster, event);
    let packages = event.packages.iter().map(|it| {
        let name = words::name(cluster, *it);
        (pair_address(&name, &step.target), name)
    });
    let log = event.ending.as_ref().and_then(|it| it.log.as_deref()).map(|path| Log {
        path: path.to_owned(),
        shown: logs::read(&site.settings.log_directory, Path::new(path)).map_err(|it| it.to_string()),
    });
    let page = StepPage {
        frame: Frame::new(asked, Tab::Runs, seen, format!("Step {run}.{number}")),
        run,
        stage: event.stage.name(),
        ended: event.ending.as_ref().map(|it| date(it.ended)),
        packages: packages.collect(),
        log,
        step,
    };
    html(StatusCode::OK, &page)
}
