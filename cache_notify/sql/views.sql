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
       EXISTS (
           SELECT FROM pg_catalog.pg_trigger m
           WHERE m.tgrelid = t.tgrelid AND m.tgname = 'cache_notify_moved' AND m.tgfoid = t.tgfoid) AS moved_rows,
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

-- Without the library preloaded, and before anything was sent, there is the present database with what is known of it.
CREATE VIEW cache_notify.stats AS
SELECT d.datname AS database,
       s.notified,
       s.keys,
       s.messages,
       s.coalesced,
       s.overflows,
       s.batches,
       s.errors,
       s.waiting,
       s.waiting_bytes,
       s.waiting_since,
       s.last_publish,
       s.last_overflow,
       s.last_error,
       s.publisher_pid,
       s.publisher_state,
       r.ring_size,
       r.epoch,
       pg_catalog.pg_notification_queue_usage() AS queue_usage
FROM pg_catalog.pg_database d
     LEFT JOIN cache_notify.ring_databases() s ON s.database = d.oid
     CROSS JOIN cache_notify.ring_state() r
WHERE s.database IS NOT NULL OR d.datname = pg_catalog.current_database();

CREATE VIEW cache_notify.health AS
WITH ring AS (SELECT * FROM cache_notify.ring_state()),
own AS (
    SELECT s.*
    FROM cache_notify.ring_databases() s
         JOIN pg_catalog.pg_database d ON d.oid = s.database
    WHERE d.datname = pg_catalog.current_database()),
-- Also those written by hand.
triggers AS (
    SELECT DISTINCT t.tgrelid::pg_catalog.regclass AS tbl, o.delivery
    FROM pg_catalog.pg_trigger t
         CROSS JOIN LATERAL cache_notify.trigger_options(t.tgargs) o
    WHERE t.tgfoid = 'cache_notify.invalidate_cache()'::pg_catalog.regprocedure)
SELECT 'queue filling' AS problem,
       NULL::text AS object,
       NULL::timestamptz AS since,
       'A session that listens reads nothing or stays in a transaction. Look in pg_stat_activity for the oldest, and end it.' AS hint
WHERE pg_catalog.pg_notification_queue_usage() > 0.5
UNION ALL
SELECT 'ring overflow', NULL, own.last_overflow,
       'Listeners were told to drop everything. If it happens often, raise cache_notify.ring_size.'
FROM own
WHERE own.last_overflow > pg_catalog.now() - '1 hour'::interval
UNION ALL
SELECT 'publisher off', NULL, own.waiting_since,
       'Tables are attached with delivery async or durable. Set cache_notify.publisher to on and reload.'
FROM ring LEFT JOIN own ON true
WHERE ring.preloaded
  AND NOT ring.publisher
  AND EXISTS (SELECT FROM triggers t WHERE t.delivery <> 'notify')
UNION ALL
SELECT 'publisher missing', NULL, own.waiting_since,
       CASE WHEN ring.no_worker_since IS NOT NULL
            THEN 'No slot for a worker is free. Increase max_worker_processes and restart.'
            ELSE 'The log of the server says why no publisher starts.'
       END
FROM ring CROSS JOIN own
WHERE ring.publisher
  AND own.publisher_pid IS NULL
  AND own.waiting_since < pg_catalog.clock_timestamp() - '5 seconds'::interval
UNION ALL
SELECT 'publisher failing', NULL, own.last_error,
       'The log of the server has the error. Messages stay in the ring and are sent again.'
FROM own
WHERE own.last_error > coalesce(own.last_publish, '-infinity')
UNION ALL
SELECT 'partitions uncovered', p.relid::text, NULL,
       'Direct writes to this partition go unnoticed. Call cache_notify.attach again for ' || a.tbl::text || '.'
FROM cache_notify.attached a
     CROSS JOIN LATERAL pg_catalog.unnest(a.uncovered_partitions) AS p (relid)
UNION ALL
SELECT 'not preloaded', t.tbl::text, NULL,
       'Delivery async is sent by NOTIFY at commit instead. Add cache_notify to shared_preload_libraries and restart.'
FROM triggers t CROSS JOIN ring
WHERE t.delivery = 'async' AND NOT ring.preloaded
UNION ALL
SELECT 'wal_level too low', t.tbl::text, NULL,
       'Delivery durable needs wal_level logical. Set it and restart.'
FROM triggers t
WHERE t.delivery = 'durable' AND pg_catalog.current_setting('wal_level') <> 'logical'
UNION ALL
SELECT 'consumer lost', c.name, NULL,
       'It has missed changes. It is told at its next call, and goes on after cache_notify.add_consumer; or drop it with cache_notify.drop_consumer.'
FROM cache_notify.consumers c
WHERE c.status = 'lost' AND NOT pg_catalog.pg_is_in_recovery()
UNION ALL
SELECT 'consumer lagging', c.name, pg_catalog.now() - c.lag,
       'It keeps more than half of the write-ahead log that cache_notify.max_lag allows, and is dropped beyond that.'
FROM cache_notify.consumers c
WHERE c.kept_bytes > pg_catalog.pg_size_bytes(pg_catalog.current_setting('cache_notify.max_lag', true)) / 2
  AND pg_catalog.pg_size_bytes(pg_catalog.current_setting('cache_notify.max_lag', true)) > 0;
