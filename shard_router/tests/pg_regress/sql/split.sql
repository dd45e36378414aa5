-- What a split leaves, and what it refuses. That rows survive it under load is for the cluster tests.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Chat's lines" (
    "Room" text COLLATE "C" NOT NULL,
    line int NOT NULL,
    said text NOT NULL CHECK (said <> ''),
    length int GENERATED ALWAYS AS (length(said)) STORED,
    tags text[] DEFAULT '{}',
    PRIMARY KEY ("Room", line)
);
CREATE INDEX ON "Odd Schema"."Chat's lines" (said) WHERE line > 3;
SELECT shard_router.create_sharded_table('"Odd Schema"."Chat''s lines"', 'Room', 2, entity => 'line');
INSERT INTO "Odd Schema"."Chat's lines" ("Room", line, said)
SELECT 'room ' || n % 100, n, repeat('x', n % 50 + 1) FROM generate_series(1, 2000) AS n;
ALTER TABLE "Odd Schema"."Chat's lines_1" SET (fillfactor = 70);
COMMENT ON TABLE "Odd Schema"."Chat's lines_1" IS 'the second';
GRANT SELECT ON "Odd Schema"."Chat's lines_1" TO PUBLIC;
CREATE TABLE before AS SELECT * FROM "Odd Schema"."Chat's lines";

CALL shard_router.split_shards('"Odd Schema"."Chat''s lines"', 3);
SELECT shard, relation, modulus FROM shard_router.shards ORDER BY shard;
SELECT c.relname, c.reloptions, obj_description(c.oid), c.relacl IS NOT NULL AS granted
  FROM shard_router.shards AS s JOIN pg_class AS c ON c.oid = s.relation ORDER BY s.shard;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = '"Odd Schema"."Chat''s lines_1"'::regclass ORDER BY 1;
(TABLE before EXCEPT ALL TABLE "Odd Schema"."Chat's lines") UNION ALL (TABLE "Odd Schema"."Chat's lines" EXCEPT ALL TABLE before);
SELECT count(*) FROM "Odd Schema"."Chat's lines" WHERE tableoid <> shard_router.shard_table('"Odd Schema"."Chat''s lines"', "Room");
SELECT count(*) FROM "Odd Schema"."get_Chat's lines_by_Room"('room 7');
SELECT count(*) FROM shard_router.operations;

-- one shard with its own modulus: all of them are split
ALTER TABLE "Odd Schema"."Chat's lines" DETACH PARTITION "Odd Schema"."Chat's lines_5";
DROP TABLE "Odd Schema"."Chat's lines_5";
CREATE TABLE "Odd Schema".fifth PARTITION OF "Odd Schema"."Chat's lines" FOR VALUES WITH (MODULUS 12, REMAINDER 5);
CALL shard_router.split_shards('"Odd Schema"."Chat''s lines"', 2);
SELECT string_agg(modulus || ':' || remainder, ' ' ORDER BY modulus, remainder) FROM shard_router.shards;
SELECT count(*) FROM pg_class WHERE relname IN ('fifth', 'Chat''s lines_17');

-- refused
CREATE TABLE plain (id int PRIMARY KEY);
CALL shard_router.split_shards('plain', 2);
CREATE TABLE keyless (id int);
SELECT shard_router.create_sharded_table('keyless', 'id', 2);
CALL shard_router.split_shards('keyless', 2);
CALL shard_router.split_shards('keyless', 1);
CALL shard_router.split_shards('keyless', 1000);
CALL shard_router.split_shards(NULL, 2);
CALL shard_router.split_shards('keyless', NULL);
ALTER TABLE keyless ADD PRIMARY KEY (id);
CREATE TABLE keyless_3 ();
CALL shard_router.split_shards('keyless', 2);
DROP TABLE keyless_3;
CREATE VIEW looking AS SELECT * FROM keyless_0;
CALL shard_router.split_shards('keyless', 2);
DROP VIEW looking;
CREATE TABLE pointing (id int REFERENCES keyless);
CALL shard_router.split_shards('keyless', 2);
DROP TABLE pointing;
BEGIN;
CALL shard_router.split_shards('keyless', 2);
ROLLBACK;
SELECT shard_router.cancel_operation('keyless');
CREATE TRIGGER stray AFTER INSERT ON plain FOR EACH ROW EXECUTE FUNCTION shard_router.log_change('operations');
INSERT INTO plain VALUES (1);
DROP TRIGGER stray ON plain;

-- a session's settings are no matter
SET default_transaction_isolation = 'serializable';
SET search_path = pg_temp;
CALL shard_router.split_shards('public.keyless', 2);
RESET search_path;
RESET default_transaction_isolation;
SELECT count(*) FROM shard_router.shards WHERE tbl = 'keyless'::regclass;

-- every shard at once
SELECT sum(n) FROM shard_router.fan_out('keyless', 'SELECT count(*) FROM {shard}') AS t (n bigint);
INSERT INTO keyless SELECT generate_series(1, 100);
SELECT sum(n), max(m) FROM shard_router.fan_out('keyless', 'SELECT count(*), max(id) FROM {shard}') AS t (n bigint, m int);
SELECT * FROM shard_router.fan_out('keyless', 'SELECT id FROM {shard} WHERE id IN (7, 8)') AS t (id int) ORDER BY 1;
-- 18 words the detail differently.
\set VERBOSITY terse
SELECT * FROM shard_router.fan_out('keyless', 'SELECT id FROM {shard}') AS t (id text);
\set VERBOSITY default
SELECT * FROM shard_router.fan_out('keyless', 'SELECT 1') AS t (id int);
SELECT shard_router.fan_out('keyless', 'SELECT 1 FROM {shard}');
SELECT * FROM shard_router.fan_out('plain', 'SELECT 1 FROM {shard}') AS t (id int);
SELECT * FROM shard_router.fan_out('keyless', NULL) AS t (id int);

DROP TABLE keyless, plain, before;
DROP SCHEMA "Odd Schema" CASCADE;
