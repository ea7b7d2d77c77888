-- The functions of the newest version of the schema, replaced whenever it is migrated. Programs of older versions go on
-- calling them: what a function takes and returns does not change as long as `oldest` in `opm.schema` lets them.

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
    UPDATE opm.target SET digest = new.digest
    FROM (
        SELECT wanted.id, CASE WHEN states.packed IS NOT NULL OR assigned.packed IS NOT NULL THEN
            sha256(convert_to(concat(states.packed, E'\n', assigned.packed), 'UTF8')) END AS digest
        FROM (SELECT DISTINCT unnest(targets) AS id ORDER BY id) AS wanted
        LEFT JOIN LATERAL (
            SELECT string_agg(ROW(package, requested, current, state, attempts, inherits,
                failed_stage, message, version)::text, E'\n' ORDER BY package) AS packed
            FROM opm.state WHERE target = wanted.id
        ) AS states ON true
        LEFT JOIN LATERAL (
            SELECT string_agg(ROW(package, handed_over IS NOT NULL)::text, E'\n' ORDER BY package) AS packed
            FROM opm.assignment WHERE client = wanted.id
        ) AS assigned ON true
    ) AS new
    WHERE target.id = new.id AND NOT target.gone AND target.digest IS DISTINCT FROM new.digest;
END $$;

