//! `opm audit`: the database compared with what is installed.

use std::collections::BTreeMap;

use opkg::escape_line;
use opkg_engine::audit::{
    Difference, DifferenceKind, InstalledPackages, find_differences, packages_to_query, repair_changes,
};
use opkg_engine::clock::now_seconds;
use opkg_engine::effects::{Effects, Report};
use opkg_engine::engine::{RunError, maintained_targets};
use opkg_engine::machine::{StepFailure, VerifyInherited};
use opkg_engine::operations::transact;
use opkg_oda::{Cluster, PackageId, RunId, TargetId};
use serde::Serialize;

use crate::args::AuditArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::{Session, all_targets};
use crate::view;

/// Its logs stand next to those of runs, which are counted from 1.
const AUDIT_RUN_ID: RunId = RunId(0);

/// What `--format json` prints.
#[derive(Serialize)]
struct AuditJson {
    differences: Vec<DifferenceJson>,
    /// Targets that were not looked at, and why.
    unknown: BTreeMap<String, String>,
    /// Whether the next run installs what is missing.
    fixed: bool,
}

#[derive(Serialize)]
struct DifferenceJson {
    package: String,
    targets: String,
    #[serde(flatten)]
    flaw: FlawJson,
}

#[derive(Serialize)]
#[serde(tag = "flaw", rename_all = "snake_case")]
enum FlawJson {
    Missing,
    Unexpected,
    Incomplete {
        /// `opkg-munge-server is half-configured`
        how: String,
    },
    Version {
        /// The version that is installed, as the package manager writes it.
        found: String,
        /// The version that opm installed, likewise.
        recorded: Option<String>,
        /// The version that is wanted, as `config.xml` or the administrator writes it.
        wanted: Option<String>,
    },
}

impl From<DifferenceKind> for FlawJson {
    fn from(kind: DifferenceKind) -> Self {
        match kind {
            DifferenceKind::Missing => Self::Missing,
            DifferenceKind::Unexpected => Self::Unexpected,
            DifferenceKind::Incomplete(how) => Self::Incomplete { how },
            DifferenceKind::Version { found, recorded, wanted } => Self::Version { found, recorded, wanted },
        }
    }
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
    let mut unseen = session.unseen_targets(&cluster);
    let mut on = maintained_targets(&cluster, session.local_target(&cluster)?);
    if !arguments.on.is_empty() {
        let chosen = session.select_targets(&cluster, &arguments.on, &all_targets(&cluster))?;
        on.retain(|it| chosen.contains(it));
        unseen.retain(|target, _| chosen.contains(target));
    }
    on.retain(|target| !unseen.contains_key(target));
    let targets: Vec<TargetId> = on.iter().copied().collect();
    // What an engine is changing at this moment cannot be judged.
    let _lock = store.lock(&targets)?.map_err(|holder| {
        let address = view::target_list(&cluster, &[holder.target]);
        RunError::Locked { address, holder }
    })?;
    let cluster = store.load()?;
    let effects = create_effects()?;
    let mut found = Vec::new();
    for (target, packages) in packages_to_query(&cluster, &on) {
        match query_installed(effects.as_ref(), &cluster, target, &packages) {
            Ok(installed) => found.extend(find_differences(&cluster, target, &packages, &installed)),
            Err(reason) => {
                unseen.insert(target, format!("its package manager could not be asked: {reason}"));
            }
        }
    }
    let fixed = arguments.fix && !found.is_empty();
    if fixed {
        transact::<_, CliError>(&mut *store, |cluster| {
            Ok((repair_changes(cluster, &found, now_seconds()), ()))
        })?;
    }
    let mut reasons: BTreeMap<String, Vec<TargetId>> = BTreeMap::new();
    for (target, reason) in unseen {
        reasons.entry(reason).or_default().push(target);
    }
    let unknown: BTreeMap<String, String> = reasons
        .into_iter()
        .map(|(reason, targets)| (view::target_list(&cluster, &targets), reason))
        .collect();
    let exit = match (found.is_empty() || fixed, unknown.is_empty()) {
        (false, _) => ExitStatus::Failed,
        (true, false) => ExitStatus::Unknown,
        (true, true) => ExitStatus::Success,
    };
    print_report(session, &AuditJson { differences: group_differences(&cluster, &found), unknown, fixed })?;
    Ok(exit)
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
    effects: &dyn Effects,
    cluster: &Cluster,
    target: TargetId,
    packages: &[PackageId],
) -> Result<InstalledPackages, QueryError> {
    let query = VerifyInherited { target, packages: packages.to_vec() };
    let Report { outcome, trace } = effects.verify_inherited(cluster, &query, AUDIT_RUN_ID);
    match outcome {
        Ok(present) => {
            Ok(InstalledPackages { present, versions: trace.versions, incomplete: trace.incomplete })
        }
        Err(StepFailure::Failed(reason) | StepFailure::Postponed(reason)) => Err(QueryError::Failed(reason)),
        Err(StepFailure::Stopped) => Err(QueryError::Stopped),
    }
}

