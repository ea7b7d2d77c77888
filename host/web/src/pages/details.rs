//! What stands below a table: causes of failures, what the rest waits for, and the commands that go on from there.

use opkg_oda::Cluster;
use opkg_opm::machine::Wait;
use opkg_opm::status::{Failures, Next, Standing, Status, advice, clear, heading};
use opkg_opm::words;

use super::Trouble;
use super::forms::form_address;
use super::names::{package_address, pair_address};
use crate::site::Site;

/// A failure, the same on several targets.
#[derive(Debug)]
pub struct Failed {
    /// Which package.
    pub package: String,
    /// The page that says more.
    pub href: String,
    /// On which targets.
    pub targets: String,
    /// The stage that did not complete.
    pub stage: &'static str,
    /// The first line of the cause.
    pub cause: String,
    /// Number and page of the step in which it failed.
    pub step: Option<(String, String)>,
    /// What lets it be tried again.
    pub next: Next,
}

/// Findings under a heading.
#[derive(Debug)]
pub struct Findings {
    /// Over all of them.
    pub heading: &'static str,
    /// One by one.
    pub entries: Vec<Entry>,
}

/// A finding.
#[derive(Debug)]
pub struct Entry {
    /// What is said.
    pub sentence: String,
    /// The command that goes on from there.
    pub next: Option<Next>,
    /// The form that is waited for.
    pub form: Option<String>,
}

/// All that is to be said of a status.
///
/// # Errors
/// When the database fails.
pub fn details(
    site: &Site,
    cluster: &Cluster,
    status: &Status,
) -> Result<(Vec<Failed>, Vec<Findings>), Trouble> {
    let failures = match status.problems.as_slice() {
        [] => Failures::default(),
        _ => Failures::load(&mut site.open()?, status)?,
    };
    let errors = status.problems.iter().map(|problem| {
        let package = words::name(cluster, problem.package);
        let targets = words::target_names(cluster, &problem.targets);
        let href = match problem.targets.as_slice() {
            [_] => pair_address(&package, &targets),
            _ => package_address(&package, &targets.replace(", ", " ")),
        };
        Failed {
            href,
            package,
            targets,
            stage: words::stage(problem.stage),
            cause: problem.message.lines().next().unwrap_or_default().to_owned(),
            step: failures.of(problem).map(|it| step_address(it.id.run.0, it.id.number)),
            next: clear(cluster, problem),
        }
    });
    let mut findings: Vec<Findings> = Vec::new();
    for finding in &status.findings {
        let heading = heading(&finding.standing);
        let advice = advice(cluster, finding);
        let waits = matches!(finding.standing, Standing::Waits(Wait::Configuration(_)));
        let package = finding.packages.first().filter(|_| waits);
        let form = package.map(|it| form_address(&words::name(cluster, *it), None));
        let entry = Entry { sentence: advice.sentence, next: advice.next, form };
        match findings.last_mut().filter(|it| it.heading == heading) {
            Some(last) => last.entries.push(entry),
            None => findings.push(Findings { heading, entries: vec![entry] }),
        }
    }
    Ok((errors.collect(), findings))
}

fn step_address(run: i64, number: u32) -> (String, String) {
    (format!("{run}.{number}"), format!("/runs/{run}/{number}"))
}
