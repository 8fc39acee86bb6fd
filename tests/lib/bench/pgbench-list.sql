-- The newest page of an owner's.
SELECT id, status, form, at FROM bench.application WHERE owner = 'bench' ORDER BY at DESC LIMIT 20;
