-- Every object that an extension brings carries a comment: it is the documentation that \d+ and \df+ show.
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS object,
       'has no comment' AS problem
FROM pg_extension e
JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
WHERE e.extname IN ('pb_compat', 'shard_router', 'cache_notify', 'maintenance_worker')
  AND c.relkind IS DISTINCT FROM 'S'
  AND coalesce(obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)), '') = ''
ORDER BY 1;
