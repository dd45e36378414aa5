CREATE VIEW maintenance.runs AS
    SELECT id, finished, duration, kind, relation, action, object, outcome, sqlstate, error, hint, rows
    FROM maintenance.history;
COMMENT ON VIEW maintenance.runs IS 'What past runs did and how it ended, one row per action';

CREATE VIEW maintenance.status AS
    SELECT p.kind, p.relation, p.description, s.last_run, s.last_outcome,
           CASE WHEN s.failures > 0 THEN s.retry_at ELSE s.next_run END AS next_run,
           COALESCE(s.failures, 0) AS failures, s.sqlstate, s.error, s.hint
    FROM (
        SELECT 'partition'::pg_catalog.text AS kind, parent AS relation,
               pg_catalog.format('every %s, %s ahead, retention %s', period, premake, COALESCE(retention::pg_catalog.text, 'unlimited')) AS description
        FROM maintenance.partition_policies
        UNION ALL
        SELECT 'refresh', matview, pg_catalog.format('%s, %s', schedule, time_zone)
        FROM maintenance.refresh_policies
    ) p
    JOIN pg_catalog.pg_class c ON c.oid = p.relation
    LEFT JOIN maintenance.state s ON s.kind = p.kind AND s.relation = p.relation::pg_catalog.oid;
COMMENT ON VIEW maintenance.status IS 'Each policy with its last and next run; next_run is NULL for partition policies, which every pass looks at';

CREATE VIEW maintenance.health AS
    SELECT kind, relation, sqlstate, error AS problem, hint, failures, last_run, next_run
    FROM maintenance.status
    WHERE failures > 0;
COMMENT ON VIEW maintenance.health IS 'One row per policy whose last run failed, with what to do about it';

CREATE VIEW maintenance.coverage_gaps AS
    SELECT parent, lower, upper
    FROM maintenance.plan()
    WHERE action OPERATOR(pg_catalog.=) 'create';
COMMENT ON VIEW maintenance.coverage_gaps IS 'Ranges between now and the horizon of a policy that no partition covers, for the tables that the caller may maintain, or all for members of pg_monitor';
