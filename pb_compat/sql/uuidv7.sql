-- PostgreSQL 18's functions, for code that is written for it.
CREATE FUNCTION @extschema@.uuidv7() RETURNS uuid
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'uuid_generate_v7_wrapper';

CREATE FUNCTION @extschema@.uuidv7(shift interval) RETURNS uuid
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'uuid_generate_v7_shifted_wrapper';

COMMENT ON FUNCTION @extschema@.uuidv7() IS
    'new version 7 UUID, as PostgreSQL 18 has it: the same as uuid_generate_v7()';
COMMENT ON FUNCTION @extschema@.uuidv7(interval) IS
    'new version 7 UUID whose time is moved by the interval, as PostgreSQL 18 has it';
