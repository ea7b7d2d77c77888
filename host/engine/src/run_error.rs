//! Why a run did not come to its end.

use std::io;

use opkg_oda::{Cluster, Error, LockHolder};

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another engine works on one of the targets.
    #[error("another run works on {address}")]
    Locked {
        /// The target, as `kind:name`.
        address: String,
        /// The run that has it.
        holder: LockHolder,
    },
    /// The database failed. What was being done is taken up again by the next run.
    #[error(transparent)]
    Database(#[from] Error),
    /// The system has no thread for a step. The step is taken by the next run.
    #[error("no thread for a step: {0}")]
    Thread(#[source] io::Error),
}

impl RunError {
    /// An error about the run that has a target.
    #[must_use]
    pub fn locked(cluster: &Cluster, holder: LockHolder) -> Self {
        let target = cluster.targets.get(&holder.target);
        let address = target.map_or_else(|| "a target".to_owned(), |it| it.address.to_string());
        Self::Locked { address, holder }
    }
}
