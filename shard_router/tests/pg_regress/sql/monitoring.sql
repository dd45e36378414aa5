-- skew, health and the configurations of other routers
SET client_min_messages = warning;
CREATE SCHEMA mon;
SET search_path = mon;
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, note text);
CREATE INDEX by_note ON orders (note);
SELECT shard_router.create_sharded_table('orders', 'user_id', 4, 'modulo');
SELECT * FROM shard_router.health WHERE tbl = 'orders'::regclass;
INSERT INTO orders (user_id) SELECT CASE WHEN i <= 600 THEN 2 ELSE i END FROM generate_series(1, 1000) AS i;
SELECT problem, relation FROM shard_router.health WHERE tbl = 'orders'::regclass ORDER BY 2;
ANALYZE orders;
SELECT * FROM shard_router.health WHERE tbl = 'orders'::regclass;
SELECT shard, relation, estimated_rows, rows_to_even, bytes > 0 AS bytes, bytes_to_even > 0 AS share, hot_keys FROM shard_router.skew WHERE tbl = 'orders'::regclass ORDER BY 1;
-- what can go wrong shows
ALTER TABLE orders DETACH PARTITION orders_1;
CREATE INDEX only_parent ON ONLY orders (id);
ALTER TABLE orders ADD extra int;
SELECT problem, relation, detail FROM shard_router.health WHERE tbl = 'orders'::regclass ORDER BY 1, 2::text, 3;
ALTER TABLE orders ADD extra2 int;
DROP FUNCTION get_order_table;
SELECT * FROM shard_router.outdated_functions('orders') ORDER BY 1;
SELECT count(*) FROM shard_router.refresh_functions('orders');
CREATE TABLE orders_1a PARTITION OF orders FOR VALUES WITH (MODULUS 8, REMAINDER 1);
SELECT problem, detail FROM shard_router.health WHERE tbl = 'orders'::regclass AND problem <> 'index missing or invalid' ORDER BY 1, 2;
CREATE TABLE orders_1b PARTITION OF orders FOR VALUES WITH (MODULUS 8, REMAINDER 5);
DROP INDEX only_parent;
SELECT * FROM shard_router.health WHERE tbl = 'orders'::regclass;
SELECT shard_router.outdated_functions('pg_class');

-- Who may look: pg_monitor; the keys themselves are for those who may read them.
CREATE ROLE regress_m IN ROLE pg_monitor; CREATE ROLE regress_n;
GRANT USAGE ON SCHEMA mon TO regress_m, regress_n;
SET ROLE regress_m;
SELECT count(*), count(hot_keys) FROM shard_router.skew WHERE tbl = 'orders'::regclass;
SELECT count(*) FROM shard_router.health WHERE tbl = 'orders'::regclass;
SET ROLE regress_n;
\set VERBOSITY sqlstate
SELECT count(*) FROM shard_router.skew;
SELECT count(*) FROM shard_router.health;
SELECT shard_router.export_config('orders', 'pgdog');
SELECT shard_router.distribute('orders');
SELECT shard_router.undistribute('orders');
\set VERBOSITY default
RESET ROLE;

-- other routers
CREATE FUNCTION try(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; h text;
BEGIN
    EXECUTE sql INTO r;
    RETURN replace(regexp_replace(r, 'port = \d+|localhost:\d+', 'PORT', 'g'), current_database(), 'DATABASE');
EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT; RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(h, '')); END $$;
CREATE TABLE logs (user_id bigint); CREATE TABLE rooms (room text, n int); CREATE TABLE days (d date); CREATE TABLE pairs (a int, b int); CREATE TABLE "Od""d" (k uuid);
SELECT shard_router.create_sharded_table('logs', 'user_id', 2, 'modulo'), shard_router.create_sharded_table('rooms', 'room', 2), shard_router.create_sharded_table('days', 'd', 2),
       shard_router.create_sharded_table('pairs', ARRAY['a', 'b'], 2), shard_router.create_sharded_table('"Od""d"', 'k', 1);
CREATE ROLE regress_x;
ALTER TABLE logs OWNER TO regress_x;
GRANT USAGE ON SCHEMA mon TO regress_x;
\pset format unaligned
\pset tuples_only on
SELECT try($$SELECT shard_router.export_config('rooms', 'pgdog')$$);
SELECT try($$SELECT shard_router.export_config('"Od""d"', 'pgdog')$$);
SELECT regexp_replace(try($$SELECT shard_router.export_config('logs', 'shardingsphere')$$), 'username: \S+', 'username: USER');
SELECT try(format('SELECT shard_router.export_config(%L, %L)', t, f)) FROM (VALUES ('orders', 'pgdog'), ('orders', 'shardingsphere'), ('logs', 'pgdog'), ('rooms', 'shardingsphere'), ('days', 'pgdog'),
    ('pairs', 'pgdog'), ('pairs', 'shardingsphere'), ('rooms', 'citus'), ('rooms', NULL), (NULL, 'pgdog'), ('pg_class', 'pgdog')) AS v(t, f);
ALTER TABLE logs_1 RENAME TO other;
SELECT try($$SELECT shard_router.export_config('logs', 'shardingsphere')$$);
SELECT try($$SELECT shard_router.distribute('orders')$$), try($$SELECT shard_router.distribute('orders', NULL)$$), try($$SELECT shard_router.distribute('pg_class')$$), try($$SELECT shard_router.undistribute('orders')$$);
\pset format aligned
\pset tuples_only off
SET client_min_messages = error;
DROP SCHEMA mon CASCADE;
DROP ROLE regress_m, regress_n, regress_x;
