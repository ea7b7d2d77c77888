//! The lists below a table: failures with their causes, what is pending, and the commands to give next.

use opkg_engine::format;
use opkg_engine::machine::BlockReason;
use opkg_engine::status::{
    Advice, FailedSteps, Status, StatusKind, SuggestedCommand, advise, further_sections, heading,
    suggest_clear,
};
use opkg_oda::{Cluster, Rights};

use super::error::PageError;
use super::urls::{form_url, package_target_url, package_url, step_url};
use crate::app_state::AppState;
use crate::person::Person;

/// A failure of a package, the same on several targets.
#[derive(Debug)]
pub struct FailureRow {
    pub package: String,
    /// The page of the package on these targets.
    pub href: String,
    /// Separated by commas.
    pub targets: String,
    pub stage: &'static str,
    /// The first line of the message.
    pub cause: String,
    /// `RUN.STEP` and page of the step that failed, if the journal has it.
    pub step: Option<(String, String)>,
    /// Clears the error.
    pub next: SuggestedCommand,
}

/// Pending work of one kind.
#[derive(Debug)]
pub struct FindingGroup {
    pub heading: &'static str,
    pub entries: Vec<FindingItem>,
}

#[derive(Debug)]
pub struct FindingItem {
    pub sentence: String,
    pub next: Option<SuggestedCommand>,
    /// The page of the form whose answers are missing.
    pub form: Option<String>,
}

/// With links to what somebody may open.
///
/// # Errors
/// When the database fails.
pub fn load_details(
    app: &AppState,
    cluster: &Cluster,
    status: &Status,
    person: &Person,
) -> Result<(Vec<FailureRow>, Vec<FindingGroup>), PageError> {
    let failed_steps = match status.failures.as_slice() {
        [] => FailedSteps::default(),
        _ => FailedSteps::load(app.open_database()?.as_mut(), status)?,
    };
    let failures = status.failures.iter().map(|failure| {
        let package = format::package_name(cluster, failure.package);
        let targets = format::target_list(cluster, &failure.targets);
        let href = match failure.targets.as_slice() {
            [_] => package_target_url(&package, &targets),
            _ => package_url(&package, &targets.replace(", ", " ")),
        };
        let step = failed_steps.find(failure).map(|event| {
            let (run, number) = (event.id.run.0, event.id.number);
            (format!("{run}.{number}"), step_url(run, number))
        });
        FailureRow {
            href,
            package,
            targets,
            stage: format::stage_label(failure.stage),
            cause: failure.message.lines().next().unwrap_or_default().to_owned(),
            step,
            next: suggest_clear(cluster, failure),
        }
    });
    let mut findings: Vec<FindingGroup> = Vec::new();
    for finding in &status.pending {
        let heading = heading(&finding.kind);
        let advice = advise(cluster, finding);
        let needs_answers = matches!(finding.kind, StatusKind::Waiting(BlockReason::Configuration(_)));
        let package = finding.packages.first().filter(|_| needs_answers && person.may(Rights::Administrator));
        let form = package.map(|package| form_url(&format::package_name(cluster, *package), None));
        let item = FindingItem { sentence: advice.message, next: advice.suggestion, form };
        match findings.last_mut().filter(|group| group.heading == heading) {
            Some(group) => group.entries.push(item),
            None => findings.push(FindingGroup { heading, entries: vec![item] }),
        }
    }
    let item = |advice: Advice| FindingItem { sentence: advice.message, next: advice.suggestion, form: None };
    findings.extend(
        further_sections(cluster, status).into_iter().map(|(heading, advice)| FindingGroup {
            heading,
            entries: advice.into_iter().map(item).collect(),
        }),
    );
    Ok((failures.collect(), findings))
}
