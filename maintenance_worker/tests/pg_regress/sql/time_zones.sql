-- Whatever TimeZone and DateStyle a session has: the same bounds, without a gap and without an overlap.
SET search_path = public;
SET client_min_messages = warning;
CREATE TABLE sets (parent regclass, zone text, key text, period text, session text);
-- Both changes of the clock in New York, Berlin and Lord Howe, a leap day, the turn of a year: four hours around each for
-- sets by the hour, 30 hours for the others.
CREATE TABLE changes (zone text, at timestamptz);
INSERT INTO changes VALUES ('America/New_York', '2015-03-08 07:00+00'), ('America/New_York', '2015-11-01 06:00+00'),
    ('Europe/Berlin', '2015-03-29 01:00+00'), ('Europe/Berlin', '2015-10-25 01:00+00'),
    ('Australia/Lord_Howe', '2015-04-04 15:00+00'), ('Australia/Lord_Howe', '2015-10-03 15:30+00'), ('UTC', '2016-06-30 23:00+00');
INSERT INTO changes SELECT DISTINCT zone, v.at::timestamptz FROM changes, (VALUES ('2016-02-29 23:00+00'), ('2015-12-31 23:00+00')) v (at);
CREATE VIEW ranges AS
    SELECT zone, period, at - step AS first, at + step AS last
    FROM changes, (VALUES ('1 hour', interval '4 hours'), ('1 day', '30 hours'), ('1 month', '30 hours')) v (period, step);

-- The same sets from sessions of three kinds.
DO $$
DECLARE
    session text[]; zone_of_set text; key text; wanted text; name text; failed bigint; n int := 0;
BEGIN
    FOREACH session SLICE 1 IN ARRAY ARRAY[['UTC', 'ISO, MDY'], ['<-1130>+11:30', 'German'], ['America/New_York', 'SQL, DMY']] LOOP
        FOREACH zone_of_set IN ARRAY ARRAY['UTC', 'America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe'] LOOP
            FOREACH key IN ARRAY ARRAY['timestamptz', 'timestamp', 'date', 'uuid', 'bigint'] LOOP
                FOREACH wanted IN ARRAY ARRAY['1 hour', '1 day', '1 month'] LOOP
                    CONTINUE WHEN wanted = '1 hour' AND key NOT IN ('timestamptz', 'uuid') OR wanted = '1 month' AND key <> 'timestamptz';
                    PERFORM set_config('TimeZone', session[1], false), set_config('DateStyle', session[2], false);
                    n := n + 1;
                    name := 's' || n;
                    EXECUTE format('CREATE TABLE %I (k %s) PARTITION BY RANGE (k)', name, key);
                    PERFORM maintenance.add_partition_policy(name, wanted::interval, premake => 0, time_zone => zone_of_set,
                        epoch => CASE key WHEN 'bigint' THEN 'ms' END);
                    SELECT count(*) INTO failed
                    FROM ranges v CROSS JOIN LATERAL maintenance.create_partitions(name, v.first, v.last) m
                    WHERE v.zone = zone_of_set AND v.period = wanted AND m.outcome <> 'done';
                    IF failed > 0 THEN RAISE 'set % of % % in %: %', name, key, wanted, zone_of_set, failed; END IF;
                    INSERT INTO sets VALUES (name::regclass, zone_of_set, key, wanted, session[1]);
                    COMMIT;
                END LOOP;
            END LOOP;
        END LOOP;
    END LOOP;
END $$;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

-- The catalog's bounds as instants, or wall clock times for the keys without a zone.
CREATE TABLE bounds AS
SELECT s.*, c.relname, at.v[1] AS lower, at.v[2] AS upper
FROM sets s
JOIN pg_inherits i ON i.inhparent = s.parent
JOIN pg_class c ON c.oid = i.inhrelid
CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), $r$\('?([^')]*)'?\) TO \('?([^')]*)'?\)$r$) m (text)
CROSS JOIN LATERAL (SELECT array_agg(CASE s.key
        WHEN 'bigint' THEN to_timestamp(t::bigint / 1000.0)
        WHEN 'uuid' THEN to_timestamp((('x' || left(replace(t, '-', ''), 12))::bit(48)::bigint) / 1000.0)
        ELSE t::timestamptz END ORDER BY n) AS v
    FROM unnest(m.text) WITH ORDINALITY u (t, n)) at;

