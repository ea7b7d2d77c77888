-- Steps are of more kinds. A condition of a table changes with the table only; what refers to it is made anew as
-- well, since nothing may refer to a table that goes.
CREATE TABLE event_2 (
    run INTEGER NOT NULL REFERENCES run (id),
    number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 4294967295),
    started INTEGER NOT NULL,
    target INTEGER NOT NULL REFERENCES target (id),
    stage INTEGER NOT NULL CHECK (stage BETWEEN 1 AND 8),
    step INTEGER NOT NULL CHECK (step BETWEEN 1 AND 6),
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
INSERT INTO event_2 SELECT * FROM event;

CREATE TABLE event_package_2 (
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    package INTEGER NOT NULL REFERENCES package (id),
    PRIMARY KEY (run, number, position),
    FOREIGN KEY (run, number) REFERENCES event_2 (run, number)
) STRICT, WITHOUT ROWID;
INSERT INTO event_package_2 SELECT * FROM event_package;

DROP TABLE event_package;
DROP TABLE event;
ALTER TABLE event_2 RENAME TO event;
ALTER TABLE event_package_2 RENAME TO event_package;
CREATE INDEX event_target ON event (target, run, number);
CREATE INDEX event_failed ON event (run, number) WHERE verdict IN (1, 2);
CREATE INDEX event_package_package ON event_package (package, run, number);
