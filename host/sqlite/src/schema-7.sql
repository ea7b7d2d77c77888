-- No answer of a configuration stays in the journal, nor in the pages that held it. How far one went is not known, since words
-- are joined by blanks: all goes that comes after the name of the first. Numbers are of the characters before a place.
PRAGMA secure_delete = ON;
WITH
    verb AS (
        SELECT id, command AS line, instr(command, ' configure ') + 9 AS before FROM command
        WHERE command LIKE '% configure %'
    ),
    option AS (
        SELECT id, line, before, instr(replace(substr(line, before + 1), ' --set=', ' --set '), ' --set ') AS place
        FROM verb
    ),
    answer AS (
        SELECT id, before + place + 6 AS before, instr(substr(line, before + place + 7), '=') AS place
        FROM option WHERE place > 0
    )
UPDATE command SET command = substr(command, 1, before + place) || '…'
FROM answer WHERE answer.id = command.id AND place > 0;
