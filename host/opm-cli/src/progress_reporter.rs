//! Reports the progress of a run: a line for each step, and the steps that are running.

use std::collections::BTreeMap;

use opkg::escape_line;
use opkg_engine::clock::{Clock, format_duration};
use opkg_engine::effects::StepTrace;
use opkg_engine::engine::Observer;
use opkg_engine::machine::{FailureReasons, Step, StepStatus};
use opkg_oda::{Cluster, TargetId};
use opkg_shell::Shell;

use crate::styles::{Style, Styles};
use crate::view::{self, describe_step};

/// Tells a person what goes on.
pub struct ProgressReporter<'a> {
    shell: Shell,
    clock: &'a dyn Clock,
    styles: Styles,
    /// The steps that are running: on each target there is one at most.
    running: BTreeMap<TargetId, RunningStep>,
}

/// A step that is running.
struct RunningStep {
    /// When it began.
    started: i64,
    title: String,
}

impl<'a> ProgressReporter<'a> {
    #[must_use]
    pub fn new(shell: Shell, clock: &'a dyn Clock) -> Self {
        Self { shell, clock, styles: Styles(shell.use_color(false)), running: BTreeMap::new() }
    }
}

impl Observer for ProgressReporter<'_> {
    fn work_started(&mut self, cluster: &Cluster, step: &Step) {
        let step_title = title(cluster, step);
        if !self.shell.is_progress_enabled() {
            self.shell.debug(&format!("{step_title} ..."));
        }
        self.running.insert(step.target(), RunningStep { started: self.clock.now(), title: step_title });
        self.show_running(cluster);
    }

    fn work_finished(&mut self, cluster: &Cluster, step: &Step, status: &StepStatus, trace: &StepTrace) {
        let now = self.clock.now();
        let started = self.running.remove(&step.target()).map_or(now, |running| running.started);
        self.show_running(cluster);
        let took = format_duration(now - started);
        let step = title(cluster, step);
        let styled = |style, text: &str| self.styles.apply(style, text);
        match status {
            StepStatus::Done => {
                self.shell.status(&format!("{step}: {} in {took}", styled(Style::Success, "done")));
            }
            StepStatus::ActionRequired(reason) => {
                self.shell.status(&format!(
                    "{step}: {} {}",
                    styled(Style::Warning, "waits:"),
                    escape_line(reason)
                ));
            }
            StepStatus::Postponed(reason) => {
                let postponed = styled(Style::Warning, "postponed,");
                self.shell.status(&format!(
                    "{step}: {postponed} the next run tries again: {}",
                    escape_line(reason)
                ));
            }
            StepStatus::Stopped => {
                self.shell.status(&format!("{step}: {}", styled(Style::Warning, "stopped")))
            }
            StepStatus::Failed(FailureReasons::Whole(reason)) => {
                self.report_failure(&step, &took, std::slice::from_ref(reason), trace);
            }
            StepStatus::Failed(FailureReasons::ByPackage(failed)) => {
                let one = |(package, reason): (&opkg_oda::PackageId, &String)| {
                    format!("{}: {reason}", view::package_list(cluster, &[*package]))
                };
                let reasons: Vec<String> = failed.iter().map(one).collect();
                self.report_failure(&step, &took, &reasons, trace);
            }
        }
    }

    fn note(&mut self, text: &str) {
        self.shell.status(&escape_line(&format!("note: {text}")));
    }
}

impl ProgressReporter<'_> {
    /// Shows what is running, where somebody looks: `image:compute: install munge (install-bin-pkgs) ...`, or of several
    /// `4 steps: client:node[1-4] ...`.
    fn show_running(&self, cluster: &Cluster) {
        if !self.shell.is_progress_enabled() {
            return;
        }
        let targets: Vec<TargetId> = self.running.keys().copied().collect();
        self.shell.set_progress(&match self.running.values().next() {
            None => String::new(),
            Some(only) if targets.len() == 1 => format!("{} ...", only.title),
            Some(_) => format!("{} steps: {} ...", targets.len(), view::target_list(cluster, &targets)),
        });
    }

    fn report_failure(&self, step: &str, took: &str, reasons: &[String], trace: &StepTrace) {
        let mut text = format!("{step}: {} in {took}", self.styles.apply(Style::Error, "FAILED"));
        for reason in reasons {
            text.push_str(&format!("\n  {}", reason.replace('\n', "\n  ")));
        }
        if let Some(log) = &trace.log {
            text.push_str(&format!("\n  log: {}", escape_line(log)));
        }
        self.shell.eprint(&text);
    }
}

impl Drop for ProgressReporter<'_> {
    fn drop(&mut self) {
        self.shell.clear_progress();
    }
}

/// `image:compute: install ganglia, munge (install-bin-pkgs)`
fn title(cluster: &Cluster, step: &Step) -> String {
    let told = describe_step(cluster, step);
    let stage = told.stage.map_or_else(String::new, |it| format!(" ({it})"));
    format!("{}: {}{stage}", view::target_list(cluster, &told.targets), told.action)
}
