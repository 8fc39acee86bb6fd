-- As before, and whose stream is new is said with its record and its tags: nothing of it can be there, so that nobody need look
-- for it first. An insertion that may meet what is there is marked as such, looked for, and confirmed, which was a third of its cost.
-- The functions of the same name and other arguments go a release later.
CREATE FUNCTION commit_batch(
    -- the requests of the commands; those that only check something leave no row
    _principal text[], _request text[], _writes boolean[], _fingerprint bytea[], _rstream uuid[], _rversion bigint[],
    _rhash bytea[], _rat bigint[],
    -- where each stream must stand
    _stream uuid[], _expect bigint[], _tip bytea[],
    -- the keys that are claimed
    _cscope text[], _ckey text[], _cstream uuid[],
    -- entries, in the order of their positions
    _estream uuid[], _eversion bigint[], _ekind text[], _ebody bytea[], _eactor text[], _eat bigint[], _eprincipal text[],
    _erequest text[], _etrace text[], _eprev bytea[], _ehash bytea[],
    -- records; a NULL state is left as it stands
    _rec_stream uuid[], _rec_version bigint[], _rec_tip bytea[], _rec_schema bigint[], _rec_state bytea[], _rec_state_version bigint[],
    _rec_kind text[], _rec_region text[], _rec_organisation text[], _rec_owner text[], _rec_item text[], _rec_status text[], _rec_due bigint[],
    _rec_created bigint[], _rec_updated bigint[], _rec_new boolean[],
    -- unique keys given up, then taken
    _dscope text[], _dkey text[], _dstream uuid[], _kscope text[], _kkey text[], _kstream uuid[],
    -- tags taken away, then set
    _gkind text[], _gname text[], _gvalue text[], _gsort text[], _gstream uuid[],
    _tkind text[], _tname text[], _tvalue text[], _tsort text[], _tstream uuid[], _tnew boolean[],
    -- subjects erased
    _subject text[]
) RETURNS TABLE (what text, i bigint, r_stream uuid, r_version bigint, r_fingerprint bytea, r_hash bytea)
-- The plans are kept for the life of the connection and made when the tables are empty: they must be ones that stay good.
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $f$
#variable_conflict use_column
DECLARE
    base bigint;
