-- Keys that are no dates: UUIDs of version 7, epoch times, ids. What comes from the clock is compared, never shown.
SET TimeZone = 'America/Caracas';
SET DateStyle = 'Postgres, MDY';
SET search_path = public;

CREATE FUNCTION bounds(parent regclass) RETURNS TABLE (partition text, bound text)
LANGUAGE sql SET TimeZone = 'UTC' SET DateStyle = 'ISO' AS $$
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = parent ORDER BY length(c.relname), c.relname $$;
-- The bounds that a day's partitions have, reckoned in another way.
CREATE FUNCTION uuid_at(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT (rpad(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0'), 32, '0'))::uuid::text $$;

-- What is refused.
CREATE TABLE ids (id bigint NOT NULL PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE times (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE small (id smallint) PARTITION BY RANGE (id);
\set VERBOSITY terse
SELECT * FROM maintenance.add_partition_policy('ids', '1 day');
SELECT * FROM maintenance.add_partition_policy('ids', interval '1 day');
SELECT * FROM maintenance.add_partition_policy('ids', '1 day', epoch => 'minutes');
SELECT * FROM maintenance.add_partition_policy('ids', '0');
SELECT * FROM maintenance.add_partition_policy('ids', -5);
SELECT * FROM maintenance.add_partition_policy('ids', 10, retention => 0);
SELECT * FROM maintenance.add_partition_policy('times', 10);
SELECT * FROM maintenance.add_partition_policy('times', '1 day', epoch => 's');
SELECT * FROM maintenance.add_partition_policy('small', '1 day', epoch => 's');
SELECT * FROM maintenance.add_partition_policy('ids', '1 day', retention => '1 day', max_runtime => '0');
SELECT * FROM maintenance.add_partition_policy('ids', NULL::bigint);
\set VERBOSITY default

-- UUIDs.
CREATE TABLE by_uuid (id uuid PRIMARY KEY, v text) PARTITION BY RANGE (id);
SELECT action, outcome, count(*) FROM maintenance.add_partition_policy('by_uuid', '1 day', premake => 3) GROUP BY 1, 2;
SELECT count(*) AS as_expected FROM bounds('by_uuid') b
JOIN (SELECT format('FOR VALUES FROM (''%s'') TO (''%s'')', uuid_at(d), uuid_at(d + interval '24 hours'))
      FROM generate_series(0, 3) n, LATERAL (SELECT (date_trunc('day', now() AT TIME ZONE 'UTC') + make_interval(days => n)) AT TIME ZONE 'UTC') x (d)) e (bound) USING (bound);
SELECT partition, outcome FROM maintenance.create_partitions('by_uuid', '2015-03-28 00:00+00', '2015-03-30 00:00+00');
SELECT * FROM bounds('by_uuid') WHERE partition ~ '2015';
-- The last UUID of a day, the first of the next one, and its last.
INSERT INTO by_uuid VALUES ('014c62d3-f3ff-7fff-bfff-ffffffffffff', 'before'), ('014c62d3-f400-7000-8000-000000000000', 'first'),
    ('014c67fa-4fff-7fff-bfff-ffffffffffff', 'last');
SELECT tableoid::regclass AS partition, v FROM by_uuid ORDER BY id;
SELECT lower, upper FROM maintenance.plan('by_uuid');
-- Partitions made by hand, with bounds within the millisecond: the neighbours begin and end just there.
CREATE TABLE uuid_handmade (id uuid) PARTITION BY RANGE (id);
CREATE TABLE uuid_handmade_a PARTITION OF uuid_handmade FOR VALUES FROM ('014c6204-8400-7000-8000-000000000000') TO ('014c672a-e000-7fff-8000-000000000005');
SELECT count(*) FROM maintenance.add_partition_policy('uuid_handmade', '1 day', premake => 0);
SELECT partition, outcome, error FROM maintenance.create_partitions('uuid_handmade', '2015-03-28 00:00+00', '2015-03-31 00:00+00');
SELECT * FROM bounds('uuid_handmade') WHERE partition ~ '2015|_a';
SELECT * FROM maintenance.plan('uuid_handmade');

-- Epoch times, over a change of the clock.
CREATE TABLE by_seconds (at bigint, v text) PARTITION BY RANGE (at);
CREATE TABLE by_milliseconds (at bigint, v text) PARTITION BY RANGE (at);
CREATE TABLE by_int (at int) PARTITION BY RANGE (at);
SELECT count(*) FROM maintenance.add_partition_policy('by_seconds', '1 day', premake => 3, epoch => 's', time_zone => 'Europe/Berlin');
SELECT count(*) FROM maintenance.add_partition_policy('by_milliseconds', interval '1 month', premake => 3, epoch => 'ms');
SELECT count(*) FROM maintenance.add_partition_policy('by_int', '1 year', premake => 1, epoch => 's');
SELECT partition, outcome FROM maintenance.create_partitions('by_seconds', '2015-03-28 12:00+00', '2015-03-30 12:00+00');
SELECT b.*, to_timestamp(substring(bound FROM '''(\d+)''')::bigint) AT TIME ZONE 'Europe/Berlin' = to_timestamp(right(partition, 8), 'YYYYMMDD')::timestamp AS midnight
FROM bounds('by_seconds') b WHERE partition ~ '2015';
SELECT partition, outcome FROM maintenance.create_partitions('by_milliseconds', '2016-02-01 00:00+00', '2016-03-01 00:00+00');
SELECT * FROM bounds('by_milliseconds') WHERE partition ~ '2016';
INSERT INTO by_milliseconds VALUES (extract(epoch FROM timestamptz '2016-02-29 23:59:59.999+00') * 1000, 'leap');
SELECT tableoid::regclass FROM by_milliseconds;
-- The integer ends on 2038-01-19.
SELECT partition, outcome, error FROM maintenance.create_partitions('by_int', '2036-01-01 00:00+00', '2050-01-01 00:00+00');
SELECT * FROM bounds('by_int') WHERE partition ~ '203[5-9]';
INSERT INTO by_int VALUES (2147483647);
SELECT tableoid::regclass FROM by_int;

-- Ids: kept ready ahead of the highest one in use.
SELECT action, partition, outcome FROM maintenance.add_partition_policy('ids', 1000, premake => 2, retention => 3000);
SELECT count(*) FROM maintenance.run_partition_maintenance('ids');
INSERT INTO ids VALUES (1), (2500);
SELECT action, partition, lower, upper FROM maintenance.plan('ids');
SELECT * FROM maintenance.coverage_gaps WHERE parent = 'ids'::regclass;
SELECT partition, outcome FROM maintenance.run_partition_maintenance();
SELECT partitions, ahead, missing, default_rows, key_ends FROM maintenance.partition_status() WHERE parent = 'ids'::regclass;
-- What lies wholly more than 3000 below the partition of the highest id goes.
INSERT INTO ids VALUES (3999);
SELECT action, partition, outcome FROM maintenance.run_partition_maintenance('ids');
INSERT INTO ids VALUES (4000);
SELECT action, partition, outcome FROM maintenance.run_partition_maintenance('ids');
SELECT * FROM bounds('ids');
SELECT partition, outcome FROM maintenance.create_partitions('ids', -1500, 500);
SELECT partition, outcome FROM maintenance.create_partitions('ids', '8000', '8001');
SELECT * FROM bounds('ids');
SELECT action, partition FROM maintenance.plan('ids');
-- A row in the default partition is no reason to drop the others.
SELECT count(*) FROM maintenance.alter_partition_policy('ids', reset => '{retention}');
CREATE TABLE ids_rest PARTITION OF ids DEFAULT;
INSERT INTO ids VALUES (900000);
SELECT count(*) FROM maintenance.alter_partition_policy('ids', id_retention => 100000);
SELECT action, partition FROM maintenance.plan('ids');
SELECT problem FROM maintenance.health WHERE relation = 'ids'::regclass;
SELECT kind, relation, partitions_ahead, default_rows FROM maintenance.status WHERE relation = 'ids'::regclass;
DELETE FROM ids WHERE id = 900000;

-- A sequence tells where ids go before there are any.
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY (START 50000), v text) PARTITION BY RANGE (id);
SELECT partition, outcome FROM maintenance.add_partition_policy('numbered', 10000, premake => 1);
INSERT INTO numbered (v) VALUES ('first');
SELECT tableoid::regclass, id FROM numbered;
SELECT setval('numbered_id_seq', 77777);
SELECT partition, outcome FROM maintenance.run_partition_maintenance('numbered');

-- The end of the type: the last partition goes up to and with the last value, and then there is nothing left to do.
SELECT partition, outcome FROM maintenance.add_partition_policy('small', 10000, premake => 2);
INSERT INTO small VALUES (29999);
SELECT action, partition, lower, upper FROM maintenance.plan('small');
SELECT partition, outcome, error FROM maintenance.run_partition_maintenance('small');
INSERT INTO small VALUES (32767);
SELECT count(*) FROM maintenance.run_partition_maintenance('small');
SELECT * FROM bounds('small');
SELECT problem, hint FROM maintenance.health WHERE relation = 'small'::regclass;
SELECT partition, outcome FROM maintenance.create_partitions('small', -40000, -25000);
SELECT * FROM bounds('small') WHERE partition ~ 'm';
CREATE TABLE far (id bigint) PARTITION BY RANGE (id);
CREATE TABLE far_rest PARTITION OF far FOR VALUES FROM (0) TO (9223372036854770000);
INSERT INTO far VALUES (9223372036854769999);
SELECT partition, outcome FROM maintenance.add_partition_policy('far', 5000, premake => 3);
SELECT * FROM bounds('far');
SELECT count(*) FROM maintenance.create_partitions('far', 0, 9223372036854775807);
\set VERBOSITY terse
SELECT * FROM maintenance.create_partitions('ids', 0, 1000000000);
SELECT * FROM maintenance.create_partitions('ids', '2015-01-01', '2015-01-02');
SELECT * FROM maintenance.create_partitions('ids', timestamptz '2015-01-01', '2015-01-02');
SELECT * FROM maintenance.create_partitions('by_uuid', 1, 2);
SELECT * FROM maintenance.create_partitions('ids', 5, 5);
SELECT * FROM maintenance.alter_partition_policy('ids', period => '1 day');
SELECT * FROM maintenance.alter_partition_policy('ids', retention => '1 day');
SELECT * FROM maintenance.alter_partition_policy('ids', reset => '{period}');
SELECT * FROM maintenance.alter_partition_policy('ids', reset => '{NULL}');
SELECT * FROM maintenance.alter_partition_policy('ids', id_retention => 5, reset => '{retention}');
\set VERBOSITY default

-- Sets made by hand, wider than a period: the highest id itself counts.
CREATE TABLE wide (id bigint) PARTITION BY RANGE (id);
CREATE TABLE wide_a PARTITION OF wide FOR VALUES FROM (MINVALUE) TO (100000);
CREATE TABLE "wide_100000" PARTITION OF wide FOR VALUES FROM (100000) TO (105500);
INSERT INTO wide VALUES (50), (104320);
SELECT partition, outcome FROM maintenance.add_partition_policy('wide', 1000, premake => 2, retention => 4321);
INSERT INTO wide VALUES (104321);
SELECT action, partition FROM maintenance.plan('wide');
SELECT * FROM bounds('wide');

-- Rows of the default partition move into what is made for them, whatever the key; those of a range by hand too.
CREATE TABLE moving (id int) PARTITION BY RANGE (id);
CREATE TABLE moving_rest PARTITION OF moving DEFAULT;
INSERT INTO moving VALUES (5), (1500), (2147483647), (NULL);
SELECT partition, outcome, error FROM maintenance.add_partition_policy('moving', 1000, premake => 1);
SELECT partition, outcome, error FROM maintenance.create_partitions('moving', 2147483000, 2147483647);
SELECT tableoid::regclass AS partition, id FROM moving ORDER BY id;
SELECT lower, upper FROM maintenance.plan('moving');
CREATE TABLE uuid_moving (id uuid) PARTITION BY RANGE (id);
CREATE TABLE uuid_moving_rest PARTITION OF uuid_moving DEFAULT;
CREATE TABLE uuid_moving_a PARTITION OF uuid_moving FOR VALUES FROM ('014c672a-e000-7fff-8000-000000000005') TO ('014c6d20-ac00-0000-0000-000000000000');
INSERT INTO uuid_moving VALUES ('014c672a-e000-7fff-8000-000000000004'), ('014c672a-e000-7fff-8000-000000000005');
SELECT count(*) FROM maintenance.add_partition_policy('uuid_moving', '1 day', premake => 0);
SELECT partition, outcome, error FROM maintenance.create_partitions('uuid_moving', '2015-03-29 00:00+00', '2015-03-31 00:00+00');
SELECT tableoid::regclass AS partition, id FROM uuid_moving ORDER BY id;

-- Settings get their defaults again.
SELECT count(*) FROM maintenance.alter_partition_policy('by_seconds', premake => 4, retention => '30 years', unlogged => true, on_expiry => 'detach', lock_timeout => '2s', max_runtime => '5 min');
SELECT premake, retention, unlogged, on_expiry, time_zone, lock_timeout, max_runtime, epoch FROM maintenance.partition_policies WHERE parent = 'by_seconds'::regclass;
SELECT count(*) FROM maintenance.alter_partition_policy('by_seconds', premake => 3, reset => '{retention,unlogged,on_expiry,lock_timeout,max_runtime}');
SELECT premake, retention, unlogged, on_expiry, time_zone, lock_timeout, max_runtime, epoch FROM maintenance.partition_policies WHERE parent = 'by_seconds'::regclass;
-- An integer key that counted ids may turn out to hold times.
CREATE TABLE turning (at bigint) PARTITION BY RANGE (at);
SELECT count(*) FROM maintenance.add_partition_policy('turning', 100, premake => 0);
SELECT count(*) FROM maintenance.alter_partition_policy('turning', period => '1 day', epoch => 'ms');
SELECT id_period, period, epoch FROM maintenance.partition_policies WHERE parent = 'turning'::regclass;
SELECT count(*) FROM maintenance.alter_partition_policy('turning', id_period => 100, reset => '{epoch}');
SELECT id_period, period, epoch FROM maintenance.partition_policies WHERE parent = 'turning'::regclass;

DROP TABLE ids, times, small, by_uuid, uuid_handmade, by_seconds, by_milliseconds, by_int, numbered, far, wide, moving, uuid_moving, turning;
DROP FUNCTION bounds, uuid_at;
-- What is gone is forgotten.
SELECT count(*) FROM maintenance.run_partition_maintenance() WHERE outcome <> 'done';
SELECT count(*) FROM maintenance.partition_policies p WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = p.parent);
