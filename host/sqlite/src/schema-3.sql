-- Packages can be forgotten: what is gone stays for the journal, and so that its id is not used again. A package can be
-- held, and its version can be chosen. Nothing checks references while a table that others refer to is made anew.
CREATE TABLE package_3 (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 2147483647),
    name TEXT NOT NULL CHECK (
        length(name) BETWEEN 1 AND 128 AND name GLOB '[A-Za-z0-9]*' AND name NOT GLOB '*[^A-Za-z0-9+._-]*'
    ),
    class INTEGER NOT NULL CHECK (class BETWEEN 1 AND 4),
    version TEXT,
    awaits TEXT,
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    pinned TEXT CHECK (pinned <> ''),
    gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1))
) STRICT;
INSERT INTO package_3 (id, name, class, version, awaits) SELECT id, name, class, version, awaits FROM package;
DROP TABLE package;
ALTER TABLE package_3 RENAME TO package;
CREATE UNIQUE INDEX package_name ON package (name) WHERE gone = 0;

-- What dependencies between packages are found from.
CREATE TABLE package_requirement (
    package INTEGER NOT NULL REFERENCES package (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    name TEXT NOT NULL CHECK (name <> ''),
    PRIMARY KEY (package, position)
) STRICT, WITHOUT ROWID;

ALTER TABLE state ADD COLUMN version TEXT CHECK (version <> '');
ALTER TABLE state ADD COLUMN postponed TEXT CHECK (postponed <> '');
ALTER TABLE target ADD COLUMN root_id TEXT CHECK (root_id <> '');
ALTER TABLE run ADD COLUMN boot TEXT CHECK (boot <> '');
ALTER TABLE run ADD COLUMN process_start INTEGER;

-- The log of a step is known while it runs.
CREATE TABLE event_3 (
    run INTEGER NOT NULL REFERENCES run (id),
    number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 4294967295),
    started INTEGER NOT NULL,
    target INTEGER NOT NULL REFERENCES target (id),
    stage INTEGER NOT NULL CHECK (stage BETWEEN 1 AND 8),
    step INTEGER NOT NULL CHECK (step BETWEEN 1 AND 6),
    name TEXT NOT NULL,
    ended INTEGER,
    verdict INTEGER CHECK (verdict BETWEEN 0 AND 4),
    message TEXT,
    exit_code INTEGER CHECK (exit_code BETWEEN -2147483648 AND 2147483647),
    signal INTEGER CHECK (signal BETWEEN -2147483648 AND 2147483647),
    timed_out INTEGER CHECK (timed_out IN (0, 1)),
    log TEXT,
    tail TEXT,
    PRIMARY KEY (run, number),
    CHECK ((ended IS NULL) = (verdict IS NULL) AND (ended IS NULL) = (timed_out IS NULL)
        AND (ended IS NULL) = (tail IS NULL)),
    CHECK (ended IS NOT NULL OR (message IS NULL AND exit_code IS NULL AND signal IS NULL))
) STRICT;
INSERT INTO event_3 SELECT * FROM event;
DROP TABLE event;
ALTER TABLE event_3 RENAME TO event;
CREATE INDEX event_target ON event (target, run, number);
CREATE INDEX event_failed ON event (run, number) WHERE verdict IN (1, 2);
