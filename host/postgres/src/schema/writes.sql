-- What is written, in the newest version of the schema. These functions, those of engines and those that read are replaced
-- whenever it is migrated. Programs of older versions go on calling them: what a function takes and returns does not change
-- as long as `oldest` in `opm.schema` lets them.

-- Whoever changes what an engine decides about does so alone; engines write side by side.
CREATE OR REPLACE FUNCTION opm.begin_write(own bigint, write bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
    rights text := opm.caller_rights();
BEGIN
    -- What is committed is there, whatever the server does otherwise.
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    IF own IS NULL AND rights = 'node' THEN
        -- What is about itself alone: others need not wait, nor know.
        LOCK TABLE opm.write_order IN ROW SHARE MODE;
        UPDATE opm.revision SET value = value + 1;
        RETURN true;
    END IF;
    IF own IS NULL THEN
        IF rights IS DISTINCT FROM 'administrator' AND rights IS DISTINCT FROM 'operator' THEN
            PERFORM opm.refuse('change anything');
        END IF;
        LOCK TABLE opm.write_order IN EXCLUSIVE MODE;
        UPDATE opm.revision SET requests = requests + 1, value = value + 1;
        IF rights = 'operator' THEN
            -- Whatever they say about it.
            INSERT INTO opm.command (id, at, who, host, command, role)
            SELECT coalesce(max(id), 0) + 1, extract(epoch FROM clock_timestamp()) * 1000, session_user, '', '',
                session_user FROM opm.command;
        END IF;
        -- Once for each commit: it takes a lock of the whole server.
        NOTIFY opm;
        RETURN true;
    END IF;
    LOCK TABLE opm.write_order IN ROW SHARE MODE;
    UPDATE opm.engine SET writes = write, seen = clock_timestamp()
    WHERE id = own AND writes = write - 1 AND (role = session_user OR rights = 'administrator');
    IF FOUND THEN
        RETURN true;
    END IF;
    PERFORM 1 FROM opm.engine
    WHERE id = own AND writes = write AND (role = session_user OR rights = 'administrator');
    IF FOUND THEN
        RETURN false; -- it is there already
    END IF;
    RAISE EXCEPTION 'another engine has taken over' USING ERRCODE = 'OPM01';
END $$;

-- The digest of a target that was written to since its digest was computed: no other one has it, so that the target is read
-- by itself. Engines leave it at that until they end: one that hands work over, package by package, writes to each of many
-- targets as often as there are packages.
CREATE OR REPLACE FUNCTION opm.unknown_digest(target bigint) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_catalog.decode(pg_catalog.lpad(pg_catalog.to_hex(target), 64, '0'), 'hex')
$$;

-- Computes the digests of targets.
CREATE OR REPLACE FUNCTION opm.renew_digests(targets bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- Whoever writes to one of them just now is waited for, and seen.
    PERFORM 1 FROM opm.target WHERE id = ANY (targets) ORDER BY id FOR NO KEY UPDATE;
    UPDATE opm.target SET digest = new.digest, is_pending = new.is_pending
    FROM (
        SELECT wanted.id, coalesce(states.is_pending, false) AS is_pending,
            CASE WHEN states.packed IS NOT NULL OR assigned.packed IS NOT NULL THEN
                sha256(convert_to(concat(states.packed, E'\n', assigned.packed), 'UTF8')) END AS digest
        FROM (SELECT DISTINCT unnest(targets) AS id ORDER BY id) AS wanted
        LEFT JOIN LATERAL (
            SELECT string_agg(ROW(package, requested, current, state, attempts, inherits,
                failed_stage, message, version)::text, E'\n' ORDER BY package) AS packed,
                bool_or(opm.may_have_work(requested, current, state, attempts, inherits)) AS is_pending
            FROM opm.state WHERE target = wanted.id
        ) AS states ON true
        LEFT JOIN LATERAL (
            SELECT string_agg(ROW(package, handed_over IS NOT NULL)::text, E'\n' ORDER BY package) AS packed
            FROM opm.assignment WHERE client = wanted.id
        ) AS assigned ON true
    ) AS new
    WHERE target.id = new.id AND NOT target.gone
        AND (target.digest IS DISTINCT FROM new.digest OR target.is_pending <> new.is_pending);
END $$;

-- Ends steps of the journal.
CREATE OR REPLACE FUNCTION opm.end_events(rows jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    UPDATE opm.event SET ended = r.ended, verdict = r.verdict, is_failed = r.verdict IN (1, 2), message = r.message, exit_code = r.exit_code,
        signal = r.signal, timed_out = r.timed_out,
        log = CASE WHEN r.verdict = 2 THEN coalesce(r.log, event.log) ELSE r.log END, tail = r.tail
    FROM jsonb_to_recordset(rows) AS r(run bigint, number bigint, ended bigint, verdict smallint, message text,
        exit_code integer, signal integer, timed_out boolean, log text, tail text)
    WHERE event.run = r.run AND event.number = r.number AND r.ended IS NOT NULL
        AND (event.ended IS NULL OR event.verdict = 2);
END $$;

-- Writes changes that the caller may make, as `opm.write_rows` says.
CREATE OR REPLACE FUNCTION opm.apply(changes jsonb) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM opm.check_rights(changes);
    RETURN opm.write_rows(changes);
END $$;

-- Writes changes, given as `[{"kind": …, "rows": [{…}, …]}, …]`; no key is twice among the rows of one kind. What is said
-- of a target or package that is not there changes nothing. Returns the targets whose digests are not known any more.
--
-- Each row is found by its key, whatever is known or assumed of how many there are: plans are kept for a session, also where
-- one for these very rows would look cheaper, since it would be made anew each time.
CREATE OR REPLACE FUNCTION opm.write_rows(changes jsonb) RETURNS bigint[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    part jsonb;
    rows jsonb;
    one record;
    touched bigint[] := '{}';
BEGIN
    FOR part IN SELECT value FROM jsonb_array_elements(changes) LOOP
        rows := part -> 'rows';
        CASE part ->> 'kind'
        WHEN 'request' THEN
            INSERT INTO opm.state (target, package, requested, changed, current, state, attempts)
            SELECT r.target, r.package, r.stage, r.changed, 1, 0, 0
            FROM jsonb_to_recordset(rows) AS r(target bigint, package bigint, stage smallint, changed bigint)
            JOIN opm.target ON target.id = r.target AND NOT target.gone
            JOIN opm.package ON package.id = r.package AND NOT package.gone
            ON CONFLICT (target, package) DO UPDATE SET requested = excluded.requested;
        WHEN 'progress' THEN
            UPDATE opm.state SET current = r.current, state = r.state, attempts = r.attempts, inherits = r.inherits,
                changed = r.changed, failed_stage = r.failed_stage, message = r.message,
                postponed = CASE WHEN r.state = 0 AND r.moved IS NOT TRUE THEN postponed END
            FROM jsonb_to_recordset(rows) AS r(target bigint, package bigint, packages bigint[], current smallint,
                    state smallint, attempts bigint, inherits smallint, changed bigint, failed_stage smallint, message text,
                    moved boolean),
                -- Programs of version 1 name one package a row.
                unnest(coalesce(r.packages, ARRAY[r.package])) AS named(package)
            WHERE state.target = r.target AND state.package = named.package;
        WHEN 'version' THEN
            UPDATE opm.state SET version = r.version
            FROM jsonb_to_recordset(rows) AS r(target bigint, package bigint, version text)
            WHERE state.target = r.target AND state.package = r.package;
        WHEN 'postponed' THEN
            UPDATE opm.state SET postponed = r.reason
            FROM jsonb_to_recordset(rows) AS r(target bigint, package bigint, reason text)
            WHERE state.target = r.target AND state.package = r.package;
        WHEN 'event' THEN
            INSERT INTO opm.event (run, number, started, target, stage, step, name, log)
            SELECT r.run, r.number, r.started, r.target, r.stage, r.step, r.name, r.log
            FROM jsonb_to_recordset(rows) AS r(run bigint, number bigint, started bigint, target bigint,
                stage smallint, step smallint, name text, log text);
            INSERT INTO opm.event_package (run, number, position, package)
            -- One that is not there is none, which is refused.
            SELECT r.run, r.number, named.position - 1,
                (SELECT it.id FROM opm.package AS it WHERE it.id = named.package)
            FROM jsonb_to_recordset(rows) AS r(run bigint, number bigint, packages bigint[]),
                unnest(r.packages) WITH ORDINALITY AS named(package, position);
            PERFORM opm.end_events(rows);
        WHEN 'event-ended' THEN
            PERFORM opm.end_events(rows);
        WHEN 'assign' THEN
            INSERT INTO opm.assignment (client, package, handed_over)
            SELECT r.target, r.package, r.handed_over
            FROM jsonb_to_recordset(rows) AS r(target bigint, package bigint, handed_over bigint)
            -- By its id, and not by its kind, of which there are many.
            JOIN opm.target ON target.id = r.target AND target.kind NOT IN (1, 2) AND NOT target.gone
            JOIN opm.package ON package.id = r.package AND NOT package.gone
            ON CONFLICT (client, package) DO UPDATE SET handed_over = excluded.handed_over;
        WHEN 'unassign' THEN
            DELETE FROM opm.assignment USING jsonb_to_recordset(rows) AS r(target bigint, package bigint)
            WHERE client = r.target AND assignment.package = r.package;
        WHEN 'image-seen' THEN
            INSERT INTO opm.image_seen (image, package)
            SELECT r.target, r.package FROM jsonb_to_recordset(rows) AS r(target bigint, package bigint)
            JOIN opm.target ON target.id = r.target AND target.kind = 2 AND NOT target.gone
            JOIN opm.package ON package.id = r.package AND NOT package.gone
            ON CONFLICT DO NOTHING;
        WHEN 'image-unseen' THEN
            DELETE FROM opm.image_seen USING jsonb_to_recordset(rows) AS r(target bigint, package bigint)
            WHERE image = r.target AND image_seen.package = r.package;
        WHEN 'rerun' THEN
            INSERT INTO opm.rerun (target, package, stage)
            SELECT r.target, r.package, r.stage
            FROM jsonb_to_recordset(rows) AS r(target bigint, package bigint, stage smallint)
            JOIN opm.target ON target.id = r.target AND NOT target.gone
            JOIN opm.package ON package.id = r.package AND NOT package.gone
            ON CONFLICT DO NOTHING;
        WHEN 'rerun-done' THEN
            DELETE FROM opm.rerun USING jsonb_to_recordset(rows) AS r(target bigint, package bigint, stage smallint)
            WHERE rerun.target = r.target AND rerun.package = r.package AND rerun.stage = r.stage;
        WHEN 'target' THEN
            -- All of one kind, so that none of them is the image of another one.
            UPDATE opm.target SET name = r.name, root = r.root,
                image = (SELECT it.id FROM opm.target AS it WHERE it.id = r.image AND NOT it.gone AND it.kind = 2)
            FROM jsonb_to_recordset(rows) AS r(target bigint, kind smallint, name text, root text, image bigint)
            WHERE target.id = r.target AND target.kind = r.kind AND NOT target.gone;
            UPDATE opm.node_role SET name = r.name FROM jsonb_to_recordset(rows) AS r(target bigint, name text)
            WHERE node_role.target = r.target;
            INSERT INTO opm.target (id, kind, name, root, image)
            SELECT r.target, r.kind, r.name, r.root,
                (SELECT it.id FROM opm.target AS it WHERE it.id = r.image AND NOT it.gone AND it.kind = 2)
            FROM jsonb_to_recordset(rows) AS r(target bigint, kind smallint, name text, root text, image bigint)
            WHERE NOT EXISTS (SELECT 1 FROM opm.target AS known
                WHERE known.id = r.target AND known.kind = r.kind AND NOT known.gone);
        WHEN 'target-gone' THEN
            FOR one IN SELECT r.target AS id FROM jsonb_to_recordset(rows) AS r(target bigint) LOOP
                PERFORM opm.drop_node_role(one.id);
                DELETE FROM opm.state WHERE target = one.id;
                DELETE FROM opm.rerun WHERE target = one.id;
                DELETE FROM opm.assignment WHERE client = one.id;
                DELETE FROM opm.image_seen WHERE image = one.id;
                DELETE FROM opm.absence WHERE target = one.id;
                DELETE FROM opm.rollout_target WHERE target = one.id;
                DELETE FROM opm.target_seen WHERE target = one.id;
                DELETE FROM opm.config_value WHERE image = one.id;
                UPDATE opm.target SET image = NULL WHERE image = one.id;
                UPDATE opm.target SET gone = true, image = NULL, root_id = NULL, digest = NULL, is_pending = false
                WHERE id = one.id;
            END LOOP;
        WHEN 'root-id' THEN
            UPDATE opm.target SET root_id = r.root_id FROM jsonb_to_recordset(rows) AS r(target bigint, root_id text)
            WHERE target.id = r.target AND NOT target.gone;
        WHEN 'package' THEN
            INSERT INTO opm.package (id, name, class, version, awaits)
            SELECT r.package, r.name, r.class, r.version, r.awaits
            FROM jsonb_to_recordset(rows) AS r(package bigint, name text, class smallint, version text, awaits text)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, class = excluded.class,
                version = excluded.version, awaits = excluded.awaits
            WHERE NOT package.gone;
            DELETE FROM opm.package_need USING jsonb_to_recordset(rows) AS r(package bigint)
            WHERE package_need.package = r.package;
            INSERT INTO opm.package_need (package, position, needs)
            SELECT r.package, named.position - 1, named.needs::bigint
            FROM jsonb_to_recordset(rows) AS r(package bigint, needs jsonb),
                jsonb_array_elements_text(r.needs) WITH ORDINALITY AS named(needs, position)
            WHERE NOT EXISTS (SELECT 1 FROM opm.package AS it
                WHERE it.id IN (r.package, named.needs::bigint) AND it.gone);
        WHEN 'package-gone' THEN
            FOR one IN SELECT r.package AS id FROM jsonb_to_recordset(rows) AS r(package bigint) LOOP
                touched := touched || ARRAY(SELECT target FROM opm.state WHERE package = one.id
                    UNION SELECT client FROM opm.assignment WHERE package = one.id);
                DELETE FROM opm.state WHERE package = one.id;
                DELETE FROM opm.rerun WHERE package = one.id;
                DELETE FROM opm.assignment WHERE package = one.id;
                DELETE FROM opm.image_seen WHERE package = one.id;
                DELETE FROM opm.rollout_package WHERE package = one.id;
                DELETE FROM opm.config_value WHERE package = one.id;
                DELETE FROM opm.package_need WHERE package = one.id OR needs = one.id;
                DELETE FROM opm.package_requirement WHERE package = one.id;
                UPDATE opm.package SET gone = true, held = false, pinned = NULL, awaits = NULL WHERE id = one.id;
            END LOOP;
        WHEN 'requirements' THEN
            DELETE FROM opm.package_requirement USING jsonb_to_recordset(rows) AS r(package bigint)
            WHERE package_requirement.package = r.package;
            INSERT INTO opm.package_requirement (package, position, name)
            SELECT r.package, named.position - 1, named.name
            FROM jsonb_to_recordset(rows) AS r(package bigint, names jsonb)
            JOIN opm.package ON package.id = r.package AND NOT package.gone,
                jsonb_array_elements_text(r.names) WITH ORDINALITY AS named(name, position);
        WHEN 'hold' THEN
            UPDATE opm.package SET held = r.held FROM jsonb_to_recordset(rows) AS r(package bigint, held boolean)
            WHERE package.id = r.package AND NOT package.gone;
        WHEN 'pin' THEN
            UPDATE opm.package SET pinned = r.version FROM jsonb_to_recordset(rows) AS r(package bigint, version text)
            WHERE package.id = r.package AND NOT package.gone;
        WHEN 'configure' THEN
            FOR one IN SELECT * FROM jsonb_to_recordset(rows)
                AS r(package bigint, image bigint, expected jsonb, "values" jsonb)
            LOOP
                CONTINUE WHEN one.expected IS NOT NULL AND one.expected <> (
                    SELECT coalesce(jsonb_agg(jsonb_build_array(name, value, origin) ORDER BY position), '[]')
                    FROM opm.config_value
                    WHERE package = one.package AND coalesce(image, 0) = coalesce(one.image, 0));
                DELETE FROM opm.config_value
                WHERE package = one.package AND coalesce(image, 0) = coalesce(one.image, 0);
                INSERT INTO opm.config_value (package, image, position, name, value, origin)
                SELECT one.package, one.image, given.position - 1, given.value ->> 0, given.value ->> 1,
                    (given.value ->> 2)::smallint
                FROM jsonb_array_elements(one."values") WITH ORDINALITY AS given(value, position)
                WHERE (one.image IS NULL OR EXISTS (SELECT 1 FROM opm.target AS it
                        WHERE it.id = one.image AND NOT it.gone AND it.kind = 2))
                    AND EXISTS (SELECT 1 FROM opm.package AS it WHERE it.id = one.package AND NOT it.gone);
            END LOOP;
        WHEN 'absence' THEN
            DELETE FROM opm.absence USING jsonb_to_recordset(rows) AS r(target bigint)
            WHERE absence.target = r.target;
            INSERT INTO opm.absence (target, kind, reason, since, until, who)
            SELECT r.target, r.kind, r.reason, r.since, r.until, r.who
            FROM jsonb_to_recordset(rows) AS r(target bigint, kind smallint, reason text, since bigint, until bigint,
                who text)
            JOIN opm.target ON target.id = r.target AND NOT target.gone
            WHERE r.kind IS NOT NULL;
        WHEN 'rollout' THEN
            INSERT INTO opm.rollout (id, at_once, max_fail, is_percent, since, who, state)
            SELECT r.rollout, r.at_once, r.max_fail, r.is_percent, r.since, r.who, 0
            FROM jsonb_to_recordset(rows) AS r(rollout bigint, at_once bigint, max_fail bigint, is_percent boolean,
                since bigint, who text)
            ON CONFLICT (id) DO UPDATE SET at_once = excluded.at_once, max_fail = excluded.max_fail,
                is_percent = excluded.is_percent, since = excluded.since, who = excluded.who
            WHERE rollout.state < 2;
            DELETE FROM opm.rollout_package USING jsonb_to_recordset(rows) AS r(rollout bigint)
            WHERE rollout_package.rollout = r.rollout;
            INSERT INTO opm.rollout_package (rollout, package)
            SELECT DISTINCT r.rollout, named.package::bigint
            FROM jsonb_to_recordset(rows) AS r(rollout bigint, packages jsonb)
            JOIN opm.rollout ON rollout.id = r.rollout AND rollout.state < 2,
                jsonb_array_elements_text(r.packages) AS named(package)
            WHERE EXISTS (SELECT 1 FROM opm.package AS it WHERE it.id = named.package::bigint AND NOT it.gone);
        WHEN 'rollout-state' THEN
            UPDATE opm.rollout SET state = r.state, note = r.note
            FROM jsonb_to_recordset(rows) AS r(rollout bigint, state smallint, note text)
            WHERE rollout.id = r.rollout AND rollout.state < 2;
            DELETE FROM opm.rollout_package USING jsonb_to_recordset(rows) AS r(rollout bigint, state smallint)
            WHERE rollout_package.rollout = r.rollout AND r.state = 2;
            DELETE FROM opm.rollout_target USING jsonb_to_recordset(rows) AS r(rollout bigint, state smallint)
            WHERE rollout_target.rollout = r.rollout AND r.state = 2;
        WHEN 'wave' THEN
            -- A target is let go only while the rollout is under way.
            INSERT INTO opm.rollout_target (rollout, target, state)
            SELECT r.rollout, r.target, r.state
            FROM jsonb_to_recordset(rows) AS r(rollout bigint, target bigint, state smallint)
            JOIN opm.rollout ON rollout.id = r.rollout AND rollout.state < CASE r.state WHEN 1 THEN 1 ELSE 2 END
            JOIN opm.target ON target.id = r.target AND NOT target.gone
            ON CONFLICT (rollout, target) DO UPDATE SET state = excluded.state;
        WHEN 'phase' THEN
            UPDATE opm.phase SET phase = (rows -> -1 ->> 'phase')::smallint;
        WHEN 'command' THEN
            -- What somebody says of a write that is there already, or of one of their own.
            FOR one IN SELECT * FROM jsonb_to_recordset(rows) AS r(at bigint, who text, host text, command text) LOOP
                UPDATE opm.command SET who = one.who, host = one.host, command = one.command
                WHERE id = (SELECT max(id) FROM opm.command) AND xmin = pg_current_xact_id()::xid;
                CONTINUE WHEN FOUND;
                INSERT INTO opm.command (id, at, who, host, command, role)
                SELECT coalesce(max(id), 0) + 1, one.at, one.who, one.host, one.command, session_user
                FROM opm.command;
            END LOOP;
        WHEN 'run-ended' THEN
            UPDATE opm.run SET ended = r.ended, verdict = r.verdict
            FROM jsonb_to_recordset(rows) AS r(run bigint, ended bigint, verdict smallint) WHERE run.id = r.run;
        END CASE;
    END LOOP;
    touched := touched || ARRAY(SELECT DISTINCT r.target
        FROM jsonb_array_elements(changes) AS written(part), jsonb_to_recordset(written.part -> 'rows') AS r(target bigint)
        WHERE written.part ->> 'kind' IN ('request', 'progress', 'version', 'assign', 'unassign'));
    -- Whoever computes digests just now is waited for, also where there is nothing to change.
    PERFORM 1 FROM opm.target WHERE id = ANY (touched) ORDER BY id FOR NO KEY UPDATE;
    UPDATE opm.target SET digest = opm.unknown_digest(id), is_pending = true
    WHERE id = ANY (touched) AND NOT gone AND digest IS DISTINCT FROM opm.unknown_digest(id);
    RETURN touched;
END $$;

-- Writes changes, all or none; repeated for an engine, once.
CREATE OR REPLACE FUNCTION opm.commit(own bigint, write bigint, changes jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    touched bigint[];
BEGIN
    IF opm.begin_write(own, write) THEN
        -- Who ends the run of a process that died ends its engine as well.
        IF own IS NULL AND changes @> '[{"kind": "run-ended"}]' THEN
            PERFORM opm.remove_engine(run.engine, false) FROM jsonb_array_elements(changes) AS part,
                jsonb_to_recordset(part -> 'rows') AS given(run bigint) JOIN opm.run ON run.id = given.run
            WHERE part ->> 'kind' = 'run-ended' AND run.engine IS NOT NULL;
        END IF;
        touched := opm.apply(changes);
        IF own IS NULL THEN
            PERFORM opm.renew_digests(touched);
        END IF;
        -- Work was handed over or let go: once for all of it.
        IF own IS NOT NULL AND (changes @> '[{"kind": "assign"}]' OR changes @> '[{"kind": "wave"}]') THEN
            NOTIFY opm;
        END IF;
    END IF;
END $$;
