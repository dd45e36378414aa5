-- Metrics and daily statistics.
--
--   psql -v ON_ERROR_STOP=1 -f sql/request_logs.sql -f sql/monitoring.sql
--
-- May be run again at any time. Reads request_logs, so sql/request_logs.sql comes first; hands partitions and view to
-- maintenance_worker where that is installed.

CREATE SCHEMA IF NOT EXISTS monitoring;
COMMENT ON SCHEMA monitoring IS 'metrics of the application and statistics of its requests';

CREATE TABLE IF NOT EXISTS monitoring.metrics (
    "time" timestamptz      NOT NULL DEFAULT now(),
    name   text             NOT NULL,
    value  double precision NOT NULL,
    labels jsonb            NOT NULL DEFAULT '{}'
) PARTITION BY RANGE ("time");

-- Samples arrive in the order of time, so a summary per 32 pages finds a span of it at a thousandth of a B-tree's size.
CREATE INDEX IF NOT EXISTS metrics_time ON monitoring.metrics USING brin ("time") WITH (pages_per_range = 32);

COMMENT ON TABLE monitoring.metrics IS 'samples of measured values; partitioned by day, partitions unlogged';
COMMENT ON COLUMN monitoring.metrics."time" IS 'when it was measured; the partition key';
COMMENT ON COLUMN monitoring.metrics.name IS 'what was measured, with its unit, such as http_request_duration_seconds';
COMMENT ON COLUMN monitoring.metrics.value IS 'the measured value';
COMMENT ON COLUMN monitoring.metrics.labels IS 'which instance of it, as a JSON object of strings';

-- Days are those of UTC, as the partitions are, so that every session computes the same view.
CREATE MATERIALIZED VIEW IF NOT EXISTS monitoring.daily_stats AS
SELECT (created AT TIME ZONE 'UTC')::date AS day,
       count(*) AS requests,
       count(*) FILTER (WHERE status >= 500) AS server_errors,
       count(*) FILTER (WHERE status BETWEEN 400 AND 499) AS client_errors,
       count(DISTINCT remote_ip) AS clients,
       count(DISTINCT auth_id) AS users,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY exec_time) AS p50_ms,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY exec_time) AS p95_ms,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY exec_time) AS p99_ms,
       max(exec_time) AS max_ms
FROM request_logs
GROUP BY 1;

-- REFRESH .. CONCURRENTLY matches old and new rows by it.
CREATE UNIQUE INDEX IF NOT EXISTS daily_stats_day ON monitoring.daily_stats (day);

COMMENT ON MATERIALIZED VIEW monitoring.daily_stats IS
    'requests per day (UTC): counts, distinct clients and users, percentiles of the time to answer in milliseconds';

DO $do$
BEGIN
    IF to_regclass('maintenance.status') IS NULL THEN
        RAISE NOTICE 'monitoring.metrics has no partitions yet, and nothing refreshes monitoring.daily_stats'
            USING HINT = 'Run CREATE EXTENSION maintenance_worker and this script again, or create partitions of monitoring.metrics and '
                'run REFRESH MATERIALIZED VIEW CONCURRENTLY monitoring.daily_stats by hand.';
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM maintenance.status WHERE relation = 'monitoring.metrics'::regclass) THEN
        PERFORM maintenance.add_partition_policy('monitoring.metrics', period => '1 day'::interval, premake => 7,
                                                 retention => '30 days'::interval, unlogged => true);
    END IF;
    IF NOT EXISTS (SELECT FROM maintenance.status WHERE relation = 'monitoring.daily_stats'::regclass) THEN
        PERFORM maintenance.add_refresh_policy('monitoring.daily_stats', schedule => '1 minute');
    END IF;
END
$do$;
