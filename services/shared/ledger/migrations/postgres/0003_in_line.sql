-- What is sealed cannot be compressed, and a row of three kilobytes is read whole whenever it is read: bodies and states stay in
-- their rows as long as a page holds them. By default PostgreSQL tries to compress what is over two kilobytes, fails, and
-- moves it to another table with an index of its own, which was half of what a commit cost.
ALTER TABLE entry ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE entry SET (toast_tuple_target = 8160);
ALTER TABLE record ALTER COLUMN state SET STORAGE EXTERNAL;
ALTER TABLE record SET (toast_tuple_target = 8160);
