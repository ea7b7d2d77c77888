-- Commands that changed what engines decide about: who gave them, and as whom they connected where that was to a server.
CREATE TABLE command (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL CHECK (who <> ''),
    host TEXT NOT NULL,
    command TEXT NOT NULL,
    role TEXT
) STRICT;

-- Targets of which nothing is expected, until a time (in seconds since 1970) or until somebody says otherwise.
CREATE TABLE absence (
    target INTEGER PRIMARY KEY REFERENCES target (id),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 2),
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    who TEXT NOT NULL
) STRICT;
