//! Packages and targets in few words.

use std::collections::BTreeMap;

use opkg_oda::{Cluster, PackageId, RunStatus, Stage, StepResult, TargetId, TargetKind};

use crate::hostlist;
use crate::machine::{AdvanceRollout, RolloutAdvance};

/// As many packages are listed by name.
const MAX_LISTED: usize = 8;

/// `a, b, c`, or the first of them and how many more there are.
#[must_use]
pub fn package_list(cluster: &Cluster, packages: &[PackageId]) -> String {
    let names = packages.iter().take(MAX_LISTED).map(|it| package_name(cluster, *it));
    let mut text = names.collect::<Vec<_>>().join(", ");
    if let Some(more) = packages.len().checked_sub(MAX_LISTED + 1) {
        text.push_str(&format!(" and {} more", more + 1));
    }
    text
}

/// The name of a package.
#[must_use]
pub fn package_name(cluster: &Cluster, package: PackageId) -> String {
    cluster.packages.get(&package).map_or_else(|| format!("package {}", package.0), |it| it.name.to_string())
}

/// Targets in few words, as the command line takes them: `server:head client:n[1-12]`.
#[must_use]
pub fn target_label(cluster: &Cluster, targets: impl IntoIterator<Item = TargetId>) -> String {
    let mut kinds: BTreeMap<TargetKind, Vec<&str>> = BTreeMap::new();
    for target in targets.into_iter().filter_map(|it| cluster.targets.get(&it)) {
        kinds.entry(target.kind()).or_default().push(target.address.name.as_str());
    }
    let one = |(kind, names): (TargetKind, Vec<&str>)| format!("{kind}:{}", hostlist::fold(names));
    kinds.into_iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Targets as a person reads them: `server:head, client:n[1-12]`.
#[must_use]
pub fn target_list(cluster: &Cluster, targets: &[TargetId]) -> String {
    if let [gone] = targets
        && !cluster.targets.contains_key(gone)
    {
        return format!("target {}", gone.0);
    }
    target_label(cluster, targets.iter().copied()).replace(' ', ", ")
}

/// Targets as the shell takes them, behind `--on`; nothing where all are meant.
#[must_use]
pub fn on_option(cluster: &Cluster, targets: &[TargetId]) -> String {
    if targets.len() == cluster.targets.len() {
        return String::new();
    }
    let quoted = |it: &str| if it.contains('[') { format!("'{it}'") } else { it.to_owned() };
    let label = target_label(cluster, targets.iter().copied());
    let words: Vec<String> = label.split(' ').map(quoted).collect();
    format!(" --on {}", words.join(" "))
}

/// A rollout that comes further, in one line.
#[must_use]
pub fn describe_advance(cluster: &Cluster, advance: &AdvanceRollout) -> String {
    let id = advance.rollout;
    match &advance.advance {
        RolloutAdvance::LetGo(targets) => format!("rollout {id} goes on: {}", target_list(cluster, targets)),
        RolloutAdvance::Stop(reason) => {
            format!("rollout {id} stopped: {reason}; `opm rollout resume {id}` lets it go on")
        }
        RolloutAdvance::End(how) => format!("rollout {id} is over: {how}"),
    }
}

/// A stage in a table; that nothing is there is said as it is.
#[must_use]
pub fn stage_label(stage: Stage) -> &'static str {
    match stage {
        Stage::ShouldNotBeInstalled => "absent",
        other => other.name(),
    }
}

/// What stands behind the status of a step: `, exit status 3`; nothing where there is nothing to add.
#[must_use]
pub fn result_suffix(result: &StepResult) -> String {
    if result.timed_out {
        return ", timed out".into();
    }
    match (result.signal, result.exit_code) {
        (Some(signal), _) => format!(", killed by signal {signal}"),
        (None, Some(code)) if result.status != RunStatus::Done => format!(", exit status {code}"),
        _ => String::new(),
    }
}
