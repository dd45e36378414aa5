-- A SECURITY DEFINER function resolves names by a path that its caller cannot change.
SELECT p.oid::regprocedure::text AS object,
       'is SECURITY DEFINER without search_path = pg_catalog, pg_temp' AS problem
FROM pg_extension e
JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
WHERE e.extname IN ('pb_compat', 'shard_router', 'cache_notify', 'maintenance_worker')
  AND p.prosecdef
  AND NOT coalesce(p.proconfig && ARRAY['search_path=pg_catalog, pg_temp'], false)
ORDER BY 1;
