CREATE SCHEMA maintenance;

CREATE TABLE maintenance.partition_policies (
    parent       pg_catalog.regclass PRIMARY KEY,
    -- One of the two: a span of time, or a number of ids.
    period       pg_catalog.interval,
    id_period    pg_catalog.int8,
    premake      pg_catalog.int4     NOT NULL,
    retention    pg_catalog.interval,
    id_retention pg_catalog.int8,
    on_expiry    pg_catalog.text     NOT NULL CHECK (on_expiry OPERATOR(pg_catalog.=) ANY (ARRAY['drop', 'detach'])),
    unlogged     pg_catalog.bool,
    time_zone    pg_catalog.text     NOT NULL,
    lock_timeout pg_catalog.interval NOT NULL,
    epoch        pg_catalog.text     CHECK (epoch OPERATOR(pg_catalog.=) ANY (ARRAY['s', 'ms'])),
    max_runtime  pg_catalog.interval,
    CHECK ((period IS NULL) OPERATOR(pg_catalog.<>) (id_period IS NULL))
);

CREATE TABLE maintenance.refresh_policies (
    matview         pg_catalog.regclass PRIMARY KEY,
    schedule        pg_catalog.text     NOT NULL,
    "concurrently"  pg_catalog.bool,
    only_if_changed pg_catalog.bool     NOT NULL,
    time_zone       pg_catalog.text     NOT NULL,
    catch_up        pg_catalog.text     NOT NULL CHECK (catch_up OPERATOR(pg_catalog.=) ANY (ARRAY['once', 'skip'])),
    max_runtime     pg_catalog.interval
);

-- Tells the launcher that there is something to maintain in this database; also where policies are restored or replicated.
CREATE FUNCTION maintenance.policies_written() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'policies_written';
CREATE TRIGGER policies_written AFTER INSERT OR UPDATE ON maintenance.partition_policies
    FOR EACH STATEMENT EXECUTE FUNCTION maintenance.policies_written();
CREATE TRIGGER policies_written AFTER INSERT OR UPDATE ON maintenance.refresh_policies
    FOR EACH STATEMENT EXECUTE FUNCTION maintenance.policies_written();
ALTER TABLE maintenance.partition_policies ENABLE ALWAYS TRIGGER policies_written;
ALTER TABLE maintenance.refresh_policies ENABLE ALWAYS TRIGGER policies_written;

-- A policy whose relation is gone would be dumped as a bare OID, which may be another relation after the restore.
SELECT pg_catalog.pg_extension_config_dump('maintenance.partition_policies',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) parent)');
SELECT pg_catalog.pg_extension_config_dump('maintenance.refresh_policies',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) matview)');

-- What the last run left behind. Not dumped: in another cluster it would be wrong.
CREATE TABLE maintenance.state (
    kind         pg_catalog.text NOT NULL CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['partition', 'refresh'])),
    relation     pg_catalog.oid  NOT NULL,
    last_run     pg_catalog.timestamptz,
    last_outcome pg_catalog.text,
    failures     pg_catalog.int4 NOT NULL DEFAULT 0,
    retry_at     pg_catalog.timestamptz,
    sqlstate     pg_catalog.text,
    error        pg_catalog.text,
    hint         pg_catalog.text,
    scheduled_at pg_catalog.timestamptz,
    next_run     pg_catalog.timestamptz,
    counters     pg_catalog.text,
    -- What failed was an expiry: new partitions are made all the same.
    expiry_alone pg_catalog.bool NOT NULL DEFAULT false,
    PRIMARY KEY (kind, relation)
);

-- Partitions that the worker detaches to drop them, from the commit of the first half of the detach until they are gone.
CREATE TABLE maintenance.expiring (
    partition pg_catalog.oid  PRIMARY KEY,
    parent    pg_catalog.oid  NOT NULL,
    name      pg_catalog.text NOT NULL
);

-- How much has been done since the extension was created; the history is pruned. The name is that at the time.
CREATE TABLE maintenance.totals (
    kind     pg_catalog.text   NOT NULL,
    relation pg_catalog.text   NOT NULL,
    action   pg_catalog.text   NOT NULL,
    outcome  pg_catalog.text   NOT NULL,
    actions  pg_catalog.int8   NOT NULL,
    seconds  pg_catalog.float8 NOT NULL,
    PRIMARY KEY (kind, relation, action, outcome)
);

CREATE TABLE maintenance.history (
    id        pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind      pg_catalog.text NOT NULL,
    relation  pg_catalog.text NOT NULL,
    action    pg_catalog.text NOT NULL,
    object    pg_catalog.text,
    outcome   pg_catalog.text NOT NULL,
    finished  pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    duration  pg_catalog.interval,
    sqlstate  pg_catalog.text,
    error     pg_catalog.text,
    hint      pg_catalog.text,
    -- Moved out of the default partition, or written by a refresh.
    rows      pg_catalog.int8
);
CREATE INDEX history_finished_idx ON maintenance.history (finished);
