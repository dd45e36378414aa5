-- What monitoring sees: status, health and metrics of everything for members of pg_monitor, of one's own for others.
SET search_path = public;
CREATE ROLE regress_watcher IN ROLE pg_monitor;
CREATE ROLE regress_somebody;
CREATE SCHEMA regress_monitoring AUTHORIZATION regress_somebody;
CREATE TABLE regress_monitoring."Log" (day date NOT NULL) PARTITION BY RANGE (day);
ALTER TABLE regress_monitoring."Log" OWNER TO regress_somebody;
CREATE TABLE regress_monitoring.gone (day date NOT NULL) PARTITION BY RANGE (day);
CREATE MATERIALIZED VIEW regress_monitoring.sparse AS SELECT n, NULLIF(n % 3, 0) AS third FROM generate_series(1, 30) n;
CREATE UNIQUE INDEX ON regress_monitoring.sparse (third, n);
SELECT count(*) FROM maintenance.add_partition_policy('regress_monitoring."Log"', '1 day', premake => 2);
SELECT count(*) FROM maintenance.add_partition_policy('regress_monitoring.gone', '1 day', premake => 0);
SELECT maintenance.add_refresh_policy('regress_monitoring.sparse', '1 hour');

SELECT kind, relation, description, partitions_ahead, default_rows FROM maintenance.status WHERE relation::text ~ 'regress_monitoring' ORDER BY 2;
-- A default partition fills, and the statistics show nulls.
CREATE TABLE regress_monitoring.log_rest PARTITION OF regress_monitoring."Log" DEFAULT;
INSERT INTO regress_monitoring."Log" SELECT date '2015-05-17' + n FROM generate_series(1, 3000) n;
SELECT default_rows FROM maintenance.status WHERE relation = 'regress_monitoring."Log"'::regclass;
INSERT INTO regress_monitoring."Log" SELECT '1999-12-31' FROM generate_series(1, 10000);
SELECT count(*) AS nulls_known FROM maintenance.health WHERE kind = 'refresh' AND relation::text ~ 'regress_monitoring';
ANALYZE regress_monitoring.sparse;
SELECT kind, relation, sqlstate, problem, hint FROM maintenance.health WHERE relation::text ~ 'regress_monitoring' ORDER BY 1;
SELECT maintenance.alter_refresh_policy('regress_monitoring.sparse', "concurrently" => false);
SELECT count(*) AS problems FROM maintenance.health WHERE kind = 'refresh' AND relation::text ~ 'regress_monitoring';
SELECT maintenance.alter_refresh_policy('regress_monitoring.sparse', reset => '{concurrently}');

SELECT name, labels, value FROM maintenance.metrics WHERE labels ->> 'relation' ~ 'regress_monitoring' AND name !~ 'seconds' ORDER BY 1, 2;
SELECT DISTINCT name FROM maintenance.metrics ORDER BY 1;
-- Labels are unique for each name, and all values are there.
SELECT name, labels FROM maintenance.metrics GROUP BY 1, 2 HAVING count(*) > 1 OR bool_or(value IS NULL);

-- A table that no longer is what its policy takes it for: nulls, and no error.
UPDATE maintenance.partition_policies SET time_zone = 'Mars/Phobos' WHERE parent = 'regress_monitoring.gone'::regclass;
SELECT partitions, ahead, missing, default_rows, key_ends FROM maintenance.partition_status() WHERE parent = 'regress_monitoring.gone'::regclass;
SELECT count(*) FROM maintenance.metrics WHERE labels ->> 'relation' = 'regress_monitoring.gone' AND name ~ 'partitions';

SET ROLE regress_watcher;
SELECT relation, partitions_ahead, default_rows FROM maintenance.status WHERE relation::text ~ '"Log"';
SELECT count(*) > 0 AS sees_all FROM maintenance.metrics WHERE labels ->> 'relation' ~ 'regress_monitoring';
SELECT count(*) AS warnings FROM maintenance.health WHERE relation::text ~ 'regress_monitoring' AND sqlstate = '01000';
RESET ROLE;
SET ROLE regress_somebody;
SELECT parent FROM maintenance.partition_status();
\set VERBOSITY sqlstate
SELECT * FROM maintenance.status;
SELECT * FROM maintenance.metrics;
SELECT * FROM maintenance.totals;
\set VERBOSITY default
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA regress_monitoring CASCADE;
DROP ROLE regress_watcher, regress_somebody;
SELECT count(*) FROM maintenance.run_partition_maintenance() WHERE outcome <> 'done';
SELECT count(*) AS kept_totals FROM maintenance.totals WHERE relation ~ 'regress_monitoring';
