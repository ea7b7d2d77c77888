-- Who may do what. Roles belong to the whole server, so their names begin with that of the database. Nodes, viewers and
-- operators read tables through the policies below and write through functions, which run with the rights of the owner
-- and ask first who calls: `session_user`, the role that connected.

-- The name of one of the groups, or of a role of one node or window.
CREATE OR REPLACE FUNCTION opm.role_name(suffix text) RETURNS name
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF octet_length(current_database()) > 40 THEN
        RAISE EXCEPTION 'the name of the database is too long for roles of its own: 40 characters at most';
    END IF;
    RETURN current_database() || '_' || suffix;
END $$;

-- Whether the caller belongs to a group.
CREATE OR REPLACE FUNCTION opm.is_in_group(suffix text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM pg_roles
        WHERE rolname = opm.role_name(suffix) AND pg_has_role(session_user, oid, 'MEMBER'));
END $$;

-- What the caller may do: 'node', 'administrator' (the owner as well), 'operator', or nothing but look.
CREATE OR REPLACE FUNCTION opm.caller_rights() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Within this function the owner is the current user.
    IF session_user = current_user THEN
        RETURN 'administrator';
    ELSIF EXISTS (SELECT 1 FROM opm.node_role
        WHERE role = session_user AND opm.is_own_role(role, 'node_' || target))
    THEN
        RETURN 'node';
    ELSIF pg_has_role(session_user, current_user, 'MEMBER') OR opm.is_in_group('administrator') THEN
        RETURN 'administrator';
    ELSIF opm.is_in_group('operator') THEN
        RETURN 'operator';
    END IF;
    RETURN NULL;
END $$;

-- The target that the caller is; nothing where it is no node.
CREATE OR REPLACE FUNCTION opm.own_target() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT target.id FROM opm.node_role JOIN opm.target ON target.id = node_role.target
        WHERE node_role.role = session_user AND opm.is_own_role(node_role.role, 'node_' || node_role.target)
            AND target.name = node_role.name AND target.kind = 3 AND NOT target.gone);
END $$;

CREATE OR REPLACE FUNCTION opm.refuse(what text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% may not %', session_user, what USING ERRCODE = 'insufficient_privilege';
END $$;

-- Refuses changes that the caller may not make. It is the same answer whether there is what they are about or not.
CREATE OR REPLACE FUNCTION opm.check_rights(changes jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rights text := opm.caller_rights();
    own bigint;
    part jsonb;
    rows jsonb;
    is_allowed boolean;
BEGIN
    IF rights = 'administrator' THEN
        RETURN;
    END IF;
    IF rights = 'node' THEN
        own := opm.own_target();
        IF octet_length(changes::text) > 4194304 THEN
            PERFORM opm.refuse('write so much at once');
        END IF;
    ELSIF rights = 'operator' THEN
        -- What `opm.begin_write` wrote down in this transaction.
        IF NOT EXISTS (SELECT 1 FROM opm.command
            WHERE id = (SELECT max(id) FROM opm.command) AND xmin = pg_current_xact_id()::xid)
        THEN
            PERFORM opm.refuse('change anything beside others');
        END IF;
    ELSE
        PERFORM opm.refuse('change anything');
    END IF;
    FOR part IN SELECT value FROM jsonb_array_elements(changes) LOOP
        rows := part -> 'rows';
        is_allowed := false;
        IF rights = 'node' THEN
            CASE part ->> 'kind'
            WHEN 'progress', 'version', 'postponed', 'rerun', 'rerun-done', 'unassign', 'root-id' THEN
                is_allowed := NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(rows) AS r(target bigint)
                    WHERE r.target IS DISTINCT FROM own);
            WHEN 'event' THEN
                is_allowed := NOT EXISTS (
                    SELECT 1 FROM jsonb_to_recordset(rows) AS r(run bigint, target bigint, packages jsonb)
                    WHERE r.target IS DISTINCT FROM own
                        OR NOT EXISTS (SELECT 1 FROM opm.run WHERE run.id = r.run AND run.role = session_user)
                        OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(r.packages) AS named(package)
                            WHERE NOT EXISTS (SELECT 1 FROM opm.state
                                WHERE state.target = own AND state.package = named.package::bigint)));
            WHEN 'event-ended', 'run-ended' THEN
                is_allowed := NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(rows) AS r(run bigint)
                    WHERE NOT EXISTS (SELECT 1 FROM opm.run WHERE run.id = r.run AND run.role = session_user));
            ELSE
            END CASE;
        ELSE
            CASE part ->> 'kind'
            WHEN 'command', 'request', 'assign', 'unassign', 'rerun', 'rerun-done', 'phase', 'hold', 'pin',
                'absence', 'rollout', 'rollout-state', 'wave' THEN
                is_allowed := true;
            WHEN 'package' THEN
                -- One that is asked for and nobody knew; not another one.
                is_allowed := NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(rows) AS r(package bigint)
                    JOIN opm.package ON package.id = r.package);
            WHEN 'progress' THEN
                -- Errors are cleared; nothing gets further by that.
                is_allowed := NOT EXISTS (
                    SELECT 1 FROM jsonb_to_recordset(rows) AS r(target bigint, package bigint, packages bigint[],
                        current smallint, state smallint)
                    -- A row without any package is looked at as well.
                    LEFT JOIN unnest(coalesce(r.packages, ARRAY[r.package])) AS named(package) ON true
                    LEFT JOIN opm.state ON state.target = r.target AND state.package = named.package
                    WHERE r.state IS DISTINCT FROM 0 OR r.current > state.current OR state.target IS NULL);
            ELSE
            END CASE;
        END IF;
        IF NOT is_allowed THEN
            PERFORM opm.refuse(format('change that (%s)', part ->> 'kind'));
        END IF;
    END LOOP;
