-- Shards and tables that go, come back, move and change under a session that has used them.
SET client_min_messages = warning;
CREATE SCHEMA life;
SET search_path = life;
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id int NOT NULL, status text);
SELECT shard_router.create_sharded_table('orders', 'user_id', 4, 'modulo');
SELECT insert_order(u, 'first') FROM generate_series(0, 7) AS u;
SELECT relation, shard, modulus, remainder, estimated_rows, bytes > 0 AS stored FROM shard_router.shards WHERE tbl = 'orders'::regclass ORDER BY shard;
ANALYZE orders;
SELECT sum(estimated_rows) FROM shard_router.shards WHERE tbl = 'orders'::regclass;

-- A detached shard is missing; the others go on, and it comes back.
ALTER TABLE orders DETACH PARTITION orders_2;
SELECT insert_order(2, 'no shard');
SELECT get_order_table(6);
SELECT * FROM get_orders_by_user(2);
SELECT shard_router.shard_of('orders', 2);
SELECT shard_router.shard_table('orders', 2);
SELECT insert_order(3, 'other shard') > 0 AS inserted;
SELECT count(*) FROM orders_2 WHERE status = 'no shard';
ALTER TABLE orders ATTACH PARTITION orders_2 FOR VALUES WITH (MODULUS 4, REMAINDER 2);
SELECT insert_order(2, 'back') > 0 AS inserted;
-- A dropped one
DROP TABLE orders_1;
SELECT insert_order(5, 'no shard');
SELECT insert_order(6, 'other shard') > 0 AS inserted;
SELECT count(*) FROM orders_2;
-- Another table in its place, under another name and in another schema
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere."Part 1" PARTITION OF orders FOR VALUES WITH (MODULUS 4, REMAINDER 1);
SELECT insert_order(5, 'elsewhere') > 0 AS inserted, get_order_table(5);
SELECT tableoid::regclass, status FROM orders WHERE user_id = 5;
SELECT status FROM get_orders_by_user(5);
ALTER SCHEMA elsewhere RENAME TO farther;
SELECT insert_order(5, 'farther') > 0 AS inserted, get_order_table(5);
-- A shard renamed, and an impostor of its name
ALTER TABLE orders_3 RENAME TO three;
CREATE TABLE orders_3 (LIKE orders);
SELECT insert_order(3, 'three') > 0 AS inserted, get_order_table(3);
SELECT count(*) FROM orders_3;
DROP TABLE orders_3;
-- Mixed moduli, as while a shard is being split
ALTER TABLE orders DETACH PARTITION three;
CREATE TABLE three_a PARTITION OF orders FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE three_b PARTITION OF orders FOR VALUES WITH (MODULUS 8, REMAINDER 7);
INSERT INTO orders SELECT * FROM three;
SELECT get_order_table(u), shard_router.shard_of('orders', u) FROM generate_series(0, 15) AS u;
SELECT count(*) FROM orders WHERE tableoid <> shard_router.shard_table('orders', user_id);
SELECT count(*) FROM generate_series(0, 7) AS u, get_orders_by_user(u);
-- A shard that is partitioned itself
ALTER TABLE orders DETACH PARTITION three_b;
CREATE TABLE three_c PARTITION OF orders FOR VALUES WITH (MODULUS 8, REMAINDER 7) PARTITION BY RANGE (id);
CREATE TABLE three_c_all PARTITION OF three_c DEFAULT;
SELECT insert_order(7, 'below') > 0 AS inserted;
SELECT tableoid::regclass, status FROM orders WHERE user_id = 7;
SELECT status FROM get_orders_by_user(7);

-- Columns that change
ALTER TABLE orders ADD note text;
SELECT insert_order(4, 'no note yet') > 0 AS inserted;
CREATE ROLE regress_c;
REVOKE ALL ON FUNCTION insert_order FROM PUBLIC;
GRANT EXECUTE ON FUNCTION insert_order TO regress_c;
SELECT shard_router.refresh_functions('orders');
SELECT proacl::text ~ 'regress_c=X' AS kept, proacl::text ~ '[{,]=X' AS public FROM pg_proc WHERE oid = 'insert_order(int,text,text)'::regprocedure;
SELECT insert_order(4, 'noted', 'a note') > 0 AS inserted;
SELECT status, note FROM get_orders_by_user(4) ORDER BY id;
ALTER TABLE orders ALTER status TYPE varchar(30);
SELECT insert_order(4, 'typed', NULL);
SELECT * FROM get_orders_by_user(4);
SELECT shard_router.refresh_functions('orders');
SELECT insert_order(4, 'typed', NULL) > 0 AS inserted;
ALTER TABLE orders RENAME note TO remark;
SELECT insert_order(4, 'x', NULL);
SELECT shard_router.refresh_functions('orders');
ALTER TABLE orders DROP remark;
SELECT * FROM get_orders_by_user(4);
SELECT shard_router.refresh_functions('orders');
SELECT count(*) FROM get_orders_by_user(4);
SELECT shard_router.refresh_functions('orders');
-- The table renamed: its functions keep their names until they are asked for anew.
ALTER TABLE orders RENAME TO purchases;
SELECT insert_order(4, 'renamed') > 0 AS inserted;
SELECT shard_router.refresh_functions('purchases');
SELECT count(*) FROM get_purchases_by_user(4);
-- in another schema
CREATE SCHEMA moved;
ALTER TABLE purchases SET SCHEMA moved;
SELECT insert_order(4, 'moved') > 0 AS inserted;
SELECT shard_router.refresh_functions('moved.purchases');
SELECT moved.insert_order(4, 'moved') > 0 AS inserted;

-- A drop that is rolled back, and one that is not
-- what was detached still draws its ids from the table's sequence
DROP TABLE three, three_b;
BEGIN;
DROP TABLE moved.purchases;
SELECT count(*) FROM shard_router.sharded_tables;
ROLLBACK;
SELECT moved.insert_order(4, 'still') > 0 AS inserted;
BEGIN;
SAVEPOINT s;
ALTER TABLE moved.purchases DETACH PARTITION orders_2;
SELECT moved.get_order_table(3);
ROLLBACK TO s;
SELECT moved.get_order_table(2);
COMMIT;
DROP TABLE moved.purchases;
SELECT count(*) FROM pg_proc WHERE pronamespace IN ('moved'::regnamespace, 'life'::regnamespace);
TABLE shard_router.sharded_tables;
-- and the same names again
SET search_path = moved;
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id int NOT NULL, status text);
SELECT shard_router.create_sharded_table('orders', 'user_id', 3);
SELECT insert_order(4, 'again');
DROP SCHEMA moved CASCADE;
TABLE shard_router.table_functions;
-- The generated functions go with the extension, and the tables stay.
SET search_path = life;
CREATE TABLE kept (k int);
SELECT shard_router.create_sharded_table('kept', 'k', 2);
DROP EXTENSION shard_router;
SELECT proname FROM pg_proc WHERE pronamespace = 'life'::regnamespace;
SELECT count(*) FROM pg_partition_tree('kept');
CREATE EXTENSION shard_router;
DROP ROLE regress_c;
DROP SCHEMA life, farther CASCADE;
