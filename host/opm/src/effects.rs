//! What the engine does to the world, behind a trait: the real system, and the pretended ones of tests.

use opkg_oda::export::Values;
use opkg_oda::{Cluster, Key, Package, RunId, TargetId};

use crate::machine::{Outcome, Work};

/// How a piece of work went, for the machine and for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// For the machine.
    pub outcome: Outcome,
    /// The exit status of the program that decided, where there was one.
    pub exit_code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// Whether its time limit was over.
    pub timed_out: bool,
    /// The file that holds what was printed.
    pub log: Option<String>,
    /// The last lines of that, at most 20.
    pub tail: String,
    /// What packages were found to say of themselves, now that they are installed: class, version, needs.
    pub learned: Vec<Package>,
    /// What the configurator made of the answers that it was given.
    pub settled: Values,
}

impl Report {
    /// A report of nothing but its outcome.
    #[must_use]
    pub fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            exit_code: None,
            signal: None,
            timed_out: false,
            log: None,
            tail: String::new(),
            learned: Vec::new(),
            settled: Values::new(),
        }
    }
}

/// Does the work that the machine chose.
pub trait Effects {
    /// Whether there is anything to be done: a hook that a package does not have is done at once, and leaves no
    /// trace in the journal.
    fn concerns(&mut self, cluster: &Cluster, work: &Work) -> bool;

    /// Does it. All that can go wrong is in the report. The configurator is run otherwise, by `configure`.
    fn perform(&mut self, cluster: &Cluster, work: &Work, run: RunId) -> Report;

    /// Runs the configurator for a package on the head node, with the values that the database has of it. For an image
    /// alone it does so only if it has not yet: the image came after the package had been configured.
    fn configure(
        &mut self,
        cluster: &Cluster,
        key: Key,
        image: Option<TargetId>,
        known: &Values,
        run: RunId,
    ) -> Report;

    /// Ends what a run that died has left running, or waits for its end; returns what it did, a line each.
    fn clean_up(&mut self, dead: RunId) -> Vec<String>;

    /// Whether the run is asked to stop after the present piece of work.
    fn stopped(&self) -> bool;
}
