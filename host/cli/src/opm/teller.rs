//! What is said while an engine works: a line for each step, and what it is at right now.

use opkg_oda::Cluster;
use opkg_opm::effects::Report;
use opkg_opm::engine::{Clock, Observer};
use opkg_opm::machine::{Outcome, Work};

use crate::opm::clock::span;
use crate::opm::paint::{Paint, Tone};
use crate::opm::view::{self, told};
use crate::shell::Shell;

/// Tells a person what goes on.
pub struct Teller<'a> {
    shell: Shell,
    clock: &'a dyn Clock,
    paint: Paint,
    /// When the present step began.
    began: i64,
}

impl<'a> Teller<'a> {
    /// Speaks through the shell.
    #[must_use]
    pub fn new(shell: Shell, clock: &'a dyn Clock) -> Self {
        Self { shell, clock, paint: Paint(shell.colored(false)), began: clock.now() }
    }
}

impl Observer for Teller<'_> {
    fn begins(&mut self, cluster: &Cluster, work: &Work) {
        self.began = self.clock.now();
        if self.shell.shows_progress() {
            self.shell.progress(&format!("{} ...", step(cluster, work)));
        } else {
            self.shell.detail(&format!("{} ...", step(cluster, work)));
        }
    }

    fn ended(&mut self, cluster: &Cluster, work: &Work, report: &Report) {
        if self.shell.shows_progress() {
            self.shell.progress("");
        }
        let took = span(self.clock.now() - self.began);
        let step = step(cluster, work);
        let paint = |tone, text: &str| self.paint.tone(tone, text);
        match &report.outcome {
            Outcome::Done | Outcome::Present(_) => {
                self.shell.status(&format!("{step}: {} in {took}", paint(Tone::Good, "done")));
            }
            Outcome::Waits(reason) => {
                self.shell.status(&format!("{step}: {} {reason}", paint(Tone::Held, "waits:")));
            }
            Outcome::Stopped => self.shell.status(&format!("{step}: {}", paint(Tone::Held, "stopped"))),
            Outcome::Failed(reason) | Outcome::Together(reason) => {
                self.failed(&step, &took, std::slice::from_ref(reason), report);
            }
            Outcome::Partly(failed) => {
                let one = |(package, reason): (&opkg_oda::PackageId, &String)| {
                    format!("{}: {reason}", view::packages(cluster, &[*package]))
                };
                let reasons: Vec<String> = failed.iter().map(one).collect();
                self.failed(&step, &took, &reasons, report);
            }
        }
    }

    fn note(&mut self, text: &str) {
        self.shell.status(&format!("note: {text}"));
    }
}

impl Teller<'_> {
    fn failed(&self, step: &str, took: &str, reasons: &[String], report: &Report) {
        let mut text = format!("{step}: {} in {took}", self.paint.tone(Tone::Bad, "FAILED"));
        for reason in reasons {
            text.push_str(&format!("\n  {reason}"));
        }
        if let Some(log) = &report.log {
            text.push_str(&format!("\n  log: {log}"));
        }
        self.shell.message(&text);
    }
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        self.shell.end_progress();
    }
}

/// `image:compute: install ganglia, munge (install-bin-pkgs)`
fn step(cluster: &Cluster, work: &Work) -> String {
    let told = told(cluster, work);
    let stage = told.stage.map_or_else(String::new, |it| format!(" ({it})"));
    format!("{}: {}{stage}", view::target_names(cluster, &told.targets), told.what)
}
