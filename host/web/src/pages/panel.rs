//! What is asked of the cluster: the phase, requests, and letting a run begin.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use opkg_oda::Phase;
use opkg_opm::ask;

use super::deed::{Deed, Problem, decide};
use super::{Frame, Tab, Trouble, html};
use crate::asked::{Asked, path};
use crate::fields::{Fields, address};
use crate::program::Told;
use crate::reply::Reply;
use crate::site::Site;

/// Where the page is.
const ADDRESS: &str = "/requests";
/// What sets the phase, before its name.
const SET_PHASE: &str = "opm phase set ";
/// For a command that is expected to end at once.
const PATIENCE: Duration = Duration::from_secs(8);

#[derive(Debug, Template)]
#[template(path = "panel.html")]
struct PanelPage {
    frame: Frame,
    phases: Vec<PhaseLine>,
    program: Option<Told>,
    /// The phase that was refused, because its tests failed say.
    refused_phase: Option<String>,
    sections: Vec<Section>,
    known: Vec<String>,
}

#[derive(Debug)]
struct PhaseLine {
    name: &'static str,
    is_present: bool,
}

/// One form of the page.
#[derive(Debug)]
struct Section {
    name: &'static str,
    title: &'static str,
    explanation: &'static str,
    packages: String,
    needs_packages: bool,
    /// Where it is asked, where that can be said.
    on: Option<String>,
    stages: Vec<StageLine>,
    has_one_stage: bool,
    problem: Option<Problem>,
}

#[derive(Debug)]
struct StageLine {
    name: &'static str,
    id: u8,
    is_chosen: bool,
}

/// The page, with what its address says already filled in.
///
/// # Errors
/// When the database fails.
pub fn show(site: &Site, asked: &Asked) -> Result<Reply, Trouble> {
    panel(site, asked, &asked.query, None)
}

fn panel(
    site: &Site,
    asked: &Asked,
    typed: &Fields,
    problem: Option<(Deed, Problem)>,
) -> Result<Reply, Trouble> {
    let seen = site.number();
    let snapshot = site.snapshot()?;
    let cluster = &snapshot.cluster;
    let failed = problem.as_ref().map(|it| it.0);
    let mut problem = problem.map(|it| it.1);
    let sections = Deed::ALL.map(|deed| {
        // What was typed into one form is no business of the others.
        let is_meant = failed.is_none_or(|it| it == deed);
        let typed = |name: &str| if is_meant { typed.get(name).to_owned() } else { String::new() };
        let on = match typed("on") {
            empty if empty.trim().is_empty() => site.settings.on.clone(),
            on => on,
        };
        section(deed, typed("packages"), on, problem.take_if(|_| failed == Some(deed)))
    });
    let phases = Phase::ALL.map(|it| PhaseLine { name: it.name(), is_present: it == cluster.phase });
    let program = site.programs.told();
    let failed = program.as_ref().filter(|it| it.went_well == Some(false));
    let refused_phase = failed.and_then(|it| it.command.strip_prefix(SET_PHASE)?.parse::<Phase>().ok());
    let page = PanelPage {
        frame: Frame { address: Some(ADDRESS), ..Frame::new(asked, Tab::Requests, seen, "Requests") },
        phases: phases.into(),
        refused_phase: refused_phase.map(|it| it.to_string()),
        program,
        sections: sections.into(),
        known: cluster.packages.values().map(|it| it.name.to_string()).collect(),
    };
    html(StatusCode::OK, &page)
}

fn section(deed: Deed, packages: String, on: String, problem: Option<Problem>) -> Section {
    let (title, explanation) = deed.words();
    let (stages, chosen) = deed.stages();
    Section {
        name: deed.name(),
        title,
        explanation,
        packages,
        needs_packages: deed.needs_packages(),
        on: deed.has_targets().then_some(on),
        stages: stages
            .iter()
            .map(|it| StageLine { name: it.name(), id: it.id(), is_chosen: chosen.contains(it) })
            .collect(),
        has_one_stage: deed == Deed::Request,
        problem,
    }
}

/// Does what the form of a deed asks for.
///
/// # Errors
/// When there is no such deed, or the database fails.
pub fn ask(site: &Site, asked: &Asked, form: &Fields, deed: &str) -> Result<Reply, Trouble> {
    let deed = Deed::ALL.into_iter().find(|it| it.name() == deed).ok_or(Trouble::NoPage)?;
    let mut store = site.open()?;
    let now = site.seconds();
    let decided =
        ask::change(&mut store, |cluster| decide(cluster, deed, form, now).map_err(Refused::Problem));
    match decided {
        Ok(said) => {
            let number = asked.session.note(said).to_string();
            Ok(Reply::see(address(back(form).unwrap_or(ADDRESS), &[("said", &number)])))
        }
        Err(Refused::Problem(problem)) => panel(site, asked, form, Some((deed, problem))),
        Err(Refused::Database(error)) => Err(error.into()),
    }
}

/// Nothing is written.
enum Refused {
    Problem(Problem),
    Database(opkg_oda::Error),
}

impl From<opkg_oda::Error> for Refused {
    fn from(error: opkg_oda::Error) -> Self {
        Self::Database(error)
    }
}

/// The page of ours that a form wants to go back to.
fn back(form: &Fields) -> Option<&str> {
    let back = form.get("back");
    (!back.starts_with("//")).then(|| path(back)).flatten().filter(|it| !it.is_empty()).map(|_| back)
}

/// Starts a run.
///
/// # Errors
/// When no process can be started.
pub fn run(site: &Site, asked: &Asked) -> Result<Reply, Trouble> {
    let said = start(site, &["run"])?.unwrap_or_else(|| "A run has begun.".to_owned());
    said_at(asked, said)
}

/// Sets the phase, as the command does.
///
/// # Errors
/// When no process can be started.
pub fn phase(site: &Site, asked: &Asked, form: &Fields) -> Result<Reply, Trouble> {
    let Ok(phase) = form.get("phase").parse::<Phase>() else {
        return said_at(asked, "Nothing was changed: there is no such phase.".into());
    };
    let force = (!form.get("force").is_empty()).then_some("--force");
    let arguments: Vec<&str> = ["phase", "set", phase.name()].into_iter().chain(force).collect();
    if let Some(busy) = start(site, &arguments)? {
        return said_at(asked, busy);
    }
    let said = match site.programs.wait(PATIENCE) {
        Some(told) if told.went_well == Some(true) => told.printed,
        Some(told) if told.went_well.is_none() => "The command has begun, and has not ended yet.".into(),
        _ => "The phase was not changed; see below.".into(),
    };
    said_at(asked, said)
}

/// Starts a command; why it was not started is the answer.
fn start(site: &Site, arguments: &[&str]) -> Result<Option<String>, Trouble> {
    let started = site.programs.start(arguments);
    let started = started.map_err(|error| Trouble::System("No process can be started", error))?;
    Ok(started.err().map(|busy| format!("Nothing was started: {busy}.")))
}

fn said_at(asked: &Asked, said: String) -> Result<Reply, Trouble> {
    let number = asked.session.note(said).to_string();
    Ok(Reply::see(address(ADDRESS, &[("said", &number)])))
}
