//! What an engine needs of a database, in a file.

use std::cell::RefCell;

use opkg_oda::crash::{crash_point, crash_point_in};
use opkg_oda::tables::RowReceiver;
use opkg_oda::{
    Change, Cluster, CommandRecord, ConfigValue, ConfigValues, Error, Event, EventFilter, EventId, Lock,
    LockHolder, PackageId, PackageState, PrunableStep, PruneOrder, PurgeCounts, PurgeOrder, Run, RunId,
    StateKey, StepTotal, Store, TargetId, UnfinishedRun, record_command,
};

use crate::error::SqliteError;
use crate::filesystem::io_error;
use crate::write::Writer;
use crate::{
    Source, SqliteStore, apply_changes, data_version, digest, dump, journal, lock, prune, purge, read,
};

impl Store for SqliteStore {
    fn is_copy(&self) -> bool {
        !matches!(self.source, Source::File)
    }

    fn has_pending_work(&mut self) -> Result<bool, Error> {
        self.read(read::has_pending_work)
    }

    fn load(&mut self) -> Result<Cluster, Error> {
        self.read(read::load_cluster)
    }

    fn load_overview(&mut self) -> Result<Cluster, Error> {
        self.read(read::load_overview)
    }

    fn load_state(&mut self, key: StateKey) -> Result<Option<PackageState>, Error> {
        self.read(|connection| read::load_state(connection, key))
    }

    fn load_targets(&mut self) -> Result<Cluster, Error> {
        self.read(read::load_targets_only)
    }

    fn load_identified_targets(&mut self) -> Result<Cluster, Error> {
        self.read(read::load_identified_targets)
    }

    fn has_changed(&mut self) -> Result<bool, Error> {
        let now = self.map_result(data_version(&self.connection))?;
        Ok(std::mem::replace(&mut self.data_version, now) != now)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        tracing::trace!(changes = changes.len(), "commit");
        self.write_transaction("commit", |connection| apply_changes(connection, "commit.within", changes))
    }

    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> Result<(), Error> {
        let command = self.command.clone();
        self.write_transaction("update", |connection| {
            let mut changes = decide(&read::load_cluster(connection)?);
            record_command(&mut changes, command);
            apply_changes(connection, "update.within", &changes)
        })
    }

    fn record_as(&mut self, command: CommandRecord) {
        self.command = Some(command);
    }

    fn commands(&mut self, limit: u32) -> Result<Vec<CommandRecord>, Error> {
        self.read(|connection| journal::select_commands(connection, limit))
    }

    fn start_run(&mut self, run: &Run) -> Result<RunId, Error> {
        self.write_transaction("start_run", |connection| {
            let id = journal::insert_run(connection, run)?;
            crash_point("start_run.within");
            Ok(id)
        })
    }

    fn runs(&mut self, limit: u32) -> Result<Vec<Run>, Error> {
        self.read(|connection| journal::select_runs(connection, limit))
    }

    fn unfinished_runs(&mut self) -> Result<Vec<UnfinishedRun>, Error> {
        let runs = self.read(journal::select_unfinished_runs)?;
        Ok(runs.into_iter().map(|run| UnfinishedRun { run, is_dead: false }).collect())
    }

    fn events(&mut self, filter: &EventFilter) -> Result<Vec<Event>, Error> {
        self.read(|connection| journal::select_events(connection, filter))
    }

    fn claim_pruning(&mut self, now: i64, interval: i64) -> Result<bool, Error> {
        // Mostly it is not: that is no reason to write.
        if !self.read(|connection| prune::is_due(connection, now, interval))? {
            return Ok(false);
        }
        self.write_transaction("claim_pruning", |connection| prune::claim(connection, now, interval))
    }

    fn prunable(&mut self, order: &PruneOrder) -> Result<Vec<PrunableStep>, Error> {
        self.read(|connection| prune::select(connection, order))
    }

    fn prune(&mut self, order: &PruneOrder, steps: &[EventId]) -> Result<(), Error> {
        self.write_transaction("prune", |connection| {
            prune::delete(connection, order, steps)?;
            crash_point("prune.within");
            Ok(())
        })
    }

    fn totals(&mut self) -> Result<Vec<StepTotal>, Error> {
        self.read(prune::totals)
    }

    fn purge(&mut self, order: &PurgeOrder, dry_run: bool) -> Result<PurgeCounts, Error> {
        let command = self.command.clone();
        self.write_transaction("purge", |connection| {
            let counts = purge::count(connection, order)?;
            if !dry_run {
                purge::delete(connection, order, &counts.runs)?;
                if let Some(command) = command.filter(|_| !counts.is_empty()) {
                    let command = Change::RecordCommand(Box::new(command));
                    Writer::new(connection).apply_change(&command)?;
                }
                crash_point("purge.within");
            }
            Ok(counts)
        })
    }

    fn values(&mut self, package: PackageId, image: Option<TargetId>) -> Result<Vec<ConfigValue>, Error> {
        self.read(|connection| read::load_values(connection, package, image))
    }

    fn all_values(&mut self) -> Result<ConfigValues, Error> {
        self.read(read::load_all_values)
    }

    fn dump(&mut self, receive: &mut RowReceiver<'_>) -> Result<(), Error> {
        // What the receiver says is told as it is; once it has failed nothing is read again.
        let (receive, failure) = (RefCell::new(receive), RefCell::new(None));
        let read = self.read(|connection| {
            dump::dump(connection, &mut |table, rows| match (receive.borrow_mut())(table, rows) {
                Ok(()) => Ok(()),
                Err(error) => Err(SqliteError::Corrupt(failure.borrow_mut().insert(error).to_string())),
            })
        });
        failure.into_inner().map_or(read, Err)
    }

    fn replace_with(&mut self, source: &mut dyn Store) -> Result<(), Error> {
        let (path, seconds) = (self.path.clone(), self.busy_timeout.as_secs());
        let mut failure = None;
        let written = self.write_transaction("replace", |connection| {
            dump::clear(connection)?;
            let copied = source.dump(&mut |table, rows| {
                crash_point_in("replace.within", table.name);
                dump::insert(connection, table, &rows).map_err(|error| error.into_error(&path, seconds))
            });
            copied.map_err(|error| SqliteError::Corrupt(failure.insert(error).to_string()))?;
            digest::renew_all(connection)
        });
        failure.map_or(written, Err)
    }

    fn lock(&mut self, targets: &[TargetId]) -> Result<Result<Box<dyn Lock>, LockHolder>, Error> {
        let file = lock::lock_path(&self.path);
        let locked = lock::lock_targets(&file, targets).map_err(|error| io_error(&file, &error))?;
        Ok(locked.map(|lock| -> Box<dyn Lock> { Box::new(lock) }))
    }
}
