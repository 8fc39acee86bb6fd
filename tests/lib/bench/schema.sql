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
