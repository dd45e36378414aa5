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
