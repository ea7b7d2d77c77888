//! Threads that do steps, one for each step in flight.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};
use std::time::Duration;

/// Bytes of the stack of each thread, as the first thread of a process usually has them.
const STACK_SIZE: usize = 8 << 20;

/// Tasks that run, and where what comes of them arrives. As many threads live as tasks run.
pub(crate) struct Workers<'scope, 'env, T> {
    scope: &'scope Scope<'scope, 'env>,
    sender: Sender<thread::Result<T>>,
    receiver: Receiver<thread::Result<T>>,
    running: usize,
}

impl<'scope, 'env, T: Send + 'scope> Workers<'scope, 'env, T> {
    pub(crate) fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { scope, sender, receiver, running: 0 }
    }

    /// How many tasks run.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// Begins a task.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) fn start(&mut self, task: impl FnOnce() -> T + Send + 'scope) -> io::Result<()> {
        let sender = self.sender.clone();
        let thread = thread::Builder::new().name("step".to_owned()).stack_size(STACK_SIZE);
        thread.spawn_scoped(self.scope, move || {
            let result = panic::catch_unwind(AssertUnwindSafe(task));
            // Nobody waits for it where the database has failed meanwhile.
            let _ = sender.send(result);
        })?;
        self.running += 1;
        Ok(())
    }

    /// Waits until one of the running tasks ends, at most so long. Returns what came of it, and of those that ended meanwhile.
    ///
    /// # Panics
    /// Where a task did.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Vec<T> {
        let first = if self.running > 0 { self.receiver.recv_timeout(timeout).ok() } else { None };
        let ended: Vec<thread::Result<T>> = first.into_iter().chain(self.receiver.try_iter()).collect();
        self.running -= ended.len();
        ended
            .into_iter()
            .map(|result| result.unwrap_or_else(|payload| panic::resume_unwind(payload)))
            .collect()
    }
}
