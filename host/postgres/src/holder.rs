//! Who claims targets, and who has.

use opkg_oda::process_identity::boot_id;
use opkg_oda::{LockHolder, ProcessIdentity, TargetId};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;

use crate::at_work::is_at_work;

/// Who claims, for others to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ThisProcess {
    host: String,
    pub(crate) process: u32,
    boot: String,
    pub(crate) process_start: i64,
}

impl ThisProcess {
    pub(crate) fn find() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let identity = ProcessIdentity::current();
        let (boot, process_start) = identity.map(|it| (it.boot_id, it.started_ticks)).unwrap_or_default();
        Self { host: host.trim().to_owned(), process: std::process::id(), boot, process_start }
    }
}

/// The engine that has claimed a target.
pub(crate) struct Holder {
    pub(crate) engine: i64,
    identity: ProcessIdentity,
    pub(crate) told: LockHolder,
}

impl Holder {
    /// The columns of `opm.claim_targets`.
    pub(crate) fn from_row(row: &Row) -> Self {
        let process: i64 = row.get(4);
        Self {
            engine: row.get(2),
            identity: ProcessIdentity { boot_id: row.get(5), started_ticks: row.get(6) },
            told: LockHolder {
                target: TargetId(row.get(1)),
                host: Some(row.get(3)),
                pid: u32::try_from(process).ok(),
                locked_since: Some(row.get(7)),
            },
        }
    }

    /// Whether it was a process of this machine that is there no longer, or one of this process that it has given up: nobody
    /// has to wait for its lease. Of other machines only their lease tells.
    pub(crate) fn has_died(&self, database: &str) -> bool {
        match self.told.pid {
            Some(pid)
                if pid == std::process::id()
                    && ProcessIdentity::current().as_ref() == Some(&self.identity) =>
            {
                !is_at_work(database, self.engine)
            }
            Some(pid) => {
                boot_id().is_some_and(|boot| boot == self.identity.boot_id) && !self.identity.is_alive(pid)
            }
            None => false,
        }
    }
}
