-- No SET search_path: defaults and triggers of the table see the caller's, as in an INSERT of the caller's own. The
-- functions' statements qualify every name.
CREATE FUNCTION shard_router.insert_many(tbl regclass, rows jsonb) RETURNS int8
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'insert_many_json';
CREATE FUNCTION shard_router.insert_many(tbl regclass, rows refcursor) RETURNS int8
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'insert_many_cursor';

COMMENT ON FUNCTION shard_router.insert_many(regclass, jsonb) IS 'insert a JSON array of rows in one statement; returns their number';
COMMENT ON FUNCTION shard_router.insert_many(regclass, refcursor) IS 'insert the rows of a cursor in one statement; returns their number';

-- They run with the caller's rights on the table.
GRANT EXECUTE ON FUNCTION shard_router.insert_many(regclass, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION shard_router.insert_many(regclass, refcursor) TO PUBLIC;
