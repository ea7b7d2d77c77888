//! Reports the progress of a run: a line for each step, and the step that is running.

use opkg_engine::clock::{Clock, format_duration};
use opkg_engine::effects::StepTrace;
use opkg_engine::engine::Observer;
use opkg_engine::machine::{FailureReasons, Step, StepStatus};
use opkg_oda::Cluster;
use opkg_shell::Shell;

use crate::styles::{Style, Styles};
use crate::view::{self, describe_step};

/// Tells a person what goes on.
pub struct ProgressReporter<'a> {
    shell: Shell,
    clock: &'a dyn Clock,
    styles: Styles,
    /// When the present step began.
    step_started: i64,
}

impl<'a> ProgressReporter<'a> {
    #[must_use]
    pub fn new(shell: Shell, clock: &'a dyn Clock) -> Self {
        Self { shell, clock, styles: Styles(shell.use_color(false)), step_started: clock.now() }
    }
}

impl Observer for ProgressReporter<'_> {
    fn work_started(&mut self, cluster: &Cluster, step: &Step) {
        self.step_started = self.clock.now();
        if self.shell.is_progress_enabled() {
            self.shell.set_progress(&format!("{} ...", title(cluster, step)));
        } else {
            self.shell.debug(&format!("{} ...", title(cluster, step)));
        }
    }

    fn work_finished(&mut self, cluster: &Cluster, step: &Step, status: &StepStatus, trace: &StepTrace) {
        if self.shell.is_progress_enabled() {
            self.shell.set_progress("");
        }
        let took = format_duration(self.clock.now() - self.step_started);
        let step = title(cluster, step);
        let styled = |style, text: &str| self.styles.apply(style, text);
        match status {
            StepStatus::Done => {
                self.shell.status(&format!("{step}: {} in {took}", styled(Style::Success, "done")));
            }
            StepStatus::ActionRequired(reason) => {
                self.shell.status(&format!("{step}: {} {reason}", styled(Style::Warning, "waits:")));
            }
            StepStatus::Postponed(reason) => {
                let postponed = styled(Style::Warning, "postponed,");
                self.shell.status(&format!("{step}: {postponed} the next run tries again: {reason}"));
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
        self.shell.status(&format!("note: {text}"));
    }
}

impl ProgressReporter<'_> {
    fn report_failure(&self, step: &str, took: &str, reasons: &[String], trace: &StepTrace) {
        let mut text = format!("{step}: {} in {took}", self.styles.apply(Style::Error, "FAILED"));
        for reason in reasons {
            text.push_str(&format!("\n  {reason}"));
        }
        if let Some(log) = &trace.log {
            text.push_str(&format!("\n  log: {log}"));
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
