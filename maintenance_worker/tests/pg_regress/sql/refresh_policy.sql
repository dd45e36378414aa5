CREATE TABLE src (a int PRIMARY KEY, b text);
INSERT INTO src VALUES (1, 'x'), (2, 'y');
-- Named so that the order of names is not the order of dependency.
CREATE MATERIALIZED VIEW z_first AS SELECT * FROM src;
CREATE UNIQUE INDEX ON z_first (a);
CREATE VIEW between_them AS SELECT * FROM z_first;
CREATE MATERIALIZED VIEW a_last AS SELECT count(*) FROM between_them;
CREATE MATERIALIZED VIEW empty_one AS SELECT 1 AS one WITH NO DATA;
CREATE MATERIALIZED VIEW partial AS SELECT * FROM src;
CREATE UNIQUE INDEX ON partial (a) WHERE a > 0;
CREATE UNIQUE INDEX ON partial ((a + 1));

\set VERBOSITY sqlstate
SELECT maintenance.add_refresh_policy('src', '1 minute');
SELECT maintenance.add_refresh_policy('between_them', '1 minute');
SELECT maintenance.add_refresh_policy(NULL, '1 minute');
SELECT maintenance.add_refresh_policy('a_last', NULL);
SELECT maintenance.add_refresh_policy('a_last', '');
SELECT maintenance.add_refresh_policy('a_last', '1 banana');
SELECT maintenance.add_refresh_policy('a_last', '0 seconds');
SELECT maintenance.add_refresh_policy('a_last', '-1 hour');
SELECT maintenance.add_refresh_policy('a_last', '1 month');
SELECT maintenance.add_refresh_policy('a_last', '60 * * * *');
SELECT maintenance.add_refresh_policy('a_last', '* * * * * *');
SELECT maintenance.add_refresh_policy('a_last', '0 0 30 2 *');
SELECT maintenance.add_refresh_policy('a_last', '@often');
SELECT maintenance.add_refresh_policy('a_last', '1 minute', time_zone => 'Mars/Phobos');
SELECT maintenance.add_refresh_policy('a_last', '1 minute', catch_up => 'twice');
SELECT maintenance.add_refresh_policy('a_last', '1 minute', concurrently => true);
SELECT maintenance.add_refresh_policy('partial', '1 minute', concurrently => true);
SELECT maintenance.alter_refresh_policy('a_last', '1 minute');
SELECT maintenance.remove_refresh_policy('a_last');
SELECT * FROM maintenance.refresh_materialized_views(NULL);
\set VERBOSITY default

SELECT maintenance.add_refresh_policy('a_last', '1 hour');
SELECT maintenance.add_refresh_policy('z_first', '15 4 29 FEB *', concurrently => true, time_zone => 'Europe/Berlin');
SELECT maintenance.add_refresh_policy('empty_one', '@yearly');
SELECT maintenance.add_refresh_policy('partial', '0 4 29 2 *');
\set VERBOSITY sqlstate
SELECT maintenance.add_refresh_policy('a_last', '1 hour');
\set VERBOSITY default

-- In dependency order, concurrently where that works.
INSERT INTO src VALUES (3, 'z');
SELECT matview, outcome, rows, error FROM maintenance.refresh_materialized_views();
SELECT action, object, outcome FROM maintenance.runs WHERE kind = 'refresh' ORDER BY id;
SELECT count FROM a_last;
-- Nothing is due before its time.
SELECT * FROM maintenance.refresh_materialized_views(only_due => true);

-- A view that fails does not stop the others, and says why.
CREATE FUNCTION reciprocal(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 10 / $1';
CREATE MATERIALIZED VIEW broken AS SELECT reciprocal(a) FROM src;
SELECT maintenance.add_refresh_policy('broken', '@daily');
INSERT INTO src VALUES (0, 'zero');
SELECT matview, outcome, error FROM maintenance.refresh_materialized_views();
SELECT kind, relation, sqlstate, problem, failures FROM maintenance.health;
SELECT count FROM a_last;
DELETE FROM src WHERE a = 0;
SELECT matview, outcome FROM maintenance.refresh_materialized_views() WHERE matview = 'broken'::regclass;
SELECT count(*) AS problems FROM maintenance.health;

-- Every populated view of the database that the caller may maintain.
CREATE MATERIALIZED VIEW without_policy AS SELECT max(a) FROM src;
CREATE MATERIALIZED VIEW unpopulated AS SELECT 1 AS one WITH NO DATA;
INSERT INTO src VALUES (9, 'nine');
SELECT matview, outcome, error FROM maintenance.refresh_all_materialized_views();
SELECT max FROM without_policy;

-- Code of a view's owner runs as the owner, in a restricted context, whoever calls.
CREATE ROLE regress_hostile;
CREATE SCHEMA regress_hostile AUTHORIZATION regress_hostile;
SET ROLE regress_hostile;
CREATE FUNCTION regress_hostile.who() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT current_user::text';
CREATE FUNCTION regress_hostile.climb() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'RESET ROLE'; RETURN 1; END $$;
CREATE MATERIALIZED VIEW regress_hostile.whoami AS SELECT regress_hostile.who() AS name;
CREATE MATERIALIZED VIEW regress_hostile.climber AS SELECT regress_hostile.climb() AS n WITH NO DATA;
SELECT maintenance.add_refresh_policy('regress_hostile.whoami', '@daily');
SELECT maintenance.add_refresh_policy('regress_hostile.climber', '@daily');
\set VERBOSITY sqlstate
SELECT maintenance.add_refresh_policy('public.a_last', '1 hour');
SELECT maintenance.remove_refresh_policy('public.a_last');
\set VERBOSITY default
SELECT matview, outcome FROM maintenance.refresh_materialized_views();
RESET ROLE;
SELECT matview, outcome, error FROM maintenance.refresh_materialized_views() WHERE matview::text LIKE 'regress_hostile%';
SELECT name FROM regress_hostile.whoami;

SELECT maintenance.alter_refresh_policy('a_last', schedule => '2 hours', catch_up => 'skip');
SELECT schedule, catch_up, only_if_changed FROM maintenance.refresh_policies WHERE matview = 'a_last'::regclass;
SELECT maintenance.remove_refresh_policy('a_last');
DROP MATERIALIZED VIEW broken;
SET client_min_messages = warning;
DROP SCHEMA regress_hostile CASCADE;
DROP ROLE regress_hostile;
SELECT count(*) FROM maintenance.refresh_materialized_views();
SELECT count(*) FROM maintenance.refresh_policies;
