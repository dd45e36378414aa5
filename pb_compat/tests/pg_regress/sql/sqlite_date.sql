-- SQLite's date and time functions: what they answer, whatever the types of their arguments, and where indexes know them.
SET timezone = 'America/New_York';
SELECT sqlite.date('2024-01-31', '+1 month'), sqlite.date('2024-01-31', '+1 month', 'floor'), sqlite.time('12:34:56.789', 'subsec'),
       sqlite.datetime(2460000.25), sqlite.julianday('2000-01-01'), sqlite.unixepoch('2000-01-01'),
       sqlite.unixepoch_real('1969-12-31 23:59:59.25', 'subsec') AS unixepoch_real, sqlite.timediff('2024-03-01', '2023-02-28 12:00');
SELECT format, sqlite.strftime(format, '2024-02-05 00:04:05.678') AS answer
FROM (VALUES ('%d %e %f %F'), ('%G %g %V %u %w'), ('%H %I %k %l %p %P'), ('%j %J %s'), ('%m %M %R %S %T'), ('%U %W %Y %%'), ('%x'), ('%'), (''), ('é')) AS formats (format);
-- More than four arguments, arguments of other types, and an array.
SELECT sqlite.date('2024-05-17', '+1 day', '+1 month', '+1 year', 'weekday 0') AS many,
       sqlite.date(1700000000, 'unixepoch') AS unix, sqlite.date(1700000000::numeric, 'auto') AS auto, sqlite.date(true) AS boolean,
       sqlite.date('\x323032342d30312d303100ff'::bytea) AS blob, sqlite.date('2024-01-01'::varchar, '+1 day'::varchar) AS varchar,
       sqlite.date(VARIADIC ARRAY['2024-01-01', '+1 day']) AS array, sqlite.strftime(12::int, 2::int) AS format, sqlite.date('2024-01-01', 1::int) AS no_modifier;
SELECT sqlite.date(NULL), sqlite.date('2024-01-01', NULL), sqlite.strftime(NULL, '2024-01-01'), sqlite.date('NaN'::float8),
       sqlite.date(VARIADIC NULL::text[]), sqlite.date(VARIADIC ARRAY['2024-01-01', NULL]), sqlite.timediff('2024-01-01', NULL),
       sqlite.timediff_immutable('2024-01-01');
-- Dates and timestamps are what their text is in SQLite: in UTC where they have a time zone.
CREATE DOMAIN regress_instant AS timestamptz;
SELECT sqlite.date(d), sqlite.date(t), sqlite.date(z), sqlite.date(i), sqlite.time(t), sqlite.time(z), sqlite.datetime(z, 'subsec'), sqlite.datetime(z, 'localtime'),
       sqlite.datetime(z, 'utc'), sqlite.datetime(t, 'utc'), sqlite.strftime('%J', d), sqlite.timediff(z, d), sqlite.typeof(z)
FROM (VALUES (date '2024-07-01', timestamp '2024-07-01 22:00:00.9999', timestamptz '2024-07-01 22:00:00.9999-04', timestamptz '2024-07-01 22:00-04'::regress_instant)) AS v (d, t, z, i) \gx
SELECT sqlite.date('0044-03-15 BC'::date), sqlite.date('4713-01-01 BC'::date), sqlite.date('10000-01-01'::date), sqlite.date('5874897-01-01'::date), sqlite.datetime('294276-12-31'::timestamp);
SELECT sqlite.date('infinity'::date);
SELECT sqlite.datetime('-infinity'::timestamptz);
SELECT sqlite.date(interval '1 day');
DROP DOMAIN regress_instant;
-- The session's time zone.
SELECT sqlite.datetime('2024-07-01 12:00', 'localtime'), sqlite.datetime('2024-12-01 12:00', 'localtime'), sqlite.datetime('2024-07-01 12:00', 'utc'),
       sqlite.datetime('2024-03-10 02:30', 'utc'), sqlite.datetime('1900-07-01 12:00', 'localtime'), sqlite.datetime('9999-12-31 23:00', 'localtime') \gx
-- The current time is that of the statement.
SELECT sqlite.unixepoch() = floor(extract(epoch FROM statement_timestamp())) AS unixepoch, sqlite.date() = sqlite.date('now') AS date,
       sqlite.strftime('%Y-%m-%d %H:%M:%fZ') = sqlite.strftime('%Y-%m-%d %H:%M:%fZ', statement_timestamp()) AS strftime,
       count(DISTINCT sqlite.datetime('now', 'subsec', id || ' seconds', -id || ' seconds')) AS times, sqlite.time('subsec') LIKE '%.___' AS subsec
