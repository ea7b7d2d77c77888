//! The same work for many items on all cores, with all failures reported at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does the work for each item and gives the results in the order of the items.
///
/// # Panics
///
/// When the work panicked for an item, after it was done for all of them; each has printed its message.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Option<R>)>> = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, item)) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|index| items.get(index).map(|item| (index, item)))
                {
                    let result = catch_unwind(AssertUnwindSafe(|| work(item))).ok();
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    let failed = done.iter().filter(|(_, result)| result.is_none()).count();
    assert!(failed == 0, "{failed} of {} failed, see above", items.len());
    done.into_iter().filter_map(|(_, result)| result).collect()
}
