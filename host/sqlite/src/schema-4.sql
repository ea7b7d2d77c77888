-- A digest of what is on a target; nothing where nothing is. Targets with the same one are alike.
ALTER TABLE target ADD COLUMN digest BLOB CHECK (length(digest) = 32);

-- What is in the way of work, which is rare.
CREATE INDEX state_postponed ON state (target) WHERE postponed IS NOT NULL;
