CREATE FUNCTION sqlite.typeof(value "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_typeof_wrapper';
COMMENT ON FUNCTION sqlite.typeof("any") IS
    'storage class that the value has in SQLite: null, integer, real, text or blob';
