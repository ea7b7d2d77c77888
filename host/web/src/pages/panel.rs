//! What is asked of the cluster: the phase, requests, and letting a run begin.

use std::collections::BTreeSet;
use std::time::Duration;

use askama::Template;
use http::StatusCode;
use opkg_oda::{Change, Cluster, Phase, Stage, TargetId};
use opkg_opm::ask;
use opkg_opm::requests::{self, Refusal};
use opkg_opm::words;

use super::names::{package_names, packages, targets};
use super::{Frame, Tab, Trouble, html};
use crate::asked::{Asked, path};
use crate::fields::{Fields, address};
use crate::program::Told;
use crate::reply::Reply;
use crate::site::Site;

/// For a command that is expected to end at once.
const PATIENCE: Duration = Duration::from_secs(4);

/// What can be asked of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Request,
    Remove,
    Clear,
    Rerun,
    Reconfigure,
    Upgrade,
}

impl Deed {
    const ALL: [Self; 6] =
        [Self::Request, Self::Remove, Self::Clear, Self::Reconfigure, Self::Upgrade, Self::Rerun];

    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Remove => "remove",
            Self::Clear => "clear",
            Self::Rerun => "rerun",
            Self::Reconfigure => "reconfigure",
            Self::Upgrade => "upgrade",
        }
    }

    /// Title, and what it does.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => ("Request", "Packages, and what they depend on, are to come to a stage."),
            Self::Remove => {
                ("Remove", "Packages are to go: from clients first, then images, then the head node.")
            }
            Self::Clear => {
                ("Clear errors", "What is in error is tried again; all packages where none is named.")
            }
            Self::Rerun => (
                "Run stages again",
                "After nodes came or went: post-clients and post-install. All packages where none is named.",
            ),
            Self::Reconfigure => ("Configure anew", "With everything that depends on the configuration."),
            Self::Upgrade => ("Upgrade", "New versions are installed wherever the packages are."),
        }
    }

    fn has_targets(self) -> bool {
        !matches!(self, Self::Reconfigure | Self::Upgrade)
    }

    fn needs_packages(self) -> bool {
        !matches!(self, Self::Clear | Self::Rerun)
    }

    /// The stages that can be chosen, and those that are unless somebody decides otherwise.
    fn stages(self) -> (Vec<Stage>, &'static [Stage]) {
        let but = |out: &[Stage]| Stage::ALL.into_iter().filter(|it| !out.contains(it)).collect();
        match self {
            Self::Request => (but(&[Stage::ShouldNotBeInstalled]), &[Stage::Finished]),
            Self::Rerun => (but(&[Stage::ShouldNotBeInstalled, Stage::Finished]), &[]),
            _ => (Vec::new(), &[]),
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "panel.html")]
struct PanelPage {
    frame: Frame,
    phases: Vec<PhaseLine>,
    program: Option<Told>,
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

/// Why something was not done.
#[derive(Debug)]
struct Problem {
    text: String,
    /// What does it nevertheless.
    confirm: Option<String>,
}

impl Problem {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), confirm: None }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let confirm = match &refusal {
            Refusal::Needed { by, .. } => Some(format!("Remove {} as well", by.join(", "))),
            _ => None,
        };
        Self { text: refusal.to_string(), confirm }
    }
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
    let page = PanelPage {
        frame: Frame::new(asked, Tab::Requests, seen, "Requests"),
        phases: phases.into(),
        program: site.programs.told(),
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
            Ok(Reply::see(address(back(form).unwrap_or("/requests"), &[("said", &number)])))
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

fn decide(cluster: &Cluster, deed: Deed, form: &Fields, now: i64) -> Result<(Vec<Change>, String), Problem> {
    let names = form.get("packages");
    if deed.needs_packages() && package_names(names).is_ok_and(|it| it.is_empty()) {
        return Err(Problem::new("name a package"));
    }
    let on = if deed.has_targets() {
        targets(cluster, form.get("on")).map_err(Problem::new)?
    } else {
        BTreeSet::new()
    };
    if deed.has_targets() && on.is_empty() {
        return Err(Problem::new("name a target: server, images, clients, all, or KIND:NAME"));
    }
    let known = || packages(cluster, names).map_err(Problem::new);
    let chosen = || known().map(|it| (!it.is_empty()).then(|| it.into_iter().collect::<BTreeSet<_>>()));
    let stages = || {
        form.all("stage")
            .map(|it| it.parse().map_err(|error: opkg_oda::Invalid| Problem::new(error.to_string())))
    };
    let places: Vec<TargetId> = on.iter().copied().collect();
    match deed {
        Deed::Request => {
            let stage = stages().next().unwrap_or(Ok(Stage::Finished))?;
            let names = package_names(names).map_err(Problem::new)?;
            let (changes, done) = ask::request(cluster, &names, stage, &on, now)?;
            Ok((changes, requested(&done, stage, &places)))
        }
        Deed::Remove => {
            let changes = requests::remove(cluster, &known()?, &on, !form.get("cascade").is_empty(), now)?;
            let said = format!(
                "To be removed: {}. The next run does it.",
                words::packages(cluster, &ask::leaving(&changes))
            );
            Ok((changes, said))
        }
        Deed::Clear => {
            let changes = requests::clear(cluster, chosen()?.as_ref(), &on, now);
            let said = match changes.len() {
                0 => "None of that is in error.".to_owned(),
                count => format!("Cleared: {count} of package and target. The next run tries again."),
            };
            Ok((changes, said))
        }
        Deed::Rerun => {
            let stages: BTreeSet<Stage> = stages().collect::<Result<_, _>>()?;
            if stages.is_empty() {
                return Err(Problem::new("choose a stage"));
            }
            Ok(queued(requests::rerun(cluster, &stages, chosen()?.as_ref(), &on)?))
        }
        Deed::Reconfigure => Ok(queued(requests::reconfigure(cluster, &known()?)?)),
        Deed::Upgrade => Ok(queued(ask::upgrade(cluster, &known()?)?)),
    }
}

fn requested(done: &ask::Asked, stage: Stage, places: &[TargetId]) -> String {
    let mut said = String::new();
    if !done.adopted.is_empty() {
        let names: Vec<&str> = done.adopted.iter().map(|it| it.as_str()).collect();
        said = format!("Not known so far, and now known: {}. ", names.join(", "));
    }
    let packages = words::packages(&done.cluster, &done.packages);
    let targets = words::target_names(&done.cluster, places);
    said.push_str(&if done.is_new {
        format!("Requested: {packages} to {stage} on {targets}. The next run does it.")
    } else {
        "All of that was requested already.".to_owned()
    });
    said
}

fn queued(changes: Vec<Change>) -> (Vec<Change>, String) {
    let said = match changes.len() {
        0 => "Nothing of that has been done so far, so there is nothing to do again.".to_owned(),
        count => format!("Queued: {count} stages of package and target. The next run does them again."),
    };
    (changes, said)
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
    if let Some(busy) = start(site, &["phase", "set", phase.name()])? {
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
    Ok(Reply::see(address("/requests", &[("said", &number)])))
}
