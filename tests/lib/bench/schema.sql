-- The tables of pgbench.sql and of the peer.
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.application (
    id uuid PRIMARY KEY, owner text NOT NULL, status text NOT NULL, form jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON bench.application (owner, at);
CREATE TABLE bench.event (
    id uuid PRIMARY KEY, application uuid NOT NULL, sequence int NOT NULL, body text NOT NULL, at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON bench.event (application, sequence);
CREATE TABLE bench.idempotency (principal text, request uuid, application uuid NOT NULL, PRIMARY KEY (principal, request));
-- As many applications as a submit each would have made, their keys known by their numbers.
CREATE FUNCTION bench.fill(first bigint, last bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO bench.application (id, owner, status, form)
    SELECT md5(n::text)::uuid, 'bench', 'SUBMITTED', jsonb_build_object('premises_name', '云溪客栈', 'note', repeat('f', 960))
    FROM generate_series(first, last) AS n;
    INSERT INTO bench.event (id, application, sequence, body)
    SELECT gen_random_uuid(), md5(n::text)::uuid, s, repeat('e', 300) FROM generate_series(first, last) AS n, generate_series(1, 2) AS s;
    INSERT INTO bench.idempotency (principal, request, application)
    SELECT 'bench', gen_random_uuid(), md5(n::text)::uuid FROM generate_series(first, last) AS n;
$$;
