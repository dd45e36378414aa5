CREATE SCHEMA shard_router;

-- One row a sharded table. What the server's own catalogs know (the key, its type, the partitions and their bounds) is
-- read there, so nothing here can disagree with them.
CREATE TABLE shard_router.sharded_tables (
    tbl regclass PRIMARY KEY,
    entity name NOT NULL,
    owner_name name NOT NULL,
    shard_prefix name NOT NULL
);

-- Functions by name, not by OID: a dump keeps names. No foreign key: a parallel restore loads the two tables in any order.
CREATE TABLE shard_router.table_functions (
    tbl regclass NOT NULL,
    kind text NOT NULL CHECK (kind IN ('table', 'insert', 'select')),
    function_schema name NOT NULL,
    function_name name NOT NULL,
    PRIMARY KEY (tbl, kind),
    UNIQUE (function_schema, function_name)
);

SELECT pg_catalog.pg_extension_config_dump('shard_router.sharded_tables', '');
SELECT pg_catalog.pg_extension_config_dump('shard_router.table_functions', '');

CREATE FUNCTION shard_router.hash_key(key anyelement, shards int) RETURNS int
    LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'hash_key_wrapper';

CREATE FUNCTION shard_router.shard_of(tbl regclass, key anyelement) RETURNS int
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'shard_of_wrapper';

CREATE FUNCTION shard_router.shard_table(tbl regclass, key anyelement) RETURNS regclass
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'shard_table_wrapper';

CREATE FUNCTION shard_router.create_sharded_table(
    template regclass,
    shard_key name,
    shards int DEFAULT 10,
    strategy text DEFAULT 'hash',
    entity name DEFAULT NULL,
    owner_name name DEFAULT NULL
) RETURNS regclass
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'create_sharded_table_wrapper';

-- The same for a key of several columns. A quoted literal is taken for a name: give ARRAY['tenant_id', 'user_id'].
CREATE FUNCTION shard_router.create_sharded_table(
    template regclass,
    shard_key text[],
    shards int DEFAULT 10,
    strategy text DEFAULT 'hash',
    entity name DEFAULT NULL,
    owner_name name DEFAULT NULL
) RETURNS regclass
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'create_sharded_table_by_columns_wrapper';

CREATE FUNCTION shard_router.refresh_functions(tbl regclass) RETURNS SETOF regprocedure
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'refresh_functions_wrapper';

-- Key k hashes to what makes the server's partitioning divide k itself by the modulus.
CREATE FUNCTION shard_router.modulo_hash(key int2, seed int8) RETURNS int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'modulo_hash_int2_wrapper';
CREATE FUNCTION shard_router.modulo_hash(key int4, seed int8) RETURNS int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'modulo_hash_int4_wrapper';
CREATE FUNCTION shard_router.modulo_hash(key int8, seed int8) RETURNS int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'modulo_hash_int8_wrapper';

-- The first support function is the server's own: the planner may take a hash function for joins and grouping from any
-- family that has the operator, and this family has the ordinary `=`. Partitioning uses the second one alone.
CREATE OPERATOR FAMILY shard_router.modulo_ops USING hash;
CREATE OPERATOR CLASS shard_router.int2_modulo_ops FOR TYPE int2 USING hash FAMILY shard_router.modulo_ops AS
    OPERATOR 1 pg_catalog.= (int2, int2),
    FUNCTION 1 pg_catalog.hashint2(int2),
    FUNCTION 2 shard_router.modulo_hash(int2, int8);
CREATE OPERATOR CLASS shard_router.int4_modulo_ops FOR TYPE int4 USING hash FAMILY shard_router.modulo_ops AS
    OPERATOR 1 pg_catalog.= (int4, int4),
    FUNCTION 1 pg_catalog.hashint4(int4),
    FUNCTION 2 shard_router.modulo_hash(int4, int8);
CREATE OPERATOR CLASS shard_router.int8_modulo_ops FOR TYPE int8 USING hash FAMILY shard_router.modulo_ops AS
    OPERATOR 1 pg_catalog.= (int8, int8),
    FUNCTION 1 pg_catalog.hashint8(int8),
    FUNCTION 2 shard_router.modulo_hash(int8, int8);
ALTER OPERATOR FAMILY shard_router.modulo_ops USING hash ADD
    OPERATOR 1 pg_catalog.= (int2, int4),
    OPERATOR 1 pg_catalog.= (int2, int8),
    OPERATOR 1 pg_catalog.= (int4, int2),
    OPERATOR 1 pg_catalog.= (int4, int8),
    OPERATOR 1 pg_catalog.= (int8, int2),
    OPERATOR 1 pg_catalog.= (int8, int4);

CREATE VIEW shard_router.shards AS
    SELECT t.tbl,
           b.bound[2]::int AS shard,
           c.oid::regclass AS relation,
           b.bound[1]::int AS modulus,
           b.bound[2]::int AS remainder,
           CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8 END AS estimated_rows,
           -- of a shard that is partitioned itself: what its own partitions take
           (SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(l.relid))::int8
              FROM pg_catalog.pg_partition_tree(c.oid) AS l WHERE l.isleaf) AS bytes
      FROM shard_router.sharded_tables AS t
      JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.tbl
      JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relispartition
     CROSS JOIN LATERAL pg_catalog.regexp_match(
               pg_catalog.pg_get_expr(c.relpartbound, c.oid),
               '^FOR VALUES WITH \(modulus (\d+), remainder (\d+)\)$'
           ) AS b(bound)
     WHERE NOT i.inhdetachpending;

-- DROP TABLE takes the table's functions and its row of the registry along. The functions cannot simply depend on the
-- table: a dump keeps no such dependency.
--
-- SECURITY DEFINER because whoever drops a table may not write the registry. It drops only what the registry names for
-- the dropped table and what still is a function of this library.
CREATE FUNCTION shard_router.forget_dropped_tables() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fn regprocedure;
BEGIN
    FOR fn IN
        SELECT p.oid
          FROM pg_event_trigger_dropped_objects() AS d
          JOIN shard_router.table_functions AS f ON f.tbl::oid = d.objid
          JOIN pg_namespace AS n ON n.nspname = f.function_schema
          JOIN pg_proc AS p ON p.pronamespace = n.oid AND p.proname = f.function_name
         WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0
           AND p.prolang = (SELECT l.oid FROM pg_language AS l WHERE l.lanname = 'c')
           AND p.prosrc = 'route_' || f.kind
           AND p.probin = '$libdir/shard_router'
    LOOP
        EXECUTE format('DROP FUNCTION %s', fn);
    END LOOP;
    DELETE FROM shard_router.table_functions AS f
     USING pg_event_trigger_dropped_objects() AS d
     WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND f.tbl::oid = d.objid;
    DELETE FROM shard_router.sharded_tables AS t
     USING pg_event_trigger_dropped_objects() AS d
     WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND t.tbl::oid = d.objid;
END
$$;

CREATE EVENT TRIGGER shard_router_forget_dropped_tables ON sql_drop
    EXECUTE FUNCTION shard_router.forget_dropped_tables();
