//! Independent work on several threads, its results in the order of the items.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Does the work for items on up to `threads` threads, and hands over the results in the order of the items, as soon as
/// possible. Items are begun in their order. For one thread the calling one does it, otherwise that one only takes; where
/// no further thread can be had, fewer do it.
///
/// A result that `stops` keeps further items from being begun; those under way come to their end. What was not begun is
/// handed over at last, without a result.
///
/// # Errors
/// The first error of `take`, after which nothing is begun.
pub fn run_in_order<T: Sync, R: Send, E>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    stops: impl Fn(&R) -> bool + Sync,
    mut take: impl FnMut(&T, Option<R>) -> Result<(), E>,
) -> Result<(), E> {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let next_result = || {
        if stopped.load(Ordering::Relaxed) {
            return None;
        }
        let index = next.fetch_add(1, Ordering::Relaxed);
        let result = work(items.get(index)?);
        if stops(&result) {
            stopped.store(true, Ordering::Relaxed);
        }
        Some((index, result))
    };
    let mut early = BTreeMap::new();
    let mut due = 0;
    let arrive = |(index, result)| {
        early.insert(index, result);
        while let Some(result) = early.remove(&due) {
            take(&items[due], Some(result)).inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
            due += 1;
        }
        Ok(())
    };
    thread::scope(|scope| {
        // Whoever takes more slowly than the others work makes them wait, instead of results piling up.
        let (sender, receiver) = mpsc::sync_channel(threads.min(items.len()));
        let helpers = match threads.min(items.len()) {
            0 | 1 => 0,
            wanted => wanted,
        };
        let next_result = &next_result;
        let begun = (0..helpers).map_while(|_| {
            let sender = sender.clone();
            let help = move || while next_result().is_some_and(|result| sender.send(result).is_ok()) {};
            // What is not started leaves its share to the others.
            thread::Builder::new().spawn_scoped(scope, help).ok()
        });
        if begun.count() > 0 {
            drop(sender);
            receiver.into_iter().try_for_each(arrive)
        } else {
            std::iter::from_fn(next_result).try_for_each(arrive)
        }
    })?;
    // Items are begun in their order, so what was not is the rest.
    items[due..].iter().try_for_each(|item| take(item, None))
}

/// Results of `work` for all items, in the order of the items, on up to so many threads.
pub fn map<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let mut results = Vec::with_capacity(items.len());
    let Ok(()) = run_in_order(
        threads,
        items,
        work,
        |_| false,
        |_, result| {
            results.extend(result);
            Ok::<(), Infallible>(())
        },
    );
    results
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{Condvar, Mutex};

    use super::*;

    const THREADS: [usize; 5] = [0, 1, 2, 7, 1000];

    /// Lets its users pass in the order of their numbers, the highest first.
    struct Backwards(Mutex<usize>, Condvar);

    impl Backwards {
        fn pass(&self, number: usize) {
            let mut next = self.0.lock().unwrap();
            while *next != number {
                next = self.1.wait(next).unwrap();
            }
            *next = number.wrapping_sub(1);
            self.1.notify_all();
        }
    }

    #[test]
    fn results_are_in_the_order_of_the_items_even_if_they_come_backwards() {
        let items: Vec<usize> = (0..20).collect();
        let gate = Backwards(Mutex::new(items.len() - 1), Condvar::new());
        let work = |item: &usize| {
            gate.pass(*item);
            item * 2
        };
        assert_eq!(map(items.len(), &items, work), items.iter().map(|item| item * 2).collect::<Vec<_>>());
    }

    #[test]
    fn any_number_of_threads_does_everything_once() {
        let items: Vec<u32> = (0..100).collect();
        for threads in THREADS {
            let ran = AtomicUsize::new(0);
            let work = |item: &u32| {
                ran.fetch_add(1, Ordering::Relaxed);
                *item
            };
            assert_eq!(map(threads, &items, work), items, "{threads}");
            assert_eq!(ran.into_inner(), items.len(), "{threads}");
            assert!(map(threads, &[], |item: &u32| *item).is_empty(), "{threads}");
        }
    }

    #[test]
    fn one_thread_is_the_one_that_calls() {
        let caller = thread::current().id();
        for (threads, items) in [(1, vec![(), (), ()]), (0, vec![(), ()]), (8, vec![()])] {
            assert!(map(threads, &items, |()| thread::current().id()).iter().all(|id| *id == caller));
        }
    }

    #[test]
    fn a_failure_to_take_ends_the_run() {
        for threads in THREADS {
            let items: Vec<u32> = (0..100).collect();
            let mut taken = Vec::new();
            let outcome = run_in_order(
                threads,
                &items,
                |item| *item,
                |_| false,
                |item, _| {
                    taken.push(*item);
                    if *item == 3 { Err("the pipe is closed") } else { Ok(()) }
                },
            );
            assert_eq!(outcome, Err("the pipe is closed"), "{threads}");
            assert_eq!(taken, [0, 1, 2, 3], "{threads}: nothing after it");
        }
    }

    #[test]
    fn after_a_stop_nothing_is_begun() {
        for threads in THREADS {
            let items: Vec<u32> = (0..100).collect();
            let mut without = Vec::new();
            let mut with = Vec::new();
            let take = |item: &u32, result| {
                match result {
                    Some(result) => with.push(result),
                    None => without.push(*item),
                }
                Ok::<(), ()>(())
            };
            run_in_order(threads, &items, |item| *item, |result| *result == 5, take).unwrap();
            assert!(with.len() > 5, "what came before was done");
            if threads < 2 {
                assert_eq!(with.len(), 6);
            }
            with.extend(without);
            assert_eq!(with, items, "each once, in order");
        }
    }
}
