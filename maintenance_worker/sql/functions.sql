-- Every function pins search_path: statements of the extension itself resolve names in pg_catalog alone, whatever the
-- caller's session says.

CREATE TYPE maintenance.partition_outcome AS (
    parent    pg_catalog.regclass,
    action    pg_catalog.text,
    partition pg_catalog.text,
    outcome   pg_catalog.text,
    error     pg_catalog.text
);
COMMENT ON TYPE maintenance.partition_outcome IS 'One action of a run of partition maintenance and how it ended';

CREATE TYPE maintenance.planned_action AS (
    parent    pg_catalog.regclass,
    action    pg_catalog.text,
    partition pg_catalog.text,
    lower     pg_catalog.text,
    upper     pg_catalog.text,
    ddl       pg_catalog.text
);
COMMENT ON TYPE maintenance.planned_action IS 'One action that a run of partition maintenance would take, with its DDL';

CREATE FUNCTION maintenance.add_partition_policy(
    parent       pg_catalog.regclass,
    period       pg_catalog.interval,
    premake      pg_catalog.int4     DEFAULT 7,
    retention    pg_catalog.interval DEFAULT NULL,
    on_expiry    pg_catalog.text     DEFAULT 'drop',
    unlogged     pg_catalog.bool     DEFAULT NULL,
    time_zone    pg_catalog.text     DEFAULT 'UTC',
    lock_timeout pg_catalog.interval DEFAULT '1s'
) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'add_partition_policy_wrapper';
COMMENT ON FUNCTION maintenance.add_partition_policy(pg_catalog.regclass, pg_catalog.interval, pg_catalog.int4, pg_catalog.interval, pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.interval)
    IS 'Keeps the partitions of a RANGE-partitioned table: period per partition, premake partitions ahead of the clock, retention after which partitions are dropped or detached; creates what is missing and returns the actions taken';

CREATE FUNCTION maintenance.alter_partition_policy(
    parent       pg_catalog.regclass,
    period       pg_catalog.interval DEFAULT NULL,
    premake      pg_catalog.int4     DEFAULT NULL,
    retention    pg_catalog.interval DEFAULT NULL,
    on_expiry    pg_catalog.text     DEFAULT NULL,
    unlogged     pg_catalog.bool     DEFAULT NULL,
    time_zone    pg_catalog.text     DEFAULT NULL,
    lock_timeout pg_catalog.interval DEFAULT NULL,
    no_retention pg_catalog.bool     DEFAULT false
) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'alter_partition_policy_wrapper';
COMMENT ON FUNCTION maintenance.alter_partition_policy(pg_catalog.regclass, pg_catalog.interval, pg_catalog.int4, pg_catalog.interval, pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.interval, pg_catalog.bool)
    IS 'Changes a partition policy and runs it; what is NULL stays as it is, no_retention => true keeps partitions for ever';

CREATE FUNCTION maintenance.remove_partition_policy(parent pg_catalog.regclass) RETURNS pg_catalog.void
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'remove_partition_policy_wrapper';
COMMENT ON FUNCTION maintenance.remove_partition_policy(pg_catalog.regclass)
    IS 'Ends the maintenance of a table; its partitions stay';

CREATE FUNCTION maintenance.plan(parent pg_catalog.regclass DEFAULT NULL) RETURNS SETOF maintenance.planned_action
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'plan_wrapper';
COMMENT ON FUNCTION maintenance.plan(pg_catalog.regclass)
    IS 'The exact DDL that run_partition_maintenance would execute now, for one table or all that the caller may maintain; changes nothing';

CREATE FUNCTION maintenance.run_partition_maintenance(parent pg_catalog.regclass DEFAULT NULL) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'run_partition_maintenance_wrapper';
COMMENT ON FUNCTION maintenance.run_partition_maintenance(pg_catalog.regclass)
    IS 'Creates and expires partitions now, for one table or all that the caller may maintain; each action succeeds or fails on its own';

CREATE FUNCTION maintenance.create_partitions(
    parent      pg_catalog.regclass,
    range_start pg_catalog.timestamptz,
    range_end   pg_catalog.timestamptz
) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'create_partitions_wrapper';
COMMENT ON FUNCTION maintenance.create_partitions(pg_catalog.regclass, pg_catalog.timestamptz, pg_catalog.timestamptz)
    IS 'Creates the partitions of a policy that cover a range of the past or future, as far as none does yet';

CREATE TYPE maintenance.refresh_outcome AS (
    matview  pg_catalog.regclass,
    outcome  pg_catalog.text,
    duration pg_catalog.interval,
    rows     pg_catalog.int8,
    error    pg_catalog.text
);
COMMENT ON TYPE maintenance.refresh_outcome IS 'How the refresh of one materialized view ended';

CREATE FUNCTION maintenance.add_refresh_policy(
    matview         pg_catalog.regclass,
    schedule        pg_catalog.text,
    "concurrently"  pg_catalog.bool DEFAULT NULL,
    only_if_changed pg_catalog.bool DEFAULT true,
    time_zone       pg_catalog.text DEFAULT 'UTC',
    catch_up        pg_catalog.text DEFAULT 'once'
) RETURNS pg_catalog.void
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'add_refresh_policy_wrapper';
COMMENT ON FUNCTION maintenance.add_refresh_policy(pg_catalog.regclass, pg_catalog.text, pg_catalog.bool, pg_catalog.bool, pg_catalog.text, pg_catalog.text)
    IS 'Keeps a materialized view fresh: schedule is an interval, five cron fields or a name such as @hourly; concurrently NULL means when it can; catch_up says whether a missed run is made good once or skipped';

CREATE FUNCTION maintenance.alter_refresh_policy(
    matview         pg_catalog.regclass,
    schedule        pg_catalog.text DEFAULT NULL,
    "concurrently"  pg_catalog.bool DEFAULT NULL,
    only_if_changed pg_catalog.bool DEFAULT NULL,
    time_zone       pg_catalog.text DEFAULT NULL,
    catch_up        pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.void
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'alter_refresh_policy_wrapper';
COMMENT ON FUNCTION maintenance.alter_refresh_policy(pg_catalog.regclass, pg_catalog.text, pg_catalog.bool, pg_catalog.bool, pg_catalog.text, pg_catalog.text)
    IS 'Changes a refresh policy; what is NULL stays as it is';

CREATE FUNCTION maintenance.remove_refresh_policy(matview pg_catalog.regclass) RETURNS pg_catalog.void
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'remove_refresh_policy_wrapper';
COMMENT ON FUNCTION maintenance.remove_refresh_policy(pg_catalog.regclass)
    IS 'Ends the refreshing of a materialized view; its rows stay';

CREATE FUNCTION maintenance.refresh_materialized_views(only_due pg_catalog.bool DEFAULT false) RETURNS SETOF maintenance.refresh_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'refresh_materialized_views_wrapper';
COMMENT ON FUNCTION maintenance.refresh_materialized_views(pg_catalog.bool)
    IS 'Refreshes the materialized views with a policy that the caller may maintain, each after those it reads; only_due => true refreshes those whose time has come and whose tables changed';

CREATE FUNCTION maintenance.refresh_all_materialized_views() RETURNS SETOF maintenance.refresh_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'refresh_all_materialized_views_wrapper';
COMMENT ON FUNCTION maintenance.refresh_all_materialized_views()
    IS 'Refreshes every populated materialized view of the database that the caller may maintain, each after those it reads';
