-- Commands that changed what engines decide about: who gave them, and as whom they connected where that was to a server.
CREATE TABLE command (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL CHECK (who <> ''),
    host TEXT NOT NULL,
    command TEXT NOT NULL,
    role TEXT
) STRICT;
