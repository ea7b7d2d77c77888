//! Waiting for what passes by itself: a lock that another program holds, the network, a mirror that is being updated.

use std::cell::Cell;
use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::process::{StepLog, StopToken};

/// The first wait. Each one is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often is looked whether to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The time that a run may spend on waiting, for all of its steps together: where the network is away, it is so for each
/// of a hundred images.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    remaining: Cell<Duration>,
}

impl RetryBudget {
    /// As long as a run may wait.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { remaining: Cell::new(limit) }
    }

    /// Tries something again as long as what is in its way passes by itself, which the attempt tells, and there is time
    /// for that. Returns the last result, and whether what was in its way would still pass.
    pub(crate) fn retry<T, E: Display>(
        &self,
        stop: &StopToken,
        log: &mut StepLog,
        mut attempt: impl FnMut(&mut StepLog) -> (Result<T, E>, bool),
    ) -> (Result<T, E>, bool) {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (result, is_transient) = attempt(log);
            if !is_transient {
                return (result, false);
            }
            let Some(wait) = self.next_wait(attempts) else { return (result, true) };
            let cause = result.as_ref().err().map_or_else(String::new, |error| format!(": {error}"));
            log.note(&format!("waiting {} s{cause}", wait.as_secs()));
            if !self.wait(wait, stop) {
                return (result, true);
            }
        }
    }

    /// How long to wait after so many attempts; nothing, if there is no time left.
    fn next_wait(&self, attempts: u32) -> Option<Duration> {
        let wait =
            FIRST_WAIT.saturating_mul(2u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST_WAIT);
        let wait = wait.min(self.remaining.get());
        (!wait.is_zero()).then_some(wait)
    }

    /// Waits. The answer is whether to go on; it is not if the run is to stop.
    fn wait(&self, wait: Duration, stop: &StopToken) -> bool {
        self.remaining.set(self.remaining.get().saturating_sub(wait));
        let until = Instant::now() + wait;
        while !stop.stop_requested() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(POLL_INTERVAL));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_until_the_time_of_the_run_is_over() {
        let retry_budget = RetryBudget::new(Duration::from_secs(100));
        let waits: Vec<u64> = (1..9)
            .map_while(|attempts| {
                let wait = retry_budget.next_wait(attempts)?;
                retry_budget.remaining.set(retry_budget.remaining.get() - wait);
                Some(wait.as_secs())
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 9]);
        assert_eq!(RetryBudget::new(Duration::ZERO).next_wait(1), None);
        assert_eq!(RetryBudget::new(Duration::from_secs(100)).next_wait(u32::MAX), Some(LONGEST_WAIT));
    }

    #[test]
    fn who_is_to_stop_waits_no_longer() {
        let (retry_budget, stop) = (RetryBudget::new(Duration::from_secs(3600)), StopToken::default());
        stop.request();
        assert!(!retry_budget.wait(Duration::from_secs(3600), &stop));
    }
}
