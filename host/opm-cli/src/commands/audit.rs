//! `opm audit`: the database compared with what is installed.

use std::collections::{BTreeMap, BTreeSet};

use opkg_engine::audit::{Difference, DifferenceKind, find_differences, packages_to_query, repair_changes};
use opkg_engine::clock::now_seconds;
use opkg_engine::effects::Effects;
use opkg_engine::engine::{RunError, maintained_targets};
use opkg_engine::machine::{StepFailure, VerifyInherited};
use opkg_engine::operations::transact;
use opkg_engine::target_selector;
use opkg_oda::{Cluster, PackageId, RunId, Store, TargetId};
use serde::{Serialize, Serializer};

use crate::args::AuditArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::view;

/// Its logs stand next to those of runs, which are counted from 1.
const AUDIT_RUN_ID: RunId = RunId(0);

/// What `--format json` prints.
#[derive(Serialize)]
struct AuditJson {
    differences: Vec<DifferenceJson>,
    /// Targets of which the query failed, and why.
    unknown: BTreeMap<String, String>,
    /// Whether the next run installs what is missing.
    fixed: bool,
}

#[derive(Serialize)]
struct DifferenceJson {
    package: String,
    targets: String,
    /// `missing` or `unexpected`
    #[serde(serialize_with = "serialize_kind")]
    flaw: DifferenceKind,
}

fn serialize_kind<S: Serializer>(kind: &DifferenceKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match kind {
        DifferenceKind::Missing => "missing",
        DifferenceKind::Unexpected => "unexpected",
    })
}

/// Runs the command. Nothing is installed or removed.
///
/// # Errors
/// When another run works on one of the targets, one does not exist, or the database fails.
pub fn run<'a>(
    session: &Session,
    arguments: &AuditArgs,
    create_effects: impl FnOnce() -> Result<Box<dyn Effects + 'a>, CliError>,
) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let cluster = store.load()?;
    let mut on = maintained_targets(&cluster, session.local_target(&cluster)?);
    if !arguments.on.is_empty() {
        let chosen = target_selector::select_union(&arguments.on, &cluster)?;
        on.retain(|it| chosen.contains(it));
    }
    let targets: Vec<TargetId> = on.iter().copied().collect();
    // What an engine is changing at this moment cannot be judged.
    let _lock = store.lock(&targets)?.map_err(|holder| {
        let address = view::target_list(&cluster, &[holder.target]);
        RunError::Locked { address, holder }
    })?;
    let cluster = store.load()?;
    let mut effects = create_effects()?;
    let mut found = Vec::new();
    let mut unknown = BTreeMap::new();
    for (target, packages) in packages_to_query(&cluster, &on) {
        match query_installed(effects.as_mut(), &cluster, target, &packages) {
            Ok(present) => found.extend(find_differences(&cluster, target, &packages, &present)),
            Err(reason) => {
                unknown.insert(view::target_list(&cluster, &[target]), reason.to_string());
            }
        }
    }
    let fixed = arguments.fix && !found.is_empty();
    if fixed {
        transact::<_, CliError>(&mut store, |cluster| {
            Ok((repair_changes(cluster, &found, now_seconds()), ()))
        })?;
    }
    let bad = !found.is_empty() && !fixed || !unknown.is_empty();
    print_report(session, &AuditJson { differences: group_differences(&cluster, &found), unknown, fixed })?;
    Ok(if bad { ExitStatus::Failed } else { ExitStatus::Success })
}

/// Why it is not known what is installed on a target.
#[derive(Debug, thiserror::Error)]
enum QueryError {
    #[error("{0}")]
    Failed(String),
    #[error("stopped on request")]
    Stopped,
}

fn query_installed(
    effects: &mut dyn Effects,
    cluster: &Cluster,
    target: TargetId,
    packages: &[PackageId],
) -> Result<BTreeSet<PackageId>, QueryError> {
    let query = VerifyInherited { target, packages: packages.to_vec() };
    effects.verify_inherited(cluster, &query, AUDIT_RUN_ID).outcome.map_err(|failure| match failure {
        StepFailure::Failed(reason) => QueryError::Failed(reason),
        StepFailure::Stopped => QueryError::Stopped,
    })
}

/// The differences, those of the same kind on several targets together.
fn group_differences(cluster: &Cluster, found: &[Difference]) -> Vec<DifferenceJson> {
    let mut together: BTreeMap<(PackageId, DifferenceKind), Vec<TargetId>> = BTreeMap::new();
    for difference in found {
        together.entry((difference.key.package, difference.kind)).or_default().push(difference.key.target);
    }
    let one = |((package, flaw), targets): ((PackageId, DifferenceKind), Vec<TargetId>)| DifferenceJson {
        package: view::package_list(cluster, &[package]),
        targets: view::target_list(cluster, &targets),
        flaw,
    };
    together.into_iter().map(one).collect()
}

fn print_report(session: &Session, document: &AuditJson) -> Result<(), CliError> {
    let shell = session.shell;
    if shell.is_json() {
        return Ok(shell.print_json(document)?);
    }
    for found in &document.differences {
        let what = match found.flaw {
            DifferenceKind::Missing => "is not installed, though the database says so",
            DifferenceKind::Unexpected => "is installed, though the database does not say so",
        };
        shell.print(&format!("{} on {}: {what}\n", found.package, found.targets))?;
    }
    for (target, reason) in &document.unknown {
        shell.eprint(&format!("error: the query of {target} failed\n  caused by: {reason}"));
    }
    let is_missing = document.differences.iter().any(|found| found.flaw == DifferenceKind::Missing);
    if document.differences.is_empty() && document.unknown.is_empty() {
        shell.status("the database says what is installed");
    } else if document.fixed {
        shell.status("help: `opm` installs what is missing; what nobody asked for is left alone");
    } else if is_missing {
        shell.status("help: `opm audit --fix` has the next run install what is missing");
    }
    Ok(())
}
