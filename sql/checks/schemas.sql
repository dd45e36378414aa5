-- Nothing stands in the system's schema, and each extension keeps to its own (pb_compat to the one chosen at CREATE EXTENSION, and sqlite).
WITH members AS (
    SELECT e.extname, d.classid, d.objid, i.schema
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) i
    WHERE e.extname IN ('pb_compat', 'shard_router', 'cache_notify', 'maintenance_worker')
)
SELECT pg_describe_object(classid, objid, 0) AS object,
       'of ' || extname || ' stands in schema ' || schema AS problem
FROM members
WHERE NOT (extname = 'pb_compat' AND schema = 'sqlite')
  AND schema <> CASE extname WHEN 'pb_compat' THEN 'public' WHEN 'maintenance_worker' THEN 'maintenance' ELSE extname END
ORDER BY 1;
