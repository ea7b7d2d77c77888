//! What an engine needs of a database, on a server.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use opkg_oda::crash::{crash_point, crash_point_in};
use opkg_oda::process_identity::boot_id;
use opkg_oda::tables::{LAST_RUN, RowReceiver, TABLES, Value};
use opkg_oda::{
    Change, Cluster, CommandRecord, ConfigValue, ConfigValues, Delivered, Error, Event, EventFilter, EventId,
    Glance, LastSeen, Lock, LockHolder, PackageId, PackageState, PrunableStep, PruneOrder, PurgeCounts,
    PurgeOrder, Recorded, Run, RunId, StateKey, StepTotal, Store, TargetAddress, TargetId, UnfinishedRun,
    record_command,
};
use tokio_postgres::types::Type;

use crate::at_work::engines_of;
use crate::claim::Claim;
use crate::error::PostgresError;
use crate::statement::{Value as SqlValue, query};
use crate::writer::{Engine, Writer, apply, begin_write};
use crate::{PostgresStore, delivery, dump, encode_with_crash_points, journal, prune, read, write};

impl Store for PostgresStore {
    fn has_pending_work(&mut self) -> std::result::Result<bool, Error> {
        self.read(read::has_pending_work)
    }

    fn load(&mut self) -> std::result::Result<Cluster, Error> {
        self.read(read::load)
    }

    fn load_overview(&mut self) -> std::result::Result<Cluster, Error> {
        self.read(read::load_overview)
    }

    fn load_part(&mut self, targets: &BTreeSet<TargetId>) -> std::result::Result<Cluster, Error> {
        self.part = None;
        match self.read_part(targets)? {
            Some((part, _)) => Ok(part),
            None => self.load(),
        }
    }

    fn load_part_overview(&mut self, targets: &BTreeSet<TargetId>) -> std::result::Result<Cluster, Error> {
        let (part, revision) = self.read_part(targets)?.unzip();
        self.part = revision;
        match part {
            Some(part) => Ok(part),
            None => self.load_overview(),
        }
    }

    fn is_part_current(&mut self) -> std::result::Result<bool, Error> {
        let Some(part) = &self.part else { return Ok(false) };
        let Some(requests) = self.read(async |client| part.is_current(client).await)? else {
            return Ok(false);
        };
        let own = self.with(|writer| Ok(writer.engine.as_ref().map(Engine::id)))?;
        if own.is_some() {
            self.revision = Some((own, requests));
        }
        Ok(own.is_some())
    }

    fn subscribe(&mut self) -> std::result::Result<bool, Error> {
        self.with(|writer| {
            writer.connection.connect()?;
            if writer.connection.is_listener {
                return Ok(true);
            }
            let has_place = writer.connection.repeatedly(async |client| {
                let rows = query(client, "SELECT opm.take_listener_place()", &[]).await?;
                let has_place = rows.first().is_some_and(|row| row.get(0));
                if has_place {
                    client.batch_execute("LISTEN opm").await?;
                }
                Ok(has_place)
            })?;
            writer.connection.is_listener = has_place;
            Ok(has_place)
        })
    }

    fn wait_for_change(&mut self, timeout: Duration) -> std::result::Result<bool, Error> {
        self.with(|writer| Ok(writer.connection.wait_for_notification(timeout)))
    }

    fn renew_lock(&mut self) {
        // Should it fail, the write that comes next tells why.
        if let Err(error) = self.with(Writer::renew_lease) {
            tracing::debug!(%error, "the lease of the targets could not be renewed");
        }
    }

    fn glance(&mut self, address: &TargetAddress) -> std::result::Result<Option<Glance>, Error> {
        let boot = boot_id().unwrap_or_default();
        self.read(async |client| read::glance(client, address, &boot).await)
    }

    fn last_seen(&mut self) -> std::result::Result<LastSeen, Error> {
        self.read(read::last_seen)
    }

    fn find_root(&mut self, root_id: &str) -> std::result::Result<Option<TargetId>, Error> {
        self.read(async |client| read::find_root(client, root_id).await)
    }

    fn load_state(&mut self, key: StateKey) -> std::result::Result<Option<PackageState>, Error> {
        self.read(async |client| read::load_state(client, key).await)
    }

    fn load_targets(&mut self) -> std::result::Result<Cluster, Error> {
        self.read(read::load_targets)
    }

    fn load_identified_targets(&mut self) -> std::result::Result<Cluster, Error> {
        self.read(read::load_identified_targets)
    }

