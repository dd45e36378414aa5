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
    lock_timeout pg_catalog.interval DEFAULT '1s',
    epoch        pg_catalog.text     DEFAULT NULL,
    max_runtime  pg_catalog.interval DEFAULT NULL
) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'add_partition_policy_wrapper';
COMMENT ON FUNCTION maintenance.add_partition_policy(pg_catalog.regclass, pg_catalog.interval, pg_catalog.int4, pg_catalog.interval, pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.interval, pg_catalog.text, pg_catalog.interval)
    IS 'Keeps the partitions of a RANGE-partitioned table: period per partition, premake partitions ahead of the clock, retention after which partitions are dropped or detached; creates what is missing and returns the actions taken';

CREATE FUNCTION maintenance.add_partition_policy(
    parent       pg_catalog.regclass,
    period       pg_catalog.int8,
    premake      pg_catalog.int4     DEFAULT 7,
    retention    pg_catalog.int8     DEFAULT NULL,
    on_expiry    pg_catalog.text     DEFAULT 'drop',
    unlogged     pg_catalog.bool     DEFAULT NULL,
    lock_timeout pg_catalog.interval DEFAULT '1s',
    max_runtime  pg_catalog.interval DEFAULT NULL
) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'add_partition_policy_ids_wrapper';
COMMENT ON FUNCTION maintenance.add_partition_policy(pg_catalog.regclass, pg_catalog.int8, pg_catalog.int4, pg_catalog.int8, pg_catalog.text, pg_catalog.bool, pg_catalog.interval, pg_catalog.interval)
    IS 'The same for a table partitioned by ids: period and retention are numbers of ids, and partitions are kept ready ahead of the highest id in use';

-- For literals without a type, which could be either of the two.
CREATE FUNCTION maintenance.add_partition_policy(
    parent       pg_catalog.regclass,
    period       pg_catalog.text,
    premake      pg_catalog.int4     DEFAULT 7,
    retention    pg_catalog.text     DEFAULT NULL,
    on_expiry    pg_catalog.text     DEFAULT 'drop',
    unlogged     pg_catalog.bool     DEFAULT NULL,
    time_zone    pg_catalog.text     DEFAULT 'UTC',
    lock_timeout pg_catalog.interval DEFAULT '1s',
    epoch        pg_catalog.text     DEFAULT NULL,
    max_runtime  pg_catalog.interval DEFAULT NULL
) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'add_partition_policy_text_wrapper';
COMMENT ON FUNCTION maintenance.add_partition_policy(pg_catalog.regclass, pg_catalog.text, pg_catalog.int4, pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.interval, pg_catalog.text, pg_catalog.interval)
    IS 'The same for literals without a type: period and retention are read as numbers of ids where an integer key has no epoch, else as intervals';

CREATE FUNCTION maintenance.alter_partition_policy(
    parent       pg_catalog.regclass,
    period       pg_catalog.interval DEFAULT NULL,
    premake      pg_catalog.int4     DEFAULT NULL,
    retention    pg_catalog.interval DEFAULT NULL,
    on_expiry    pg_catalog.text     DEFAULT NULL,
    unlogged     pg_catalog.bool     DEFAULT NULL,
    time_zone    pg_catalog.text     DEFAULT NULL,
    lock_timeout pg_catalog.interval DEFAULT NULL,
    epoch        pg_catalog.text     DEFAULT NULL,
    max_runtime  pg_catalog.interval DEFAULT NULL,
    id_period    pg_catalog.int8     DEFAULT NULL,
    id_retention pg_catalog.int8     DEFAULT NULL,
    reset        pg_catalog.text[]   DEFAULT NULL
) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'alter_partition_policy_wrapper';
COMMENT ON FUNCTION maintenance.alter_partition_policy(pg_catalog.regclass, pg_catalog.interval, pg_catalog.int4, pg_catalog.interval, pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.interval, pg_catalog.text, pg_catalog.interval, pg_catalog.int8, pg_catalog.int8, pg_catalog.text[])
    IS 'Changes a partition policy and runs it; what is NULL stays as it is, and what reset names gets its default again';

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

