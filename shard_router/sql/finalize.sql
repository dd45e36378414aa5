COMMENT ON SCHEMA shard_router IS 'one key, one shard: sharded tables and their routing functions';
COMMENT ON TABLE shard_router.sharded_tables IS 'sharded tables; written by create_sharded_table, emptied by DROP TABLE';
COMMENT ON COLUMN shard_router.sharded_tables.tbl IS 'the partitioned table';
COMMENT ON COLUMN shard_router.sharded_tables.entity IS 'what one row is, as in insert_<entity>';
COMMENT ON COLUMN shard_router.sharded_tables.owner_name IS 'whom a row belongs to, as in get_<table>_by_<owner>';
COMMENT ON COLUMN shard_router.sharded_tables.shard_prefix IS 'shards are named <prefix>_<remainder>';
COMMENT ON TABLE shard_router.table_functions IS 'the functions generated for each sharded table';
COMMENT ON COLUMN shard_router.table_functions.tbl IS 'the partitioned table';
COMMENT ON COLUMN shard_router.table_functions.kind IS 'table: key to relation name; insert: one row; select: the rows of a key';
COMMENT ON COLUMN shard_router.table_functions.function_schema IS 'the function''s schema';
COMMENT ON COLUMN shard_router.table_functions.function_name IS 'the function''s name';
COMMENT ON VIEW shard_router.shards IS 'every shard of every sharded table: bound, estimated rows (null before the first ANALYZE) and bytes with indexes';
COMMENT ON FUNCTION shard_router.hash_key(anyelement, int) IS 'shard of a key among so many, as PARTITION BY HASH places it';
COMMENT ON FUNCTION shard_router.shard_of(regclass, anyelement) IS 'number of the shard that a key of the table belongs to';
COMMENT ON FUNCTION shard_router.shard_table(regclass, anyelement) IS 'relation that holds the rows of a key of the table';
COMMENT ON FUNCTION shard_router.create_sharded_table(regclass, name, int, text, name, name) IS 'turn an empty table into a hash-partitioned one with routing functions';
COMMENT ON FUNCTION shard_router.refresh_functions(regclass) IS 'generate a sharded table''s functions again, after its columns have changed';
COMMENT ON FUNCTION shard_router.modulo_hash(int2, int8) IS 'partition hash that puts key k into remainder k % n';
COMMENT ON FUNCTION shard_router.modulo_hash(int4, int8) IS 'partition hash that puts key k into remainder k % n';
COMMENT ON FUNCTION shard_router.modulo_hash(int8, int8) IS 'partition hash that puts key k into remainder k % n';
COMMENT ON FUNCTION shard_router.forget_dropped_tables() IS 'drops the functions and the registry row of a dropped table';
COMMENT ON EVENT TRIGGER shard_router_forget_dropped_tables IS 'drops the functions and the registry row of a dropped table';
COMMENT ON OPERATOR FAMILY shard_router.modulo_ops USING hash IS 'partitioning by key % n';
COMMENT ON OPERATOR CLASS shard_router.int2_modulo_ops USING hash IS 'partitioning by key % n';
COMMENT ON OPERATOR CLASS shard_router.int4_modulo_ops USING hash IS 'partitioning by key % n';
COMMENT ON OPERATOR CLASS shard_router.int8_modulo_ops USING hash IS 'partitioning by key % n';

-- The generated functions run with their caller's rights and read the registry, which holds names that the system
-- catalogs show to everybody as well.
GRANT USAGE ON SCHEMA shard_router TO PUBLIC;
GRANT SELECT ON shard_router.sharded_tables, shard_router.table_functions TO PUBLIC;
GRANT SELECT ON shard_router.shards TO pg_monitor;
-- Its checks are those of ALTER TABLE: the caller must own the table.
GRANT EXECUTE ON FUNCTION shard_router.create_sharded_table(regclass, name, int, text, name, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION shard_router.refresh_functions(regclass) TO PUBLIC;
REVOKE EXECUTE ON FUNCTION shard_router.forget_dropped_tables() FROM PUBLIC;
