-- Keys of several columns, and text and uuid keys, go where the server puts them.
SET client_min_messages = warning;
CREATE SCHEMA keys;
SET search_path = keys;
CREATE FUNCTION try(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; h text;
BEGIN EXECUTE sql INTO r; RETURN r;
EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT; RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(h, '')); END $$;
CREATE TABLE messages (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text, tenant_id uuid, room text UNIQUE, n int);
SELECT shard_router.create_sharded_table('messages', ARRAY['tenant_id', 'room', 'n'], 7);
SELECT pg_get_partkeydef('messages'::regclass);
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'messages'::regclass AND contype IN ('p', 'u') ORDER BY 1;
SELECT attname FROM pg_attribute WHERE attrelid = 'messages'::regclass AND attnotnull AND attnum > 0 ORDER BY 1;
SELECT proname, pg_get_function_arguments(oid) FROM pg_proc WHERE pronamespace = 'keys'::regnamespace AND proname ~ 'message' ORDER BY 1;
INSERT INTO messages (body, tenant_id, room, n) SELECT 'x', md5((i % 100)::text)::uuid, 'room ' || i, i - 1000 FROM generate_series(1, 2000) AS i;
SELECT count(*), count(DISTINCT tableoid) AS shards,
       count(*) FILTER (WHERE shard_router.shard_table('messages', ROW(tenant_id, room, n)) <> tableoid
                           OR shard_router.hash_key(ROW(tenant_id, room, n), 7) <> shard_router.shard_of('messages', ROW(tenant_id, room, n))
                           OR get_message_table(tenant_id, room, n) <> tableoid::regclass::text) AS misplaced FROM messages;
SELECT insert_message('by function', '00000000-0000-0000-0000-000000000001', 'r', 5);
SELECT id, body, room, n FROM get_messages_by_tenant_and_room_and_n('00000000-0000-0000-0000-000000000001', 'r', 5);
SELECT count(*) FROM get_messages_by_tenant_and_room_and_n('00000000-0000-0000-0000-000000000001', 'r', 6);
SELECT tableoid = shard_router.shard_table('messages', ROW(tenant_id, room, n::bigint)) AS there FROM messages WHERE n = 5 AND room = 'r';
-- keys that do not fit
SELECT try($$SELECT shard_router.shard_of('messages', 1)$$);
SELECT try($$SELECT shard_router.shard_of('messages', ROW('00000000-0000-0000-0000-000000000001'::uuid, 'r'))$$);
SELECT try($$SELECT shard_router.shard_of('messages', ROW(1, 'r', 1))$$);
SELECT try($$SELECT shard_router.shard_of('messages', ROW('00000000-0000-0000-0000-000000000001'::uuid, NULL::text, 1))$$);
SELECT try($$SELECT shard_router.hash_key(ROW(), 3)$$), try($$SELECT shard_router.hash_key(ROW(1, 1.5::float8), 3)$$), try($$SELECT shard_router.hash_key(ROW(1, NULL::int), 3)$$);
SELECT try($$SELECT insert_message('x', '00000000-0000-0000-0000-000000000001', NULL, 1)$$);
SELECT try($$SELECT get_message_table(NULL, 'r', 1)$$);
CREATE TABLE t (a int, b int);
SELECT try($$SELECT shard_router.create_sharded_table('t', ARRAY['a', 'b'], 3, 'modulo')$$);
SELECT try($$SELECT shard_router.create_sharded_table('t', ARRAY['a', 'c'])$$);
SELECT try($$SELECT shard_router.create_sharded_table('t', ARRAY['a', NULL])$$);
SELECT try($$SELECT shard_router.create_sharded_table('t', '{}'::text[])$$);
SELECT try($$SELECT shard_router.create_sharded_table('t', ARRAY['a', 'a'])$$);
SELECT try($$SELECT shard_router.create_sharded_table('t', NULL::text[])$$);
-- frozen: a change here would strand every row that is stored
SELECT shard_router.hash_key(ROW(1, 2), 1000000) AS ints, shard_router.hash_key(ROW('a'::text, 1), 1000000) AS text_int,
       shard_router.hash_key(ROW(1), 1000000) = shard_router.hash_key(1, 1000000) AS one;
-- a row of one is the value itself, and a whole row of a table is a key as well
SELECT shard_router.create_sharded_table('t', 'a', 5);
SELECT shard_router.shard_of('t', ROW(7)) = shard_router.shard_of('t', 7) AS same;
CREATE TYPE pair AS (a uuid, gone int, b text, c int);
ALTER TYPE pair DROP ATTRIBUTE gone;
SELECT shard_router.shard_of('messages', ('00000000-0000-0000-0000-000000000001', 'r', 5)::pair) = shard_router.shard_of('messages', ROW('00000000-0000-0000-0000-000000000001'::uuid, 'r'::varchar, 5)) AS same;
-- literals take the types of the key's columns
SELECT shard_router.shard_of('messages', ROW('00000000-0000-0000-0000-000000000001', 'r', '5')) = shard_router.shard_of('messages', ROW('00000000-0000-0000-0000-000000000001'::uuid, 'r'::text, 5)) AS same;
SELECT try($$SELECT shard_router.shard_of('messages', ROW('no uuid', 'r', 5))$$);
SELECT try($$SELECT shard_router.hash_key(ROW('a'), 5)$$);

-- a filled table with two columns as its key
CREATE TABLE filled (a text, b date, n int);
INSERT INTO filled SELECT md5(i::text), date '2020-01-01' + i, i FROM generate_series(1, 500) AS i;
SELECT shard_router.adopt_table('filled', ARRAY['a', 'b'], 4, entity => 'f', owner_name => 'day');
SELECT count(*), count(*) FILTER (WHERE tableoid <> shard_router.shard_table('filled', ROW(a, b))) AS misplaced FROM filled;
SELECT count(*) FROM get_filled_by_day(md5('7'), '2020-01-08');

-- a registered one, of mixed moduli
CREATE TABLE mixed (a int, b text) PARTITION BY HASH (a, b);
CREATE TABLE mixed_x PARTITION OF mixed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE mixed_y PARTITION OF mixed FOR VALUES WITH (MODULUS 6, REMAINDER 0);
CREATE TABLE mixed_z PARTITION OF mixed FOR VALUES WITH (MODULUS 6, REMAINDER 2);
CREATE TABLE mixed_q PARTITION OF mixed FOR VALUES WITH (MODULUS 6, REMAINDER 4);
SELECT shard_router.register_table('mixed')::text;
INSERT INTO mixed SELECT i, repeat('é', i % 9) FROM generate_series(1, 1000) AS i;
SELECT count(*), count(DISTINCT tableoid) AS shards, count(*) FILTER (WHERE tableoid <> shard_router.shard_table('mixed', ROW(a, b))) AS misplaced FROM mixed;
SELECT insert_mixed(1, 'y'), (SELECT count(*) FROM get_mixed_by_a_and_b(3, 'ééé'));
-- the server refuses a row without its key in a shard of the table as well, unless it may be null
SELECT try($$INSERT INTO mixed VALUES (NULL, NULL) RETURNING 'taken'$$), try($$SELECT insert_mixed(NULL, 'x')$$);
SET client_min_messages = error;
DROP SCHEMA keys CASCADE;
