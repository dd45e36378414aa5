-- Every row's date lies in a fixed past or is masked: the output is the same on every day.
SET TimeZone = 'Pacific/Apia';
SET DateStyle = 'SQL, DMY';
SET search_path = public;

-- What is refused, by SQLSTATE.
\set VERBOSITY sqlstate
CREATE TABLE plain (ts timestamptz);
CREATE TABLE by_list (a int) PARTITION BY LIST (a);
CREATE TABLE by_two (a date, b date) PARTITION BY RANGE (a, b);
CREATE TABLE by_expression (a timestamp) PARTITION BY RANGE (date_trunc('day', a));
CREATE TABLE by_text (a text) PARTITION BY RANGE (a);
CREATE TEMP TABLE temporary (a date) PARTITION BY RANGE (a);
CREATE TABLE by_date (a date) PARTITION BY RANGE (a);
SELECT * FROM maintenance.add_partition_policy('plain', '1 day');
SELECT * FROM maintenance.add_partition_policy('by_list', '1 day');
SELECT * FROM maintenance.add_partition_policy('by_two', '1 day');
SELECT * FROM maintenance.add_partition_policy('by_expression', '1 day');
SELECT * FROM maintenance.add_partition_policy('by_text', '1 day');
SELECT * FROM maintenance.add_partition_policy('temporary', '1 day');
SELECT * FROM maintenance.add_partition_policy(NULL, '1 day');
SELECT * FROM maintenance.add_partition_policy(4294967295::oid::regclass, '1 day');
SELECT * FROM maintenance.add_partition_policy('by_date', NULL);
SELECT * FROM maintenance.add_partition_policy('by_date', '0 days');
SELECT * FROM maintenance.add_partition_policy('by_date', '-1 day');
SELECT * FROM maintenance.add_partition_policy('by_date', '1 month 1 day');
SELECT * FROM maintenance.add_partition_policy('by_date', '7 minutes');
SELECT * FROM maintenance.add_partition_policy('by_date', '1 hour');
SELECT * FROM maintenance.add_partition_policy('by_date', '1000 years');
SELECT * FROM maintenance.add_partition_policy('by_date', '1 day', premake => -1);
SELECT * FROM maintenance.add_partition_policy('by_date', '1 day', retention => '0');
SELECT * FROM maintenance.add_partition_policy('by_date', '1 day', on_expiry => 'burn');
SELECT * FROM maintenance.add_partition_policy('by_date', '1 day', time_zone => 'Mars/Phobos');
SELECT * FROM maintenance.add_partition_policy('by_date', '1 day', time_zone => '../../etc/passwd');
SELECT * FROM maintenance.add_partition_policy('by_date', '1 day', lock_timeout => '0');
SELECT * FROM maintenance.add_partition_policy('by_date', '100 years', premake => 10000);
SELECT * FROM maintenance.run_partition_maintenance('by_date');
SELECT * FROM maintenance.plan('by_date');
SELECT * FROM maintenance.alter_partition_policy('by_date', premake => 1);
SELECT maintenance.remove_partition_policy('by_date');
SELECT * FROM maintenance.create_partitions('by_date', '2015-01-01', '2015-01-02');
\set VERBOSITY default
SELECT count(*) AS policies FROM maintenance.partition_policies;

-- Days, months and years of a past range: bounds that no setting of the session moves.
CREATE FUNCTION parts(parent regclass) RETURNS TABLE (partition text, bound text)
LANGUAGE sql SET TimeZone = 'UTC' SET DateStyle = 'ISO' AS $$
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = parent AND pg_get_expr(c.relpartbound, c.oid) !~ '\(''20[2-9]'
    ORDER BY c.relname $$;

SELECT count(*), min(action) AS action, min(outcome) AS outcome
FROM maintenance.add_partition_policy('by_date', '1 month', premake => 3);
SELECT partition, outcome, error FROM maintenance.create_partitions('by_date', '2015-11-15 00:00+00', '2016-03-01 00:00+00');
SELECT * FROM parts('by_date');
SELECT * FROM maintenance.run_partition_maintenance('by_date');
SELECT * FROM maintenance.plan('by_date');

CREATE TABLE zoned (ts timestamptz NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (ts, id)) PARTITION BY RANGE (ts);
SELECT count(*) FROM maintenance.add_partition_policy('zoned', '1 day', premake => 0, time_zone => 'America/New_York');
SELECT partition, outcome FROM maintenance.create_partitions('zoned', '2015-03-07 12:00-05', '2015-03-10 00:00-04');
SELECT * FROM parts('zoned');

CREATE TABLE hourly (ts timestamptz) PARTITION BY RANGE (ts);
SELECT count(*) FROM maintenance.add_partition_policy('hourly', '1 hour', premake => 0, time_zone => 'America/New_York');
SELECT partition, outcome FROM maintenance.create_partitions('hourly', '2015-11-01 00:00-04', '2015-11-01 03:00-05');
SELECT * FROM parts('hourly');

