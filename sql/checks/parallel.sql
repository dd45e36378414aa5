-- A function whose result depends on its arguments or on the database alone has no reason to keep a plan from parallel workers.
SELECT p.oid::regprocedure::text AS object,
       'is not VOLATILE and yet PARALLEL UNSAFE' AS problem
FROM pg_extension e
JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
WHERE e.extname IN ('pb_compat', 'shard_router', 'cache_notify', 'maintenance_worker')
  AND p.provolatile <> 'v'
  AND p.proparallel = 'u'
ORDER BY 1;
