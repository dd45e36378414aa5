-- Request log: one row per HTTP request, one partition per day.
--
--   psql -v ON_ERROR_STOP=1 -f sql/request_logs.sql
--
-- May be run again at any time. Needs the extension pb_compat; hands the partitions to maintenance_worker where that is
-- installed. The partitions are UNLOGGED: a log line is written without WAL, and a crash of the server empties them.
-- (The parent cannot say so itself: PostgreSQL 18 refuses UNLOGGED on a partitioned table.)

CREATE EXTENSION IF NOT EXISTS pb_compat;

CREATE TABLE IF NOT EXISTS request_logs (
    id         uuid        NOT NULL DEFAULT uuid_generate_v7(),
    created    timestamptz NOT NULL DEFAULT now(),
    method     text        NOT NULL,
    url        text        NOT NULL,
    status     smallint    NOT NULL CHECK (status BETWEEN 100 AND 999),
    exec_time  real        CHECK (exec_time >= 0),
    remote_ip  inet,
    auth_id    text,
    referer    text,
    user_agent text,
    -- A partitioned table's key must hold the partition key. The id leads, so that a look-up by id finds it.
    PRIMARY KEY (id, created)
) PARTITION BY RANGE (created);

-- The viewer's page: the newest requests first, within a span of time.
CREATE INDEX IF NOT EXISTS request_logs_created ON request_logs (created DESC);
-- "What went wrong": errors are few, so the index is small beside the one above and read in the viewer's order.
CREATE INDEX IF NOT EXISTS request_logs_errors ON request_logs (status, created DESC) WHERE status >= 400;
-- "What did this client do", for abuse and rate limits.
CREATE INDEX IF NOT EXISTS request_logs_remote_ip ON request_logs (remote_ip, created DESC);

COMMENT ON TABLE request_logs IS 'one row per HTTP request; partitioned by day, partitions unlogged';
COMMENT ON COLUMN request_logs.id IS 'UUID of version 7';
COMMENT ON COLUMN request_logs.created IS 'when the request arrived; the partition key';
COMMENT ON COLUMN request_logs.method IS 'HTTP method';
COMMENT ON COLUMN request_logs.url IS 'path and query as requested';
COMMENT ON COLUMN request_logs.status IS 'HTTP status of the answer';
COMMENT ON COLUMN request_logs.exec_time IS 'time until the answer was complete, in milliseconds; NULL where a log does not say';
COMMENT ON COLUMN request_logs.remote_ip IS 'address of the client';
COMMENT ON COLUMN request_logs.auth_id IS 'who was signed in, as pb_auth_id() says it';
COMMENT ON COLUMN request_logs.referer IS 'HTTP header Referer';
COMMENT ON COLUMN request_logs.user_agent IS 'HTTP header User-Agent';

-- Partitions: today's and the next seven, dropped after 30 days.
DO $do$
BEGIN
    IF to_regclass('maintenance.status') IS NULL THEN
        RAISE NOTICE 'request_logs has no partitions yet, so it takes no rows'
            USING HINT = 'Run CREATE EXTENSION maintenance_worker and this script again, or create partitions by hand: '
                'CREATE UNLOGGED TABLE request_logs_20250101 PARTITION OF request_logs FOR VALUES FROM (''2025-01-01'') TO (''2025-01-02'').';
    ELSIF NOT EXISTS (SELECT FROM maintenance.status WHERE relation = 'request_logs'::regclass) THEN
        PERFORM maintenance.add_partition_policy('request_logs', period => '1 day'::interval, premake => 7,
                                                 retention => '30 days'::interval, unlogged => true);
    END IF;
END
$do$;
