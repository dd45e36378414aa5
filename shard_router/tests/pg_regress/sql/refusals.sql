-- What cannot be carried over is refused with its name, and a refusal leaves everything as it was.
SET client_min_messages = error;
CREATE SCHEMA r;
SET search_path = r;
CREATE FUNCTION refused(setup text, call text DEFAULT $$SELECT shard_router.create_sharded_table('t', 'k')$$) RETURNS text LANGUAGE plpgsql AS $$
DECLARE h text; d text;
BEGIN
    CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL, x text);
    EXECUTE setup;
    EXECUTE call;
    RAISE 'was not refused' USING ERRCODE = 'P0004';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT, d = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(d, ''), nullif(h, ''));
END $$;
\pset format unaligned
\pset tuples_only on
SELECT refused($$INSERT INTO t VALUES (1, 1)$$);
SELECT refused($$INSERT INTO t VALUES (1, 1); ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY$$);
SELECT refused($$CREATE VIEW v AS SELECT k FROM t$$);
SELECT refused($$CREATE MATERIALIZED VIEW v AS SELECT * FROM t$$);
SELECT refused($$CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t'$$);
SELECT refused($$CREATE TABLE u (c t)$$);
SELECT refused($$CREATE TABLE u (c t[])$$);
SELECT refused($$CREATE TABLE "u u" (c int CONSTRAINT points_at REFERENCES t)$$);
SELECT refused($$ALTER TABLE t ADD CONSTRAINT self FOREIGN KEY (k) REFERENCES t$$);
SELECT refused($$CREATE TABLE u () INHERITS (t)$$);
SELECT refused($$CREATE TABLE u (k int NOT NULL); ALTER TABLE t INHERIT u$$);
SELECT refused($$CREATE RULE "r 1" AS ON INSERT TO t DO ALSO NOTIFY x$$);
SELECT refused($$CREATE PUBLICATION regress_p FOR TABLE t$$);
SELECT refused($$ALTER TABLE t ADD CONSTRAINT ex EXCLUDE USING btree (k WITH =)$$);
SELECT refused($$ALTER TABLE t ADD CONSTRAINT ni CHECK (k > 0) NO INHERIT$$);
SELECT refused($$ALTER TABLE t REPLICA IDENTITY USING INDEX t_pkey$$);
SELECT refused($$CREATE TYPE y AS (k int); DROP TABLE t; CREATE TABLE t OF y$$);
SELECT refused($$DROP TABLE t; CREATE UNLOGGED TABLE t (k int)$$);
SELECT refused($$DROP TABLE t; CREATE TABLE t (k int) PARTITION BY HASH (k)$$);
SELECT refused($$DROP TABLE t; CREATE VIEW t AS SELECT 1 AS k$$);
SELECT refused($$DROP TABLE t; CREATE SEQUENCE t$$);
SELECT refused($$ALTER TABLE t ADD g int GENERATED ALWAYS AS (k) STORED$$, $$SELECT shard_router.create_sharded_table('t', 'g')$$);
SELECT refused($$SELECT shard_router.create_sharded_table('t', 'k')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'nope')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'ctid')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('nowhere', 'k')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table(4294967295::oid, 'k')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'x', strategy => 'modulo')$$);
SELECT refused('ALTER TABLE t ADD b bytea', $$SELECT shard_router.create_sharded_table('t', 'b')$$);
SELECT refused('CREATE DOMAIN d AS int; ALTER TABLE t ADD b d', $$SELECT shard_router.create_sharded_table('t', 'b')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'k', 0)$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'k', 1025)$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'k', strategy => 'range')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table(NULL, 'k')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', NULL)$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'k', NULL)$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'k', 4, NULL)$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'k', entity => '')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'k', owner_name => '')$$);
SELECT refused('', $$SELECT shard_router.create_sharded_table('t', 'k', entity => repeat('e', 60)::name)$$);
SELECT refused(format('ALTER TABLE t RENAME TO %I', repeat('t', 62)), format($$SELECT shard_router.create_sharded_table('%s', 'k')$$, repeat('t', 62)));
SELECT refused(format('ALTER TABLE t ADD %I int', repeat('c', 62)));
SELECT refused('CREATE TABLE t_3 ()');
SELECT refused($$CREATE FUNCTION get_t_table(int) RETURNS text LANGUAGE sql AS 'SELECT 1::text'$$);
SELECT refused($$CREATE TABLE ts (k int); SELECT shard_router.create_sharded_table('ts', 'k', 1)$$);
SELECT refused('', $$SELECT shard_router.refresh_functions('t')$$);
SELECT refused('', $$SELECT shard_router.refresh_functions(NULL)$$);
SELECT refused('', $$SELECT shard_router.refresh_functions(4294967295::oid)$$);
SELECT refused('SET TRANSACTION READ ONLY');
\pset format aligned
\pset tuples_only off
SELECT relname FROM pg_class WHERE relnamespace = 'r'::regnamespace;
SELECT proname FROM pg_proc WHERE pronamespace = 'r'::regnamespace;
SELECT count(*) FROM shard_router.sharded_tables;
-- a snapshot from before does not hide a row
CREATE TABLE t (k int);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM t;
INSERT INTO t VALUES (1);
SELECT shard_router.create_sharded_table('t', 'k');
ROLLBACK;
DROP SCHEMA r CASCADE;
