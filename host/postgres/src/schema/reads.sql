-- What is read by functions: in one round trip, by index.

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
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
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
                AND opm.may_have_work(requested, current, state, attempts, inherits)
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

-- The runs without an end that were begun on a machine since it was started, except by engines that are known to be at work;
-- and those whose engine another one has ended. Whether any other one lives is known by its lease alone.
CREATE OR REPLACE FUNCTION opm.unfinished_runs(its_boot text, at_work bigint[], OUT id bigint, OUT started bigint,
    OUT ended bigint, OUT verdict bigint, OUT host text, OUT process bigint, OUT command text, OUT boot text,
    OUT process_start bigint, OUT is_dead boolean)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT run.id, run.started, run.ended, run.verdict::bigint, run.host, run.process::bigint, run.command,
            run.boot::text, run.process_start, judged.is_dead
        FROM opm.run, LATERAL (SELECT run.engine IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM opm.engine AS its WHERE its.id = run.engine) AS is_dead) AS judged
        WHERE run.ended IS NULL
            AND (run.engine IS NULL OR judged.is_dead OR (run.boot = its_boot AND run.engine <> ALL (at_work)))
        ORDER BY run.id;
END $$;

-- For each of some targets a number that is another one once somebody has written to its row, as engines do whenever something
-- gets further there.
CREATE OR REPLACE FUNCTION opm.target_revisions(wanted bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN ARRAY(SELECT xmin::text::bigint FROM opm.target WHERE id = ANY (wanted) ORDER BY id);
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
    RETURN QUERY SELECT 'revision', ARRAY[revision.requests] || opm.target_revisions(wanted), NULL::text[]
        FROM opm.revision;
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
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM opm.target WHERE is_pending AND EXISTS (SELECT 1 FROM opm.state
            WHERE state.target = target.id AND opm.may_have_work(requested, current, state.state, attempts, inherits)))
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
