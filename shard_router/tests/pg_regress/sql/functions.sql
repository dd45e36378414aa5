-- What the generated functions do, and what a client sees when they fail.
SET client_min_messages = warning;
CREATE SCHEMA app;
SET search_path = app;
CREATE TABLE customers (id int PRIMARY KEY);
INSERT INTO customers VALUES (1), (2), (42);
CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    user_id int REFERENCES customers,
    total_amount numeric(10,2) CONSTRAINT positive CHECK (total_amount > 0),
    status varchar(20) NOT NULL,
    note text,
    created_at timestamptz NOT NULL DEFAULT '2020-01-01 00:00+00',
    "Söme col" text DEFAULT 'x'
);
SELECT shard_router.create_sharded_table('orders', 'user_id', strategy => 'modulo');
SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid), provolatile, proparallel, proisstrict,
       proowner::regrole = current_user::regrole AS mine, obj_description(oid)
  FROM pg_proc WHERE pronamespace = 'app'::regnamespace ORDER BY 1;
SET timezone = 'UTC';

SELECT insert_order(42, 19.994, 'new', NULL);
SELECT insert_order(42, 5, 'new', 'a note', '2021-01-01', 'given');
SELECT insert_order(p_user_id => 1, p_total_amount => 5, p_status => 'named', p_note => NULL, "p_Söme col" => 'only this');
SELECT tableoid::regclass, * FROM orders ORDER BY id;
SELECT * FROM get_orders_by_user(42);
SELECT * FROM get_orders_by_user(2);
SELECT status, "Söme col" FROM get_orders_by_user(1) WITH ORDINALITY;
SELECT u, (get_orders_by_user(u)).id FROM unnest('{1,42}'::int[]) AS u ORDER BY 2;
SELECT u, o.id FROM unnest('{1,2,42}'::int[]) AS u LEFT JOIN LATERAL get_orders_by_user(u) AS o ON true ORDER BY 1, 2;
SELECT count(*) FROM get_orders_by_user(42) AS a JOIN get_orders_by_user(42) AS b USING (id);
SELECT get_order_table(u) FROM unnest('{1,42,1000000007}'::int[]) AS u;
SET search_path = pg_catalog;
SELECT app.get_order_table(42);
SELECT app.insert_order(1, 1, 'qualified', NULL) > 0 AS inserted;
SET search_path = app;

-- A cursor reads on while the session goes on.
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM get_orders_by_user(42);
FETCH LAST FROM c;
FETCH FIRST FROM c;
SELECT insert_order(42, 1, 'meanwhile', NULL) > 0 AS inserted;
FETCH ALL FROM c;
ROLLBACK;

-- A stable function does not see what its own statement inserts.
SELECT (SELECT count(*) FROM get_orders_by_user(2)) AS before, insert_order(2, 1, 'x', NULL) > 0 AS inserted, (SELECT count(*) FROM get_orders_by_user(2)) AS still;

