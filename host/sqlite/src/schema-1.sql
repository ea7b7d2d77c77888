CREATE TABLE phase (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    phase INTEGER NOT NULL CHECK (phase BETWEEN 1 AND 7)
) STRICT;
INSERT INTO phase VALUES (1, 1);

-- What is gone stays for the journal, and so that its id is not used again.
CREATE TABLE target (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 2147483647),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
    name TEXT NOT NULL CHECK (
        length(name) BETWEEN 1 AND 64 AND name GLOB '[A-Za-z0-9]*' AND name NOT GLOB '*[^A-Za-z0-9._-]*'
    ),
    root TEXT CHECK (root <> ''),
    image INTEGER REFERENCES target (id) CHECK (image IS NULL OR (kind = 3 AND gone = 0)),
    gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX target_name ON target (kind, name) WHERE gone = 0;
CREATE INDEX target_image ON target (image) WHERE image IS NOT NULL;

CREATE TABLE package (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 2147483647),
    name TEXT NOT NULL UNIQUE CHECK (
        length(name) BETWEEN 1 AND 128 AND name GLOB '[A-Za-z0-9]*' AND name NOT GLOB '*[^A-Za-z0-9+._-]*'
    ),
    class INTEGER NOT NULL CHECK (class BETWEEN 1 AND 4),
    version TEXT,
    awaits TEXT
) STRICT;

CREATE TABLE package_need (
    package INTEGER NOT NULL REFERENCES package (id) DEFERRABLE INITIALLY DEFERRED,
    position INTEGER NOT NULL CHECK (position >= 0),
    needs INTEGER NOT NULL REFERENCES package (id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (package, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
    target INTEGER NOT NULL REFERENCES target (id),
    package INTEGER NOT NULL REFERENCES package (id),
    requested INTEGER NOT NULL CHECK (requested BETWEEN 1 AND 8),
    current INTEGER NOT NULL CHECK (current BETWEEN 1 AND 8),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
    attempts INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 4294967295),
    inherits INTEGER CHECK (inherits BETWEEN 1 AND 8),
    changed INTEGER NOT NULL,
    failed_stage INTEGER CHECK (failed_stage BETWEEN 1 AND 8),
    message TEXT,
    PRIMARY KEY (target, package),
    CHECK ((state = 2) = (failed_stage IS NOT NULL)),
    CHECK ((failed_stage IS NULL) = (message IS NULL))
) STRICT, WITHOUT ROWID;
-- Where work may be left, so that an idle run sees at once that there is none.
CREATE INDEX state_pending ON state (target)
    WHERE requested > current OR (requested = 1 AND (current > 1 OR attempts > 0)) OR state <> 0
        OR inherits IS NOT NULL;

CREATE TABLE assignment (
    client INTEGER NOT NULL REFERENCES target (id),
    package INTEGER NOT NULL REFERENCES package (id),
    handed_over INTEGER,
    PRIMARY KEY (client, package)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignment_waiting ON assignment (package) WHERE handed_over IS NULL;

CREATE TABLE image_seen (
    image INTEGER NOT NULL REFERENCES target (id),
    package INTEGER NOT NULL REFERENCES package (id),
    PRIMARY KEY (image, package)
) STRICT, WITHOUT ROWID;

CREATE TABLE rerun (
    target INTEGER NOT NULL REFERENCES target (id),
    package INTEGER NOT NULL REFERENCES package (id),
    stage INTEGER NOT NULL CHECK (stage BETWEEN 1 AND 8),
    PRIMARY KEY (target, package, stage)
) STRICT, WITHOUT ROWID;

CREATE TABLE config_value (
    id INTEGER PRIMARY KEY,
    package INTEGER NOT NULL REFERENCES package (id),
    image INTEGER REFERENCES target (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    name TEXT NOT NULL CHECK (name <> ''),
    value TEXT NOT NULL,
    origin INTEGER NOT NULL CHECK (origin BETWEEN 0 AND 2)
) STRICT;
CREATE UNIQUE INDEX config_value_place ON config_value (package, ifnull(image, 0), position);
CREATE INDEX config_value_image ON config_value (image) WHERE image IS NOT NULL;

CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started INTEGER NOT NULL,
    ended INTEGER,
    verdict INTEGER CHECK (verdict BETWEEN 0 AND 3),
    host TEXT NOT NULL,
    process INTEGER NOT NULL CHECK (process BETWEEN 0 AND 4294967295),
    command TEXT NOT NULL,
    CHECK ((ended IS NULL) = (verdict IS NULL))
) STRICT;
CREATE INDEX run_open ON run (id) WHERE ended IS NULL;

CREATE TABLE event (
    run INTEGER NOT NULL REFERENCES run (id),
    number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 4294967295),
    started INTEGER NOT NULL,
    target INTEGER NOT NULL REFERENCES target (id),
    stage INTEGER NOT NULL CHECK (stage BETWEEN 1 AND 8),
    step INTEGER NOT NULL CHECK (step BETWEEN 1 AND 5),
    name TEXT NOT NULL,
    ended INTEGER,
    verdict INTEGER CHECK (verdict BETWEEN 0 AND 3),
    message TEXT,
    exit_code INTEGER CHECK (exit_code BETWEEN -2147483648 AND 2147483647),
    signal INTEGER CHECK (signal BETWEEN -2147483648 AND 2147483647),
    timed_out INTEGER CHECK (timed_out IN (0, 1)),
    log TEXT,
    tail TEXT,
    PRIMARY KEY (run, number),
    CHECK ((ended IS NULL) = (verdict IS NULL) AND (ended IS NULL) = (timed_out IS NULL)
        AND (ended IS NULL) = (tail IS NULL)),
    CHECK (ended IS NOT NULL OR (message IS NULL AND exit_code IS NULL AND signal IS NULL AND log IS NULL))
) STRICT;
CREATE INDEX event_target ON event (target, run, number);
CREATE INDEX event_failed ON event (run, number) WHERE verdict IN (1, 2);

CREATE TABLE event_package (
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    package INTEGER NOT NULL REFERENCES package (id),
    PRIMARY KEY (run, number, position),
    FOREIGN KEY (run, number) REFERENCES event (run, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_package_package ON event_package (package, run, number);
