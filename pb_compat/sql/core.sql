-- A json value is stored as the text that it was written as, and so is judged by the same code.
CREATE FUNCTION @extschema@.json_valid(document json) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'json_valid_wrapper';

CREATE FUNCTION @extschema@.json_valid(document json, flags integer) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'json_valid_flags_wrapper';

-- Collation for comparisons that ignore case.
DO $do$
BEGIN
    CREATE COLLATION @extschema@.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    COMMENT ON COLLATION @extschema@.nocase IS
        'ICU und-u-ks-level2, not deterministic: compares text without regard to case';
    -- Some versions create it where it can compare nothing.
    PERFORM 'a' = 'A' COLLATE @extschema@.nocase;
EXCEPTION WHEN feature_not_supported OR invalid_object_definition OR invalid_parameter_value THEN
    RAISE WARNING 'collation "nocase" was not created'
        USING DETAIL = SQLERRM,
              HINT = 'It needs a server built with ICU and a database whose encoding ICU supports. Everything else of pb_compat works without.';
END
$do$;

-- Collation "C" folds ASCII letters only, in every database.
CREATE FUNCTION @extschema@.nocase_key(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.lower(value COLLATE pg_catalog."C");

-- The session context. Plain SQL, so that the planner can inline the getters into a policy.
CREATE FUNCTION @extschema@.pb_auth_set(id text, role text) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    BEGIN ATOMIC
        SELECT pg_catalog.set_config('pb.auth.id'::text, COALESCE(id, ''::text), true),
               pg_catalog.set_config('pb.auth.role'::text, COALESCE(role, ''::text), true);
    END;

CREATE FUNCTION @extschema@.pb_auth_clear() RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    BEGIN ATOMIC
        SELECT pg_catalog.set_config('pb.auth.id'::text, ''::text, true),
               pg_catalog.set_config('pb.auth.role'::text, ''::text, true);
    END;

-- A placeholder that was set in an earlier transaction reads as empty, not as missing.
CREATE FUNCTION @extschema@.pb_auth_id() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(pg_catalog.current_setting('pb.auth.id'::text, true), ''::text);

CREATE FUNCTION @extschema@.pb_auth_role() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(pg_catalog.current_setting('pb.auth.role'::text, true), ''::text);

-- Locks by name, through the server's own functions, which clients may call with the key as well.
CREATE FUNCTION @extschema@.pb_try_lock(name text) RETURNS boolean
    LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
    RETURN pg_catalog.pg_try_advisory_lock(@extschema@.pb_lock_key(name));

CREATE FUNCTION @extschema@.pb_unlock(name text) RETURNS boolean
    LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
    RETURN pg_catalog.pg_advisory_unlock(@extschema@.pb_lock_key(name));

CREATE FUNCTION @extschema@.pb_try_xact_lock(name text) RETURNS boolean
    LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
    RETURN pg_catalog.pg_try_advisory_xact_lock(@extschema@.pb_lock_key(name));

COMMENT ON FUNCTION @extschema@.uuid_generate_v7() IS
    'new version 7 UUID (RFC 9562), greater than every one this backend made before';
COMMENT ON FUNCTION @extschema@.uuid_generate_v7(timestamptz) IS
    'new random version 7 UUID of the given millisecond; before 1970, after 10889 or infinite: error 22008';
COMMENT ON FUNCTION @extschema@.uuid_v7_to_timestamptz(uuid) IS
    'time that a version 7 UUID holds, to the millisecond; any other UUID: error 22023';
COMMENT ON FUNCTION @extschema@.uuid_timestamptz_to_v7(timestamptz, boolean) IS
    'version 7 UUID of the given millisecond; zero: the least one, as a range boundary, otherwise a random one';
COMMENT ON FUNCTION @extschema@.json_valid(text) IS
    'whether the text is JSON (RFC 8259), nested at most 1000 deep; never raises an error';
COMMENT ON FUNCTION @extschema@.json_valid(text, integer) IS
    'whether the text has one of the forms in flags, as in SQLite: 1 RFC 8259, 2 JSON5; 4 and 8, the binary form, no text has; other flags: error 22023';
COMMENT ON FUNCTION @extschema@.json_valid(json) IS
    'whether the value is nested at most 1000 deep; it is JSON already';
COMMENT ON FUNCTION @extschema@.json_valid(json, integer) IS
    'the same answer as for the value''s text: false for the flags 4, 8 and 12';
COMMENT ON FUNCTION @extschema@.json_valid(jsonb) IS
    'whether the value is nested at most 1000 deep; it is JSON already';
COMMENT ON FUNCTION @extschema@.json_valid(jsonb, integer) IS
    'whether the value is nested at most 1000 deep, whatever the flags; flags outside 1 to 15: error 22023';
COMMENT ON FUNCTION @extschema@.jsonb_valid(text) IS
    'whether a cast of the text to jsonb succeeds, nested at most 1000 deep; never raises an error';
COMMENT ON FUNCTION @extschema@.nocase_key(text) IS
    'the text with A to Z in lower case and everything else as it is, as SQLite''s collation NOCASE compares it';
COMMENT ON FUNCTION @extschema@.pb_auth_set(text, text) IS
    'sets pb.auth.id and pb.auth.role until the end of the transaction; NULL clears';
COMMENT ON FUNCTION @extschema@.pb_auth_id() IS 'pb.auth.id, or NULL while it is unset or empty';
COMMENT ON FUNCTION @extschema@.pb_auth_role() IS 'pb.auth.role, or NULL while it is unset or empty';
COMMENT ON FUNCTION @extschema@.pb_auth_clear() IS
    'clears pb.auth.id and pb.auth.role until the end of the transaction';
COMMENT ON FUNCTION @extschema@.pb_lock_key(text) IS
    'advisory lock key of a name: FNV-1a, 64 bits, over its UTF-8 bytes, as int64(fnv.New64a()) of Go';
COMMENT ON FUNCTION @extschema@.pb_try_lock(text) IS
    'takes the named lock for the session if it is free; false if another session holds it';
COMMENT ON FUNCTION @extschema@.pb_unlock(text) IS
    'releases the named lock of the session; false, with a warning, if the session does not hold it';
COMMENT ON FUNCTION @extschema@.pb_try_xact_lock(text) IS
    'takes the named lock until the end of the transaction if it is free; false if another session holds it';
