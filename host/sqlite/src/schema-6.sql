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
