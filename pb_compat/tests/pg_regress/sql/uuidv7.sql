-- Since 18 the functions are PostgreSQL's own, with messages of their own.
SELECT current_setting('server_version_num')::int >= 180000 AS native \gset
\if :native
\quit
\endif
SELECT extname FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE d.objid IN ('uuidv7()'::regprocedure, 'uuidv7(interval)'::regprocedure) AND d.deptype = 'e';
SELECT provolatile, proparallel, proisstrict, obj_description(oid, 'pg_proc') IS NOT NULL AS comment FROM pg_proc WHERE proname = 'uuidv7';
SELECT substr(uuidv7()::text, 15, 1) AS version, substr(uuidv7('1 day')::text, 15, 1) AS shifted;
CREATE FUNCTION pg_temp.error_of(query text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    state := 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;
\pset format unaligned
SELECT query, e.* FROM unnest(ARRAY[
    $$SELECT uuidv7('-100 years'::interval)$$,
    $$SELECT uuidv7('9000 years'::interval)$$,
    $$SELECT uuidv7('170000000 years'::interval)$$
]) AS query, pg_temp.error_of(query) AS e;