END $$;

-- Makes the groups, and lets their members read. Done again it changes nothing; needs the right to make roles.
CREATE OR REPLACE FUNCTION opm.set_up_roles() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    suffix text;
    one record;
BEGIN
    FOREACH suffix IN ARRAY ARRAY['node', 'viewer', 'operator', 'administrator', 'enrolling'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = opm.role_name(suffix)) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', opm.role_name(suffix));
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA opm TO %I', opm.role_name(suffix));
        EXECUTE format('GRANT SELECT ON opm.schema TO %I', opm.role_name(suffix));
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), opm.role_name(suffix));
    END LOOP;
    EXECUTE format('GRANT %I TO %I', opm.role_name('viewer'), opm.role_name('operator'));
    EXECUTE format('GRANT %I TO %I', opm.role_name('operator'), opm.role_name('administrator'));
    -- Nobody else connects, or makes temporary tables and functions.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());

    -- Nodes read what is theirs, those that look all but configurations and credentials, administrators all.
    FOR one IN SELECT * FROM (VALUES
        ('schema', 'true', true), ('phase', 'true', true), ('revision', 'true', true), ('settings', 'true', true),
        ('target', 'id = (SELECT opm.own_target()) OR kind = 1
            OR id = (SELECT opm.own_image())', true),
        ('package', 'id IN (SELECT opm.own_packages())', true),
        ('package_need', 'package IN (SELECT opm.own_packages()) AND needs IN (SELECT opm.own_packages())', true),
        ('package_requirement', 'package IN (SELECT opm.own_packages())', true),
        ('state', 'target = (SELECT opm.own_target())', true),
        ('assignment', 'client = (SELECT opm.own_target())', true),
        ('image_seen', 'image = (SELECT opm.own_target())', true),
        ('rerun', 'target = (SELECT opm.own_target())', true),
        ('absence', 'target = (SELECT opm.own_target())', true),
        ('rollout', 'id IN (SELECT opm.own_rollouts())', true),
        ('rollout_package', 'rollout IN (SELECT opm.own_rollouts()) AND package IN (SELECT opm.own_packages())', true),
        ('rollout_target', 'target = (SELECT opm.own_target())', true),
        ('target_seen', NULL, true),
        ('config_value', 'package IN (SELECT opm.own_packages())
            AND (image IS NULL OR image = (SELECT opm.own_image()))', false),
        ('run', 'role = session_user', true),
        ('event', 'target = (SELECT opm.own_target())', true),
        ('event_package', 'EXISTS (SELECT 1 FROM opm.event
            WHERE event.run = event_package.run AND event.number = event_package.number)', true),
        ('engine', 'role = session_user', true),
        ('claim', 'target = (SELECT opm.own_target())', true),
        ('command', NULL, true), ('journal_total', NULL, true), ('journal_pruning', NULL, true),
        ('node_role', NULL, true), ('enrollment_window', NULL, false), ('enrollment_node', NULL, false)
        ) AS rules(relation, of_node, is_for_viewers)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS node ON opm.%I', one.relation);
        EXECUTE format('DROP POLICY IF EXISTS viewer ON opm.%I', one.relation);
        EXECUTE format('DROP POLICY IF EXISTS administrator ON opm.%I', one.relation);
        IF one.of_node IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON opm.%I TO %I', one.relation, opm.role_name('node'));
            EXECUTE format('CREATE POLICY node ON opm.%I FOR SELECT TO %I USING (%s)',
                one.relation, opm.role_name('node'), one.of_node);
        END IF;
        IF one.is_for_viewers THEN
            EXECUTE format('GRANT SELECT ON opm.%I TO %I', one.relation, opm.role_name('viewer'));
            EXECUTE format('CREATE POLICY viewer ON opm.%I FOR SELECT TO %I USING (true)',
                one.relation, opm.role_name('viewer'));
        END IF;
        EXECUTE format('GRANT ALL ON opm.%I TO %I', one.relation, opm.role_name('administrator'));
        EXECUTE format('CREATE POLICY administrator ON opm.%I TO %I USING (true) WITH CHECK (true)',
            one.relation, opm.role_name('administrator'));
    END LOOP;
    DROP POLICY IF EXISTS enrolling ON opm.schema;
    EXECUTE format('CREATE POLICY enrolling ON opm.schema FOR SELECT TO %I USING (true)', opm.role_name('enrolling'));
    EXECUTE format('GRANT ALL ON ALL SEQUENCES IN SCHEMA opm TO %I', opm.role_name('administrator'));
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA opm TO %I', opm.role_name('administrator'));
    FOREACH suffix IN ARRAY ARRAY['node', 'operator'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION opm.begin_write, opm.apply, opm.renew_digests, opm.commit TO %I',
            opm.role_name(suffix));
    END LOOP;
    FOREACH suffix IN ARRAY ARRAY['node', 'viewer'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION opm.take_listener_place, opm.find_root, opm.role_name,
            opm.has_pending_work, opm.may_have_work, opm.load_part, opm.target_revisions, opm.unfinished_runs TO %I',
            opm.role_name(suffix));
    END LOOP;
    EXECUTE format('GRANT EXECUTE ON FUNCTION opm.start_run, opm.claim_targets, opm.end_engine, opm.renew_lease, opm.deliver_results,
        opm.own_target, opm.own_image, opm.own_packages, opm.own_rollouts, opm.is_held_back, opm.report_seen, opm.glance, opm.renew_password TO %I', opm.role_name('node'));
    EXECUTE format('GRANT EXECUTE ON FUNCTION opm.enroll TO %I', opm.role_name('enrolling'));
END $$;

-- The image of the target that the caller is.
CREATE OR REPLACE FUNCTION opm.own_image() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT image FROM opm.target WHERE id = opm.own_target()
$$;

-- The packages that the target of the caller has or is to get.
CREATE OR REPLACE FUNCTION opm.own_packages() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT package FROM opm.state WHERE target = opm.own_target()
    UNION SELECT package FROM opm.assignment WHERE client = opm.own_target()
$$;

-- The rollouts that the target of the caller takes part in.
CREATE OR REPLACE FUNCTION opm.own_rollouts() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT rollout FROM opm.rollout_target WHERE target = opm.own_target()
$$;

-- Puts somebody into a group, and out of the others.
CREATE OR REPLACE FUNCTION opm.grant_rights(person name, rights text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    suffix text;
BEGIN
    IF opm.caller_rights() IS DISTINCT FROM 'administrator' THEN
        PERFORM opm.refuse('grant rights');
    END IF;
    IF rights IS NOT NULL AND rights NOT IN ('viewer', 'operator', 'administrator') THEN
        RAISE EXCEPTION 'nobody can be %', rights USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT 1 FROM opm.node_role WHERE role = person)
        OR EXISTS (SELECT 1 FROM opm.enrollment_window WHERE role = person)
    THEN
        RAISE EXCEPTION '% is a node, not a person', person USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH suffix IN ARRAY ARRAY['viewer', 'operator', 'administrator'] LOOP
        EXECUTE format('REVOKE %I FROM %I', opm.role_name(suffix), person);
    END LOOP;
    IF rights IS NOT NULL THEN
        EXECUTE format('GRANT %I TO %I', opm.role_name(rights), person);
    END IF;
END $$;

-- What was there before has no rules of its own, and nobody but the owner may call anything that is not granted.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT oid::regclass AS relation FROM pg_class
        WHERE relnamespace = 'opm'::regnamespace AND relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', one.relation);
        EXECUTE format('DROP POLICY IF EXISTS owner ON %s', one.relation);
        EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', one.relation);
    END LOOP;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA opm FROM PUBLIC;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = opm.role_name('node')) THEN
        PERFORM opm.set_up_roles();
    END IF;
END $$;
