-- Nothing to do here: SQLite keeps a row's overflow in pages of the same tree, uncompressed.
SELECT 1;