FROM generate_series(1, 2000) AS id;
-- Also in a plan that is made once.
SET plan_cache_mode = force_generic_plan;
PREPARE literal AS SELECT sqlite.julianday('now') AS time;
PREPARE parameter AS SELECT sqlite.julianday($1, $2) AS time;
PREPARE format AS SELECT sqlite.strftime($1, $2, $3) AS time;
EXECUTE literal \gset literal_
EXECUTE parameter('now', 'subsec') \gset parameter_
EXECUTE format('%J', 'Now', '+0 days') \gset format_
DO $$ BEGIN PERFORM pg_sleep(0.01); END $$;
EXECUTE literal \gset later_literal_
EXECUTE parameter('now', 'subsec') \gset later_parameter_
EXECUTE format('%J', 'Now', '+0 days') \gset later_format_
SELECT :later_literal_time > :literal_time AS literal, :later_parameter_time > :parameter_time AS parameter, :later_format_time > :format_time AS format;
EXPLAIN (COSTS off, VERBOSE) EXECUTE parameter('now', '+1 day');
DEALLOCATE ALL;
RESET plan_cache_mode;
-- Constants are computed by the planner, unless they depend on time or time zone.
EXPLAIN (COSTS off, VERBOSE) SELECT sqlite.date('2024-01-01', '+1 day'), sqlite.unixepoch(12::int), sqlite.timediff('2024-01-02', '2024-01-01'), sqlite.strftime('%s', '2024-01-01');
EXPLAIN (COSTS off, VERBOSE) SELECT sqlite.date('now'), sqlite.date('NOW'), sqlite.time('subsec'), sqlite.date('2024-01-01', 'localtime'), sqlite.timediff('2024-01-01', 'now'), sqlite.date();

