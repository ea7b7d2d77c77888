//! What stands below the table: causes, and the commands that go on from there.

use opkg::escape_line;
use opkg_engine::format;
use opkg_engine::status::{
    Advice, FailedSteps, StageFailure, Status, StatusKind, SuggestedCommand, advise, further_sections,
    heading, suggest_clear,
};
use opkg_oda::{Cluster, Event};

use crate::styles::{Style, Styles};

/// Errors first, each with the command that goes on from there; then all that is not done, other versions than the wanted
/// ones, and what was not looked at.
#[must_use]
pub fn render_details(cluster: &Cluster, status: &Status, failures: &FailedSteps, styles: Styles) -> String {
    let mut text = String::new();
    if !status.failures.is_empty() {
        text.push_str(&format!("{}\n", styles.apply(Style::Error, "In error:")));
        for problem in &status.failures {
            text.push_str(&render_error(cluster, problem, failures.find(problem), styles));
        }
    }
    let mut last = "";
    for finding in &status.pending {
        let title = heading(&finding.kind);
        if title != last {
            let style = match finding.kind {
                StatusKind::BlockedBy(_) | StatusKind::Waiting(_) => Style::Warning,
                _ => Style::InProgress,
            };
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("{}\n", styles.apply(style, &format!("{title}:"))));
            last = title;
        }
        text.push_str(&render_advice(&advise(cluster, finding), styles));
    }
    for (title, advice) in further_sections(cluster, status) {
        if !text.is_empty() {
            text.push('\n');
        }
        let items: String = advice.iter().map(|advice| render_advice(advice, styles)).collect();
        text.push_str(&format!("{}\n{items}", styles.apply(Style::Warning, &format!("{title}:"))));
    }
    text
}

fn render_error(cluster: &Cluster, problem: &StageFailure, event: Option<&Event>, styles: Styles) -> String {
    let name = format::package_name(cluster, problem.package);
    let targets = format::target_list(cluster, &problem.targets);
    let mut text = format!("  {name} on {targets}: {} failed\n", format::stage_label(problem.stage));
    text.push_str(&format!("    {}\n", problem.message.lines().next().unwrap_or_default()));
    if let Some(event) = event {
        let log = event.result.as_ref().and_then(|it| it.log_path.as_deref());
        let log = log.map_or_else(String::new, |it| format!(", log {}", escape_line(it)));
        text.push_str(&format!("    step {}.{}{log}\n", event.id.run.0, event.id.number));
        let printed = format!("opm log {}.{}", event.id.run.0, event.id.number);
        text.push_str(&render_command(
            &SuggestedCommand { command: printed, purpose: "what it printed" },
            styles,
        ));
    }
    text.push_str(&render_command(&suggest_clear(cluster, problem), styles));
    text
}

fn render_advice(advice: &Advice, styles: Styles) -> String {
    let next = advice.suggestion.as_ref().map_or_else(String::new, |next| render_command(next, styles));
    format!("  {}\n{next}", escape_line(&advice.message))
}

fn render_command(next: &SuggestedCommand, styles: Styles) -> String {
    format!(
        "    {} {}   {}\n",
        styles.apply(Style::Dimmed, "$"),
        escape_line(&next.command),
        styles.apply(Style::Dimmed, &format!("# {}", next.purpose))
    )
}
