-- How nodes get credentials of their own, and lose them. Roles belong to the whole server, rows to one database: a database
-- that was put back has rows whose roles are gone, and roles without a row; a copy beside it names roles of the one that it
-- was made of. So a role is looked for before it is altered, and one is touched only where its name is this database's own.

-- Whether a role that is named by a row is one that this database made.
CREATE OR REPLACE FUNCTION opm.is_own_role(its_role name, suffix text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT its_role::text = current_database() || '_' || suffix
$$;

-- Takes a role away that this database made, with its sessions in it; one that is not there is gone already.
CREATE OR REPLACE FUNCTION opm.drop_own_role(its_role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = its_role) THEN
        EXECUTE format('ALTER ROLE %I NOLOGIN', its_role);
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE usename = its_role AND datname = current_database();
        EXECUTE format('DROP ROLE IF EXISTS %I', its_role);
    END IF;
END $$;

-- A verifier of a password, as programs compute it themselves, so that no password gets into a log.
CREATE OR REPLACE FUNCTION opm.check_verifier(verifier text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF verifier !~ '^SCRAM-SHA-256\$[0-9]{4,6}:[A-Za-z0-9+/]{16,64}={0,2}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$' THEN
        RAISE EXCEPTION 'that is no verifier of a password' USING ERRCODE = 'invalid_password';
    END IF;
END $$;

-- Opens a window in which nodes may enroll with a token, and returns its role.
CREATE OR REPLACE FUNCTION opm.open_enrollment(nodes bigint[], seconds bigint, every_boot boolean, verifier text)
RETURNS name
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint;
    its_role name;
    its_end timestamptz := clock_timestamp() + make_interval(secs => seconds);
BEGIN
    IF opm.caller_rights() IS DISTINCT FROM 'administrator' THEN
        PERFORM opm.refuse('let nodes enroll');
    END IF;
    PERFORM opm.check_verifier(verifier);
    PERFORM opm.close_enrollments(ARRAY(SELECT role FROM opm.enrollment_window WHERE ends < clock_timestamp()));
    INSERT INTO opm.enrollment_window (role, ends, every_boot) VALUES ('', its_end, every_boot) RETURNING id INTO made;
    its_role := opm.role_name('enroll_' || made);
    UPDATE opm.enrollment_window SET role = its_role WHERE id = made;
    -- Of a window that is not in what was put back.
    PERFORM opm.drop_own_role(its_role);
    INSERT INTO opm.enrollment_node (enrollment_window, target)
    SELECT made, id FROM opm.target WHERE id = ANY (nodes) AND kind = 3 AND NOT gone;
    EXECUTE format('CREATE ROLE %I LOGIN CONNECTION LIMIT 100 PASSWORD %L VALID UNTIL %L IN ROLE %I',
        its_role, verifier, its_end, opm.role_name('enrolling'));
    RETURN its_role;
END $$;

-- Closes windows; those that are not there are closed.
CREATE OR REPLACE FUNCTION opm.close_enrollments(roles name[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one record;
    closed bigint := 0;
BEGIN
    IF opm.caller_rights() IS DISTINCT FROM 'administrator' THEN
        PERFORM opm.refuse('close windows');
    END IF;
    FOR one IN DELETE FROM opm.enrollment_window WHERE role = ANY (roles) RETURNING id, role LOOP
        IF opm.is_own_role(one.role, 'enroll_' || one.id) THEN
            EXECUTE format('DROP ROLE IF EXISTS %I', one.role);
        END IF;
        closed := closed + 1;
    END LOOP;
    RETURN closed;
END $$;

-- A node turns the token of a window into a role of its own, whose name is returned.
CREATE OR REPLACE FUNCTION opm.enroll(node text, machine text, verifier text) RETURNS name
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place record;
    its_role name;
BEGIN
    PERFORM opm.check_verifier(verifier);
    SELECT opened.id, opened.every_boot, named.used, target.id AS target INTO place
    FROM opm.enrollment_window AS opened
    JOIN opm.enrollment_node AS named ON named.enrollment_window = opened.id
    JOIN opm.target ON target.id = named.target AND target.name = node AND target.kind = 3 AND NOT target.gone
    WHERE opened.role = session_user AND opm.is_own_role(opened.role, 'enroll_' || opened.id)
        AND opened.ends > clock_timestamp()
    FOR UPDATE OF named;
    -- Whether there is such a node is not said.
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this token does not enroll the node %, or no longer', node
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF place.used IS NOT NULL AND NOT place.every_boot THEN
        RAISE EXCEPTION 'this token was used for the node % already', node USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE opm.enrollment_node SET used = clock_timestamp()
    WHERE enrollment_window = place.id AND target = place.target;
    PERFORM opm.drop_node_role(place.target);
    its_role := opm.role_name('node_' || place.target);
    -- Of a node that enrolled since what was put back was written.
    PERFORM opm.drop_own_role(its_role);
    EXECUTE format('CREATE ROLE %I LOGIN CONNECTION LIMIT 8 PASSWORD %L IN ROLE %I ROLE %I',
        its_role, verifier, opm.role_name('node'), current_user);
    INSERT INTO opm.node_role (role, target, name, machine) VALUES (its_role, place.target, node, enroll.machine);
    RETURN its_role;
END $$;

-- Takes the role of a node away, with its sessions and claims.
CREATE OR REPLACE FUNCTION opm.drop_node_role(node bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    its_role name;
BEGIN
    DELETE FROM opm.node_role WHERE target = node RETURNING role INTO its_role;
    IF its_role IS NULL THEN
        RETURN false;
    END IF;
    PERFORM opm.remove_engine(id, false) FROM opm.engine WHERE role = its_role;
    IF opm.is_own_role(its_role, 'node_' || node) THEN
        PERFORM opm.drop_own_role(its_role);
    END IF;
    RETURN true;
END $$;

-- Takes the credentials of nodes away that are none of the targets, and closes all windows: after all targets were put
-- there anew.
CREATE OR REPLACE FUNCTION opm.drop_stale_roles() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM opm.drop_node_role(node_role.target) FROM opm.node_role
    WHERE NOT EXISTS (SELECT 1 FROM opm.target
        WHERE target.id = node_role.target AND target.name = node_role.name AND kind = 3 AND NOT gone);
    PERFORM opm.close_enrollments(ARRAY(SELECT role FROM opm.enrollment_window));
END $$;

-- Takes the credentials of nodes away, and returns how many had some.
CREATE OR REPLACE FUNCTION opm.revoke_nodes(nodes bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF opm.caller_rights() IS DISTINCT FROM 'administrator' THEN
        PERFORM opm.refuse('take credentials away');
    END IF;
    RETURN (SELECT count(*) FROM (SELECT DISTINCT unnest(nodes) AS id) AS node WHERE opm.drop_node_role(id));
END $$;

-- A node gets a new password; its sessions go on.
CREATE OR REPLACE FUNCTION opm.renew_password(verifier text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM opm.check_verifier(verifier);
    IF opm.own_target() IS NULL THEN
        PERFORM opm.refuse('have a password renewed that way');
    END IF;
    EXECUTE format('ALTER ROLE %I PASSWORD %L', session_user, verifier);
END $$;
