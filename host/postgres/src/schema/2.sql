-- From version 1 to version 2: who may do what, and who did what.

-- Whose it is: the role that connected.
ALTER TABLE opm.run ADD COLUMN role name;
ALTER TABLE opm.engine ADD COLUMN role name NOT NULL DEFAULT session_user;

-- How many writes its engine had done when that ended before it: what came later is on the disk of its machine, or lost.
ALTER TABLE opm.run ADD COLUMN last_write bigint;

-- Commands that changed what engines decide about: who gave them, as the program said, and the role that connected.
CREATE TABLE opm.command (
    id bigint PRIMARY KEY,
    at bigint NOT NULL,
    who text NOT NULL CHECK (who <> ''),
    host text NOT NULL,
    command text NOT NULL,
    role name
);

-- Roles of nodes, and which target each is: the one of that id and that name, also when all targets are put there anew.
CREATE TABLE opm.node_role (
    role name PRIMARY KEY,
    target bigint NOT NULL UNIQUE,
    name text NOT NULL,
    -- What tells its machine from others, as it said itself.
    machine text NOT NULL CHECK (length(machine) BETWEEN 1 AND 200),
    enrolled timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Windows in which nodes may enroll. Each has a role of its own, whose password is the token.
CREATE TABLE opm.enrollment_window (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role name NOT NULL UNIQUE,
    ends timestamptz NOT NULL,
    -- Whether a node may come again: one that keeps nothing from one boot to the next.
    every_boot boolean NOT NULL,
    opened timestamptz NOT NULL DEFAULT clock_timestamp(),
    opened_by name NOT NULL DEFAULT session_user
);
CREATE TABLE opm.enrollment_node (
    enrollment_window bigint NOT NULL REFERENCES opm.enrollment_window (id) ON DELETE CASCADE,
    target bigint NOT NULL,
    used timestamptz,
    PRIMARY KEY (enrollment_window, target)
);

-- Whoever writes what engines decide about takes this alone, engines side by side: as locks of a table, which nobody
-- else can take.
CREATE TABLE opm.write_order ();

-- Targets of which nothing is expected, until a time (in seconds since 1970) or until somebody says otherwise.
CREATE TABLE opm.absence (
    target bigint PRIMARY KEY REFERENCES opm.target (id),
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 2),
    reason text NOT NULL,
    since bigint NOT NULL,
    until bigint,
    who text NOT NULL
);

-- Requests that go out to their targets in waves. One that has ended stays, so that its id is not used again; it is about
-- no package and no target any more.
CREATE TABLE opm.rollout (
    id bigint PRIMARY KEY CHECK (id > 0),
    -- On how many targets at once something may be under way.
    at_once bigint NOT NULL CHECK (at_once BETWEEN 1 AND 4294967295),
    -- How many of the targets that were let go may fail, or how many of a hundred.
    max_fail bigint NOT NULL CHECK (max_fail BETWEEN 0 AND 4294967295),
    is_percent boolean NOT NULL CHECK (NOT is_percent OR max_fail <= 100),
    since bigint NOT NULL,
    who text NOT NULL,
    -- 0 under way, 1 stopped, 2 ended; why, or how.
    state smallint NOT NULL CHECK (state BETWEEN 0 AND 2),
    note text,
    CHECK ((state = 0) = (note IS NULL))
);
CREATE INDEX rollout_open ON opm.rollout (id) WHERE state = 0;
CREATE TABLE opm.rollout_package (
    rollout bigint NOT NULL REFERENCES opm.rollout (id),
    package bigint NOT NULL REFERENCES opm.package (id),
    PRIMARY KEY (rollout, package)
);
CREATE TABLE opm.rollout_target (
    rollout bigint NOT NULL REFERENCES opm.rollout (id),
    target bigint NOT NULL REFERENCES opm.target (id),
    -- 0 held, 1 let go, 2 failed and excused.
    state smallint NOT NULL CHECK (state BETWEEN 0 AND 2),
    PRIMARY KEY (rollout, target)
);
CREATE INDEX rollout_target_target ON opm.rollout_target (target);

-- When targets looked for work last. It may be lost with the power.
CREATE UNLOGGED TABLE opm.target_seen (
    target bigint PRIMARY KEY REFERENCES opm.target (id),
    seen timestamptz NOT NULL
) WITH (fillfactor = 50);

