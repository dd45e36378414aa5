CREATE VIEW maintenance.runs AS
    SELECT id, finished, duration, kind, relation, action, object, outcome, sqlstate, error, hint, rows
    FROM maintenance.history;
COMMENT ON VIEW maintenance.runs IS 'What past runs did and how it ended, one row per action';

CREATE VIEW maintenance.status AS
    SELECT p.kind, p.relation, p.description, s.last_run, s.last_outcome,
           CASE WHEN s.failures > 0 THEN s.retry_at ELSE s.next_run END AS next_run,
           COALESCE(s.failures, 0) AS failures, s.sqlstate, s.error, s.hint,
           x.ahead AS partitions_ahead, x.default_rows
    FROM (
        SELECT 'partition'::pg_catalog.text AS kind, parent AS relation,
               pg_catalog.format('every %s, %s ahead, retention %s',
                   COALESCE(period::pg_catalog.text, id_period::pg_catalog.text || ' ids'), premake,
                   COALESCE(retention::pg_catalog.text, id_retention::pg_catalog.text || ' ids', 'unlimited')) AS description
        FROM maintenance.partition_policies
        UNION ALL
        SELECT 'refresh', matview, pg_catalog.format('%s, %s', schedule, time_zone)
        FROM maintenance.refresh_policies
    ) p
    JOIN pg_catalog.pg_class c ON c.oid = p.relation
    LEFT JOIN maintenance.state s ON s.kind = p.kind AND s.relation = p.relation::pg_catalog.oid
    LEFT JOIN maintenance.partition_status() x ON p.kind = 'partition' AND x.parent = p.relation;
COMMENT ON VIEW maintenance.status IS 'Each policy with its last and next run; next_run is NULL for partition policies, which every pass looks at. partitions_ahead begin after now, default_rows are counted up to 10,000';

CREATE VIEW maintenance.health AS
    WITH extents AS MATERIALIZED (SELECT * FROM maintenance.partition_status())
    SELECT s.kind, c.oid::pg_catalog.regclass AS relation, s.sqlstate, s.error AS problem, s.hint, s.failures, s.last_run,
           s.retry_at AS next_run
    FROM maintenance.state s
    JOIN pg_catalog.pg_class c ON c.oid = s.relation
    WHERE s.failures > 0
    UNION ALL
    SELECT 'partition', parent, '01000',
           pg_catalog.format('rows in the default partition: %s%s', CASE WHEN default_rows >= 10000 THEN 'at least ' END, default_rows),
           'No partition was there for them. maintenance.create_partitions() makes one and moves them into it.', 0, NULL, NULL
    FROM extents
    WHERE default_rows > 0
    UNION ALL
    SELECT 'partition', parent, '01000', 'the type of the partition key ends before the partitions that should be kept ready',
           'Change the key to a larger type: what comes after its last value cannot be stored.', 0, NULL, NULL
    FROM extents
    WHERE key_ends
    UNION ALL
    SELECT 'refresh', p.matview, '01000',
           pg_catalog.format('column %s of a unique index holds nulls', pg_catalog.quote_ident(a.attname)),
           'REFRESH CONCURRENTLY finds no row again by a null and rewrites it each time; with many of them it may take for ever. Use a column without nulls, or concurrently => false.', 0, NULL, NULL
    FROM maintenance.refresh_policies p
    JOIN pg_catalog.pg_index i ON i.indrelid = p.matview
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    JOIN pg_catalog.pg_statistic s ON s.starelid = a.attrelid AND s.staattnum = a.attnum
    WHERE COALESCE(p."concurrently", true)
      AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND s.stanullfrac > 0;
COMMENT ON VIEW maintenance.health IS 'One row per problem, with what to do about it: policies whose last run failed, and, with SQLSTATE 01000, what will be a problem later';

CREATE VIEW maintenance.coverage_gaps AS
    SELECT parent, lower, upper
    FROM maintenance.plan()
    WHERE action OPERATOR(pg_catalog.=) 'create';
COMMENT ON VIEW maintenance.coverage_gaps IS 'Ranges between now and the horizon of a policy that no partition covers, for the tables that the caller may maintain, or all for members of pg_monitor';

CREATE VIEW maintenance.metrics AS
    WITH policies AS (
        SELECT p.kind, p.relation, s.last_run, COALESCE(s.failures, 0) AS failures,
               CASE WHEN s.failures > 0 THEN s.retry_at ELSE s.next_run END AS next_run,
               pg_catalog.jsonb_build_object('kind', p.kind, 'relation', pg_catalog.format('%I.%I', n.nspname, c.relname)) AS labels
        FROM (SELECT 'partition' AS kind, parent AS relation FROM maintenance.partition_policies
              UNION ALL
              SELECT 'refresh', matview FROM maintenance.refresh_policies) p
        JOIN pg_catalog.pg_class c ON c.oid = p.relation
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN maintenance.state s ON s.kind = p.kind AND s.relation = p.relation::pg_catalog.oid
    ), partitions AS MATERIALIZED (
        SELECT x.*, p.labels
        FROM maintenance.partition_status() x
        JOIN policies p ON p.kind = 'partition' AND p.relation = x.parent
    )
    SELECT 'maintenance_policies'::pg_catalog.text AS name, pg_catalog.jsonb_build_object('kind', k.kind) AS labels,
           (SELECT pg_catalog.count(*) FROM policies p WHERE p.kind = k.kind)::pg_catalog.float8 AS value
    FROM (VALUES ('partition'), ('refresh')) k (kind)
    UNION ALL SELECT 'maintenance_policy_failures', labels, failures FROM policies
    UNION ALL SELECT 'maintenance_policy_last_run_timestamp_seconds', labels, EXTRACT(epoch FROM last_run) FROM policies WHERE last_run IS NOT NULL
    UNION ALL SELECT 'maintenance_policy_next_run_timestamp_seconds', labels, EXTRACT(epoch FROM next_run) FROM policies WHERE next_run IS NOT NULL
    UNION ALL SELECT 'maintenance_partitions', labels, partitions FROM partitions WHERE partitions IS NOT NULL
    UNION ALL SELECT 'maintenance_partitions_ahead', labels, ahead FROM partitions WHERE ahead IS NOT NULL
    UNION ALL SELECT 'maintenance_coverage_gaps', labels, missing FROM partitions WHERE missing IS NOT NULL
    UNION ALL SELECT 'maintenance_default_partition_rows', labels, default_rows FROM partitions WHERE default_rows IS NOT NULL
    UNION ALL
    SELECT m.name, pg_catalog.jsonb_build_object('kind', kind, 'relation', relation, 'action', action, 'outcome', outcome), m.value
    FROM maintenance.totals
    CROSS JOIN LATERAL (VALUES ('maintenance_actions_total', actions), ('maintenance_actions_seconds_total', seconds)) m (name, value);
COMMENT ON VIEW maintenance.metrics IS 'Numbers for a Prometheus SQL exporter: those that end in _total only grow, the others are gauges';
