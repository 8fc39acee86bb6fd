-- Nothing to do here: SQLite keeps a row's overflow in pages of the same tree, uncompressed.

-- Most records have no date to be looked at: they are not in its index.
CREATE INDEX record_watched ON record (kind, due_at, stream) WHERE due_at < 9223372036854775807;
DROP INDEX record_due;