CREATE TABLE yearly (ts timestamp) PARTITION BY RANGE (ts);
SELECT count(*) FROM maintenance.add_partition_policy('yearly', '1 year', premake => 0);
SELECT partition, outcome FROM maintenance.create_partitions('yearly', '2014-06-01 00:00+00', '2015-06-01 00:00+00');
SELECT * FROM parts('yearly');

-- A set made by hand: only what nothing covers is made, and no name is taken twice.
CREATE TABLE handmade (ts timestamptz) PARTITION BY RANGE (ts);
CREATE TABLE handmade_20150501 PARTITION OF handmade FOR VALUES FROM ('2015-05-01 06:00+00') TO ('2015-05-01 12:00+00');
CREATE TABLE odd PARTITION OF handmade FOR VALUES FROM (MINVALUE) TO ('2015-04-30 12:00+00');
SELECT count(*) FROM maintenance.add_partition_policy('handmade', '1 day', premake => 0);
SELECT partition, outcome FROM maintenance.create_partitions('handmade', '2015-04-29 00:00+00', '2015-05-02 00:00+00');
SELECT * FROM parts('handmade');

-- Range checks.
\set VERBOSITY sqlstate
SELECT * FROM maintenance.create_partitions('handmade', '2015-05-02', '2015-05-01');
SELECT * FROM maintenance.create_partitions('handmade', '1000-01-01', '2015-05-01');
SELECT * FROM maintenance.create_partitions('handmade', '-infinity', '2015-05-01');
SELECT * FROM maintenance.create_partitions('handmade', NULL, '2015-05-01');
SELECT * FROM maintenance.add_partition_policy('handmade', '1 day');
\set VERBOSITY default

-- Rows in the default partition are moved, a name that is taken is reported, and the rest goes on.
CREATE TABLE conflict (ts timestamptz) PARTITION BY RANGE (ts);
CREATE TABLE conflict_rest PARTITION OF conflict DEFAULT;
CREATE TABLE conflict_20150503 (other int);
INSERT INTO conflict VALUES ('2015-05-02 10:00+00');
SELECT count(*) FROM maintenance.add_partition_policy('conflict', '1 day', premake => 0);
SELECT partition, outcome, error FROM maintenance.create_partitions('conflict', '2015-05-01 00:00+00', '2015-05-05 00:00+00');
SELECT kind, relation, sqlstate, problem, hint, failures FROM maintenance.health;

-- What a partition takes from its parent.
CREATE ROLE regress_reader;
CREATE TABLE rich (ts timestamptz NOT NULL DEFAULT now(), id int NOT NULL, v text COLLATE "C" CHECK (v <> ''), PRIMARY KEY (ts, id)) PARTITION BY RANGE (ts);
CREATE INDEX ON rich (v);
CREATE UNIQUE INDEX rich_identity ON rich (id, ts);
ALTER TABLE rich REPLICA IDENTITY USING INDEX rich_identity;
ALTER TABLE rich ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON rich TO regress_reader;
SELECT count(*) FROM maintenance.add_partition_policy('rich', '1 day', premake => 0, unlogged => true);
SELECT partition, outcome, error FROM maintenance.create_partitions('rich', '2015-05-01 00:00+00', '2015-05-02 00:00+00');
SELECT relpersistence, relreplident, relrowsecurity, has_table_privilege('regress_reader', oid, 'SELECT') AS reader_selects,
       has_table_privilege('regress_reader', oid, 'DELETE') AS reader_deletes
FROM pg_class WHERE relname = 'rich_20150501';
SELECT count(*) AS attached_indexes FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid WHERE i.indrelid = 'rich_20150501'::regclass;

-- Retention: nothing goes that is not wholly older.
CREATE TABLE aging (d date) PARTITION BY RANGE (d);
CREATE TABLE aging_old PARTITION OF aging FOR VALUES FROM ('2015-01-01') TO ('2015-02-01');
DO $$ DECLARE d date := now() AT TIME ZONE 'UTC';
BEGIN EXECUTE format('CREATE TABLE aging_edge PARTITION OF aging FOR VALUES FROM (%L) TO (%L)', d - 40, d - 20); END $$;
SELECT action, partition FROM maintenance.add_partition_policy('aging', '1 day', premake => 0, retention => '30 days', on_expiry => 'detach') WHERE action <> 'create';
SELECT to_regclass('aging_old') IS NOT NULL AS kept_as_table, count(*) AS attached FROM pg_inherits WHERE inhrelid = 'aging_old'::regclass;
SELECT count(*) AS edge_still_attached FROM pg_inherits WHERE inhrelid = 'aging_edge'::regclass;
SELECT partition, outcome FROM maintenance.create_partitions('aging', '2015-03-01 00:00+00', '2015-03-02 00:00+00');
SELECT action, partition, lower, upper, ddl FROM maintenance.plan('aging');
SELECT action, partition, outcome FROM maintenance.alter_partition_policy('aging', on_expiry => 'drop');
SELECT to_regclass('aging_20150301') AS dropped;
SELECT partition FROM maintenance.create_partitions('aging', '2015-03-01 00:00+00', '2015-03-02 00:00+00');
SELECT count(*) FROM maintenance.alter_partition_policy('aging', reset => '{retention}');
SELECT count(*) FROM maintenance.plan('aging');

