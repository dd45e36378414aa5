-- Every object that an extension brings carries a comment: it is the documentation that \d+ and \df+ show.
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS object,
       'has no comment' AS problem
FROM pg_extension e
JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
LEFT JOIN pg_class row_of ON row_of.oid = t.typrelid
WHERE e.extname IN ('pb_compat', 'shard_router', 'cache_notify', 'maintenance_worker')
  AND c.relkind IS DISTINCT FROM 'S'
  -- PostgreSQL 18 counts what comes with a table or a type: its row type, its array type.
  AND coalesce(row_of.relkind, 'c') = 'c'
  AND coalesce(t.typcategory, '') <> 'A'
  AND coalesce(obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)), '') = ''
ORDER BY 1;