    fn has_changed(&mut self) -> std::result::Result<bool, Error> {
        let own = self.with(|writer| Ok(writer.engine.as_ref().map(Engine::id)))?;
        let now = self.read(async |client| {
            // What other engines do to their targets does not concern one.
            let sql = "SELECT CASE WHEN $1::bigint IS NULL
                THEN value + (SELECT coalesce(sum(writes), 0)::bigint FROM opm.engine) ELSE requests END
                FROM opm.revision";
            let rows = query(client, sql, &[(&own, Type::INT8)]).await?;
            Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0)))
        })?;
        let before = self.revision.replace((own, now));
        Ok(before.is_some_and(|(of, before)| of == own && before != now))
    }

    fn commit(&mut self, changes: &[Change]) -> std::result::Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        tracing::trace!(changes = changes.len(), "commit");
        crash_point("commit.before");
        self.with(|writer| {
            let parts = encode_with_crash_points(changes, "commit.within")?;
            crash_point("commit.commit");
            writer.commit(&parts)
        })?;
        self.skip_own_write();
        crash_point("commit.after");
        Ok(())
    }

    fn record_results(&mut self, changes: &[Change]) -> std::result::Result<Recorded, Error> {
        if changes.is_empty() {
            return Ok(Recorded::InDatabase);
        }
        crash_point("commit.before");
        let recorded = self.with(|writer| {
            let parts = encode_with_crash_points(changes, "commit.within")?;
            crash_point("commit.commit");
            writer.record_results(&parts)
        })?;
        self.skip_own_write();
        crash_point("commit.after");
        Ok(recorded)
    }

    fn deliver_results(&mut self) -> std::result::Result<Vec<Delivered>, Error> {
        self.with(delivery::deliver)
    }

    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> std::result::Result<(), Error> {
        crash_point("update.before");
        let command = &self.command;
        let is_written = self.with(|writer| {
            writer.connection.connect()?;
            // Not for an engine: it changes what engines decide about, and nobody else writes meanwhile.
            let decide = RefCell::new(decide);
            writer.connection.once(async |client| {
                client.batch_execute("BEGIN").await?;
                begin_write(client, None, None).await?;
                let cluster = read::load_cluster(client).await?;
                let mut changes = (decide.borrow_mut())(&cluster);
                if changes.is_empty() {
                    client.batch_execute("ROLLBACK").await?;
                    return Ok(false);
                }
                record_command(&mut changes, command.clone());
                let parts = encode_with_crash_points(&changes, "update.within")?;
                apply(client, &parts).await?;
                crash_point("update.commit");
                client.batch_execute("COMMIT").await?;
                Ok(true)
            })
        })?;
        if is_written {
            self.skip_own_write();
        }
        crash_point("update.after");
        Ok(())
    }

    fn record_as(&mut self, command: CommandRecord) {
        self.command = Some(command);
    }

    fn commands(&mut self, limit: u32) -> std::result::Result<Vec<CommandRecord>, Error> {
        self.read(async |client| journal::commands(client, limit).await)
    }

    fn start_run(&mut self, run: &Run) -> std::result::Result<RunId, Error> {
        crash_point("start_run.before");
        let id = self.with(|writer| {
            let new = write::encode_run(run)?;
            crash_point("start_run.within");
            crash_point("start_run.commit");
            writer.write(async |client, engine, number| {
                let sql = "SELECT opm.start_run($1, $2, $3::text::jsonb)";
                let values: [SqlValue<'_>; 3] =
                    [(&engine, Type::INT8), (&number, Type::INT8), (&new, Type::TEXT)];
                let rows = query(client, sql, &values).await?;
                let started = rows.first().map(|row| row.get(0));
                started.ok_or_else(|| PostgresError::Corrupt("a run was begun without an id".into()))
            })
        })?;
        self.skip_own_write();
        crash_point("start_run.after");
        Ok(RunId(id))
    }

    fn runs(&mut self, limit: u32) -> std::result::Result<Vec<Run>, Error> {
        self.read(async |client| journal::runs(client, limit).await)
    }

    fn unfinished_runs(&mut self) -> std::result::Result<Vec<UnfinishedRun>, Error> {
        let boot = boot_id().unwrap_or_default();
        let database = self.with(|writer| Ok(writer.connection.address().database().to_owned()))?;
        let at_work = engines_of(&database);
        self.read(async |client| journal::unfinished_runs(client, &boot, &at_work).await)
    }

    fn events(&mut self, filter: &EventFilter) -> std::result::Result<Vec<Event>, Error> {
        self.read(async |client| journal::events(client, filter).await)
    }

    fn claim_pruning(&mut self, now: i64, interval: i64) -> std::result::Result<bool, Error> {
        self.with(|writer| {
            writer.connection.connect()?;
            writer.connection.once(async |client| prune::claim(client, now, interval).await)
        })
    }

    fn prunable(&mut self, order: &PruneOrder) -> std::result::Result<Vec<PrunableStep>, Error> {
        self.read(async |client| prune::select(client, order).await)
    }

    fn prune(&mut self, order: &PruneOrder, steps: &[EventId]) -> std::result::Result<(), Error> {
        crash_point("prune.before");
        self.with(|writer| {
            writer.connection.connect()?;
            // Nothing that anybody decides about changes: engines are neither told nor kept waiting.
            writer.connection.once(async |client| {
                client.batch_execute("BEGIN").await?;
                prune::delete(client, order, steps).await?;
                crash_point("prune.within");
                crash_point("prune.commit");
                Ok(client.batch_execute("COMMIT").await?)
            })
        })?;
        crash_point("prune.after");
        Ok(())
    }

    fn totals(&mut self) -> std::result::Result<Vec<StepTotal>, Error> {
        self.read(prune::totals)
    }

    fn purge(&mut self, order: &PurgeOrder, dry_run: bool) -> std::result::Result<PurgeCounts, Error> {
        if dry_run {
            return self.read(async |client| journal::count_purge(client, order).await);
        }
        crash_point("purge.before");
        let command = &self.command;
        let counts = self.with(|writer| {
            writer.connection.connect()?;
            writer.connection.once(async |client| {
                client.batch_execute("BEGIN").await?;
                begin_write(client, None, None).await?;
                let counts = journal::count_purge(client, order).await?;
                journal::purge(client, order, &counts.runs).await?;
                if let Some(command) = command.clone().filter(|_| !counts.is_empty()) {
                    let command = [Change::RecordCommand(Box::new(command))];
                    apply(client, &write::encode(&command)?).await?;
                }
                crash_point("purge.within");
                crash_point("purge.commit");
                client.batch_execute("COMMIT").await?;
                Ok(counts)
            })
        })?;
        self.skip_own_write();
        crash_point("purge.after");
        Ok(counts)
    }

    fn values(
        &mut self,
        package: PackageId,
        image: Option<TargetId>,
    ) -> std::result::Result<Vec<ConfigValue>, Error> {
        self.read(async |client| read::load_values(client, package, image).await)
    }

    fn all_values(&mut self) -> std::result::Result<ConfigValues, Error> {
        self.read(read::load_all_values)
    }

    fn dump(&mut self, receive: &mut RowReceiver<'_>) -> std::result::Result<(), Error> {
        // The receiver may use another database, so that it cannot be called from within the answers of this one.
        self.step(async |client| Ok(client.batch_execute(read::BEGIN).await?))?;
        let mut hand_over = || {
            for table in &TABLES {
                self.step_of_transaction(async |client| dump::open_cursor(client, table).await)?;
                loop {
                    let rows = self.step_of_transaction(async |client| dump::fetch(client, table).await)?;
                    if rows.is_empty() {
                        break;
                    }
                    receive(table, rows)?;
                }
            }
            let last = self.step_of_transaction(dump::last_run)?;
            receive(&LAST_RUN, vec![vec![Value::Integer(last)]])
        };
        let done = hand_over();
        let ended = self.step_of_transaction(async |client| Ok(client.batch_execute(read::COMMIT).await?));
        done.and(ended)
    }

    fn replace_with(&mut self, source: &mut dyn Store) -> std::result::Result<(), Error> {
        self.step(async |client| {
            client.batch_execute("BEGIN").await?;
            begin_write(client, None, None).await?;
            dump::clear(client).await
        })?;
        let copied = source.dump(&mut |table, rows| {
            crash_point_in("replace.within", table.name);
            self.step_of_transaction(async |client| dump::insert(client, table, &rows).await)
        });
        if copied.is_err() {
            // Where that fails the connection is gone, and the transaction with it.
            let _ = self.step_of_transaction(async |client| Ok(client.batch_execute("ROLLBACK").await?));
            return copied;
        }
        self.step_of_transaction(async |client| {
            dump::finish(client).await?;
            crash_point("replace.commit");
            Ok(client.batch_execute("COMMIT").await?)
        })
    }

    fn lock(
        &mut self,
        targets: &[TargetId],
    ) -> std::result::Result<std::result::Result<Box<dyn Lock>, LockHolder>, Error> {
        let targets: Vec<i64> = targets.iter().map(|target| target.0).collect();
        let engine = match self.with(|writer| writer.claim(&targets))? {
            Ok(engine) => engine,
            Err(holder) => return Ok(Err(holder)),
        };
        Ok(Ok(Box::new(Claim::new(Arc::clone(&self.writer), engine))))
    }
}
