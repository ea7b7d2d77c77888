//! Packages and targets in few words.

use crate::status::label;
use opkg_oda::{Cluster, Ending, PackageId, Stage, TargetId, Verdict};

/// As many packages are listed by name.
const LISTED: usize = 8;

/// `a, b, c`, or the first of them and how many more there are.
#[must_use]
pub fn packages(cluster: &Cluster, packages: &[PackageId]) -> String {
    let names = packages.iter().take(LISTED).map(|it| name(cluster, *it));
    let mut text = names.collect::<Vec<_>>().join(", ");
    if let Some(more) = packages.len().checked_sub(LISTED + 1) {
        text.push_str(&format!(" and {} more", more + 1));
    }
    text
}

/// The name of a package.
#[must_use]
pub fn name(cluster: &Cluster, package: PackageId) -> String {
    cluster.packages.get(&package).map_or_else(|| format!("package {}", package.0), |it| it.name.to_string())
}

/// Targets as a person reads them: `server:head, client:n[1-12]`.
#[must_use]
pub fn target_names(cluster: &Cluster, targets: &[TargetId]) -> String {
    if let [gone] = targets
        && !cluster.targets.contains_key(gone)
    {
        return format!("target {}", gone.0);
    }
    label(cluster, targets.iter().copied()).replace(' ', ", ")
}

/// Targets as the shell takes them, behind `--on`; nothing where all are meant.
#[must_use]
pub fn on(cluster: &Cluster, targets: &[TargetId]) -> String {
    if targets.len() == cluster.targets.len() {
        return String::new();
    }
    let quoted = |it: &str| if it.contains('[') { format!("'{it}'") } else { it.to_owned() };
    let label = label(cluster, targets.iter().copied());
    let words: Vec<String> = label.split(' ').map(quoted).collect();
    format!(" --on {}", words.join(" "))
}

/// A stage in a table; that nothing is there is said as it is.
#[must_use]
pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::ShouldNotBeInstalled => "absent",
        other => other.name(),
    }
}

/// What stands behind the verdict on a step: `, exit status 3`; nothing where there is nothing to add.
#[must_use]
pub fn ending(ending: &Ending) -> String {
    if ending.timed_out {
        return ", its time limit was over".into();
    }
    match (ending.signal, ending.exit_code) {
        (Some(signal), _) => format!(", killed by signal {signal}"),
        (None, Some(code)) if ending.verdict != Verdict::Done => format!(", exit status {code}"),
        _ => String::new(),
    }
}
