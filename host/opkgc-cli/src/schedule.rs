//! Jobs on several threads, their results in the order of the jobs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Runs jobs on up to `threads` threads, and hands over the results in the order of the jobs, as soon as possible.
///
/// A result that `stops` keeps further jobs from being started; those under way come to their end. What was not
/// started is handed over at last, without a result.
///
/// # Errors
/// The first error of `take`, after which no job is started.
pub fn run_in_order<J: Sync, R: Send, E>(
    jobs: &[J],
    threads: usize,
    work: impl Fn(&J) -> R + Sync,
    stops: impl Fn(&R) -> bool + Sync,
    mut take: impl FnMut(&J, Option<R>) -> Result<(), E>,
) -> Result<(), E> {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..threads.min(jobs.len()) {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while !stopped.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let result = work(job);
                    if stops(&result) {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    if sender.send((index, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (index, result) in receiver {
            early.insert(index, result);
            while let Some(result) = early.remove(&due) {
                take(&jobs[due], Some(result)).inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
                due += 1;
            }
        }
        // Jobs are started in their order, so what was not is the rest.
        jobs[due..].iter().try_for_each(|job| take(job, None))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn results_arrive_in_the_order_of_the_jobs() {
        let jobs: Vec<u64> = (0..200).collect();
        let mut taken = Vec::new();
        let slow_first = |job: &u64| {
            thread::sleep(std::time::Duration::from_micros(200 - job));
            *job
        };
        run_in_order(
            &jobs,
            4,
            slow_first,
            |_| false,
            |_, result| {
                taken.extend(result);
                Ok::<(), ()>(())
            },
        )
        .unwrap();
        assert_eq!(taken, jobs);
    }

    #[test]
    fn a_failure_to_report_ends_the_run() {
        let jobs: Vec<u32> = (0..1000).collect();
        let ran = AtomicUsize::new(0);
        let work = |_: &u32| {
            thread::sleep(std::time::Duration::from_millis(1));
            ran.fetch_add(1, Ordering::Relaxed)
        };
        let outcome = run_in_order(&jobs, 1, work, |_| false, |_, _| Err("the pipe is closed"));
        assert!(outcome.is_err());
        assert!(ran.into_inner() < jobs.len());
    }

    #[test]
    fn after_a_stop_nothing_is_started() {
        for threads in [1, 3] {
            let jobs: Vec<u32> = (0..100).collect();
            let mut without = Vec::new();
            let mut with = Vec::new();
            run_in_order(
                &jobs,
                threads,
                |job| *job,
                |result| *result == 5,
                |job, result| {
                    match result {
                        Some(result) => with.push(result),
                        None => without.push(*job),
                    }
                    Ok::<(), ()>(())
                },
            )
            .unwrap();
            assert!(with.len() > 5, "what came before was done");
            if threads == 1 {
                assert_eq!(with.len(), 6);
            }
            with.extend(without);
            assert_eq!(with, jobs, "each once, in order");
        }
    }
}
