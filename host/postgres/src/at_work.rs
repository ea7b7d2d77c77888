//! Which engines of this process are at work.
//!
//! Of an engine whose process lives nobody takes over. One that this process has given up, or never heard that it got, would
//! keep its targets for as long as the process lives: the process itself knows better.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// By the names of their databases, which may be equal on several servers: then there is one entry for each.
static ENGINES: Mutex<Vec<(String, i64)>> = Mutex::new(Vec::new());

/// Read by those that claim for a new engine, until it is known to be at work: the database knows it first.
static BEGINNING: RwLock<()> = RwLock::new(());

/// An engine of this process that is at work, for as long as this is there.
#[derive(Debug)]
pub(crate) struct AtWork {
    database: String,
    engine: i64,
}

impl AtWork {
    /// Makes an engine, which the database may know before this returns.
    pub(crate) fn begin<E>(database: &str, make: impl FnOnce() -> Result<i64, E>) -> Result<Self, E> {
        let _beginning = BEGINNING.read().unwrap_or_else(PoisonError::into_inner);
        let engine = make()?;
        engines().push((database.to_owned(), engine));
        Ok(Self { database: database.to_owned(), engine })
    }

    pub(crate) fn engine(&self) -> i64 {
        self.engine
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut engines = engines();
        if let Some(at) = engines.iter().position(|it| *it == (self.database.clone(), self.engine)) {
            engines.swap_remove(at);
        }
    }
}

/// Whether this process has an engine at work that this database knows under this id. Waits for those that begin just now: not
/// to be asked within [`AtWork::begin`].
pub(crate) fn is_at_work(database: &str, engine: i64) -> bool {
    let _nobody_begins = BEGINNING.write().unwrap_or_else(PoisonError::into_inner);
    engines().iter().any(|(its, id)| its == database && *id == engine)
}

/// The engines of this process that are at work, under the ids that this database knows.
pub(crate) fn engines_of(database: &str) -> Vec<i64> {
    engines().iter().filter(|(its, _)| its == database).map(|(_, id)| *id).collect()
}

fn engines() -> MutexGuard<'static, Vec<(String, i64)>> {
    ENGINES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn an_engine_is_at_work_from_before_anybody_may_judge_it_until_it_is_dropped() {
        let (made, is_made) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let begins = scope.spawn(move || {
                AtWork::begin("site", || {
                    made.send(()).unwrap();
                    may_go_on.recv().unwrap();
                    Ok::<_, ()>(17)
                })
                .unwrap()
            });
            is_made.recv().unwrap();
            let judges = scope.spawn(|| is_at_work("site", 17));
            go_on.send(()).unwrap();
            // Held while the other thread judges.
            let engine = begins.join().unwrap();
            assert!(judges.join().unwrap());
            assert!(!is_at_work("other", 17));
            // One of another server, whose database has the same name.
            drop(AtWork::begin("site", || Ok::<_, ()>(17)).unwrap());
            assert!(is_at_work("site", 17));
            drop(engine);
        });
        assert!(!is_at_work("site", 17));
    }
}
