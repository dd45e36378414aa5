-- Many rows at once, from JSON and from cursors.
SET client_min_messages = warning;
CREATE SCHEMA many;
SET search_path = many;
CREATE FUNCTION try(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; h text; c text; col text;
BEGIN EXECUTE sql INTO r; RETURN r;
EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT, c = CONSTRAINT_NAME, col = COLUMN_NAME;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(h, ''), nullif(c, ''), nullif(col, '')); END $$;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN short AS text NOT NULL DEFAULT 'dom' CHECK (length(VALUE) < 9);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, amount numeric(6,2) CONSTRAINT positive CHECK (amount > 0), status varchar(5) DEFAULT 'new',
    tags text[], feel mood DEFAULT 'ok', extra jsonb, "Odd ""name" date, dom short DEFAULT 'col', doubled numeric GENERATED ALWAYS AS (amount * 2) STORED);
SELECT shard_router.create_sharded_table('orders', 'user_id', 5, 'modulo');
SELECT shard_router.insert_many('orders', '[{"user_id": 1, "amount": 1.005, "tags": ["a", "b"], "extra": {"x": [1, null]}, "Odd \"name": "2024-02-29"},
    {"user_id": 2, "amount": 2},
    {"amount": 3, "user_id": 3, "status": null, "feel": "sad"},
    {"user_id": 12, "amount": 4}]'::jsonb);
SELECT tableoid::regclass, user_id, amount, status, tags, feel, extra, "Odd ""name" IS NOT NULL AS odd, dom, doubled FROM orders ORDER BY user_id;
SELECT count(DISTINCT id) FROM orders;
SELECT shard_router.insert_many('orders', '[]'::jsonb), shard_router.insert_many('orders', jsonb '[{"user_id": 3}]');
-- errors are those of INSERT, and nothing stays
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "amount": 1}, {"user_id": 4, "amount": -1}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "amount": 1}, {"user_id": 4, "status": "too long"}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "amount": 1}, {"user_id": null, "amount": 1}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "amount": 1}, {"amount": 1}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "amount": 1}, {"user_id": -4, "amount": 1}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4}, {"user_id": 4, "feel": "mad"}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4}, {"user_id": "four"}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "dom": null}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "nope": 1}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "id": 1}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "doubled": 1}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{}]'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4}, 1]'::jsonb)$$), try($$SELECT shard_router.insert_many('orders', '{"user_id": 4}'::jsonb)$$), try($$SELECT shard_router.insert_many('orders', 'null'::jsonb)$$);
SELECT try($$SELECT shard_router.insert_many('orders', NULL::jsonb)$$), try($$SELECT shard_router.insert_many(NULL, '[]'::jsonb)$$), try($$SELECT shard_router.insert_many('pg_class', '[]'::jsonb)$$);
SELECT count(*) FROM orders WHERE user_id = 4;

-- cursors
CREATE TABLE source AS SELECT i AS user_id, i + 0.5 AS amount, 'row ' || i AS ignored, ARRAY[i::text] AS tags FROM generate_series(1, 3000) AS i;
BEGIN;
DECLARE c CURSOR FOR SELECT amount, user_id, tags FROM source ORDER BY user_id;
MOVE 100 IN c;
SELECT shard_router.insert_many('orders', 'c'::refcursor);
FETCH c;
SELECT shard_router.insert_many('orders', 'c'::refcursor);
COMMIT;
SELECT count(*), min(user_id), max(amount), count(*) FILTER (WHERE tableoid <> shard_router.shard_table('orders', user_id)) AS misplaced FROM orders WHERE tags[1] = user_id::text;
BEGIN;
DECLARE wrong CURSOR FOR SELECT user_id, ignored FROM source;
DECLARE keyless CURSOR FOR SELECT amount FROM source;
DECLARE typed CURSOR FOR SELECT user_id, tags AS amount FROM source;
DECLARE late CURSOR FOR SELECT user_id, amount / (user_id - 2500) AS amount FROM source WHERE user_id > 2400 ORDER BY user_id;
DECLARE ok CURSOR WITH HOLD FOR SELECT 4 AS user_id, 1 AS amount;
SELECT try($$SELECT shard_router.insert_many('orders', 'wrong'::refcursor)$$);
SELECT try($$SELECT shard_router.insert_many('orders', 'keyless'::refcursor)$$);
SELECT try($$SELECT shard_router.insert_many('orders', 'typed'::refcursor)$$);
SELECT try($$SELECT shard_router.insert_many('orders', 'late'::refcursor)$$);
SELECT try($$SELECT shard_router.insert_many('orders', 'no such'::refcursor)$$);
SELECT try($$SELECT shard_router.insert_many('orders', NULL::refcursor)$$);
COMMIT;
SELECT shard_router.insert_many('orders', 'ok'::refcursor);
SELECT count(*) FROM orders WHERE user_id = 4 AND amount = 1;
CLOSE ok;
-- rows with the same columns are one statement: its trigger fires once
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'statement'; RETURN NULL; END $$;
CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION noted();
SELECT shard_router.insert_many('orders', (SELECT jsonb_agg(jsonb_build_object('user_id', i)) FROM generate_series(1, 20) AS i));
DROP TRIGGER noted ON orders;
-- a path that shadows types, functions and operators
CREATE SCHEMA hostile;
CREATE DOMAIN hostile.text AS int; CREATE DOMAIN hostile.jsonb AS int; CREATE DOMAIN hostile.date AS int; CREATE TYPE hostile.mood AS ENUM ('none');
CREATE FUNCTION hostile.jsonb_to_recordset(pg_catalog.jsonb) RETURNS SETOF record LANGUAGE plpgsql AS $$ BEGIN RAISE 'hostile'; END $$;
CREATE FUNCTION hostile.jsonb_object_keys(pg_catalog.jsonb) RETURNS SETOF pg_catalog.text LANGUAGE plpgsql AS $$ BEGIN RAISE 'hostile'; END $$;
SET search_path = hostile, pg_catalog;
SELECT shard_router.insert_many('many.orders', '[{"user_id": 900, "tags": ["t"], "feel": "sad", "extra": [1], "Odd \"name": "2024-02-29", "dom": "d"}, {"user_id": 901}]'::pg_catalog.jsonb);
SET search_path = many;
SELECT user_id, tags, feel, extra, dom FROM orders WHERE user_id >= 900 AND amount IS NULL ORDER BY 1;
DROP SCHEMA hostile CASCADE;
-- the caller's rights, and the table's row security
CREATE ROLE regress_w;
GRANT USAGE ON SCHEMA many TO regress_w;
SET ROLE regress_w;
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4}]'::jsonb)$$);
RESET ROLE;
GRANT INSERT (user_id) ON orders TO regress_w;
SET ROLE regress_w;
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4}]'::jsonb)$$), try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4, "amount": 1}]'::jsonb)$$);
RESET ROLE;
CREATE POLICY own ON orders FOR INSERT TO regress_w WITH CHECK (user_id = 4);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
SET ROLE regress_w;
SELECT try($$SELECT shard_router.insert_many('orders', '[{"user_id": 4}]'::jsonb)$$), try($$SELECT shard_router.insert_many('orders', '[{"user_id": 5}]'::jsonb)$$);
RESET ROLE;
BEGIN READ ONLY;
SELECT shard_router.insert_many('orders', '[{"user_id": 4}]'::jsonb);
ROLLBACK;
SET client_min_messages = error;
DROP SCHEMA many CASCADE;
DROP ROLE regress_w;