BEGIN
    -- A statement of its own, so that the probes below see everything that was committed before the lock was granted; a
    -- position exists only under that lock.
    SELECT position INTO base FROM head WHERE shard = 0 FOR UPDATE;
    RETURN QUERY
    SELECT 'request', x.i, q.stream, q.version, q.fingerprint, q.hash
    FROM unnest(_principal, _request) WITH ORDINALITY AS x (principal, request, i)
    JOIN request q ON q.principal = x.principal AND q.id = x.request
    UNION ALL
    SELECT 'stream', x.i, x.stream, r.version, NULL, NULL
    FROM unnest(_stream, _expect, _tip) WITH ORDINALITY AS x (stream, expect, tip, i)
    LEFT JOIN record r ON r.stream = x.stream
    WHERE coalesce(r.version, 0) <> x.expect OR coalesce(r.tip, x.tip) <> x.tip
    UNION ALL
    SELECT 'claim', x.i, u.stream, NULL, NULL, NULL
    FROM unnest(_cscope, _ckey, _cstream) WITH ORDINALITY AS x (scope, key, stream, i)
    JOIN unique_key u ON u.scope = x.scope AND u.key = x.key
    WHERE u.stream <> x.stream;
    IF FOUND THEN
        RETURN;
    END IF;
    IF cardinality(_estream) > 0 THEN
        UPDATE head SET position = base + cardinality(_estream) WHERE shard = 0;
        INSERT INTO entry (position, stream, version, kind, body, actor, at, principal, request, trace, prev, hash)
        SELECT base + i, stream, version, kind, body, actor, at, principal, request, trace, prev, hash
        FROM unnest(_estream, _eversion, _ekind, _ebody, _eactor, _eat, _eprincipal, _erequest, _etrace, _eprev, _ehash)
            WITH ORDINALITY AS x (stream, version, kind, body, actor, at, principal, request, trace, prev, hash, i);
        INSERT INTO request (principal, id, fingerprint, stream, version, hash, at)
        SELECT principal, request, fingerprint, stream, version, hash, at
        FROM unnest(_principal, _request, _writes, _fingerprint, _rstream, _rversion, _rhash, _rat)
            AS x (principal, request, writes, fingerprint, stream, version, hash, at)
        WHERE writes;
        INSERT INTO record (stream, version, tip, schema, state, state_version, kind, region, organisation, owner, item,
                            status, due_at, created_at, updated_at)
        SELECT stream, version, tip, schema, coalesce(state, ''), state_version, kind, region, organisation, owner, item,
               status, due_at, created_at, updated_at
        FROM unnest(_rec_stream, _rec_version, _rec_tip, _rec_schema, _rec_state, _rec_state_version, _rec_kind, _rec_region, _rec_organisation, _rec_owner,
                    _rec_item, _rec_status, _rec_due, _rec_created, _rec_updated, _rec_new)
            AS x (stream, version, tip, schema, state, state_version, kind, region, organisation, owner, item, status, due_at,
                  created_at, updated_at, new)
        WHERE new;
        UPDATE record AS r SET
            version = x.version, tip = x.tip,
            schema = CASE WHEN x.state_version = 0 THEN r.schema ELSE x.schema END,
            state = CASE WHEN x.state_version = 0 THEN r.state ELSE x.state END,
            state_version = CASE WHEN x.state_version = 0 THEN r.state_version ELSE x.state_version END,
            region = x.region, organisation = x.organisation, owner = x.owner, item = x.item,
            status = x.status, due_at = x.due_at, updated_at = x.updated_at
        FROM unnest(_rec_stream, _rec_version, _rec_tip, _rec_schema, _rec_state, _rec_state_version, _rec_region, _rec_organisation, _rec_owner,
                    _rec_item, _rec_status, _rec_due, _rec_updated, _rec_new)
            AS x (stream, version, tip, schema, state, state_version, region, organisation, owner, item, status, due_at,
                  updated_at, new)
        WHERE NOT x.new AND r.stream = x.stream;
    END IF;
    IF cardinality(_dscope) > 0 THEN
        DELETE FROM unique_key u USING unnest(_dscope, _dkey, _dstream) AS x (scope, key, stream)
        WHERE u.scope = x.scope AND u.key = x.key AND u.stream = x.stream;
    END IF;
    IF cardinality(_kscope) > 0 THEN
        INSERT INTO unique_key (scope, key, stream) SELECT * FROM unnest(_kscope, _kkey, _kstream) ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(_gkind) > 0 THEN
        DELETE FROM tag g USING unnest(_gkind, _gname, _gvalue, _gsort, _gstream) AS x (kind, name, value, sort, stream)
        WHERE g.kind = x.kind AND g.name = x.name AND g.value = x.value AND g.sort = x.sort AND g.stream = x.stream;
    END IF;
    IF cardinality(_tkind) > 0 THEN
        INSERT INTO tag (kind, name, value, sort, stream)
        SELECT kind, name, value, sort, stream
        FROM unnest(_tkind, _tname, _tvalue, _tsort, _tstream, _tnew) AS x (kind, name, value, sort, stream, new) WHERE new;
        INSERT INTO tag (kind, name, value, sort, stream)
        SELECT kind, name, value, sort, stream
        FROM unnest(_tkind, _tname, _tvalue, _tsort, _tstream, _tnew) AS x (kind, name, value, sort, stream, new) WHERE NOT new
        ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(_subject) > 0 THEN
        DELETE FROM secret s USING unnest(_subject) AS x (subject) WHERE s.subject = x.subject;
    END IF;
    RETURN QUERY SELECT 'OK', base, NULL::uuid, NULL::bigint, NULL::bytea, NULL::bytea;
END
$f$;
