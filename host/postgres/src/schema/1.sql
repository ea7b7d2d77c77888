-- The database of a cluster. Tables and columns mean what they mean in the file of SQLite; what only several machines
-- need comes at the end. Everything is written by the functions of functions.sql, so that a commit takes one round trip.
CREATE SCHEMA opm;

-- Which programs may work with it: those that know `version`, and older ones that know at least `oldest`.
CREATE TABLE opm.schema (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    version integer NOT NULL,
    oldest integer NOT NULL
);
INSERT INTO opm.schema (version, oldest) VALUES (1, 1);

CREATE TABLE opm.phase (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    phase smallint NOT NULL CHECK (phase BETWEEN 1 AND 7)
);
INSERT INTO opm.phase (phase) VALUES (1);

-- What is gone stays for the journal, and so that its id is not used again.
CREATE TABLE opm.target (
    id bigint PRIMARY KEY CHECK (id BETWEEN 1 AND 2147483647),
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 3),
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
    root text CHECK (root <> ''),
    image bigint REFERENCES opm.target (id) CHECK (image IS NULL OR (kind = 3 AND NOT gone)),
    gone boolean NOT NULL DEFAULT false,
    root_id text CHECK (root_id <> ''),
    -- Of what is on the target; nothing where nothing is. Targets with the same one are alike.
    digest bytea CHECK (length(digest) = 32)
);
CREATE UNIQUE INDEX target_name ON opm.target (kind, name) WHERE NOT gone;
CREATE INDEX target_root_id ON opm.target (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX target_image ON opm.target (image) WHERE image IS NOT NULL;

CREATE TABLE opm.package (
    id bigint PRIMARY KEY CHECK (id BETWEEN 1 AND 2147483647),
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9+._-]{0,127}$'),
    class smallint NOT NULL CHECK (class BETWEEN 1 AND 4),
    version text,
    awaits text,
    held boolean NOT NULL DEFAULT false,
    pinned text CHECK (pinned <> ''),
    gone boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX package_name ON opm.package (name) WHERE NOT gone;

CREATE TABLE opm.package_need (
    package bigint NOT NULL REFERENCES opm.package (id) DEFERRABLE INITIALLY DEFERRED,
    position integer NOT NULL CHECK (position >= 0),
    needs bigint NOT NULL REFERENCES opm.package (id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (package, position)
);

-- What dependencies between packages are found from.
CREATE TABLE opm.package_requirement (
    package bigint NOT NULL REFERENCES opm.package (id),
    position integer NOT NULL CHECK (position >= 0),
    name text NOT NULL CHECK (name <> ''),
    PRIMARY KEY (package, position)
);

CREATE TABLE opm.state (
    target bigint NOT NULL REFERENCES opm.target (id),
    package bigint NOT NULL REFERENCES opm.package (id),
    requested smallint NOT NULL CHECK (requested BETWEEN 1 AND 8),
    current smallint NOT NULL CHECK (current BETWEEN 1 AND 8),
    state smallint NOT NULL CHECK (state BETWEEN 0 AND 2),
    attempts bigint NOT NULL CHECK (attempts BETWEEN 0 AND 4294967295),
    inherits smallint CHECK (inherits BETWEEN 1 AND 8),
    changed bigint NOT NULL,
    failed_stage smallint CHECK (failed_stage BETWEEN 1 AND 8),
    message text,
    version text CHECK (version <> ''),
    postponed text CHECK (postponed <> ''),
    PRIMARY KEY (target, package),
    CHECK ((state = 2) = (failed_stage IS NOT NULL)),
    CHECK ((failed_stage IS NULL) = (message IS NULL))
);
CREATE INDEX state_package ON opm.state (package);
-- Where work may be left, so that an idle run sees at once that there is none.
CREATE INDEX state_pending ON opm.state (target)
    WHERE requested > current OR (requested = 1 AND (current > 1 OR attempts > 0)) OR state <> 0
        OR inherits IS NOT NULL;
CREATE INDEX state_postponed ON opm.state (target) WHERE postponed IS NOT NULL;

CREATE TABLE opm.assignment (
    client bigint NOT NULL REFERENCES opm.target (id),
    package bigint NOT NULL REFERENCES opm.package (id),
    handed_over bigint,
    PRIMARY KEY (client, package)
);
CREATE INDEX assignment_package ON opm.assignment (package);
CREATE INDEX assignment_waiting ON opm.assignment (package) WHERE handed_over IS NULL;

CREATE TABLE opm.image_seen (
    image bigint NOT NULL REFERENCES opm.target (id),
    package bigint NOT NULL REFERENCES opm.package (id),
    PRIMARY KEY (image, package)
);

CREATE TABLE opm.rerun (
    target bigint NOT NULL REFERENCES opm.target (id),
    package bigint NOT NULL REFERENCES opm.package (id),
    stage smallint NOT NULL CHECK (stage BETWEEN 1 AND 8),
    PRIMARY KEY (target, package, stage)
);

CREATE TABLE opm.config_value (
    package bigint NOT NULL REFERENCES opm.package (id),
    image bigint REFERENCES opm.target (id),
    position integer NOT NULL CHECK (position >= 0),
    name text NOT NULL CHECK (name <> ''),
    value text NOT NULL,
    origin smallint NOT NULL CHECK (origin BETWEEN 0 AND 2)
);
CREATE UNIQUE INDEX config_value_place ON opm.config_value (package, coalesce(image, 0), position);
CREATE INDEX config_value_image ON opm.config_value (image) WHERE image IS NOT NULL;

CREATE TABLE opm.run (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    started bigint NOT NULL,
    ended bigint,
    verdict smallint CHECK (verdict BETWEEN 0 AND 3),
    host text NOT NULL,
    process bigint NOT NULL CHECK (process BETWEEN 0 AND 4294967295),
    command text NOT NULL,
    boot text CHECK (boot <> ''),
    process_start bigint,
    -- Which engine it is of, and which of its writes began it; nothing where it came from another database.
    engine bigint,
    engine_write bigint,
    CHECK ((ended IS NULL) = (verdict IS NULL))
);
CREATE INDEX run_open ON opm.run (id) WHERE ended IS NULL;
CREATE INDEX run_engine ON opm.run (engine, engine_write) WHERE engine IS NOT NULL;

CREATE TABLE opm.event (
    run bigint NOT NULL REFERENCES opm.run (id),
    number bigint NOT NULL CHECK (number BETWEEN 0 AND 4294967295),
    started bigint NOT NULL,
    target bigint NOT NULL REFERENCES opm.target (id),
    stage smallint NOT NULL CHECK (stage BETWEEN 1 AND 8),
    step smallint NOT NULL CHECK (step BETWEEN 1 AND 6),
    name text NOT NULL,
    ended bigint,
    verdict smallint CHECK (verdict BETWEEN 0 AND 4),
    message text,
    exit_code integer,
    signal integer,
    timed_out boolean,
    log text,
    tail text,
    PRIMARY KEY (run, number),
    CHECK ((ended IS NULL) = (verdict IS NULL) AND (ended IS NULL) = (timed_out IS NULL)
        AND (ended IS NULL) = (tail IS NULL)),
    CHECK (ended IS NOT NULL OR (message IS NULL AND exit_code IS NULL AND signal IS NULL))
);
CREATE INDEX event_target ON opm.event (target, run, number);
CREATE INDEX event_failed ON opm.event (run, number) WHERE verdict IN (1, 2);

CREATE TABLE opm.event_package (
    run bigint NOT NULL,
    number bigint NOT NULL,
    position integer NOT NULL CHECK (position >= 0),
    package bigint NOT NULL REFERENCES opm.package (id),
    PRIMARY KEY (run, number, position),
    FOREIGN KEY (run, number) REFERENCES opm.event (run, number)
);
CREATE INDEX event_package_package ON opm.event_package (package, run, number);

-- `requests` grows with whatever is written by somebody who is no engine; `value` likewise, and with the writes of an engine
-- when that ends.
CREATE TABLE opm.revision (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    requests bigint NOT NULL,
    value bigint NOT NULL
);
INSERT INTO opm.revision (requests, value) VALUES (0, 0);

-- What administrators may change. `lease`: how long an engine that says nothing keeps what it claimed, by the clock of this
-- server alone. `listeners`: how many engines may keep a connection while they wait for work; the others ask now and then.
CREATE TABLE opm.settings (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    lease interval NOT NULL DEFAULT interval '60 seconds' CHECK (lease > interval '0'),
    listeners integer NOT NULL DEFAULT 200 CHECK (listeners >= 0)
);
INSERT INTO opm.settings DEFAULT VALUES;

-- The engines that have claimed targets. Who took over from one has deleted it: it can write nothing any more.
CREATE TABLE opm.engine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host text NOT NULL,
    process bigint NOT NULL,
    boot text NOT NULL,
    process_start bigint NOT NULL,
    -- How many writes it has done: one that is repeated after a broken connection is done once.
    writes bigint NOT NULL DEFAULT 0,
    seen timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

CREATE TABLE opm.claim (
    target bigint PRIMARY KEY REFERENCES opm.target (id),
    engine bigint NOT NULL REFERENCES opm.engine (id) ON DELETE CASCADE,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX claim_engine ON opm.claim (engine);
