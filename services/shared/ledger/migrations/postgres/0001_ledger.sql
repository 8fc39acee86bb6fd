-- The ledger's tables. Text is compared by bytes ("C"), times are microseconds, list columns are NOT NULL: see docs/ARCHITECTURE.md.
CREATE TABLE head (
    shard    bigint PRIMARY KEY,
    position bigint NOT NULL,
    epoch    bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO head (shard, position, epoch) VALUES (0, 0, 1);

CREATE TABLE entry (
    position  bigint PRIMARY KEY,
    stream    uuid   NOT NULL,
    version   bigint NOT NULL,
    kind      text   COLLATE "C" NOT NULL,
    body      bytea  NOT NULL,
    actor     text   COLLATE "C" NOT NULL,
    at        bigint NOT NULL,
    principal text   COLLATE "C" NOT NULL,
    request   text   COLLATE "C" NOT NULL,
    trace     text   COLLATE "C" NOT NULL,
    prev      bytea  NOT NULL,
    hash      bytea  NOT NULL
);
CREATE INDEX entry_stream ON entry (stream, version);

CREATE TABLE record (
    stream        uuid   PRIMARY KEY,
    version       bigint NOT NULL,
    tip           bytea  NOT NULL,
    schema        bigint NOT NULL,
    state         bytea  NOT NULL,
    state_version bigint NOT NULL,
    kind          text   COLLATE "C" NOT NULL,
    region        text   COLLATE "C" NOT NULL,
    organisation  text   COLLATE "C" NOT NULL,
    owner         text   COLLATE "C" NOT NULL,
    item          text   COLLATE "C" NOT NULL,
    status        text   COLLATE "C" NOT NULL,
    due_at        bigint NOT NULL,
    created_at    bigint NOT NULL,
    updated_at    bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX record_due ON record (kind, due_at);

CREATE TABLE request (
    principal   text   COLLATE "C" NOT NULL,
    id          text   COLLATE "C" NOT NULL,
    fingerprint bytea  NOT NULL,
    stream      uuid   NOT NULL,
    version     bigint NOT NULL,
    hash        bytea  NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (principal, id)
);

CREATE TABLE unique_key (
    scope  text COLLATE "C" NOT NULL,
    key    text COLLATE "C" NOT NULL,
    stream uuid NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE TABLE tag (
    kind   text COLLATE "C" NOT NULL,
    name   text COLLATE "C" NOT NULL,
    value  text COLLATE "C" NOT NULL,
    sort   text COLLATE "C" NOT NULL,
    stream uuid NOT NULL,
    PRIMARY KEY (kind, name, value, sort, stream)
);

CREATE TABLE secret (
    subject text  COLLATE "C" PRIMARY KEY,
    key_id  bytea NOT NULL,
    wrapped bytea NOT NULL
);

CREATE TABLE cursor (
    reader      text   COLLATE "C" NOT NULL,
    stream      uuid   NOT NULL,
    epoch       bigint NOT NULL,
    position    bigint NOT NULL,
    hash        bytea  NOT NULL,
    lease_epoch bigint NOT NULL,
    lease_until bigint NOT NULL,
    tries       bigint NOT NULL,
    next_at     bigint NOT NULL,
    error       text   COLLATE "C" NOT NULL,
    PRIMARY KEY (reader, stream)
);

-- One batch, one round trip, one commit. The head row is locked in a statement of its own, so that the probes below
-- see everything that was committed before the lock was granted; a position exists only under that lock.
CREATE FUNCTION commit_batch(
    -- commands, in the order of the batch
    _stream uuid[], _expect bigint[], _tip bytea[], _new bigint[], _writes boolean[],
    _principal text[], _request text[], _fingerprint bytea[], _hash bytea[], _actor text[], _at bigint[], _trace text[],
    -- the record after each command (empty for a check); a NULL state is left as it stands
    _kind text[], _schema bigint[], _state bytea[], _region text[], _organisation text[], _owner text[], _item text[],
    _status text[], _due bigint[],
    -- entries
    _ec bigint[], _eversion bigint[], _ekind text[], _ebody bytea[], _eprev bytea[], _ehash bytea[],
    -- unique keys claimed (true) and freed
    _kc bigint[], _kclaim boolean[], _kscope text[], _kkey text[],
    -- tags set (true) and removed
    _tc bigint[], _tset boolean[], _tname text[], _tvalue text[], _tsort text[],
    -- subjects erased
    _xc bigint[], _xsubject text[]
) RETURNS TABLE (c bigint, verdict text, scope text, r_stream uuid, r_version bigint, r_fingerprint bytea, r_hash bytea)
-- The plan is kept for the life of the connection and made when the tables are empty: it must be one that stays good.
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $f$
#variable_conflict use_column
DECLARE
    base bigint;
BEGIN
    SELECT position INTO base FROM head WHERE shard = 0 FOR UPDATE;
    RETURN QUERY
    WITH cmd AS MATERIALIZED (
        SELECT * FROM unnest(_stream, _expect, _tip, _new, _writes, _principal, _request, _fingerprint, _hash, _actor, _at,
                             _trace, _kind, _schema, _state, _region, _organisation, _owner, _item, _status, _due)
            WITH ORDINALITY AS t (stream, expect, tip, new, writes, principal, request, fingerprint, hash, actor, at,
                                  trace, kind, schema, state, region, organisation, owner, item, status, due, c)
    ), key AS MATERIALIZED (
        SELECT * FROM unnest(_kc, _kclaim, _kscope, _kkey) WITH ORDINALITY AS k (c, claim, scope, key, o)
    ), clash AS MATERIALIZED (
        SELECT k.c, min(k.scope) AS scope
        FROM key k JOIN unique_key u ON u.scope = k.scope AND u.key = k.key JOIN cmd ON cmd.c = k.c
        WHERE k.claim AND u.stream <> cmd.stream GROUP BY k.c
    ), own AS MATERIALIZED (
        SELECT x.*, clash.scope AS clash_scope,
               q.stream AS q_stream, q.version AS q_version, q.fingerprint AS q_fingerprint, q.hash AS q_hash,
               CASE WHEN q.id IS NOT NULL THEN 'REPLAY'
                    WHEN row_number() OVER (PARTITION BY x.stream ORDER BY x.c) = 1
                         AND (coalesce(r.version, 0) <> x.expect OR coalesce(r.tip, x.tip) <> x.tip) THEN 'VERSION'
                    WHEN clash.c IS NOT NULL THEN 'UNIQUE'
                    ELSE 'OK' END AS v
        FROM cmd x
        LEFT JOIN request q ON q.principal = x.principal AND q.id = x.request
        LEFT JOIN record r ON r.stream = x.stream
        LEFT JOIN clash ON clash.c = x.c
    ), verdict AS MATERIALIZED (
        SELECT *, CASE WHEN v <> 'REPLAY' AND coalesce(bool_or(v <> 'OK') OVER (
                           PARTITION BY stream ORDER BY c ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false)
                       THEN 'SKIPPED' ELSE v END AS w
        FROM own
    ), done AS MATERIALIZED (
        SELECT * FROM verdict WHERE w = 'OK' AND writes
    ), e AS MATERIALIZED (
        SELECT d.stream, d.actor, d.at, d.principal, d.request, d.trace, x.version, x.kind, x.body, x.prev, x.hash,
               base + row_number() OVER (ORDER BY x.c, x.version) AS position
        FROM unnest(_ec, _eversion, _ekind, _ebody, _eprev, _ehash) AS x (c, version, kind, body, prev, hash)
        JOIN done d ON d.c = x.c
    ), i_head AS (
        UPDATE head SET position = base + (SELECT count(*) FROM e) WHERE shard = 0 AND EXISTS (SELECT 1 FROM e)
    ), i_entry AS (
        INSERT INTO entry (position, stream, version, kind, body, actor, at, principal, request, trace, prev, hash)
        SELECT position, stream, version, kind, body, actor, at, principal, request, trace, prev, hash FROM e
    ), i_request AS (
        INSERT INTO request (principal, id, fingerprint, stream, version, hash, at)
        SELECT principal, request, fingerprint, stream, new, hash, at FROM done
    ), last_key AS MATERIALIZED (
        SELECT DISTINCT ON (k.scope, k.key) k.scope, k.key, k.claim, d.stream
        FROM key k JOIN done d ON d.c = k.c ORDER BY k.scope, k.key, k.c DESC, k.o DESC
    ), d_key AS (
        DELETE FROM unique_key u USING last_key k
        WHERE NOT k.claim AND u.scope = k.scope AND u.key = k.key AND u.stream = k.stream
    ), i_key AS (
        INSERT INTO unique_key (scope, key, stream) SELECT scope, key, stream FROM last_key WHERE claim
        ON CONFLICT DO NOTHING
    ), last_tag AS MATERIALIZED (
        SELECT DISTINCT ON (d.kind, t.name, t.value, t.sort, d.stream) d.kind, t.name, t.value, t.sort, d.stream, t.put
        FROM unnest(_tc, _tset, _tname, _tvalue, _tsort) WITH ORDINALITY AS t (c, put, name, value, sort, o)
        JOIN done d ON d.c = t.c ORDER BY d.kind, t.name, t.value, t.sort, d.stream, t.c DESC, t.o DESC
    ), d_tag AS (
        DELETE FROM tag g USING last_tag t
        WHERE NOT t.put AND g.kind = t.kind AND g.name = t.name AND g.value = t.value AND g.sort = t.sort AND g.stream = t.stream
    ), i_tag AS (
        INSERT INTO tag (kind, name, value, sort, stream) SELECT kind, name, value, sort, stream FROM last_tag WHERE put
        ON CONFLICT DO NOTHING
    ), d_secret AS (
        DELETE FROM secret s USING unnest(_xc, _xsubject) AS x (c, subject), done d
        WHERE d.c = x.c AND s.subject = x.subject
    ), tip AS (
        SELECT DISTINCT ON (stream) * FROM done ORDER BY stream, c DESC
    ), saved AS (
        SELECT DISTINCT ON (stream) stream, state, new AS state_version FROM done WHERE state IS NOT NULL ORDER BY stream, c DESC
    ), first AS (
        SELECT DISTINCT ON (stream) stream, at FROM done ORDER BY stream, c
    ), i_record AS (
        INSERT INTO record AS r (stream, version, tip, schema, state, state_version, kind, region, organisation, owner, item,
                                 status, due_at, created_at, updated_at)
        SELECT t.stream, t.new, t.hash, t.schema, coalesce(s.state, ''), coalesce(s.state_version, 0), t.kind, t.region,
               t.organisation, t.owner, t.item, t.status, t.due, f.at, t.at
        FROM tip t JOIN first f USING (stream) LEFT JOIN saved s USING (stream)
        ON CONFLICT (stream) DO UPDATE SET
            version = excluded.version, tip = excluded.tip,
            schema = CASE WHEN excluded.state_version = 0 THEN r.schema ELSE excluded.schema END,
            state = CASE WHEN excluded.state_version = 0 THEN r.state ELSE excluded.state END,
            state_version = CASE WHEN excluded.state_version = 0 THEN r.state_version ELSE excluded.state_version END,
            region = excluded.region, organisation = excluded.organisation, owner = excluded.owner, item = excluded.item,
            status = excluded.status, due_at = excluded.due_at, updated_at = excluded.updated_at
    )
    SELECT d.c, d.w, d.clash_scope, d.q_stream, d.q_version, d.q_fingerprint, d.q_hash FROM verdict d ORDER BY d.c;
END
$f$;