-- What the worker detached in order to drop it is dropped, but for what somebody kept in the meantime.
CREATE TABLE leaving (d date) PARTITION BY RANGE (d);
SELECT count(*) FROM maintenance.add_partition_policy('leaving', '1 day', premake => 0, retention => '100 years');
CREATE TABLE leaving_a (d date); CREATE TABLE leaving_b (d date); CREATE TABLE leaving_c (d date);
INSERT INTO maintenance.expiring SELECT t::regclass, 'leaving'::regclass, 'public.' || t FROM unnest(ARRAY['leaving_a', 'leaving_b', 'leaving_c']) t;
ALTER TABLE leaving_b RENAME TO leaving_kept;
ALTER TABLE leaving ATTACH PARTITION leaving_c FOR VALUES FROM ('2015-01-01') TO ('2015-01-02');
SELECT action, partition, lower, upper, ddl FROM maintenance.plan('leaving');
SELECT action, partition, outcome, error FROM maintenance.run_partition_maintenance('leaving');
SELECT to_regclass('leaving_a') AS a, to_regclass('leaving_kept') AS b, to_regclass('leaving_c') AS c;
-- A run of all tables forgets what is settled.
SELECT count(*) AS done FROM maintenance.run_partition_maintenance();
SELECT count(*) AS remembered FROM maintenance.expiring;
CREATE TABLE leaving_d (d date);
INSERT INTO maintenance.expiring VALUES ('leaving_d'::regclass, 'leaving'::regclass, 'public.leaving_d');
SELECT count(*) FROM maintenance.alter_partition_policy('leaving', reset => '{retention}');
SELECT to_regclass('leaving_d') AS d, count(*) AS remembered FROM maintenance.expiring;
INSERT INTO maintenance.expiring VALUES ('leaving_d'::regclass, 'leaving'::regclass, 'public.leaving_d');
SELECT maintenance.remove_partition_policy('leaving');
SELECT to_regclass('leaving_d') AS d, count(*) AS remembered FROM maintenance.expiring;

-- Another role: its own tables only.
CREATE ROLE regress_owner;
CREATE SCHEMA regress_owner AUTHORIZATION regress_owner;
SET ROLE regress_owner;
CREATE TABLE regress_owner."Odd ""name""" (ts timestamptz) PARTITION BY RANGE (ts);
SELECT count(*) FROM maintenance.add_partition_policy('regress_owner."Odd ""name"""', '1 day', premake => 1);
SELECT partition FROM maintenance.create_partitions('regress_owner."Odd ""name"""', '2015-05-01 00:00+00', '2015-05-02 00:00+00');
SELECT DISTINCT parent FROM maintenance.run_partition_maintenance();
\set VERBOSITY sqlstate
SELECT * FROM maintenance.alter_partition_policy('public.aging', premake => 1);
SELECT * FROM maintenance.plan('public.aging');
SELECT maintenance.remove_partition_policy('public.aging');
DELETE FROM maintenance.partition_policies;
SELECT * FROM maintenance.state;
\set VERBOSITY default
RESET ROLE;
SELECT DISTINCT c.relowner::regrole FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'regress_owner."Odd ""name"""'::regclass;

-- A broken table does not stop the others; a dropped one is forgotten.
DROP TABLE yearly;
ALTER SCHEMA regress_owner OWNER TO CURRENT_USER;
DO $$ DECLARE p regclass;
BEGIN
    FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'regress_owner."Odd ""name"""'::regclass LOOP
        EXECUTE format('DROP TABLE %s', p);
    END LOOP;
    FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'handmade'::regclass AND inhrelid::regclass::text !~ '2015|odd' LOOP
        EXECUTE format('DROP TABLE %s', p);
    END LOOP;
END $$;
SELECT parent, action, outcome, error, count(*) FROM maintenance.run_partition_maintenance() GROUP BY 1, 2, 3, 4 ORDER BY 1;
SELECT relation, sqlstate, failures FROM maintenance.health;
SELECT parent, outcome FROM maintenance.run_partition_maintenance() WHERE outcome = 'failed';
SELECT count(*) FROM maintenance.partition_policies p WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = p.parent);

SELECT maintenance.remove_partition_policy('rich');
SELECT to_regclass('rich_20150501') AS kept;
SET client_min_messages = warning;
DROP SCHEMA regress_owner CASCADE;
DROP ROLE regress_owner;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM regress_reader;
DROP ROLE regress_reader;
DROP TABLE conflict;
