//! A hook runner, ready to be called.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Call, Failure, HostChannel, HostFunctions, Outcome, RunnerDescription};
use crate::engine::MAX_WASM_STACK;
use crate::error::CallError;
use crate::execution_error::{ExecutionError, ExecutionErrorKind};
use opkg_interface::text::{one_line, truncate};

/// Bytes of a failure's message that are kept.
const MAX_MESSAGE_BYTES: usize = 1000;

/// The functions of a component that runs hooks, whichever version of the interface it was made for.
pub(crate) trait RunnerCalls: Send + Sync {
    fn describe(&self) -> Result<RunnerDescription, ExecutionError>;
    fn run(
        &self,
        call: &Call,
        host: HostChannel,
        limit: Duration,
    ) -> Result<Result<Outcome, Failure>, ExecutionError>;
}

/// A hook runner, or a hook that is a component. Cheap to clone: each call has a fresh instance of the component.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    calls: Box<dyn RunnerCalls>,
    description: RunnerDescription,
}

impl Runner {
    pub(crate) fn new(calls: Box<dyn RunnerCalls>, description: RunnerDescription) -> Self {
        Self(Arc::new(Inner { calls, description }))
    }

    /// What it takes.
    #[must_use]
    pub fn description(&self) -> &RunnerDescription {
        &self.0.description
    }

    /// Asks it itself what it is, instead of believing what was noted earlier.
    ///
    /// # Errors
    /// When it fails.
    pub fn describe(&self) -> Result<RunnerDescription, CallError> {
        let described = self.0.calls.describe();
        described.map_err(|fault| CallError { plugin: self.0.description.name_and_version(), error: fault })
    }

    /// Runs a hook. `capabilities` are used in this thread, one thing after the other; `limit` is for all of it,
    /// programs that are run meanwhile included.
    ///
    /// # Errors
    /// When the component violates a limit, gives up, or cannot be started: by a fault of its own, other than a
    /// failure that it reports.
    pub fn run(
        &self,
        call: &Call,
        limit: Duration,
        capabilities: &mut dyn HostFunctions,
    ) -> Result<Result<Outcome, Failure>, ExecutionError> {
        let answer = thread::scope(|scope| {
            let (line, asks) = HostChannel::new();
            let guest = thread::Builder::new()
                .name("hook".into())
                .stack_size(2 * MAX_WASM_STACK)
                .spawn_scoped(scope, || self.0.calls.run(call, line, limit))
                .map_err(|error| ExecutionErrorKind::NotStarted(error.to_string()))?;
            for ask in asks {
                ask(capabilities);
            }
            guest.join().unwrap_or(Err(ExecutionErrorKind::Panicked(None).into()))
        })?;
        Ok(answer.map_err(|failure| Failure {
            message: one_line(truncate(&failure.message, MAX_MESSAGE_BYTES)),
            ..failure
        }))
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runner").field(&self.0.description.name_and_version()).finish()
    }
}
