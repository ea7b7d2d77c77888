//! What can be asked of packages in the browser, decided as the commands of the same names decide it.

use std::collections::BTreeSet;

use opkg_oda::{Change, Cluster, Stage, TargetId};
use opkg_opm::ask;
use opkg_opm::requests::{self, Refusal};
use opkg_opm::words;

use super::names::{package_names, packages, targets};
use crate::fields::Fields;

/// What can be asked of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Packages are to come to a stage.
    Request,
    /// Packages are to go.
    Remove,
    /// What is in error is tried again.
    Clear,
    /// Stages run again.
    Rerun,
    /// The configuration is made anew.
    Reconfigure,
    /// New versions are installed.
    Upgrade,
}

impl Deed {
    /// In the order of the page.
    pub const ALL: [Self; 6] =
        [Self::Request, Self::Remove, Self::Clear, Self::Reconfigure, Self::Upgrade, Self::Rerun];

    /// Its name, and that of the command.
    pub fn name(self) -> &'static str {
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
    pub fn words(self) -> (&'static str, &'static str) {
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

    /// Whether it is asked for targets.
    pub fn has_targets(self) -> bool {
        !matches!(self, Self::Reconfigure | Self::Upgrade)
    }

    /// Whether a package must be named.
    pub fn needs_packages(self) -> bool {
        !matches!(self, Self::Clear | Self::Rerun)
    }

    /// The stages that can be chosen, and those that are unless somebody decides otherwise.
    pub fn stages(self) -> (Vec<Stage>, &'static [Stage]) {
        let but = |out: &[Stage]| Stage::ALL.into_iter().filter(|it| !out.contains(it)).collect();
        match self {
            Self::Request => (but(&[Stage::ShouldNotBeInstalled]), &[Stage::Finished]),
            Self::Rerun => (but(&[Stage::ShouldNotBeInstalled, Stage::Finished]), &[]),
            _ => (Vec::new(), &[]),
        }
    }
}

/// Why something was not done.
#[derive(Debug)]
pub struct Problem {
    /// In words, without a full stop.
    pub text: String,
    /// What does it nevertheless.
    pub confirm: Option<String>,
}

impl Problem {
    /// One that nothing can be done about but asking otherwise.
    pub fn new(text: impl Into<String>) -> Self {
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

/// What a form of a deed comes to: the changes, and what is said of them.
///
/// # Errors
/// When it is refused.
pub fn decide(
    cluster: &Cluster,
    deed: Deed,
    form: &Fields,
    now: i64,
) -> Result<(Vec<Change>, String), Problem> {
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
