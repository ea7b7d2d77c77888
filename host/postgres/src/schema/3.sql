-- From version 2 to version 3: no answer of a configuration stays in the journal, where all who look may read it. How far one
-- went is not known, since words are joined by blanks: all goes that comes after the name of the first.
UPDATE opm.command SET command = regexp_replace(command, '^(.*? configure .*?--set[ =][^=]*=).*$', '\1…')
WHERE command LIKE '% configure %--set%=%';
