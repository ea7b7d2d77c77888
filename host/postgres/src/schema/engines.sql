-- Engines: what they claim, for how long, and what becomes of their work when they end or are cut off.

-- Claims targets for an engine, all or none: for `own`, or where that is null for a new one. Returns the engine; or who
-- has one of the targets, and which, since when (in seconds since 1970).
CREATE OR REPLACE FUNCTION opm.claim_targets(own bigint, who jsonb, wanted bigint[],
    OUT engine bigint, OUT target bigint, OUT holder bigint, OUT host text, OUT process bigint, OUT boot text,
    OUT process_start bigint, OUT since bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s'
SET plan_cache_mode = force_generic_plan AS $$
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

-- Says that an engine is still there.
CREATE OR REPLACE FUNCTION opm.renew_lease(own bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE opm.engine SET seen = clock_timestamp()
    WHERE id = own AND (role = session_user OR opm.caller_rights() = 'administrator');
    RETURN FOUND;
END $$;

-- Begins a run; repeated for an engine, once.
CREATE OR REPLACE FUNCTION opm.start_run(own bigint, write bigint, new jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
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
