-- A table with rows becomes a sharded one: nothing is lost, nothing is done by half.
SET client_min_messages = warning;
CREATE ROLE regress_a; CREATE ROLE regress_b;
CREATE SCHEMA adopt AUTHORIZATION regress_a;
SET search_path = adopt;
SET ROLE regress_a;
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 50);
CREATE TABLE log (what text);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO adopt.log VALUES (TG_OP); RETURN NEW; END $$;
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gone int,
    user_id int REFERENCES users,
    amount numeric(10,2) CHECK (amount > 0),
    taxed numeric GENERATED ALWAYS AS (amount * 1.2) STORED,
    code text UNIQUE,
    serial serial
);
INSERT INTO orders (gone, user_id, amount, code) SELECT 1, 1 + i % 50, 1 + i, 'c' || i FROM generate_series(1, 1000) AS i;
ALTER TABLE orders DROP COLUMN gone;
DELETE FROM orders WHERE id % 10 = 0;
CREATE INDEX orders_user ON orders (user_id);
CREATE STATISTICS together ON user_id, amount FROM orders;
CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION noted();
CREATE POLICY few ON orders USING (user_id < 3);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON orders TO regress_b;
REVOKE SELECT ON orders FROM regress_a;
RESET ROLE;
CREATE TABLE before AS SELECT * FROM orders;
SELECT shard_router.adopt_table('orders', 'user_id', 7);
SELECT count(*) FROM before;
SELECT count(*) FROM (TABLE before EXCEPT TABLE orders) AS lost;
SELECT count(*) FROM (TABLE orders EXCEPT TABLE before) AS new;
SELECT count(*) FROM orders WHERE tableoid <> shard_router.shard_table('orders', user_id);
SELECT count(DISTINCT tableoid) FROM orders;
-- triggers have not seen the rows again, keys, rights and policies are there
SELECT count(*) FROM log;
SELECT relname FROM pg_class WHERE relnamespace = 'adopt'::regnamespace AND relkind <> 'i' AND relname !~ '^orders_\d' ORDER BY 1;
SELECT conname, contype, convalidated FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype IN ('f', 'p', 'u', 'c') ORDER BY 1;
SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass AND indisvalid;
SELECT has_table_privilege('regress_b', 'orders', 'SELECT') AS b, has_table_privilege('regress_a', 'orders', 'SELECT') AS a, relrowsecurity, relforcerowsecurity, relowner::regrole
  FROM pg_class WHERE oid = 'orders'::regclass;
SELECT stxname, stxrelid::regclass FROM pg_statistic_ext WHERE stxnamespace = 'adopt'::regnamespace;
-- one sequence, going on where it was
SELECT insert_order(5, 1, 'next') > 1000 AS next, pg_get_serial_sequence('orders', 'id'), pg_get_serial_sequence('orders', 'serial');
SELECT max(serial) FROM orders;
SELECT count(*) FROM log;

-- What does not fit leaves everything as it was.
CREATE TABLE bad (id int PRIMARY KEY, k int, x int REFERENCES users);
INSERT INTO bad VALUES (1, 1, 1), (2, NULL, 1);
SELECT shard_router.adopt_table('bad', 'k', 2);
UPDATE bad SET k = -5 WHERE k IS NULL;
SELECT shard_router.adopt_table('bad', 'k', 2, 'modulo');
SELECT relkind, (SELECT count(*) FROM bad) AS rows, (SELECT count(*) FROM pg_index WHERE indrelid = 'bad'::regclass) AS indexes FROM pg_class WHERE oid = 'bad'::regclass;
SELECT shard_router.adopt_table('bad', 'k', 2);
SELECT count(*), count(*) FILTER (WHERE tableoid <> shard_router.shard_table('bad', k)) AS misplaced FROM bad;
CREATE TABLE seen (k int);
CREATE VIEW v AS SELECT * FROM seen;
SELECT shard_router.adopt_table('seen', 'k');
DROP VIEW v;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT shard_router.adopt_table('seen', 'k');
ROLLBACK;
SELECT shard_router.adopt_table('seen', NULL::name);
SELECT shard_router.adopt_table(NULL, 'k');
SELECT shard_router.adopt_table('orders', 'user_id');
GRANT USAGE ON SCHEMA adopt TO regress_b;
SET ROLE regress_b;
SELECT shard_router.adopt_table('seen', 'k');
RESET ROLE;
-- an empty one is as good
SELECT shard_router.adopt_table('seen', 'k', 3);
SELECT count(*) FROM shard_router.shards WHERE tbl = 'seen'::regclass;

-- A superuser who adopts somebody else's table runs that one's functions with that one's rights.
SET ROLE regress_a;
CREATE FUNCTION spy(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO adopt.log VALUES ('as ' || current_user); RETURN true; END $$;
CREATE TABLE trap (k int CHECK (spy(k)));
INSERT INTO trap VALUES (1);
CREATE TABLE mine (k uuid, n int);
INSERT INTO mine SELECT md5(i::text)::uuid, i FROM generate_series(1, 100) AS i;
SELECT shard_router.adopt_table('mine', 'k', 2);
SELECT count(*), sum(n) FROM mine;
TRUNCATE log;
RESET ROLE;
SELECT shard_router.adopt_table('trap', 'k', 2);
SELECT DISTINCT what FROM log;
SET client_min_messages = error;
DROP SCHEMA adopt CASCADE;
DROP ROLE regress_a, regress_b;
