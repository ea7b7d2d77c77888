//! `opm audit`: the database held against what is really installed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use opkg_oda::{Cluster, PackageId, RunId, Store, TargetId};
use opkg_opm::audit::{Difference, Flaw, differences, questions, remedy};
use opkg_opm::choice;
use opkg_opm::effects::Effects;
use opkg_opm::engine::{RunError, maintained};
use opkg_opm::machine::{Outcome, Work};
use serde::Serialize;

use crate::opm::args::Audit;
use crate::opm::clock::seconds;
use crate::opm::exit::Exit;
use crate::opm::session::{Session, change};
use crate::opm::view;

/// Its logs stand beside those of runs, which are counted from 1.
const AUDIT: RunId = RunId(0);

/// What `--format json` prints.
#[derive(Serialize)]
struct Document {
    differences: Vec<Found>,
    /// Targets whose package manager could not be asked, and why.
    unknown: BTreeMap<String, String>,
    /// Whether the next run installs what is missing.
    fixed: bool,
}

#[derive(Serialize)]
struct Found {
    package: String,
    targets: String,
    /// `missing` or `unexpected`
    flaw: &'static str,
}

/// Runs the command. Nothing is installed or removed.
///
/// # Errors
/// When another run works on one of the targets, one does not exist, or the database fails.
pub fn run<'a>(
    session: &Session,
    arguments: &Audit,
    world: impl FnOnce() -> Result<Box<dyn Effects + 'a>>,
) -> Result<Exit> {
    let mut store = session.open()?;
    let cluster = store.load()?;
    let mut on = maintained(&cluster, session.own(&cluster)?);
    if !arguments.on.is_empty() {
        let chosen = choice::of_all(&arguments.on, &cluster)?;
        on.retain(|it| chosen.contains(it));
    }
    let targets: Vec<TargetId> = on.iter().copied().collect();
    // What an engine is changing at this moment cannot be judged.
    let _lock = store.lock(&targets)?.map_err(|holder| {
        let address = view::target_names(&cluster, &[holder.target]);
        RunError::Held { address, holder }
    })?;
    let cluster = store.load()?;
    let mut effects = world()?;
    let mut found = Vec::new();
    let mut unknown = BTreeMap::new();
    for (target, packages) in questions(&cluster, &on) {
        match ask(effects.as_mut(), &cluster, target, &packages) {
            Ok(present) => found.extend(differences(&cluster, target, &packages, &present)),
            Err(reason) => {
                unknown.insert(view::target_names(&cluster, &[target]), reason);
            }
        }
    }
    let fixed = arguments.fix && !found.is_empty();
    if fixed {
        change(&mut store, |cluster| Ok((remedy(cluster, &found, seconds()), ())))?;
    }
    let bad = !found.is_empty() && !fixed || !unknown.is_empty();
    tell(session, &Document { differences: alike(&cluster, &found), unknown, fixed })?;
    Ok(if bad { Exit::Failed } else { Exit::Done })
}

fn ask(
    effects: &mut dyn Effects,
    cluster: &Cluster,
    target: TargetId,
    packages: &[PackageId],
) -> Result<BTreeSet<PackageId>, String> {
    let work = Work::Confirm { target, packages: packages.to_vec() };
    match effects.perform(cluster, &work, AUDIT).outcome {
        Outcome::Present(present) => Ok(present),
        Outcome::Failed(reason) | Outcome::Together(reason) | Outcome::Waits(reason) => Err(reason),
        Outcome::Stopped => Err("it was asked to stop".into()),
        Outcome::Done | Outcome::Partly(_) => Err("the package manager gave no answer".into()),
    }
}

/// The differences, those of the same kind on several targets together.
fn alike(cluster: &Cluster, found: &[Difference]) -> Vec<Found> {
    let mut together: BTreeMap<(PackageId, Flaw), Vec<TargetId>> = BTreeMap::new();
    for difference in found {
        together.entry((difference.key.package, difference.flaw)).or_default().push(difference.key.target);
    }
    let one = |((package, flaw), targets): ((PackageId, Flaw), Vec<TargetId>)| Found {
        package: view::packages(cluster, &[package]),
        targets: view::target_names(cluster, &targets),
        flaw: match flaw {
            Flaw::Missing => "missing",
            Flaw::Unexpected => "unexpected",
        },
    };
    together.into_iter().map(one).collect()
}

fn tell(session: &Session, document: &Document) -> Result<()> {
    let shell = session.shell;
    if shell.json() {
        return Ok(shell.json_data(document)?);
    }
    for found in &document.differences {
        let what = match found.flaw {
            "missing" => "is not installed, though the database says so",
            _ => "is installed, though the database does not say so",
        };
        shell.data(&format!("{} on {}: {what}\n", found.package, found.targets))?;
    }
    for (target, reason) in &document.unknown {
        shell.message(&format!("error: {target} could not be asked\n  because: {reason}"));
    }
    let is_missing = document.differences.iter().any(|it| it.flaw == "missing");
    if document.differences.is_empty() && document.unknown.is_empty() {
        shell.status("the database says what is installed");
    } else if document.fixed {
        shell.status("help: `opm` installs what is missing; what nobody asked for is left alone");
    } else if is_missing {
        shell.status("help: `opm audit --fix` has the next run install what is missing");
    }
    Ok(())
}