/// The differences, those of the same kind on several targets together.
fn group_differences(cluster: &Cluster, found: &[Difference]) -> Vec<DifferenceJson> {
    let mut together: BTreeMap<(PackageId, DifferenceKind), Vec<TargetId>> = BTreeMap::new();
    for difference in found {
        let kind = difference.kind.clone();
        together.entry((difference.key.package, kind)).or_default().push(difference.key.target);
    }
    let one = |((package, flaw), targets): ((PackageId, DifferenceKind), Vec<TargetId>)| DifferenceJson {
        package: view::package_list(cluster, &[package]),
        targets: view::target_list(cluster, &targets),
        flaw: flaw.into(),
    };
    together.into_iter().map(one).collect()
}

fn print_report(session: &Session, document: &AuditJson) -> Result<(), CliError> {
    let shell = session.shell;
    if shell.is_json() {
        return Ok(shell.print_json(document)?);
    }
    for found in &document.differences {
        let what = match &found.flaw {
            FlawJson::Missing => "is not installed, though the database says so".to_owned(),
            FlawJson::Unexpected => "is installed, though the database does not say so".to_owned(),
            FlawJson::Incomplete { how } => format!("is there in part: {how}"),
            FlawJson::Version { found, recorded, wanted } => {
                describe_version(found, recorded.as_deref(), wanted.as_deref())
            }
        };
        let line = format!("{} on {}: {what}", found.package, found.targets);
        shell.print(&format!("{}\n", escape_line(&line)))?;
    }
    for (targets, reason) in &document.unknown {
        shell.eprint(&escape_line(&format!("warning: {targets} not looked at: {reason}")));
    }
    let can_be_fixed = document.differences.iter().any(|found| !matches!(found.flaw, FlawJson::Unexpected));
    match (document.differences.is_empty(), document.unknown.is_empty()) {
        (true, true) => shell.status("the database says what is installed"),
        (true, false) => shell.status("what was looked at is as the database says"),
        (false, _) if document.fixed => {
            shell.status("help: `opm` installs what is missing; what nobody asked for is left alone");
        }
        (false, _) if can_be_fixed => {
            shell.status(
                "help: `opm audit --fix` has the next run install what is missing, incomplete or of another version",
            );
        }
        (false, _) => {}
    }
    Ok(())
}

/// `1.0-1 is installed, opm had installed 1.1-1; 1.1-1 is wanted`
fn describe_version(found: &str, recorded: Option<&str>, wanted: Option<&str>) -> String {
    let mut text = format!("{found} is installed");
    if let Some(recorded) = recorded.filter(|recorded| *recorded != found) {
        text.push_str(&format!(", opm had installed {recorded}"));
    }
    if let Some(wanted) = wanted {
        text.push_str(&format!("; {wanted} is wanted"));
    }
    text
}
