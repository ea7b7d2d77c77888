//! Independent work on several threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Results of `work` for all items, in the order of the items, on up to so many threads. Where no further thread can be
/// had, fewer do it.
pub(crate) fn map<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let work_off = || {
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            let result = work(item);
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            // What is not started leaves its share to the others.
            let _ = thread::Builder::new().spawn_scoped(scope, work_off);
        }
        work_off();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        let slow_first = |item: &u64| {
            thread::sleep(std::time::Duration::from_micros(100 - item));
            item * 2
        };
        for threads in [0, 1, 7, 1000] {
            let results = map(threads, &items, slow_first);
            assert_eq!(results, (0..100).map(|item| item * 2).collect::<Vec<_>>(), "{threads}");
        }
        assert!(map(7, &[], slow_first).is_empty());
    }
}
