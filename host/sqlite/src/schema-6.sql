-- What was removed of the journal still counts: how many steps began on a day, in days since 1970. Package 0 is none.
CREATE TABLE journal_total (
    day INTEGER NOT NULL,
    package INTEGER NOT NULL,
    stage INTEGER NOT NULL CHECK (stage BETWEEN 1 AND 8),
    verdict INTEGER NOT NULL CHECK (verdict BETWEEN 0 AND 4),
    steps INTEGER NOT NULL CHECK (steps > 0),
    PRIMARY KEY (day, package, stage, verdict)
) STRICT, WITHOUT ROWID;

-- When old steps were looked for last, in milliseconds since 1970.
CREATE TABLE journal_pruning (
    single INTEGER PRIMARY KEY DEFAULT 1 CHECK (single = 1),
    at INTEGER NOT NULL
) STRICT;
INSERT INTO journal_pruning (at) VALUES (0);

-- Requests that go out to their targets in waves. One that has ended stays, so that its id is not used again; it is about
-- no package and no target any more.
CREATE TABLE rollout (
    id INTEGER PRIMARY KEY,
    -- On how many targets at once something may be under way.
    at_once INTEGER NOT NULL CHECK (at_once > 0),
    -- How many of the targets that were let go may fail, or how many of a hundred.
    max_fail INTEGER NOT NULL CHECK (max_fail >= 0),
    is_percent INTEGER NOT NULL CHECK (is_percent IN (0, 1)),
    since INTEGER NOT NULL,
    who TEXT NOT NULL,
    -- 0 under way, 1 stopped, 2 ended; why, or how.
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
    note TEXT,
    CHECK ((state = 0) = (note IS NULL))
) STRICT;
CREATE INDEX rollout_open ON rollout (id) WHERE state = 0;

CREATE TABLE rollout_package (
    rollout INTEGER NOT NULL REFERENCES rollout (id),
    package INTEGER NOT NULL REFERENCES package (id),
    PRIMARY KEY (rollout, package)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollout_target (
    rollout INTEGER NOT NULL REFERENCES rollout (id),
    target INTEGER NOT NULL REFERENCES target (id),
    -- 0 held, 1 let go, 2 failed and excused.
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
    PRIMARY KEY (rollout, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollout_target_target ON rollout_target (target);