-- Every session made the same partitions.
SELECT key, period, count(DISTINCT zone) AS zones, count(DISTINCT (zone, digest)) AS different
FROM (SELECT session, zone, key, period, md5(string_agg(substring(relname FROM '_.*') || lower || upper, ',' ORDER BY lower)) AS digest
      FROM bounds WHERE lower < '2017-01-01' GROUP BY session, zone, key, period) d
GROUP BY key, period ORDER BY key, period;

-- No gap and no overlap: the partitions that a range touches begin at or before it, end at or after it, and each begins where
-- the one before it ends. What time it is where the key has no zone, the server says itself.
SELECT count(*) AS ranges, count(*) FILTER (WHERE NOT tiled) AS broken
FROM sets s
JOIN ranges r USING (zone, period)
CROSS JOIN LATERAL (SELECT CASE WHEN s.key IN ('timestamp', 'date') THEN (r.first AT TIME ZONE s.zone) AT TIME ZONE 'UTC' ELSE r.first END,
                           CASE WHEN s.key IN ('timestamp', 'date') THEN (r.last AT TIME ZONE s.zone) AT TIME ZONE 'UTC' ELSE r.last END) w (first, last)
CROSS JOIN LATERAL (SELECT min(lower) <= w.first AND max(upper) >= w.last AND bool_and(before IS NULL OR before = lower) AS tiled
    FROM (SELECT lower, upper, lag(upper) OVER (ORDER BY lower) AS before FROM bounds b
          WHERE b.parent = s.parent AND b.upper > w.first AND b.lower < w.last) b) t;

-- Days and months begin at midnight of the zone, hours on the hour, as the server's own clock in that zone says.
SELECT key, period, count(*) FILTER (WHERE date_trunc(substring(period FROM 3), wall) <> wall) AS off_the_grid
FROM (SELECT key, period, CASE WHEN key IN ('timestamp', 'date') THEN lower AT TIME ZONE 'UTC' ELSE lower AT TIME ZONE zone END AS wall
      FROM bounds) b
GROUP BY key, period ORDER BY key, period;

-- The hour that New York has twice, and the one that it has not.
SELECT relname, lower, upper FROM bounds b
WHERE session = 'UTC' AND zone = 'America/New_York' AND key = 'timestamptz' AND period = '1 hour'
  AND (lower BETWEEN '2015-11-01 04:00+00' AND '2015-11-01 07:00+00' OR lower BETWEEN '2015-03-08 05:00+00' AND '2015-03-08 08:00+00')
ORDER BY lower;
-- Lord Howe moves its clock by half an hour.
SELECT relname, lower, upper, upper - lower AS length FROM bounds b
WHERE session = 'UTC' AND zone = 'Australia/Lord_Howe' AND key = 'uuid' AND (period, lower > '2015-04-04 10:00+00') IN (('1 hour', true), ('1 day', true))
  AND upper - lower NOT IN ('1 hour', '1 day')
ORDER BY lower, relname;

-- One by one: each takes a lock for every partition.
DO $$ DECLARE p regclass; BEGIN FOR p IN SELECT parent FROM sets LOOP EXECUTE format('DROP TABLE %s', p); COMMIT; END LOOP; END $$;
DROP TABLE sets, changes, bounds CASCADE;
-- What is gone is forgotten.
SELECT count(*) FROM maintenance.run_partition_maintenance() WHERE outcome <> 'done';
SELECT count(*) FROM maintenance.partition_policies p WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = p.parent);
