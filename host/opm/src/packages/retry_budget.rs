//! Waiting for what passes by itself: a lock that another program holds, the network, a mirror that is being updated.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::process::{StepLog, StopToken};

/// The first wait. Each one is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often is looked whether to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The time that a run may spend on waiting, for all of its steps together: where the network is away, it is so for each
/// of a hundred images. What several steps wait at the same time counts once.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    account: Mutex<Account>,
}

#[derive(Debug)]
struct Account {
    remaining: Duration,
    /// Until when some step waits, for which the time is taken already.
    waiting_until: Option<Instant>,
}

impl RetryBudget {
    /// As long as a run may wait.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { account: Mutex::new(Account { remaining: limit, waiting_until: None }) }
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
            let Some(wait) = self.next_wait(attempts, Instant::now()) else { return (result, true) };
            let cause = result.as_ref().err().map_or_else(String::new, |error| format!(": {error}"));
            log.note(&format!("waiting {} s{cause}", wait.as_secs()));
            if !Self::wait(wait, stop) {
                return (result, true);
            }
        }
    }

    /// How long to wait from now on after so many attempts, which counts as waited; nothing, if there is no time left.
    fn next_wait(&self, attempts: u32, now: Instant) -> Option<Duration> {
        let wait =
            FIRST_WAIT.saturating_mul(2u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST_WAIT);
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let shared =
            account.waiting_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let wait = wait.min(shared + account.remaining);
        account.remaining -= wait.saturating_sub(shared);
        account.waiting_until = account.waiting_until.max(Some(now + wait));
        (!wait.is_zero()).then_some(wait)
    }

    /// Waits. The answer is whether to go on; it is not if the run is to stop.
    fn wait(wait: Duration, stop: &StopToken) -> bool {
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
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The waits of a step that is alone, until there is no time left.
    fn waits_alone(budget: &RetryBudget, begun: Instant) -> Vec<u64> {
        let mut now = begun;
        let next = |attempts| {
            let wait = budget.next_wait(attempts, now)?;
            now += wait;
            Some(wait.as_secs())
        };
        (1..9).map_while(next).collect()
    }

    #[test]
    fn waits_grow_until_the_time_of_the_run_is_over() {
        let now = Instant::now();
        let seconds = |limit| RetryBudget::new(Duration::from_secs(limit));
        assert_eq!(waits_alone(&seconds(100), now), [1, 2, 4, 8, 16, 30, 30, 9]);
        assert_eq!(seconds(0).next_wait(1, now), None);
        assert_eq!(seconds(100).next_wait(u32::MAX, now), Some(LONGEST_WAIT));
    }

    #[test]
    fn what_is_waited_at_the_same_time_counts_once() {
        let now = Instant::now();
        let budget = RetryBudget::new(Duration::from_secs(100));
        let at = |second, attempts| budget.next_wait(attempts, now + Duration::from_secs(second));
        let remaining = || budget.account.lock().unwrap().remaining.as_secs();
        for _ in 0..8 {
            assert_eq!(at(0, 6), Some(Duration::from_secs(30)));
        }
        assert_eq!(remaining(), 70, "eight steps that wait from one moment to another");
        assert_eq!(at(10, 1), Some(Duration::from_secs(1)), "inside of what others wait");
        assert_eq!(remaining(), 70);
        assert_eq!(at(20, 6), Some(Duration::from_secs(30)), "until 50, and others until 30");
        assert_eq!(remaining(), 50);
        assert_eq!(at(200, 6), Some(Duration::from_secs(30)), "nobody else waits");
        assert_eq!(remaining(), 20);
        assert_eq!(at(210, 6), Some(Duration::from_secs(30)), "10 of them nobody else waits");
        assert_eq!(remaining(), 10);
        assert_eq!(at(220, 6), Some(Duration::from_secs(30)));
        assert_eq!(remaining(), 0);
        assert_eq!(at(240, 6), Some(Duration::from_secs(10)), "as long as others do");
        assert_eq!(at(250, 6), None);
    }

    #[test]
    fn who_is_to_stop_waits_no_longer() {
        let stop = StopToken::default();
        stop.request();
        assert!(!RetryBudget::wait(Duration::from_secs(3600), &stop));
    }
}
