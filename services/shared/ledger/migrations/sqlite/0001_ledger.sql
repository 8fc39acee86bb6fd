-- The ledger's tables. Text is compared by bytes, times are microseconds, list columns are NOT NULL: see docs/ARCHITECTURE.md.
CREATE TABLE head (
    shard    integer PRIMARY KEY,
    position integer NOT NULL,
    epoch    integer NOT NULL
) STRICT;
INSERT INTO head (shard, position, epoch) VALUES (0, 0, 1);

CREATE TABLE entry (
    position  integer PRIMARY KEY,
    stream    blob   NOT NULL,
    version   integer NOT NULL,
    kind      text   NOT NULL,
    body      blob  NOT NULL,
    actor     text   NOT NULL,
    at        integer NOT NULL,
    principal text   NOT NULL,
    request   text   NOT NULL,
    trace     text   NOT NULL,
    prev      blob  NOT NULL,
    hash      blob  NOT NULL
) STRICT;
CREATE INDEX entry_stream ON entry (stream, version);

CREATE TABLE record (
    stream        blob   PRIMARY KEY,
    version       integer NOT NULL,
    tip           blob  NOT NULL,
    schema        integer NOT NULL,
    state         blob  NOT NULL,
    state_version integer NOT NULL,
    kind          text   NOT NULL,
    region        text   NOT NULL,
    organisation  text   NOT NULL,
    owner         text   NOT NULL,
    item          text   NOT NULL,
    status        text   NOT NULL,
    due_at        integer NOT NULL,
    created_at    integer NOT NULL,
    updated_at    integer NOT NULL
) STRICT;
CREATE INDEX record_due ON record (kind, due_at);

CREATE TABLE request (
    principal   text   NOT NULL,
    id          text   NOT NULL,
    fingerprint blob  NOT NULL,
    stream      blob   NOT NULL,
    version     integer NOT NULL,
    hash        blob  NOT NULL,
    at          integer NOT NULL,
    PRIMARY KEY (principal, id)
) STRICT;

CREATE TABLE unique_key (
    scope  text NOT NULL,
    key    text NOT NULL,
    stream blob NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

CREATE TABLE tag (
    kind   text NOT NULL,
    name   text NOT NULL,
    value  text NOT NULL,
    sort   text NOT NULL,
    stream blob NOT NULL,
    PRIMARY KEY (kind, name, value, sort, stream)
) STRICT;

CREATE TABLE secret (
    subject text  PRIMARY KEY,
    key_id  blob NOT NULL,
    wrapped blob NOT NULL
) STRICT;

CREATE TABLE cursor (
    reader      text   NOT NULL,
    stream      blob   NOT NULL,
    epoch       integer NOT NULL,
    position    integer NOT NULL,
    hash        blob  NOT NULL,
    lease_epoch integer NOT NULL,
    lease_until integer NOT NULL,
    tries       integer NOT NULL,
    next_at     integer NOT NULL,
    error       text   NOT NULL,
    PRIMARY KEY (reader, stream)
) STRICT;
