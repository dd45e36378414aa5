-- Rows of the default partition go to the partition that is made for them. Dates of a fixed past, as everywhere.
SET TimeZone = 'Pacific/Apia';
SET DateStyle = 'SQL, DMY';
SET search_path = public;

CREATE FUNCTION rows_of(parent regclass) RETURNS TABLE (partition text, id int, note text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT tableoid::regclass::text, id, note FROM %s ORDER BY id', parent);
END $$;

-- A default partition with its columns in another order, one of them dropped; generated and identity columns, keys and a
-- large value; rows on both bounds of the range, one that has no key, and one of another range.
CREATE TABLE ev (
    ts timestamptz, id int GENERATED ALWAYS AS IDENTITY, "no""te" text, note text GENERATED ALWAYS AS ("no""te" || '!') STORED, big text,
    UNIQUE (ts, id)
) PARTITION BY RANGE (ts);
CREATE TABLE ev_rest ("no""te" text, gone int, note text GENERATED ALWAYS AS ("no""te" || '!') STORED, big text, id int NOT NULL, ts timestamptz);
ALTER TABLE ev_rest DROP COLUMN gone;
ALTER TABLE ev ATTACH PARTITION ev_rest DEFAULT;
SELECT count(*) FROM maintenance.add_partition_policy('ev', '1 day', premake => 0);
ALTER TABLE ev_rest ALTER COLUMN big SET STORAGE EXTERNAL;
INSERT INTO ev (ts, "no""te", big) VALUES
    ('2015-05-01 00:00+00', 'first', repeat('x', 100000)), ('2015-05-01 23:59:59.999999+00', 'last', NULL),
    ('2015-05-02 00:00+00', 'next day', NULL), (NULL, 'none', NULL), ('2015-04-30 23:59:59.999999+00', 'day before', NULL);
SELECT partition, outcome, error FROM maintenance.create_partitions('ev', '2015-05-01 00:00+00', '2015-05-02 00:00+00');
SELECT * FROM rows_of('ev');
SELECT length(big) FROM ev WHERE id = 1;
SELECT action, object, outcome, rows FROM maintenance.runs WHERE rows IS NOT NULL;
SELECT conname FROM pg_constraint WHERE conrelid IN ('ev_20150501'::regclass, 'ev_rest'::regclass) AND contype = 'c';
SELECT partition, outcome, error FROM maintenance.create_partitions('ev', '2015-04-29 00:00+00', '2015-05-04 00:00+00');
SELECT * FROM rows_of('ev');
SELECT "no""te" FROM ONLY ev_rest;
INSERT INTO ev (ts, "no""te") VALUES ('2015-05-01 12:00+00', 'later');
SELECT * FROM rows_of('ev') WHERE note = 'later!';

-- More rows than one batch takes, and no index.
CREATE TABLE many (d date, id int, note text) PARTITION BY RANGE (d);
CREATE TABLE many_rest PARTITION OF many DEFAULT;
SELECT count(*) FROM maintenance.add_partition_policy('many', '1 month', premake => 0);
INSERT INTO many SELECT date '2015-05-01' + n % 61, n, md5(n::text) FROM generate_series(1, 40000) n;
SELECT count(*), sum(id), md5(string_agg(note, '' ORDER BY id)) AS notes FROM many \gset before_
SELECT partition, outcome, error FROM maintenance.create_partitions('many', '2015-05-01 00:00+00', '2015-06-15 00:00+00');
SELECT count(*) = :before_count AND sum(id) = :before_sum AND md5(string_agg(note, '' ORDER BY id)) = :'before_notes' AS same FROM many;
SELECT tableoid::regclass, count(*), min(d) = date_trunc('month', min(d)) AS from_first FROM many GROUP BY 1 ORDER BY 1;
SELECT action, object, outcome, rows FROM maintenance.runs WHERE rows > 100 ORDER BY id;

-- Triggers do not fire, and foreign keys that point at the rows do not act: for the table, nothing happens to them.
CREATE TABLE keyed (d date, id int, note text, PRIMARY KEY (d, id)) PARTITION BY RANGE (d);
CREATE TABLE keyed_rest PARTITION OF keyed DEFAULT;
CREATE TABLE cascading (d date, id int, FOREIGN KEY (d, id) REFERENCES keyed ON DELETE CASCADE);
CREATE TABLE strict (d date, id int, FOREIGN KEY (d, id) REFERENCES keyed);
INSERT INTO keyed VALUES ('2015-05-01', 1, 'one'), ('2015-05-01', 2, 'two');
INSERT INTO cascading VALUES ('2015-05-01', 1);
INSERT INTO strict VALUES ('2015-05-01', 2);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''fired''; END';
CREATE TRIGGER refuse_row BEFORE INSERT OR DELETE ON keyed FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER refuse_statement AFTER DELETE ON keyed_rest EXECUTE FUNCTION refuse();
SELECT count(*) FROM maintenance.add_partition_policy('keyed', '1 day', premake => 0);
SELECT partition, outcome, error FROM maintenance.create_partitions('keyed', '2015-05-01 00:00+00', '2015-05-02 00:00+00');
SELECT * FROM rows_of('keyed');
SELECT count(*) FROM cascading;
SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE tgname = 'refuse_row' AND tgrelid = 'keyed_20150501'::regclass;
-- The foreign keys hold on.
\set VERBOSITY sqlstate
ALTER TABLE keyed DISABLE TRIGGER refuse_row;
DELETE FROM keyed WHERE id = 2;
INSERT INTO strict VALUES ('2015-05-01', 3);
\set VERBOSITY default
DELETE FROM keyed WHERE id = 1;
SELECT count(*) FROM cascading;

-- A foreign key of the table itself is checked; unlogged partitions.
CREATE TABLE kinds (id int PRIMARY KEY);
INSERT INTO kinds VALUES (1);
CREATE TABLE child (d date, id int REFERENCES kinds, note text) PARTITION BY RANGE (d);
CREATE TABLE child_rest PARTITION OF child DEFAULT;
INSERT INTO child VALUES ('2015-05-01', 1, 'kept');
SELECT count(*) FROM maintenance.add_partition_policy('child', '1 day', premake => 0, unlogged => true);
SELECT partition, outcome, error FROM maintenance.create_partitions('child', '2015-05-01 00:00+00', '2015-05-02 00:00+00');
SELECT relpersistence FROM pg_class WHERE relname = 'child_20150501';
SELECT * FROM rows_of('child');
\set VERBOSITY sqlstate
INSERT INTO child VALUES ('2015-05-01', 2, 'refused');
\set VERBOSITY default

-- What cannot be moved is reported; the rest goes on, and nothing is left behind.
CREATE TABLE picky (d date, id int, note text) PARTITION BY RANGE (d);
CREATE TABLE picky_rest PARTITION OF picky DEFAULT;
INSERT INTO picky VALUES ('2015-05-01', -1, 'unfit'), ('2015-05-02', 2, 'fit');
ALTER TABLE picky ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
SELECT count(*) FROM maintenance.add_partition_policy('picky', '1 day', premake => 0);
SELECT partition, outcome, error FROM maintenance.create_partitions('picky', '2015-05-01 00:00+00', '2015-05-04 00:00+00') ORDER BY partition;
SELECT * FROM rows_of('picky');
SELECT to_regclass('picky_20150501') AS left_over;

CREATE TABLE sub (d date, id int, note text) PARTITION BY RANGE (d);
CREATE TABLE sub_rest PARTITION OF sub DEFAULT PARTITION BY LIST (id);
CREATE TABLE sub_rest_1 PARTITION OF sub_rest DEFAULT;
INSERT INTO sub VALUES ('2015-05-01', 1, 'below');
SELECT count(*) FROM maintenance.add_partition_policy('sub', '1 day', premake => 0);
SELECT partition, outcome FROM maintenance.create_partitions('sub', '2015-05-01 00:00+00', '2015-05-02 00:00+00');
SELECT sqlstate, hint FROM maintenance.runs WHERE object = 'public.sub_20150501';
SELECT * FROM rows_of('sub');

-- Rows that the owner may not see: all or nothing.
CREATE ROLE regress_rows;
CREATE SCHEMA regress_rows AUTHORIZATION regress_rows;
SET ROLE regress_rows;
CREATE TABLE regress_rows.hidden (d date, id int, note text) PARTITION BY RANGE (d);
CREATE TABLE regress_rows.hidden_rest PARTITION OF regress_rows.hidden DEFAULT;
INSERT INTO regress_rows.hidden VALUES ('2015-05-01', 1, 'seen'), ('2015-05-01', 2, 'unseen');
CREATE POLICY one ON regress_rows.hidden_rest USING (id = 1);
ALTER TABLE regress_rows.hidden_rest ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT count(*) FROM maintenance.add_partition_policy('regress_rows.hidden', '1 day', premake => 0);
SELECT partition, outcome, error FROM maintenance.create_partitions('regress_rows.hidden', '2015-05-01 00:00+00', '2015-05-02 00:00+00');
ALTER TABLE regress_rows.hidden_rest NO FORCE ROW LEVEL SECURITY;
SELECT partition, outcome, error FROM maintenance.create_partitions('regress_rows.hidden', '2015-05-01 00:00+00', '2015-05-02 00:00+00');
SELECT * FROM public.rows_of('regress_rows.hidden');
-- A default partition of somebody else.
RESET ROLE;
INSERT INTO regress_rows.hidden VALUES ('2015-05-02', 3, 'foreign');
ALTER TABLE regress_rows.hidden_rest OWNER TO CURRENT_USER;
SET ROLE regress_rows;
SELECT partition, outcome, error FROM maintenance.create_partitions('regress_rows.hidden', '2015-05-02 00:00+00', '2015-05-03 00:00+00');
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA regress_rows CASCADE;
DROP ROLE regress_rows;

-- The plan shows the move.
CREATE TABLE planned (d date, id int, note text GENERATED ALWAYS AS (id::text) STORED) PARTITION BY RANGE (d);
CREATE TABLE planned_rest PARTITION OF planned DEFAULT;
SELECT count(*) FROM maintenance.add_partition_policy('planned', '1 day', premake => 0);
INSERT INTO planned (d) VALUES ((now() AT TIME ZONE 'UTC')::date + 1);
UPDATE maintenance.partition_policies SET premake = 2 WHERE parent = 'planned'::regclass;
SELECT action, regexp_replace(regexp_replace(ddl, '20\d\d-?\d\d-?\d\d', '<date>', 'g'), 'bound_\d+', 'bound_<oid>', 'g') AS ddl FROM maintenance.plan('planned') ORDER BY lower;
SELECT count(*) FROM maintenance.coverage_gaps WHERE parent = 'planned'::regclass;
SELECT action, outcome FROM maintenance.run_partition_maintenance('planned');
SELECT count(*) FROM ONLY planned_rest;

SET client_min_messages = warning;
DROP TABLE ev, many, keyed, cascading, strict, child, kinds, picky, sub, planned;
DROP FUNCTION refuse, rows_of;
SELECT count(*) FROM maintenance.run_partition_maintenance();
