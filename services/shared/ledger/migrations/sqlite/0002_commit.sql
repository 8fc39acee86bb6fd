-- PostgreSQL's half has a function; here the program takes the same steps (src/engine/sqlite.rs).
SELECT 1;
