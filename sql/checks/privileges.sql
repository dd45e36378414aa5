-- PUBLIC may look at what is meant for everybody, and change nothing.
WITH members AS (
    SELECT d.classid, d.objid
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
    WHERE e.extname IN ('pb_compat', 'shard_router', 'cache_notify', 'maintenance_worker')
)
SELECT c.oid::regclass::text AS object,
       'PUBLIC has ' || a.privilege_type AS problem
FROM members m
JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
CROSS JOIN LATERAL aclexplode(c.relacl) a
WHERE a.grantee = 0 AND a.privilege_type <> 'SELECT'
UNION ALL
SELECT 'schema ' || n.nspname, 'PUBLIC has ' || a.privilege_type
FROM members m
JOIN pg_namespace n ON m.classid = 'pg_namespace'::regclass AND n.oid = m.objid
CROSS JOIN LATERAL aclexplode(n.nspacl) a
WHERE a.grantee = 0 AND a.privilege_type <> 'USAGE'
ORDER BY 1, 2;
