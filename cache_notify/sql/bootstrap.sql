CREATE SCHEMA cache_notify;

CREATE FUNCTION cache_notify.invalidate_cache() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'invalidate_cache';

-- With a search_path of its own: what it runs finds pg_catalog first, whatever the caller's says.
CREATE FUNCTION cache_notify.attach(
    tbl regclass,
    key_columns name[] DEFAULT NULL,
    channel text DEFAULT 'cache_invalidate',
    payload text DEFAULT 'key',
    keys text[] DEFAULT '{"{table}:{id}"}',
    only_columns name[] DEFAULT NULL,
    delivery text DEFAULT NULL,
    max_keys integer DEFAULT 1000
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'attach_wrapper';

CREATE FUNCTION cache_notify.detach(tbl regclass) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'detach_wrapper';

CREATE FUNCTION cache_notify.publish_event(
    type text,
    collection text,
    id text,
    channel text DEFAULT 'pb_events'
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT
    AS 'MODULE_PATHNAME', 'publish_event_wrapper';

CREATE FUNCTION cache_notify.trigger_options(
    tgargs bytea,
    OUT channel text,
    OUT key_columns text[],
    OUT payload text,
    OUT keys text[],
    OUT only_columns text[],
    OUT delivery text,
    OUT max_keys integer
) RETURNS SETOF record
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT ROWS 1
    AS 'MODULE_PATHNAME', 'trigger_options_wrapper';

CREATE FUNCTION cache_notify.follow_partitions() RETURNS event_trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'follow_partitions_wrapper';

-- CREATE SCHEMA, since it can hold CREATE TABLE .. PARTITION OF.
CREATE EVENT TRIGGER cache_notify_follow_partitions ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE', 'CREATE SCHEMA')
    EXECUTE FUNCTION cache_notify.follow_partitions();

CREATE VIEW cache_notify.attached AS
SELECT t.tgrelid::pg_catalog.regclass AS tbl,
       CASE
           WHEN o.key_columns IS NOT NULL THEN o.key_columns::pg_catalog.name[]
           ELSE (
               SELECT pg_catalog.array_agg(a.attname ORDER BY k.position)
               FROM pg_catalog.pg_index i,
                    ROWS FROM (pg_catalog.unnest(i.indkey)) WITH ORDINALITY AS k (attnum, position)
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = k.attnum
               WHERE i.indrelid = t.tgrelid AND i.indisprimary AND k.position <= i.indnkeyatts)
       END AS key_columns,
       o.channel,
       o.payload,
       o.keys,
       o.only_columns::pg_catalog.name[] AS only_columns,
       o.delivery,
       o.max_keys,
       t.tgenabled::text AS enabled,
       ARRAY (
           SELECT p.relid
           FROM pg_catalog.pg_partition_tree(t.tgrelid) p
           WHERE NOT EXISTS (
               SELECT FROM pg_catalog.pg_trigger m
               WHERE m.tgrelid = p.relid AND m.tgname = t.tgname AND m.tgfoid = t.tgfoid)
           ORDER BY p.relid::pg_catalog.oid) AS uncovered_partitions
FROM pg_catalog.pg_trigger t
     JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
     LEFT JOIN LATERAL cache_notify.trigger_options(t.tgargs) o ON true
WHERE t.tgfoid = 'cache_notify.invalidate_cache()'::pg_catalog.regprocedure
  AND t.tgname = 'cache_notify_insert'
  AND NOT c.relispartition;

-- Which transactions the values that a statement reads come from: see docs/cache_notify.md, "Filling a cache without a race".
CREATE FUNCTION cache_notify.read_snapshot() RETURNS pg_catalog.pg_snapshot
    LANGUAGE c STABLE PARALLEL SAFE STRICT
    AS 'MODULE_PATHNAME', 'read_snapshot';

-- What there should be a slot of logical replication for. A slot belongs to the server and is in no dump; the row is, so that
-- a consumer learns that it has missed something.
CREATE TABLE cache_notify.registered_consumers (
    name text COLLATE "C" PRIMARY KEY,
    added_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    confirmed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
SELECT pg_catalog.pg_extension_config_dump('cache_notify.registered_consumers', '');

-- SECURITY DEFINER, since slots of logical replication are for roles with REPLICATION, which could then do anything with
-- every slot. These reach the slots of this database's consumers and no others. Who may call them is for GRANT EXECUTE to say.
CREATE FUNCTION cache_notify.add_consumer(name text) RETURNS pg_lsn
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'add_consumer_wrapper';

CREATE FUNCTION cache_notify.drop_consumer(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'drop_consumer_wrapper';

CREATE FUNCTION cache_notify.changes_since(
    consumer text,
    up_to integer DEFAULT 10000,
    OUT "position" pg_lsn,
    OUT committed_at timestamptz,
    OUT xid xid8,
    OUT channel text,
    OUT payload text
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'changes_since';

CREATE FUNCTION cache_notify.confirm(consumer text, "position" pg_lsn) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'confirm_wrapper';

CREATE VIEW cache_notify.consumers AS
SELECT r.name,
       s.confirmed_flush_lsn AS "position",
       pg_catalog.pg_wal_lsn_diff(w.here, s.confirmed_flush_lsn)::bigint AS lag_bytes,
       pg_catalog.pg_wal_lsn_diff(w.here, s.restart_lsn)::bigint AS kept_bytes,
       CASE WHEN s.confirmed_flush_lsn >= w.here THEN interval '0'
            ELSE greatest(pg_catalog.clock_timestamp() - r.confirmed_at, interval '0') END AS lag,
       coalesce(s.active, false) AS active,
       CASE WHEN s.slot_name IS NULL OR s.wal_status = 'lost' OR (s.restart_lsn IS NULL AND NOT s.active)
            THEN 'lost' ELSE 'ok' END AS status
FROM cache_notify.registered_consumers r
     CROSS JOIN (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) d
     CROSS JOIN (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                             ELSE pg_catalog.pg_current_wal_flush_lsn() END AS here) w
     LEFT JOIN pg_catalog.pg_replication_slots s
            ON s.slot_name = pg_catalog.concat('cache_notify_', d.oid, '_', r.name);

-- The publication that pgoutput asks for; it publishes no table. The warning that wal_level is not logical is for those who
-- want delivery durable, and attach tells them.
CREATE FUNCTION cache_notify.adopt_publication() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT
    AS 'MODULE_PATHNAME', 'adopt_publication_wrapper';
SELECT pg_catalog.set_config('client_min_messages', 'error', true), pg_catalog.set_config('log_min_messages', 'error', true);
CREATE PUBLICATION cache_notify;
SELECT pg_catalog.set_config('client_min_messages', 'warning', true), pg_catalog.set_config('log_min_messages', 'warning', true);
SELECT cache_notify.adopt_publication();
