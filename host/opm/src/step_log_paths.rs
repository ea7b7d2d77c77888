//! Where the logs of steps are: a directory for each run, with files that are numbered in the order in which steps begin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use opkg_oda::{RunId, TargetId};

/// Paths of logs, for any number of steps at a time.
#[derive(Debug)]
pub(crate) struct StepLogPaths {
    directory: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many logs each run has.
    counters: BTreeMap<RunId, u32>,
    /// The logs that the journal names already, of steps that have not begun to write. There is at most one on a target.
    planned: BTreeMap<(RunId, TargetId), PathBuf>,
}

impl StepLogPaths {
    /// Below the directory of all logs.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, state: Mutex::default() }
    }

    /// Where the log of the next step on a target is going to be.
    pub(crate) fn plan(&self, run: RunId, target: TargetId, name: &str) -> PathBuf {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let path = state.free_path(&self.directory, run, name);
        state.planned.insert((run, target), path.clone());
        path
    }

    /// A path for the log of something that is no step.
    pub(crate) fn free_path(&self, run: RunId, name: &str) -> PathBuf {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free_path(&self.directory, run, name)
    }

    /// The path for the log of a step: the one that was planned, else one of this name.
    pub(crate) fn take(&self, run: RunId, target: TargetId, name: &str) -> PathBuf {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = state.planned.remove(&(run, target));
        planned.unwrap_or_else(|| state.free_path(&self.directory, run, name))
    }
}

impl State {
    /// A path that no log has yet. Their numbers tell their order.
    fn free_path(&mut self, directory: &Path, run: RunId, name: &str) -> PathBuf {
        let directory = directory.join(format!("run-{:06}", run.0));
        let number = self.counters.entry(run).or_default();
        loop {
            *number += 1;
            let path = directory.join(format!("{number:04}-{name}.log"));
            // One that is there is of an earlier database, or of another engine.
            if path.symlink_metadata().is_err() {
                return path;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;
    use std::thread;

    use super::*;

    #[test]
    fn every_step_has_the_log_that_was_planned_for_its_target() {
        let paths = StepLogPaths::new("/nowhere".into());
        let (run, other) = (RunId(3), RunId(4));
        let planned: Vec<PathBuf> =
            (1..=3).map(|id| paths.plan(run, TargetId(id), &format!("t{id}-install"))).collect();
        assert_eq!(planned[2], Path::new("/nowhere/run-000003/0003-t3-install.log"));
        assert_eq!(paths.plan(other, TargetId(2), "x"), Path::new("/nowhere/run-000004/0001-x.log"));
        for id in [2, 3, 1] {
            let path = paths.take(run, TargetId(id), "another");
            assert_eq!(path, planned[usize::try_from(id).unwrap() - 1]);
        }
        assert_eq!(
            paths.take(run, TargetId(2), "another"),
            Path::new("/nowhere/run-000003/0004-another.log"),
            "a plan holds once"
        );
    }

    #[test]
    fn numbers_are_given_once_however_many_ask() {
        let paths = StepLogPaths::new("/nowhere".into());
        let (all, per_thread) = (Mutex::new(BTreeSet::new()), 50);
        thread::scope(|scope| {
            for target in 1..=4 {
                let (paths, all) = (&paths, &all);
                scope.spawn(move || {
                    for _ in 0..per_thread {
                        let path = paths.take(RunId(1), TargetId(target), "x");
                        all.lock().unwrap().insert(path);
                    }
                });
            }
        });
        assert_eq!(all.into_inner().unwrap().len(), 4 * per_thread);
    }
}
