-- One application by its key.
\set number random(1, :cases)
SELECT id, owner, status, form, at FROM bench.application WHERE id = CAST(md5(CAST(:number AS text)) AS uuid);
