-- Tables that exist already: filled ones and partitioned ones.

CREATE FUNCTION shard_router.adopt_table(
    tbl regclass,
    shard_key name,
    shards int DEFAULT 10,
    strategy text DEFAULT 'hash',
    entity name DEFAULT NULL,
    owner_name name DEFAULT NULL
) RETURNS regclass
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'adopt_table_wrapper';
CREATE FUNCTION shard_router.adopt_table(
    tbl regclass,
    shard_key text[],
    shards int DEFAULT 10,
    strategy text DEFAULT 'hash',
    entity name DEFAULT NULL,
    owner_name name DEFAULT NULL
) RETURNS regclass
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'adopt_table_by_columns_wrapper';

CREATE FUNCTION shard_router.register_table(parent regclass, entity name DEFAULT NULL, owner_name name DEFAULT NULL)
    RETURNS SETOF regprocedure
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'register_table_wrapper';
CREATE FUNCTION shard_router.unregister_table(parent regclass) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'unregister_table_wrapper';

COMMENT ON FUNCTION shard_router.create_sharded_table(regclass, text[], int, text, name, name) IS 'turn an empty table into one that is hash-partitioned by several columns, with routing functions';
COMMENT ON FUNCTION shard_router.adopt_table(regclass, name, int, text, name, name) IS 'turn a table with rows into a hash-partitioned one with routing functions';
COMMENT ON FUNCTION shard_router.adopt_table(regclass, text[], int, text, name, name) IS 'turn a table with rows into one that is hash-partitioned by several columns, with routing functions';
COMMENT ON FUNCTION shard_router.register_table(regclass, name, name) IS 'generate routing functions for a hash-partitioned table as it is';
COMMENT ON FUNCTION shard_router.unregister_table(regclass) IS 'drop a table''s routing functions and leave the table as it is';

-- Their checks are those of ALTER TABLE: the caller must own the table.
GRANT EXECUTE ON FUNCTION shard_router.create_sharded_table(regclass, text[], int, text, name, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION shard_router.adopt_table(regclass, name, int, text, name, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION shard_router.adopt_table(regclass, text[], int, text, name, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION shard_router.register_table(regclass, name, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION shard_router.unregister_table(regclass) TO PUBLIC;