CREATE FUNCTION maintenance.create_partitions(
    parent      pg_catalog.regclass,
    range_start pg_catalog.int8,
    range_end   pg_catalog.int8
) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'create_partitions_ids_wrapper';
COMMENT ON FUNCTION maintenance.create_partitions(pg_catalog.regclass, pg_catalog.int8, pg_catalog.int8)
    IS 'Creates the partitions of a policy by ids that cover a range of them, as far as none does yet';

CREATE FUNCTION maintenance.create_partitions(
    parent      pg_catalog.regclass,
    range_start pg_catalog.text,
    range_end   pg_catalog.text
) RETURNS SETOF maintenance.partition_outcome
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'create_partitions_text_wrapper';
COMMENT ON FUNCTION maintenance.create_partitions(pg_catalog.regclass, pg_catalog.text, pg_catalog.text)
    IS 'The same for literals without a type, which the policy tells what they are';

CREATE FUNCTION maintenance.partition_status(
    OUT parent       pg_catalog.regclass,
    OUT partitions   pg_catalog.int4,
    OUT ahead        pg_catalog.int4,
    OUT missing      pg_catalog.int4,
    OUT default_rows pg_catalog.int8,
    OUT key_ends     pg_catalog.bool
) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'partition_status_wrapper';
COMMENT ON FUNCTION maintenance.partition_status()
    IS 'How far the partitions of each policy reach: how many there are, begin after now, and are missing; rows of the default partition, counted up to 10,000; whether the type of the key ends within the horizon. For the tables that the caller may maintain, or all for members of pg_monitor';

CREATE FUNCTION maintenance.adopt_partman(
    parent    pg_catalog.regclass,
    time_zone pg_catalog.text DEFAULT NULL
) RETURNS SETOF maintenance.planned_action
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'adopt_partman_wrapper';
COMMENT ON FUNCTION maintenance.adopt_partman(pg_catalog.regclass, pg_catalog.text)
    IS 'Takes a partition set over from pg_partman: registers a policy like its configuration, removes it from there, and returns what the first run will do; touches no partition';

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
    catch_up        pg_catalog.text DEFAULT 'once',
    max_runtime     pg_catalog.interval DEFAULT NULL
) RETURNS pg_catalog.void
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'add_refresh_policy_wrapper';
COMMENT ON FUNCTION maintenance.add_refresh_policy(pg_catalog.regclass, pg_catalog.text, pg_catalog.bool, pg_catalog.bool, pg_catalog.text, pg_catalog.text, pg_catalog.interval)
    IS 'Keeps a materialized view fresh: schedule is an interval, five cron fields or a name such as @hourly; concurrently NULL means when it can; catch_up says whether a missed run is made good once or skipped';

CREATE FUNCTION maintenance.alter_refresh_policy(
    matview         pg_catalog.regclass,
    schedule        pg_catalog.text DEFAULT NULL,
    "concurrently"  pg_catalog.bool DEFAULT NULL,
    only_if_changed pg_catalog.bool DEFAULT NULL,
    time_zone       pg_catalog.text DEFAULT NULL,
    catch_up        pg_catalog.text DEFAULT NULL,
    max_runtime     pg_catalog.interval DEFAULT NULL,
    reset           pg_catalog.text[] DEFAULT NULL
) RETURNS pg_catalog.void
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'alter_refresh_policy_wrapper';
COMMENT ON FUNCTION maintenance.alter_refresh_policy(pg_catalog.regclass, pg_catalog.text, pg_catalog.bool, pg_catalog.bool, pg_catalog.text, pg_catalog.text, pg_catalog.interval, pg_catalog.text[])
    IS 'Changes a refresh policy; what is NULL stays as it is, and what reset names gets its default again';

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
