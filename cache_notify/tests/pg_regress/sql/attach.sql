-- attach, detach and their errors, from outside.
CREATE TABLE orders (id int PRIMARY KEY, region text, note text, v int);
CREATE TABLE "Odd ""name" ("Key" int, "a=b" text, PRIMARY KEY ("Key", "a=b"));
CREATE TABLE nokey (id int, note text);
CREATE TABLE identity (a int NOT NULL, b int NOT NULL);
CREATE UNIQUE INDEX identity_key ON identity (b, a);
ALTER TABLE identity REPLICA IDENTITY USING INDEX identity_key;
CREATE VIEW a_view AS SELECT * FROM orders;
CREATE TEMP TABLE temporary (id int PRIMARY KEY);
CREATE TABLE deferrable_key (id int PRIMARY KEY DEFERRABLE);
SELECT cache_notify.attach('orders');
SELECT cache_notify.attach('"Odd ""name"', channel => 'a "b" ''c'' \d', only_columns => '{"a=b"}', keys => ARRAY['\''{"a=b"}', '{table}']);
SELECT cache_notify.attach('identity');
SELECT cache_notify.attach('temporary');
SELECT cache_notify.attach('deferrable_key');
SELECT tbl, key_columns, channel, payload, keys, only_columns, delivery, max_keys, enabled, uncovered_partitions
FROM cache_notify.attached ORDER BY tbl::text;
-- Again replaces: no second set of triggers.
SELECT cache_notify.attach('orders', key_columns => '{region,id}', max_keys => 5, payload => 'event', delivery => 'notify');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass;
SELECT key_columns, payload, keys, max_keys FROM cache_notify.attached WHERE tbl = 'orders'::regclass;
-- What CREATE TRIGGER got is what pg_dump writes: it must be accepted again.
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = '"Odd ""name"'::regclass AND tgname = 'cache_notify_update' \gset
SELECT cache_notify.detach('"Odd ""name"');
:pg_get_triggerdef;
INSERT INTO "Odd ""name" VALUES (1, 'x');
UPDATE "Odd ""name" SET "a=b" = 'y';
SELECT cache_notify.detach('orders');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass;

-- Errors, by SQLSTATE.
\set VERBOSITY sqlstate
SELECT cache_notify.detach('orders');
SELECT cache_notify.attach(NULL);
SELECT cache_notify.attach('nokey');
SELECT cache_notify.attach('orders', key_columns => '{nope}');
SELECT cache_notify.attach('orders', key_columns => '{ctid}');
SELECT cache_notify.attach('orders', key_columns => '{}');
SELECT cache_notify.attach('orders', key_columns => '{id,id}');
SELECT cache_notify.attach('orders', key_columns => '{id,NULL}');
SELECT cache_notify.attach('orders', only_columns => '{nope}');
SELECT cache_notify.attach('orders', only_columns => '{NULL}');
SELECT cache_notify.attach('orders', only_columns => '{note,note}');
SELECT cache_notify.attach('orders', channel => '');
SELECT cache_notify.attach('orders', channel => repeat('c', 64));
SELECT cache_notify.attach('orders', payload => 'xml');
SELECT cache_notify.attach('orders', keys => '{}');
SELECT cache_notify.attach('orders', keys => '{NULL}');
SELECT cache_notify.attach('orders', keys => '{""}');
SELECT cache_notify.attach('orders', keys => '{"{id"}');
SELECT cache_notify.attach('orders', keys => '{"id}"}');
SELECT cache_notify.attach('orders', keys => '{"{}"}');
SELECT cache_notify.attach('orders', keys => '{"{nope}"}');
SELECT cache_notify.attach('orders', keys => '{"{note}"}', payload => 'event');
SELECT cache_notify.attach('orders', delivery => 'async');
SELECT cache_notify.attach('orders', delivery => 'durable');
SELECT cache_notify.attach('orders', delivery => 'pigeon');
SELECT cache_notify.attach('orders', max_keys => 0);
SELECT cache_notify.attach('orders', max_keys => -1);
SELECT cache_notify.attach('a_view');
SELECT cache_notify.attach('orders_pkey');
SELECT cache_notify.attach('pg_class');
-- Nothing of all that left a trigger behind.
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass;
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER cache_notify_update AFTER UPDATE ON orders EXECUTE FUNCTION other();
SELECT cache_notify.attach('orders');
SELECT tgfoid::regproc FROM pg_trigger WHERE tgrelid = 'orders'::regclass;
DROP TRIGGER cache_notify_update ON orders;

-- Partitions: only from the top, and not foreign ones.
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
SELECT cache_notify.attach('parts_1');
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE TABLE mixed (id int, note text) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE mixed_f PARTITION OF mixed FOR VALUES FROM (1) TO (2) SERVER nowhere;
SELECT cache_notify.attach('mixed', '{id}');
SELECT cache_notify.attach('mixed_f');
DROP FOREIGN TABLE mixed_f;
SELECT cache_notify.attach('mixed', '{id}');
CREATE FOREIGN TABLE mixed_f PARTITION OF mixed FOR VALUES FROM (1) TO (2) SERVER nowhere;
SELECT to_regclass('mixed_f');

-- A key column that is gone says so when a row is written, and attaching again heals it.
SELECT cache_notify.attach('orders', key_columns => '{region}');
ALTER TABLE orders RENAME COLUMN region TO area;
INSERT INTO orders VALUES (1, 'eu');
SELECT cache_notify.attach('orders', key_columns => '{area}');
INSERT INTO orders VALUES (1, 'eu');
SELECT cache_notify.attach('orders');
ALTER TABLE orders DROP CONSTRAINT orders_pkey;
INSERT INTO orders VALUES (2, 'eu');
SELECT cache_notify.detach('orders');

-- The trigger function where it cannot work, and a row that must not be lost to it.
SELECT cache_notify.invalidate_cache();
CREATE TRIGGER t BEFORE DELETE ON nokey FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache('c', 'id');
INSERT INTO nokey VALUES (1);
DELETE FROM nokey;
SELECT * FROM nokey;
DROP TRIGGER t ON nokey;
CREATE TRIGGER t BEFORE INSERT ON nokey EXECUTE FUNCTION cache_notify.invalidate_cache('c', 'id');
INSERT INTO nokey VALUES (2);
DROP TRIGGER t ON nokey;
CREATE TRIGGER t INSTEAD OF INSERT ON a_view FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache('c', 'id');
INSERT INTO a_view VALUES (3);
CREATE TRIGGER t AFTER INSERT ON nokey EXECUTE FUNCTION cache_notify.invalidate_cache('c', 'id');
INSERT INTO nokey VALUES (2);
DROP TRIGGER t ON nokey;
CREATE TRIGGER t AFTER UPDATE ON nokey REFERENCING NEW TABLE AS n EXECUTE FUNCTION cache_notify.invalidate_cache('c', 'id');
UPDATE nokey SET id = 2;
DROP TRIGGER t ON nokey;
CREATE TRIGGER t AFTER DELETE ON nokey EXECUTE FUNCTION cache_notify.invalidate_cache('c', 'id');
DELETE FROM nokey;
DROP TRIGGER t ON nokey;
CREATE TRIGGER t AFTER INSERT ON nokey FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache('');
INSERT INTO nokey VALUES (2);
DROP TRIGGER t ON nokey;
CREATE TRIGGER t AFTER INSERT ON nokey FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache('c', 'id', '--', 'colour=red');
INSERT INTO nokey VALUES (2);
DROP TRIGGER t ON nokey;
CREATE TRIGGER t AFTER INSERT ON nokey FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache('c');
INSERT INTO nokey VALUES (2);
DROP TRIGGER t ON nokey;
SELECT * FROM nokey;

-- Events.
SELECT cache_notify.publish_event('create', 'posts', repeat('x', 8000));
SELECT cache_notify.publish_event('create', 'posts', '1', '');
SELECT cache_notify.publish_event('create', 'posts', '1', repeat('c', 64));
SELECT cache_notify.publish_event('create', NULL, '1');

SELECT cache_notify.publish_event('create', 'posts', '1', delivery => 'async');
SELECT cache_notify.publish_event('create', 'posts', '1', delivery => 'durable');
SELECT cache_notify.publish_event('create', 'posts', '1', delivery => 'pigeon');

-- What an administrator sees, where the library is not preloaded.
SELECT s.database = current_database() AS here, keys, messages, overflows, waiting, publisher_pid, publisher_state, ring_size, epoch
FROM cache_notify.stats s;
SELECT preloaded, ring_size, launcher_pid FROM cache_notify.ring_state();
SELECT cache_notify.attach('orders', '{id}');
TABLE cache_notify.health;
-- A dump from a server that preloads it: the triggers name the delivery.
CREATE TRIGGER by_dump AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache('c', 'id', '--', 'delivery=async');
SELECT problem, object, since, hint FROM cache_notify.health;
SELECT cache_notify.attach('parts', moved_rows => true);
SELECT tbl, moved_rows, delivery FROM cache_notify.attached ORDER BY tbl::text;
ALTER EVENT TRIGGER cache_notify_follow_partitions DISABLE;
CREATE TABLE parts_7 PARTITION OF parts FOR VALUES FROM (70) TO (80);
ALTER EVENT TRIGGER cache_notify_follow_partitions ENABLE;
SELECT problem, object, hint FROM cache_notify.health ORDER BY problem;
DROP TRIGGER by_dump ON orders;
SELECT cache_notify.detach('orders'), cache_notify.detach('parts');
SELECT cache_notify.attach('orders', '{id}', moved_rows => true);
TABLE cache_notify.health;

-- Rights.
SELECT cache_notify.attach('nokey', '{id}');
CREATE ROLE cache_notify_writer;
CREATE ROLE cache_notify_owner;
GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON nokey TO cache_notify_writer;
CREATE TABLE owned (id int PRIMARY KEY) PARTITION BY RANGE (id);
ALTER TABLE owned OWNER TO cache_notify_owner;
GRANT CREATE ON SCHEMA public TO cache_notify_owner;
SET ROLE cache_notify_writer;
SELECT cache_notify.attach('nokey');
SELECT cache_notify.detach('nokey');
TABLE cache_notify.stats;
TABLE cache_notify.health;
SELECT * FROM cache_notify.ring_databases();
RESET ROLE;
GRANT pg_monitor TO cache_notify_writer;
SET ROLE cache_notify_writer;
SELECT count(*) FROM cache_notify.stats;
TABLE cache_notify.health;
RESET ROLE;
REVOKE pg_monitor FROM cache_notify_writer;
-- To write takes no rights on the extension.
REVOKE USAGE ON SCHEMA cache_notify FROM PUBLIC;
SET ROLE cache_notify_writer;
INSERT INTO nokey VALUES (3);
UPDATE nokey SET id = 4 WHERE id = 3;
DELETE FROM nokey WHERE id = 4;
RESET ROLE;
GRANT USAGE ON SCHEMA cache_notify TO PUBLIC;
SET ROLE cache_notify_owner;
SELECT cache_notify.attach('owned');
CREATE TABLE owned_1 PARTITION OF owned FOR VALUES FROM (1) TO (10);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'owned_1'::regclass;
SELECT cache_notify.detach('owned');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'owned_1'::regclass;
RESET ROLE;
-- Whatever the search_path holds.
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.eq(oid, oid) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called'; END $$;
CREATE OPERATOR hostile.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = hostile.eq);
SET search_path = hostile, pg_catalog, public;
SELECT cache_notify.attach('orders', '{id}');
CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (10) TO (20);
INSERT INTO public.orders VALUES (5);
SELECT cache_notify.detach('public.orders');
RESET search_path;
DROP TABLE owned, parts, mixed, nokey, identity, "Odd ""name", deferrable_key;
REVOKE CREATE ON SCHEMA public FROM cache_notify_owner;
DROP ROLE cache_notify_writer, cache_notify_owner;
