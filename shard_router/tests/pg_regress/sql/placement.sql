-- Every key goes where the server's own partitioning puts it.
SET client_min_messages = warning;
CREATE SCHEMA placement;
SET search_path = placement;

CREATE FUNCTION misplaced(key_type text, keys text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('CREATE TABLE native (k %s NOT NULL) PARTITION BY HASH (k)', key_type);
    FOR r IN 0..6 LOOP
        EXECUTE format('CREATE TABLE native_%s PARTITION OF native FOR VALUES WITH (MODULUS 7, REMAINDER %s)', r, r);
    END LOOP;
    EXECUTE 'INSERT INTO native ' || keys;
    EXECUTE format('CREATE TABLE ours (k %s)', key_type);
    PERFORM shard_router.create_sharded_table('ours', 'k', 7);
    EXECUTE 'SELECT insert_our(k) FROM (SELECT DISTINCT k FROM native) AS d';
    -- by the pure rule, by the table's rule, by the function's name and by where the row is
    EXECUTE $q$
        SELECT count(*) FILTER (WHERE shard IS DISTINCT FROM shard_router.hash_key(k, 7)
                                   OR shard IS DISTINCT FROM shard_router.shard_of('ours', k)
                                   OR 'ours_' || shard IS DISTINCT FROM shard_router.shard_table('ours', k)::text
                                   OR 'ours_' || shard IS DISTINCT FROM get_our_table(k))
             + abs(count(*) - 10000)
             + (SELECT count(*) FROM (SELECT k, replace(tableoid::regclass::text, 'ours', 'native') FROM ours
                                      EXCEPT SELECT k, tableoid::regclass::text FROM native) AS d)
             + abs((SELECT count(*) FROM ours) - (SELECT count(DISTINCT k) FROM native))
          FROM (SELECT k, right(tableoid::regclass::text, 1)::int AS shard FROM native) AS n $q$ INTO n;
    DROP TABLE native, ours;
    RETURN n;
END $$;

SELECT misplaced('bigint', 'SELECT (i - 5000) * 922337203685477 FROM generate_series(1, 10000) AS i') AS int8,
       misplaced('int', 'SELECT (i - 5000) * 429496 FROM generate_series(1, 10000) AS i') AS int4,
       misplaced('smallint', 'SELECT i - 5000 FROM generate_series(1, 10000) AS i') AS int2,
       misplaced('text', $q$SELECT repeat('é', i % 50) || md5(i::text) FROM generate_series(1, 10000) AS i$q$) AS text,
       misplaced('varchar(40)', $q$SELECT md5(i::text) FROM generate_series(1, 10000) AS i$q$) AS varchar,
       misplaced('text COLLATE "C"', $q$SELECT md5(i::text) FROM generate_series(1, 10000) AS i$q$) AS text_c,
       misplaced('uuid', 'SELECT md5(i::text)::uuid FROM generate_series(1, 10000) AS i') AS uuid,
       misplaced('numeric', $q$SELECT CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' ELSE (i * 1.10)::numeric END FROM generate_series(1, 10000) AS i$q$) AS "numeric",
       misplaced('date', $q$SELECT date '1999-01-01' + i FROM generate_series(1, 10000) AS i$q$) AS date,
       misplaced('timestamptz', $q$SELECT timestamptz '1999-01-01 UTC' + i * interval '61.7 s' FROM generate_series(1, 10000) AS i$q$) AS "timestamptz";

-- The integer types agree, and so do text and varchar.
SELECT count(*) FROM generate_series(-20000, 20000) AS i
 WHERE shard_router.hash_key(i::int2, 10) <> shard_router.hash_key(i::int4, 10)
    OR shard_router.hash_key(i::int8, 10) <> shard_router.hash_key(i::int4, 10);
SELECT count(*) FROM generate_series(1, 1000) AS i
 WHERE shard_router.hash_key(i::text, 10) <> shard_router.hash_key(i::varchar, 10);

-- Frozen: a change here would strand every row that is stored.
SELECT shard_router.hash_key(0, 1000000) AS zero, shard_router.hash_key(42, 1000000) AS int4,
       shard_router.hash_key((-9223372036854775808)::bigint, 1000000) AS least,
       shard_router.hash_key('abc'::text, 1000000) AS text, shard_router.hash_key(''::text, 1000000) AS empty,
       shard_router.hash_key('00000000-0000-0000-0000-000000000000'::uuid, 1000000) AS uuid;

-- modulo: key k in remainder k % n, by the server itself
CREATE TABLE m2 (k smallint); CREATE TABLE m4 (k int); CREATE TABLE m8 (k bigint);
SELECT shard_router.create_sharded_table(t, 'k', 10, 'modulo') FROM unnest('{m2,m4,m8}'::regclass[]) AS t;
INSERT INTO m2 SELECT i FROM generate_series(0, 32767, 13) AS i;
INSERT INTO m4 SELECT i FROM generate_series(0, 2147483647, 214748) AS i;
INSERT INTO m8 SELECT i FROM generate_series(0, 9223372036854775807, 922337203685477) AS i;
SELECT count(*) > 2000 AS enough, count(*) FILTER (WHERE tableoid::regclass::text <> 'm2_' || k % 10) AS misplaced FROM m2;
SELECT count(*) >= 10000 AS enough, count(*) FILTER (WHERE tableoid::regclass::text <> 'm4_' || k % 10) AS misplaced FROM m4;
SELECT count(*) >= 10000 AS enough, count(*) FILTER (WHERE tableoid::regclass::text <> 'm8_' || k % 10) AS misplaced FROM m8;
SELECT count(*) FROM m8 WHERE shard_router.shard_of('m8', k) <> k % 10 OR shard_router.shard_table('m8', k) <> tableoid;
SELECT shard_router.shard_of('m2', 42::bigint), shard_router.shard_of('m8', 42::smallint), get_m4_table(17);

-- Pruning takes the ordinary equality, with any integer type on the other side.
EXPLAIN (COSTS OFF) SELECT * FROM m4 WHERE k = 42;
EXPLAIN (COSTS OFF) SELECT * FROM m4 WHERE k = 42::bigint;
EXPLAIN (COSTS OFF) SELECT * FROM m4 WHERE k = 42::smallint;
EXPLAIN (COSTS OFF) SELECT * FROM m8 WHERE k IN (41, 42);
EXPLAIN (COSTS OFF) SELECT * FROM m4 WHERE k = 42 AND false;

-- Each shard enforces its bound.
SELECT satisfies_hash_partition('m4'::regclass, 10, 3, 13), satisfies_hash_partition('m4'::regclass, 10, 3, 14);
\set VERBOSITY sqlstate
INSERT INTO m4_3 VALUES (14);
INSERT INTO m4 VALUES (-3);
INSERT INTO m2 VALUES (-3);
INSERT INTO m8 VALUES (-3);
SELECT shard_router.shard_of('m4', -3);
SELECT get_m4_table(-1);
SELECT insert_m4(-1);
SELECT * FROM get_m4_by_k(-1);
UPDATE m4 SET k = -1 WHERE k = 0;
\set VERBOSITY default
-- An update of the key moves the row.
UPDATE m4 SET k = 7 WHERE k = 0;
SELECT tableoid::regclass, k FROM m4 WHERE k = 7;
-- Joins on the plain operator still hash alike whichever operator family the planner takes.
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT count(*) = (SELECT count(*) FROM m4) AS all_found FROM m4 JOIN m8 AS b ON false RIGHT JOIN m4 AS c ON c.k = m4.k;
SELECT count(*) FROM (VALUES (1::int2), (2)) AS a(k) JOIN (VALUES (1::int8), (3)) AS b(k) USING (k);
RESET enable_mergejoin; RESET enable_nestloop;

\set VERBOSITY sqlstate
-- Wrong keys
SELECT shard_router.hash_key(NULL::int, 10);
SELECT shard_router.hash_key(1, NULL);
SELECT shard_router.hash_key(1, 0);
SELECT shard_router.hash_key(1, -1);
SELECT shard_router.hash_key(1.5::float8, 10);
SELECT shard_router.hash_key('a'::bpchar, 10);
SELECT shard_router.hash_key('{1}'::int[], 10);
SELECT shard_router.shard_of('m4', NULL::int);
SELECT shard_router.shard_of(NULL, 1);
SELECT shard_router.shard_of('m4', '1'::text);
SELECT shard_router.shard_of('m4', 1::numeric);
SELECT shard_router.shard_table('m4', NULL::int);
SELECT shard_router.shard_table('m4', current_date);
SELECT shard_router.shard_of('nowhere', 1);
SELECT shard_router.shard_of('pg_class', 1);
SELECT shard_router.shard_of('m4_1', 1);
SELECT shard_router.shard_of(1::oid, 1);
SELECT shard_router.shard_table('pg_class', 1);
\set VERBOSITY default
SELECT shard_router.hash_key(NULL::int, 10);
SELECT shard_router.hash_key(1, 0);
SELECT shard_router.hash_key(1.5::float8, 10);
SELECT shard_router.shard_of('m4', '1'::text);
SELECT shard_router.shard_of('m4', -3);
SELECT shard_router.shard_of('pg_class', 1);
SET client_min_messages = error;
DROP SCHEMA placement CASCADE;
SELECT count(*) FROM shard_router.sharded_tables;