-- Ends steps of the journal.
CREATE OR REPLACE FUNCTION opm.end_events(rows jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    UPDATE opm.event SET ended = r.ended, verdict = r.verdict, message = r.message, exit_code = r.exit_code,
        signal = r.signal, timed_out = r.timed_out,
        log = CASE WHEN r.verdict = 2 THEN coalesce(r.log, event.log) ELSE r.log END, tail = r.tail
    FROM jsonb_to_recordset(rows) AS r(run bigint, number bigint, ended bigint, verdict smallint, message text,
        exit_code integer, signal integer, timed_out boolean, log text, tail text)
    WHERE event.run = r.run AND event.number = r.number AND r.ended IS NOT NULL
        AND (event.ended IS NULL OR event.verdict = 2);
END $$;

-- Writes changes that the caller may make, as `opm.write_rows` says.
CREATE OR REPLACE FUNCTION opm.apply(changes jsonb) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM opm.check_rights(changes);
    RETURN opm.write_rows(changes);
END $$;

-- Writes changes, given as `[{"kind": …, "rows": [{…}, …]}, …]`; no key is twice among the rows of one kind. What is said
-- of a target or package that is not there changes nothing. Returns the targets whose digests are not known any more.
--
-- Each row is found by its key, whatever is known or assumed of how many there are: plans are kept for a session.
CREATE OR REPLACE FUNCTION opm.write_rows(changes jsonb) RETURNS bigint[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off AS $$
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
            FROM jsonb_to_recordset(rows) AS r(target bigint, package bigint, current smallint, state smallint,
                attempts bigint, inherits smallint, changed bigint, failed_stage smallint, message text, moved boolean)
            WHERE state.target = r.target AND state.package = r.package;
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
            SELECT r.run, r.number, named.position - 1, named.package::bigint
            FROM jsonb_to_recordset(rows) AS r(run bigint, number bigint, packages jsonb),
                jsonb_array_elements_text(r.packages) WITH ORDINALITY AS named(package, position);
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
                UPDATE opm.target SET gone = true, image = NULL, root_id = NULL, digest = NULL WHERE id = one.id;
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
    UPDATE opm.target SET digest = opm.unknown_digest(id)
    WHERE id = ANY (touched) AND NOT gone AND digest IS DISTINCT FROM opm.unknown_digest(id);
    RETURN touched;
END $$;

-- Writes changes, all or none; repeated for an engine, once.
CREATE OR REPLACE FUNCTION opm.commit(own bigint, write bigint, changes jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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

-- Begins a run; repeated for an engine, once.
CREATE OR REPLACE FUNCTION opm.start_run(own bigint, write bigint, new jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    started bigint;
BEGIN
    IF own IS NULL AND opm.caller_rights() IS DISTINCT FROM 'administrator' THEN
        PERFORM opm.refuse('begin a run without targets');
    END IF;
    IF opm.begin_write(own, write) THEN
        INSERT INTO opm.run (started, host, process, command, boot, process_start, engine, engine_write, role)
        SELECT r.started, r.host, r.process, r.command, r.boot, r.process_start, own, write, session_user
        FROM jsonb_to_record(new) AS r(started bigint, host text, process bigint, command text, boot text,
            process_start bigint)
        RETURNING id INTO started;
    ELSE
        SELECT id INTO STRICT started FROM opm.run WHERE engine = own AND engine_write = write;
    END IF;
    RETURN started;
END $$;

-- Claims targets for an engine, all or none: for `own`, or where that is null for a new one. Returns the engine; or who
-- has one of the targets, and which, since when (in seconds since 1970).
CREATE OR REPLACE FUNCTION opm.claim_targets(own bigint, who jsonb, wanted bigint[],
    OUT engine bigint, OUT target bigint, OUT holder bigint, OUT host text, OUT process bigint, OUT boot text,
    OUT process_start bigint, OUT since bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
    rights text := opm.caller_rights();
    silent bigint;
    new bigint[];
BEGIN
    IF rights = 'node' THEN
        IF wanted <> ARRAY[opm.own_target()] THEN
            PERFORM opm.refuse('work on other targets');
        END IF;
    ELSIF rights IS DISTINCT FROM 'administrator' THEN
        PERFORM opm.refuse('work on targets');
    END IF;
    IF own IS NOT NULL AND NOT EXISTS (SELECT 1 FROM opm.engine AS its WHERE its.id = own AND its.role = session_user) THEN
        RAISE EXCEPTION 'another engine has taken over' USING ERRCODE = 'OPM01';
    END IF;
    -- Whoever claims on the same machine looks itself whether the process is there: it may have been cut off for long, and
    -- still be at a step.
    FOR silent IN SELECT DISTINCT claim.engine FROM opm.claim JOIN opm.engine AS other ON other.id = claim.engine
        WHERE claim.target = ANY (wanted) AND claim.engine IS DISTINCT FROM own
            AND (other.boot = '' OR other.boot IS DISTINCT FROM who ->> 'boot')
    LOOP
        PERFORM opm.remove_engine(silent, true);
    END LOOP;
    engine := own;
    IF engine IS NULL THEN
        INSERT INTO opm.engine (host, process, boot, process_start)
        SELECT r.host, r.process, r.boot, r.process_start
        FROM jsonb_to_record(who) AS r(host text, process bigint, boot text, process_start bigint)
        RETURNING id INTO engine;
    END IF;
    -- In one order for all, so that no two wait for each other; whoever claims one of them just now is waited for.
    WITH added AS (
        INSERT INTO opm.claim (target, engine)
        SELECT one.id, claim_targets.engine FROM (SELECT DISTINCT unnest(wanted) AS id) AS one ORDER BY one.id
        ON CONFLICT ON CONSTRAINT claim_pkey DO NOTHING RETURNING claim.target
    )
    SELECT coalesce(array_agg(added.target), '{}') INTO new FROM added;
    SELECT claim.target, other.id, other.host, other.process, other.boot, other.process_start,
        extract(epoch FROM claim.since)::bigint
    INTO target, holder, host, process, boot, process_start, since
    FROM opm.claim JOIN opm.engine AS other ON other.id = claim.engine
    WHERE claim.target = ANY (wanted) AND claim.engine <> claim_targets.engine ORDER BY claim.target LIMIT 1;
    IF FOUND THEN
        -- All or none.
        IF own IS NULL THEN
            DELETE FROM opm.engine WHERE id = claim_targets.engine;
        ELSE
            DELETE FROM opm.claim WHERE claim.target = ANY (new);
        END IF;
        engine := NULL;
    END IF;
END $$;

-- Ends an engine and what it claimed; with `if_silent` only one whose lease has run out. Digests are known again of what it
-- claimed; where that was the head node, of all that no other engine is at work on.
CREATE OR REPLACE FUNCTION opm.remove_engine(ended bigint, if_silent boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    done bigint;
    claimed bigint[] := ARRAY(SELECT target FROM opm.claim WHERE engine = remove_engine.ended);
    unknown bigint[];
BEGIN
    -- Waits for what the engine is writing just now, after which it is not silent.
    DELETE FROM opm.engine WHERE id = ended
        AND (NOT if_silent OR seen < clock_timestamp() - (SELECT lease FROM opm.settings))
    RETURNING writes INTO done;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE opm.run SET last_write = done WHERE engine = remove_engine.ended AND run.ended IS NULL;
    IF EXISTS (SELECT 1 FROM opm.target WHERE id = ANY (claimed) AND kind = 1) THEN
        unknown := ARRAY(SELECT id FROM opm.target WHERE digest = opm.unknown_digest(id)
            AND NOT EXISTS (SELECT 1 FROM opm.claim WHERE claim.target = target.id));
    ELSE
        unknown := ARRAY(SELECT id FROM opm.target WHERE id = ANY (claimed) AND digest = opm.unknown_digest(id));
    END IF;
    PERFORM opm.renew_digests(unknown);
    -- In the end: it is one row for all.
    UPDATE opm.revision SET value = value + 1 + done;
END $$;

-- Likewise, of the caller. It need not wait for the disk: should it get lost with the power, the lease runs out.
CREATE OR REPLACE FUNCTION opm.end_engine(ended bigint, if_silent boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    IF opm.caller_rights() = 'administrator'
        OR EXISTS (SELECT 1 FROM opm.engine WHERE id = ended AND role = session_user)
    THEN
        PERFORM opm.remove_engine(ended, if_silent);
    END IF;
END $$;

-- Writes what an engine did while it could not reach this server, each write once: `writes` is `[{"number": …, "parts": […]},
-- …]`, numbered as `opm.begin_write` has them, and `who` the process of the engine. Where another one has worked on a target
-- since, or does just now, the journal alone gets what came of the steps. Returns how many steps these were; nothing where
-- there is no run of that engine.
CREATE OR REPLACE FUNCTION opm.deliver_results(ended bigint, who jsonb, writes jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
    its_run bigint;
    done bigint;
    own bigint;
    claimed bigint;
    one bigint;
    others bigint[] := '{}';
    touched bigint[] := '{}';
    steps bigint := 0;
    wakes boolean := false;
    part jsonb;
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    SELECT run.id, coalesce((SELECT engine.writes FROM opm.engine WHERE engine.id = run.engine), run.last_write,
        -- It ended as it should: all is there.
        CASE WHEN run.ended IS NOT NULL THEN 9223372036854775807 END, 0)
    INTO its_run, done
    FROM opm.run JOIN jsonb_to_record(who) AS its(process bigint, boot text, process_start bigint)
        ON its.process = run.process AND its.boot = coalesce(run.boot, '')
            AND its.process_start = coalesce(run.process_start, 0)
    WHERE run.engine = deliver_results.ended AND (run.role = session_user OR opm.caller_rights() = 'administrator')
    ORDER BY run.id DESC LIMIT 1 FOR UPDATE OF run;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM opm.remove_engine(deliver_results.ended, false);
    -- What nobody else works on is claimed meanwhile.
    FOR one IN SELECT DISTINCT (entry ->> 'target')::bigint AS target
        FROM jsonb_array_elements(writes) AS write, jsonb_array_elements_text(write -> 'parts') AS packed,
            jsonb_array_elements(packed::jsonb) AS batch, jsonb_array_elements(batch -> 'rows') AS entry
        WHERE (write ->> 'number')::bigint > done AND entry ? 'target' ORDER BY target
    LOOP
        IF NOT EXISTS (SELECT 1 FROM opm.event WHERE event.target = one AND event.run > its_run) THEN
            SELECT engine INTO claimed FROM opm.claim_targets(own, who, ARRAY[one]);
            IF claimed IS NOT NULL THEN
                own := claimed;
                CONTINUE;
            END IF;
        END IF;
        others := others || one;
    END LOOP;
    LOCK TABLE opm.write_order IN ROW SHARE MODE;
    UPDATE opm.revision SET value = value + 1;
    FOR part IN
        SELECT (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', batch -> 'kind', 'rows', (
                SELECT coalesce(jsonb_agg(entry ORDER BY place), '[]')
                FROM jsonb_array_elements(batch -> 'rows') WITH ORDINALITY AS r(entry, place)
                WHERE (entry ->> 'target')::bigint IS NULL OR (entry ->> 'target')::bigint <> ALL (others)
            )) ORDER BY place), '[]') FROM jsonb_array_elements(packed::jsonb) WITH ORDINALITY AS b(batch, place))
        FROM jsonb_array_elements(writes) AS write,
            jsonb_array_elements_text(write -> 'parts') WITH ORDINALITY AS p(packed, place)
        WHERE (write ->> 'number')::bigint > done ORDER BY (write ->> 'number')::bigint, place
    LOOP
        PERFORM opm.check_rights(part);
        touched := touched || opm.write_rows(part);
        steps := steps + (SELECT count(*) FROM jsonb_array_elements(part) AS batch, jsonb_array_elements(batch -> 'rows')
            WHERE batch ->> 'kind' = 'event-ended');
        wakes := wakes OR part @> '[{"kind": "assign"}]' OR part @> '[{"kind": "wave"}]';
    END LOOP;
    PERFORM opm.renew_digests(touched);
    UPDATE opm.run SET last_write = greatest(done, (SELECT max((write ->> 'number')::bigint)
        FROM jsonb_array_elements(writes) AS write)) WHERE id = its_run;
    IF own IS NOT NULL THEN
        PERFORM opm.remove_engine(own, false);
    END IF;
    IF wakes THEN
        NOTIFY opm;
    END IF;
    RETURN steps;
END $$;

-- Takes a place among the listeners, which the session gives back when it ends; the answer is whether there was one.
CREATE OR REPLACE FUNCTION opm.take_listener_place() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    places integer := (SELECT listeners FROM opm.settings);
    -- Not all of those that come at the same time try the same ones.
    first integer := floor(random() * greatest(places, 1))::integer;
BEGIN
    FOR number IN 0 .. places - 1 LOOP
        IF pg_try_advisory_lock(1330662726, (first + number) % places) THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

-- Says that an engine is still there.
CREATE OR REPLACE FUNCTION opm.renew_lease(own bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE opm.engine SET seen = clock_timestamp()
    WHERE id = own AND (role = session_user OR opm.caller_rights() = 'administrator');
    RETURN FOUND;
END $$;

-- The target whose root has an id, which is known to whoever may look into that root.
CREATE OR REPLACE FUNCTION opm.find_root(wanted text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(id) FROM opm.target WHERE root_id = wanted AND NOT gone
$$;

-- Writes down that a target looks for work just now, unless it did so half a minute ago; it need not wait for the disk. One
-- that was said to be offline, and had been silent for ten minutes, is back.
CREATE OR REPLACE FUNCTION opm.report_seen(its_kind smallint, its_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET synchronous_commit = off AS $$
DECLARE
    own bigint := (SELECT id FROM opm.target WHERE kind = its_kind AND name = its_name AND NOT gone
        AND (opm.caller_rights() = 'administrator' OR id = opm.own_target()));
    last timestamptz := (SELECT seen FROM opm.target_seen WHERE target = own);
BEGIN
    IF own IS NULL OR last > clock_timestamp() - interval '30 seconds' THEN
        RETURN;
    END IF;
    IF last < clock_timestamp() - interval '10 minutes' THEN
        DELETE FROM opm.absence WHERE target = own AND kind = 1;
    END IF;
    INSERT INTO opm.target_seen (target, seen) VALUES (own, clock_timestamp())
    ON CONFLICT (target) DO UPDATE SET seen = excluded.seen;
END $$;

-- A target by kind and name, and whether it may have work left, a run of this boot that died included; clients have none
-- before it is handed over to them. It is written down that the target looked. Every part is answered by an index of few
-- rows.
CREATE OR REPLACE FUNCTION opm.glance(its_kind smallint, its_name text, its_boot text, OUT id bigint, OUT kind bigint,
    OUT name text, OUT root text, OUT image bigint, OUT gone boolean, OUT root_id text, OUT has_work boolean)
RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT its.id, its.kind, its.name, its.root, its.image, its.gone, its.root_id
    INTO id, kind, name, root, image, gone, root_id
    FROM opm.target AS its WHERE its.kind = its_kind AND its.name = its_name AND NOT its.gone;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF its_kind = 1 THEN
        has_work := opm.has_pending_work();
    ELSE
        has_work := EXISTS (SELECT 1 FROM opm.state WHERE state.target = glance.id
                AND (requested > current OR (requested = 1 AND (current > 1 OR attempts > 0)) OR state <> 0
                    OR inherits IS NOT NULL)
                AND (its_kind <> 3 OR requested <= current OR state <> 0 OR inherits IS NOT NULL
                    OR EXISTS (SELECT 1 FROM opm.assignment WHERE client = glance.id
                        AND assignment.package = state.package AND handed_over IS NOT NULL))
                -- What is being done when a rollout begins is ended.
                AND (state <> 0 OR NOT opm.is_held_back(glance.id, state.package)))
            OR EXISTS (SELECT 1 FROM opm.rerun WHERE rerun.target = glance.id
                AND NOT EXISTS (SELECT 1 FROM opm.assignment WHERE client = glance.id
                    AND assignment.package = rerun.package AND handed_over IS NULL)
                AND NOT opm.is_held_back(glance.id, rerun.package))
            OR EXISTS (SELECT 1 FROM opm.run WHERE ended IS NULL AND boot = its_boot);
    END IF;
    IF NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' THEN
        PERFORM opm.report_seen(its_kind, its_name);
    END IF;
    RETURN NEXT;
END $$;

-- What decides about some targets, all of one instant: rows of tables, each as its numbers and its texts. No row where one of
-- the targets is the head node, for which everything decides. Nothing is compiled: a table that can only be read as a whole makes
-- its plan look expensive where that is discouraged.
CREATE OR REPLACE FUNCTION opm.load_part(wanted bigint[], OUT relation text, OUT numbers bigint[], OUT texts text[])
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    needed bigint[];
    heads bigint[] := ARRAY(SELECT id FROM opm.target WHERE kind = 1 AND NOT gone);
    rollouts bigint[] := ARRAY(SELECT rollout FROM opm.rollout_target WHERE target = ANY (wanted));
BEGIN
    IF heads && wanted THEN
        RETURN;
    END IF;
    needed := heads || wanted || ARRAY(SELECT target.image FROM opm.target WHERE id = ANY (wanted));
    RETURN QUERY SELECT 'cluster', ARRAY[phase, (SELECT coalesce(max(id), 0) FROM opm.target),
            (SELECT coalesce(max(id), 0) FROM opm.rollout)], NULL::text[]
        FROM opm.phase;
    RETURN QUERY SELECT 'target', ARRAY[id, kind, image, gone::integer], ARRAY[name, root, root_id]
        FROM opm.target WHERE id = ANY (needed) AND NOT gone ORDER BY id;
    RETURN QUERY SELECT 'package', ARRAY[id, class, held::integer, gone::integer], ARRAY[name, version, awaits, pinned]
        FROM opm.package ORDER BY id;
    RETURN QUERY SELECT 'package_need', ARRAY[package, needs], NULL::text[]
        FROM opm.package_need ORDER BY package, position;
    RETURN QUERY SELECT 'package_requirement', ARRAY[package], ARRAY[name]
        FROM opm.package_requirement ORDER BY package, position;
    RETURN QUERY SELECT 'state', ARRAY[target, package, requested, current, state, attempts, inherits, changed, failed_stage],
            ARRAY[message, version, postponed]
        FROM opm.state WHERE target = ANY (wanted) ORDER BY target, package;
    RETURN QUERY SELECT 'assignment', ARRAY[client, package, handed_over], NULL::text[]
        FROM opm.assignment WHERE client = ANY (wanted) ORDER BY client, package;
    RETURN QUERY SELECT 'image_seen', ARRAY[image, package], NULL::text[]
        FROM opm.image_seen WHERE image = ANY (wanted);
    RETURN QUERY SELECT 'absence', ARRAY[target, kind, since, until], ARRAY[reason, who]
        FROM opm.absence WHERE target = ANY (wanted)
            AND (until IS NULL OR until > extract(epoch FROM clock_timestamp()));
    RETURN QUERY SELECT 'rerun', ARRAY[target, package, stage], NULL::text[]
        FROM opm.rerun WHERE target = ANY (wanted);
    IF rollouts = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT 'rollout', ARRAY[id, at_once, max_fail, is_percent::integer, since, state], ARRAY[who, note]
        FROM opm.rollout WHERE state < 2 AND id = ANY (rollouts);
    RETURN QUERY SELECT 'rollout_package', ARRAY[rollout, package], NULL::text[]
        FROM opm.rollout_package WHERE rollout = ANY (rollouts);
    RETURN QUERY SELECT 'rollout_target', ARRAY[rollout, target, state], NULL::text[]
        FROM opm.rollout_target WHERE target = ANY (wanted);
END $$;

-- Whether a rollout has yet to let a target begin with a package.
CREATE OR REPLACE FUNCTION opm.is_held_back(its_target bigint, its_package bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM opm.rollout_target JOIN opm.rollout_package USING (rollout)
        WHERE target = its_target AND package = its_package AND state = 0)
$$;

-- Whether any work may be left on the head node, or anywhere.
CREATE OR REPLACE FUNCTION opm.has_pending_work() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM opm.state
            WHERE requested > current OR (requested = 1 AND (current > 1 OR attempts > 0)) OR state <> 0
                OR inherits IS NOT NULL)
        OR EXISTS (SELECT 1 FROM opm.rerun)
        OR EXISTS (SELECT 1 FROM opm.run WHERE ended IS NULL)
        OR EXISTS (SELECT 1 FROM opm.rollout WHERE state = 0)
        OR EXISTS (SELECT 1 FROM opm.assignment
            WHERE handed_over IS NULL AND EXISTS (SELECT 1 FROM opm.target JOIN opm.state ON state.target = target.id
                WHERE kind = 1 AND NOT gone AND state.package = assignment.package AND current >= 6))
        OR EXISTS (SELECT 1 FROM opm.target AS image JOIN opm.state AS held ON held.target = image.id
            WHERE image.kind = 2 AND NOT image.gone AND held.current >= 4
                AND NOT EXISTS (SELECT 1 FROM opm.image_seen
                    WHERE image_seen.image = image.id AND image_seen.package = held.package)
                AND EXISTS (SELECT 1 FROM opm.target AS server JOIN opm.state AS serving ON serving.target = server.id
                    WHERE server.kind = 1 AND NOT server.gone AND serving.package = held.package
                        AND serving.current >= 5));
END $$;
