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
    max_keys integer DEFAULT 1000,
    moved_rows boolean DEFAULT false
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
    channel text DEFAULT 'pb_events',
    delivery text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
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

CREATE FUNCTION cache_notify.ring_databases(
    OUT database oid,
    OUT notified bigint,
    OUT keys bigint,
    OUT messages bigint,
    OUT coalesced bigint,
    OUT overflows bigint,
    OUT batches bigint,
    OUT errors bigint,
    OUT waiting bigint,
    OUT waiting_bytes bigint,
    OUT waiting_since timestamptz,
    OUT last_publish timestamptz,
    OUT last_overflow timestamptz,
    OUT last_error timestamptz,
    OUT publisher_pid integer,
    OUT publisher_state text
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED STRICT ROWS 10
    AS 'MODULE_PATHNAME', 'ring_databases_wrapper';

CREATE FUNCTION cache_notify.ring_state(
    OUT preloaded boolean,
    OUT ring_size bigint,
    OUT epoch timestamptz,
    OUT launcher_pid integer,
    OUT no_worker_since timestamptz,
    OUT visited boolean,
    OUT publisher boolean
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED STRICT ROWS 1
    AS 'MODULE_PATHNAME', 'ring_state_wrapper';
