-- Which transactions the values that a statement reads come from: see docs/cache_notify.md, "Filling a cache without a race".
CREATE FUNCTION cache_notify.read_snapshot() RETURNS pg_catalog.pg_snapshot
    LANGUAGE c STABLE PARALLEL SAFE STRICT
    AS 'MODULE_PATHNAME', 'read_snapshot';

-- What a position of the write-ahead log means something in: a timeline, since another one begins where a standby is promoted or a
-- backup is restored to a point in time, and what the old one had beyond that is gone from the tables while caches may hold
-- it; and the extension as it was created, since it is created anew where a dump is restored. Null on a standby.
CREATE FUNCTION cache_notify.wal_origin() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
           pg_catalog.concat(pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8), '/',
               (SELECT oid FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'cache_notify'))
       END
$$;

-- What there should be a slot of logical replication for. A slot belongs to the server and is in no dump; the row is, so that
-- a consumer learns that it has missed something.
CREATE TABLE cache_notify.registered_consumers (
    name text COLLATE "C" PRIMARY KEY,
    slot name NOT NULL,
    origin text NOT NULL,
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
                 OR r.origin <> w.origin
            THEN 'lost' ELSE 'ok' END AS status
FROM cache_notify.registered_consumers r
     CROSS JOIN (
         SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                     ELSE pg_catalog.pg_current_wal_flush_lsn() END AS here,
                cache_notify.wal_origin() AS origin) w
     LEFT JOIN pg_catalog.pg_replication_slots s
            ON s.slot_name = r.slot AND s.database = pg_catalog.current_database();

-- Messages of prepared transactions, for those who listen: the publisher sends them after COMMIT PREPARED.
CREATE TABLE cache_notify.prepared_messages (
    message bytea NOT NULL
);

-- The publication that pgoutput asks for; it publishes no table. The warning that wal_level is not logical is for those who
-- want delivery durable, and attach tells them.
CREATE FUNCTION cache_notify.adopt_publication() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT
    AS 'MODULE_PATHNAME', 'adopt_publication_wrapper';
SELECT pg_catalog.set_config('client_min_messages', 'error', true), pg_catalog.set_config('log_min_messages', 'error', true);
CREATE PUBLICATION cache_notify;
SELECT pg_catalog.set_config('client_min_messages', 'warning', true), pg_catalog.set_config('log_min_messages', 'warning', true);
SELECT cache_notify.adopt_publication();