-- As a default, in an index, in the condition of an index.
CREATE TABLE regress_logs (
    id      integer PRIMARY KEY,
    created text NOT NULL DEFAULT (sqlite.strftime('%Y-%m-%d %H:%M:%fZ')),
    updated text DEFAULT (sqlite.strftime('%Y-%m-%d %H:%M:%fZ', 'now')),
    at      timestamptz
);
INSERT INTO regress_logs (id) VALUES (0);
SELECT created = updated AS same, created ~ '^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$' AS form FROM regress_logs;
-- Without such an index a column may hold anything, as in SQLite.
INSERT INTO regress_logs (id, created) VALUES (-1, 'now');
SELECT sqlite.date(created) = sqlite.date() AS now FROM regress_logs WHERE id = -1;
DELETE FROM regress_logs;
INSERT INTO regress_logs SELECT i, sqlite.strftime('%Y-%m-%d %H:%M:%fZ', '2024-01-01', i || ' minutes'), NULL, '2024-01-01Z'::timestamptz + i * interval '1 minute' FROM generate_series(1, 5000) AS i;
CREATE INDEX regress_by_hour ON regress_logs (sqlite.strftime('%Y-%m-%d %H:00:00', created));
CREATE INDEX regress_by_date ON regress_logs (sqlite.date(at), sqlite.unixepoch(created));
CREATE INDEX regress_recent ON regress_logs (id) WHERE sqlite.julianday(created) > 2460312;
ANALYZE regress_logs;
\d regress_logs
-- The names of the indexes in a query's plan.
CREATE FUNCTION regress_indexes(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
        RETURN QUERY SELECT names[1] FROM regexp_matches(line, 'Scan (?:Backward )?(?:using|on) (regress_\w+)') AS names WHERE names[1] <> 'regress_logs';
    END LOOP;
END $$;
SELECT * FROM regress_indexes($$SELECT * FROM regress_logs WHERE sqlite.strftime('%Y-%m-%d %H:00:00', created) = '2024-01-02 05:00:00'$$);
SELECT * FROM regress_indexes($$SELECT * FROM (SELECT * FROM regress_logs) AS l WHERE sqlite.date(at) = '2024-01-02' AND sqlite.unixepoch(created) > 5$$);
SELECT * FROM regress_indexes($$SELECT id FROM regress_logs WHERE sqlite.julianday(created) > 2460312 ORDER BY id$$);
SELECT * FROM regress_indexes($$SELECT max(sqlite.strftime('%Y-%m-%d %H:00:00', created)) FROM regress_logs$$);
-- From a subquery to the query around it, and the other way.
SELECT * FROM regress_indexes($$SELECT * FROM (VALUES ('2024-01-02 05:00:00')) AS v (hour), LATERAL (SELECT * FROM regress_logs WHERE sqlite.strftime('%Y-%m-%d %H:00:00', created) = hour OFFSET 0) AS l$$);
SELECT count(*) FROM regress_logs AS o
WHERE id < 10 AND 60 = (SELECT count(*) + sqlite.strftime('%H', o.created)::integer FROM regress_logs AS i
                        WHERE sqlite.strftime('%Y-%m-%d %H:00:00', i.created) = sqlite.strftime('%Y-%m-%d %H:00:00', o.created, '+1 hour'));
-- A parameter is a constant in a plan that is made for it.
PREPARE by_hour AS SELECT * FROM regress_logs WHERE sqlite.strftime($1, created) = $2;
SELECT * FROM regress_indexes($$EXECUTE by_hour('%Y-%m-%d %H:00:00', '2024-01-02 05:00:00')$$);
DEALLOCATE by_hour;
SELECT count(*), min(created), max(created) FROM regress_logs WHERE sqlite.strftime('%Y-%m-%d %H:00:00', created) = '2024-01-02 05:00:00';
SELECT sqlite.strftime('%Y-%m-%d %H:00:00', created) AS hour, count(*) FROM regress_logs WHERE sqlite.date(at) = '2024-01-03' GROUP BY 1 ORDER BY 1 LIMIT 2;
-- An index holds nothing that changes with time or time zone.
INSERT INTO regress_logs (id, created) VALUES (-1, 'now');
INSERT INTO regress_logs (id, created) VALUES (-1, 'NOW');
CREATE INDEX ON regress_logs (sqlite.date(created, 'localtime'));
CREATE INDEX ON regress_logs (sqlite.date(created, '+1 day', 'utc'));
CREATE INDEX ON regress_logs (sqlite.date(coalesce(created, 'now')));
CREATE INDEX ON regress_logs (sqlite.date(created, updated));
CREATE INDEX ON regress_logs (sqlite.date('now'));
SELECT sqlite.date_immutable('now');
SELECT sqlite.strftime_immutable('%s', '2024-01-01', 'localtime');
SELECT sqlite.unixepoch_immutable(VARIADIC '{}'::text[]);
-- Conflicts are found by such an index.
CREATE UNIQUE INDEX regress_one_a_minute ON regress_logs (sqlite.strftime('%Y%m%d%H%M', created));
INSERT INTO regress_logs (id, created) VALUES (6000, '2024-01-02 05:06:07') ON CONFLICT (sqlite.strftime('%Y%m%d%H%M', created)) DO NOTHING;
DROP TABLE regress_logs;
DROP FUNCTION regress_indexes;

-- Generated columns, partitions, children.
CREATE TABLE regress_days (created text, day text GENERATED ALWAYS AS (sqlite.date(created)) STORED);
INSERT INTO regress_days VALUES ('2024-01-01 12:00'), ('x');
SELECT * FROM regress_days;
INSERT INTO regress_days VALUES ('now');
DROP TABLE regress_days;
CREATE TABLE regress_parts (created text) PARTITION BY LIST (sqlite.strftime('%Y', created));
CREATE TABLE regress_2023 PARTITION OF regress_parts FOR VALUES IN ('2023');
CREATE TABLE regress_2024 PARTITION OF regress_parts FOR VALUES IN ('2024');
INSERT INTO regress_parts VALUES ('2023-06-01'), ('2024-06-01');
SELECT tableoid::regclass, * FROM regress_parts ORDER BY 1;
EXPLAIN (COSTS off) SELECT * FROM regress_parts WHERE sqlite.strftime('%Y', created) = '2024';
DROP TABLE regress_parts;

-- With the schema in front of the server's.
SET search_path = sqlite, public, pg_catalog;
SELECT date(t), date(z), date(d), date(x), date(v), datetime(t), julianday(t), strftime('%s', z), sqlite.time(z), sqlite.time(x)
FROM (VALUES (timestamp '2024-07-01 22:00', timestamptz '2024-07-01 22:00-04', '2024-07-01'::pg_catalog.date, text '2024-02-30', '2024-02-30'::varchar)) AS v (t, z, d, x, v) \gx
RESET search_path;