-- What a value may be, as a type: the check of a column is read and prepared by each statement that writes to its table,
-- that of a type once in a session.
CREATE DOMAIN opm.stage AS smallint CHECK (VALUE BETWEEN 1 AND 8);
CREATE DOMAIN opm.work_state AS smallint CHECK (VALUE BETWEEN 0 AND 2);
CREATE DOMAIN opm.run_verdict AS smallint CHECK (VALUE BETWEEN 0 AND 3);
CREATE DOMAIN opm.step_kind AS smallint CHECK (VALUE BETWEEN 1 AND 6);
CREATE DOMAIN opm.step_verdict AS smallint CHECK (VALUE BETWEEN 0 AND 4);
CREATE DOMAIN opm.target_kind AS smallint CHECK (VALUE BETWEEN 1 AND 3);
CREATE DOMAIN opm.count AS bigint CHECK (VALUE BETWEEN 0 AND 4294967295);
CREATE DOMAIN opm.position AS integer CHECK (VALUE >= 0);
CREATE DOMAIN opm.target_name AS text CHECK (VALUE ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$');
CREATE DOMAIN opm.filled AS text CHECK (VALUE <> '');
CREATE DOMAIN opm.digest AS bytea CHECK (length(VALUE) = 32);

ALTER TABLE opm.state
    DROP CONSTRAINT state_requested_check, ALTER requested TYPE opm.stage,
    DROP CONSTRAINT state_current_check, ALTER current TYPE opm.stage,
    DROP CONSTRAINT state_state_check, ALTER state TYPE opm.work_state,
    DROP CONSTRAINT state_attempts_check, ALTER attempts TYPE opm.count,
    DROP CONSTRAINT state_inherits_check, ALTER inherits TYPE opm.stage,
    DROP CONSTRAINT state_failed_stage_check, ALTER failed_stage TYPE opm.stage,
    DROP CONSTRAINT state_version_check, ALTER version TYPE opm.filled,
    DROP CONSTRAINT state_postponed_check, ALTER postponed TYPE opm.filled,
    DROP CONSTRAINT state_check, DROP CONSTRAINT state_check1,
    ADD CHECK ((state = 2) = (failed_stage IS NOT NULL) AND (failed_stage IS NULL) = (message IS NULL));
ALTER TABLE opm.event
    DROP CONSTRAINT event_number_check, ALTER number TYPE opm.count,
    DROP CONSTRAINT event_stage_check, ALTER stage TYPE opm.stage,
    DROP CONSTRAINT event_step_check, ALTER step TYPE opm.step_kind,
    DROP CONSTRAINT event_verdict_check, ALTER verdict TYPE opm.step_verdict;
ALTER TABLE opm.event_package
    DROP CONSTRAINT event_package_position_check, ALTER position TYPE opm.position;
ALTER TABLE opm.run
    DROP CONSTRAINT run_verdict_check, ALTER verdict TYPE opm.run_verdict,
    DROP CONSTRAINT run_process_check, ALTER process TYPE opm.count,
    DROP CONSTRAINT run_boot_check, ALTER boot TYPE opm.filled;
ALTER TABLE opm.target
    DROP CONSTRAINT target_kind_check, ALTER kind TYPE opm.target_kind,
    DROP CONSTRAINT target_name_check, ALTER name TYPE opm.target_name,
    DROP CONSTRAINT target_root_check, ALTER root TYPE opm.filled,
    DROP CONSTRAINT target_root_id_check, ALTER root_id TYPE opm.filled,
    DROP CONSTRAINT target_digest_check, ALTER digest TYPE opm.digest;

-- Whether work may be left. It is no column of its own, and no index has it: what progresses would be put into all indices
-- of its table anew, for each package. What is indexed is a target with any such row, as far as that is known: one that was
-- written to since its digest was computed may have some.
CREATE FUNCTION opm.may_have_work(requested smallint, current smallint, state smallint, attempts bigint, inherits smallint)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT requested > current OR (requested = 1 AND (current > 1 OR attempts > 0)) OR state <> 0 OR inherits IS NOT NULL
$$;
DROP INDEX opm.state_pending;
ALTER TABLE opm.state SET (fillfactor = 50);
ALTER TABLE opm.target ADD COLUMN is_pending boolean NOT NULL DEFAULT true;
UPDATE opm.target SET is_pending = EXISTS (SELECT 1 FROM opm.state WHERE state.target = target.id
    AND opm.may_have_work(requested, current, state.state, attempts, inherits));
CREATE INDEX target_pending ON opm.target (id) WHERE is_pending;
ALTER TABLE opm.target SET (fillfactor = 70);

-- Likewise, a step that ends is put into all indices anew only where it failed.
ALTER TABLE opm.event ADD COLUMN is_failed boolean NOT NULL DEFAULT false;
UPDATE opm.event SET is_failed = true WHERE verdict IN (1, 2);
DROP INDEX opm.event_failed;
CREATE INDEX event_failed ON opm.event (run, number) WHERE is_failed;
ALTER TABLE opm.event SET (fillfactor = 80);

-- Packages are never deleted, so that it is enough to look whether there is one, as `opm.write_rows` does: the key would have
-- all engines lock the rows of the same packages. Steps come before their packages and go after them, in one transaction.
ALTER TABLE opm.event_package
    DROP CONSTRAINT event_package_package_fkey,
    DROP CONSTRAINT event_package_run_number_fkey;

-- A row is found at once by either index, whatever the server knows of how many there are.
DROP INDEX opm.state_package;
CREATE INDEX state_package ON opm.state (package, target);
DROP INDEX opm.assignment_package;
CREATE INDEX assignment_package ON opm.assignment (package, client);

-- What was removed of the journal still counts: how many steps began on a day, in days since 1970. Package 0 is none.
CREATE TABLE opm.journal_total (
    day bigint NOT NULL,
    package bigint NOT NULL,
    stage smallint NOT NULL CHECK (stage BETWEEN 1 AND 8),
    verdict smallint NOT NULL CHECK (verdict BETWEEN 0 AND 4),
    steps bigint NOT NULL CHECK (steps > 0),
    PRIMARY KEY (day, package, stage, verdict)
);

-- When old steps were looked for last, in milliseconds since 1970.
CREATE TABLE opm.journal_pruning (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    at bigint NOT NULL
);
INSERT INTO opm.journal_pruning (at) VALUES (0);
