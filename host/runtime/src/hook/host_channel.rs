//! The line between a hook and its host. The hook runs in a thread of its own; what it asks for is done in the
//! thread that called it, with whatever that has borrowed.

use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

use super::HostFunctions;

/// Something to be done for the hook.
pub(crate) type HostCall = Box<dyn FnOnce(&mut dyn HostFunctions) + Send>;

/// The hook's end.
#[derive(Debug, Clone)]
pub(crate) struct HostChannel(Sender<HostCall>);

/// The host has hung up, which it does only when it is about to end.
#[derive(Debug, thiserror::Error)]
#[error("the host has gone")]
pub(crate) struct Disconnected;

impl HostChannel {
    /// Both ends. The host's has no more to do when every copy of the other one is gone.
    pub(crate) fn new() -> (Self, Receiver<HostCall>) {
        let (line, asks) = channel();
        (Self(line), asks)
    }

    /// Has something done, and waits for its result.
    ///
    /// # Errors
    /// When nobody is there to do it.
    pub(crate) fn call<R: Send + 'static>(
        &self,
        task: impl FnOnce(&mut dyn HostFunctions) -> R + Send + 'static,
    ) -> Result<R, Disconnected> {
        let (answer, answered) = sync_channel(1);
        let ask: HostCall = Box::new(move |capabilities| {
            // Whoever asked waits for it.
            let _ = answer.send(task(capabilities));
        });
        self.0.send(ask).map_err(|_| Disconnected)?;
        answered.recv().map_err(|_| Disconnected)
    }
}
