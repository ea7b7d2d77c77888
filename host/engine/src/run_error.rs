//! Why a run did not come to its end.

use std::io;
use std::path::PathBuf;

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
    /// The database went away for longer than it is waited for. What the steps in hand did is on the disk of this machine.
    #[error("the database is away: {reason}; what was done is kept in {}", .path.display())]
    ResultsOnDisk {
        /// The file.
        path: PathBuf,
        /// Why the database is away.
        reason: String,
    },
    /// The system has no thread for a step. The step is taken by the next run.
    #[error("no thread for a step: {0}")]
    Thread(#[source] io::Error),
}

impl RunError {
    /// Whether the database cannot be reached now, and may be later.
    #[must_use]
    pub fn is_database_away(&self) -> bool {
        matches!(self, Self::ResultsOnDisk { .. } | Self::Database(Error::Unreachable { .. }))
    }

    /// An error about the run that has a target.
    #[must_use]
    pub fn locked(cluster: &Cluster, holder: LockHolder) -> Self {
        let target = cluster.targets.get(&holder.target);
        let address = target.map_or_else(|| "a target".to_owned(), |it| it.address.to_string());
        Self::Locked { address, holder }
    }
}
