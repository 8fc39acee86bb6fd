-- A submit as one statement: 1 application row (1 KB of JSON), 2 event rows (300 bytes), 1 idempotency row. The best that one
-- transaction a submit can do: no identity, no validation, no hash chain, no ordered feed.
WITH app AS (
    INSERT INTO bench.application (id, owner, status, form) VALUES (gen_random_uuid(), 'bench', 'SUBMITTED', CAST(:form AS jsonb)) RETURNING id
), event AS (
    INSERT INTO bench.event (id, application, sequence, body) SELECT gen_random_uuid(), id, n, CAST(:event AS text) FROM app, generate_series(1, 2) AS n
), once AS (
    INSERT INTO bench.idempotency (principal, request, application) SELECT 'bench', gen_random_uuid(), id FROM app
)
SELECT id FROM app;
