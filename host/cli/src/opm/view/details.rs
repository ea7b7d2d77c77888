//! What stands below the table: causes, and the commands that go on from there.

use opkg_oda::{Cluster, Event};
use opkg_opm::status::{Failures, Finding, Next, Problem, Standing, Status, advice, clear, heading};
use opkg_opm::words;

use crate::opm::paint::{Paint, Tone};

/// Errors first, each with the command that goes on from there; then all that is not done.
#[must_use]
pub fn details(cluster: &Cluster, status: &Status, failures: &Failures, paint: Paint) -> String {
    let mut text = String::new();
    if !status.problems.is_empty() {
        text.push_str(&format!("{}\n", paint.tone(Tone::Bad, "In error:")));
        for problem in &status.problems {
            text.push_str(&error(cluster, problem, failures.of(problem), paint));
        }
    }
    let mut last = "";
    for finding in &status.findings {
        let title = heading(&finding.standing);
        if title != last {
            let tone = match finding.standing {
                Standing::Blocked(_) | Standing::Waits(_) => Tone::Held,
                _ => Tone::Moving,
            };
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("{}\n", paint.tone(tone, &format!("{title}:"))));
            last = title;
        }
        text.push_str(&finding_text(cluster, finding, paint));
    }
    text
}

fn error(cluster: &Cluster, problem: &Problem, event: Option<&Event>, paint: Paint) -> String {
    let name = words::name(cluster, problem.package);
    let targets = words::target_names(cluster, &problem.targets);
    let mut text = format!("  {name} on {targets}: {} failed\n", words::stage(problem.stage));
    text.push_str(&format!("    {}\n", problem.message.lines().next().unwrap_or_default()));
    if let Some(event) = event {
        let log = event.ending.as_ref().and_then(|it| it.log.as_deref());
        let log = log.map_or_else(String::new, |it| format!(", log {it}"));
        text.push_str(&format!("    step {}.{}{log}\n", event.id.run.0, event.id.number));
        let printed = format!("opm log {}.{}", event.id.run.0, event.id.number);
        text.push_str(&command(&Next { command: printed, purpose: "what it printed" }, paint));
    }
    text.push_str(&command(&clear(cluster, problem), paint));
    text
}

fn finding_text(cluster: &Cluster, finding: &Finding, paint: Paint) -> String {
    let advice = advice(cluster, finding);
    let next = advice.next.map_or_else(String::new, |it| command(&it, paint));
    format!("  {}\n{next}", advice.sentence)
}

fn command(next: &Next, paint: Paint) -> String {
    format!(
        "    {} {}   {}\n",
        paint.tone(Tone::Faint, "$"),
        next.command,
        paint.tone(Tone::Faint, &format!("# {}", next.purpose))
    )
}