-- The server's own errors arrive whole.
CREATE FUNCTION failure(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    s text; c text; t text; n text; col text; d text; h text; x text;
BEGIN
    EXECUTE sql;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS s = RETURNED_SQLSTATE, c = CONSTRAINT_NAME, t = TABLE_NAME, n = SCHEMA_NAME, col = COLUMN_NAME,
                            d = PG_EXCEPTION_DETAIL, x = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(' | ', s, 'constraint ' || nullif(c, ''), 'table ' || nullif(n || '.' || t, '.'), 'column ' || nullif(col, ''), nullif(d, ''), split_part(x, E'\n', 1));
END $$;
SELECT failure($$SELECT insert_order(42, -1, 'x', NULL)$$);
SELECT failure($$SELECT insert_order(42, 1, NULL, NULL)$$);
SELECT failure($$SELECT insert_order(7, 1, 'x', NULL)$$);
SELECT failure($$SELECT insert_order(42, 1, 'longer than twenty characters', NULL)$$);
SELECT failure($$SELECT insert_order(42, 12345678901, 'x', NULL)$$);
CREATE UNIQUE INDEX one_note ON orders (user_id, note);
SELECT insert_order(42, 1, 'x', 'unique') > 0 AS inserted;
SELECT failure($$SELECT insert_order(42, 1, 'x', 'unique')$$);
SELECT failure($$INSERT INTO orders (user_id, total_amount, status, note) VALUES (42, 1, 'x', 'unique')$$);
SELECT failure($$SELECT insert_order(NULL, 1, 'x', NULL)$$);
SELECT failure($$SELECT get_order_table(NULL)$$);
SELECT failure($$SELECT * FROM get_orders_by_user(NULL)$$);
SELECT failure($$SELECT insert_order(-3, 1, 'x', NULL)$$);
-- and the session works on
SELECT insert_order(42, 1, 'after errors', NULL) > 0 AS inserted;

-- Triggers fire as for the table; one that swallows the row gives NULL.
CREATE TABLE log (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO app.log VALUES (concat_ws(' ', TG_NAME, TG_WHEN, TG_LEVEL, TG_OP));
    IF TG_LEVEL = 'ROW' AND NEW.status = 'swallow' THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER before_row BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note();
SELECT insert_order(1, 1, 'swallow', NULL) IS NULL AS swallowed;
CREATE TRIGGER after_statement AFTER INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TRIGGER after_row AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note();
SELECT insert_order(1, 1, 'statement', NULL) > 0 AS inserted;
SELECT * FROM log;
DROP TRIGGER after_statement ON orders;
-- a statement-level trigger of a shard alone does not fire for an insert into the table
CREATE TRIGGER of_shard AFTER INSERT ON orders_1 FOR EACH STATEMENT EXECUTE FUNCTION note();
TRUNCATE log;
SELECT insert_order(1, 1, 'statement', NULL) > 0 AS inserted;
SELECT * FROM log;
DROP TRIGGER of_shard ON orders_1;
-- a shard's own default does not count either
ALTER TABLE orders_1 ALTER note SET DEFAULT 'of the shard', ALTER "Söme col" SET DEFAULT 'of the shard';
SELECT insert_order(1, 1, 'default', NULL) > 0 AS inserted;
SELECT note, "Söme col" FROM orders WHERE status = 'default';
-- a trigger that calls the function again
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.total_amount > 1 THEN PERFORM app.insert_order(NEW.user_id, NEW.total_amount - 1, 'again', NULL); END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER again AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION again();
SELECT insert_order(42, 5, 'again', NULL) > 0 AS inserted;
SELECT count(*) FROM orders WHERE status = 'again';

-- Other ids and no id at all
CREATE TABLE events (tenant uuid, eid uuid DEFAULT '11111111-1111-1111-1111-111111111111', payload jsonb, PRIMARY KEY (eid));
CREATE TABLE points (k text, x int GENERATED ALWAYS AS (length(k)) STORED);
CREATE TABLE seqs (k bigint, id bigint GENERATED ALWAYS AS IDENTITY (START 100));
CREATE TABLE keys_only (k date PRIMARY KEY);
SELECT shard_router.create_sharded_table('events', 'tenant', 3), shard_router.create_sharded_table('points', 'k', 1, entity => 'Po"int', owner_name => 'a b'),
       shard_router.create_sharded_table('seqs', 'k', 4), shard_router.create_sharded_table('keys_only', 'k', 4);
SELECT insert_event('22222222-2222-2222-2222-222222222222', '{"a": 1}');
SELECT "insert_Po""int"('abc'), "get_Po""int_table"('abc');
SELECT * FROM "get_points_by_a b"('abc');
SELECT insert_seq(i) FROM generate_series(1, 3) AS i;
INSERT INTO seqs (k) VALUES (1), (2);
SELECT k, id FROM seqs ORDER BY id;
SELECT insert_keys_only('2020-01-01');
SELECT * FROM get_keys_only_by_k('2020-01-01');
SET client_min_messages = error;
DROP SCHEMA app CASCADE;
SELECT * FROM shard_router.table_functions;
