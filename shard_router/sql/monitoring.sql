-- What an administrator looks at, and what other routers are told.

CREATE FUNCTION shard_router.outdated_functions(tbl regclass) RETURNS SETOF text
    LANGUAGE c STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'outdated_functions_wrapper';

-- Even is what a shard would have if every remainder of its table's keys came equally often: of modulus n one n-th.
CREATE VIEW shard_router.skew AS
    SELECT s.tbl, s.shard, s.relation, s.estimated_rows,
           round(s.estimated_rows * s.modulus / nullif(sum(s.estimated_rows) OVER w, 0), 2) AS rows_to_even,
           s.bytes,
           round(s.bytes::numeric * s.modulus / nullif(sum(s.bytes) OVER w, 0), 2) AS bytes_to_even,
           h.hot_keys
      FROM shard_router.shards AS s
      JOIN pg_catalog.pg_class AS c ON c.oid = s.relation
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN LATERAL (
           SELECT jsonb_agg(jsonb_build_object('column', k.attname, 'key', k.key, 'fraction', round(k.fraction::numeric, 4))
                            ORDER BY k.fraction DESC, k.key) AS hot_keys
             FROM (SELECT p.attname, v.key, v.fraction
                     FROM pg_catalog.pg_partitioned_table AS t
                     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.partrelid AND a.attnum = ANY (t.partattrs::int2[])
                     JOIN pg_catalog.pg_stats AS p
                       ON p.schemaname = n.nspname AND p.tablename = c.relname AND p.attname = a.attname AND NOT p.inherited
                    CROSS JOIN LATERAL unnest(p.most_common_vals::text::text[], p.most_common_freqs) AS v(key, fraction)
                    WHERE t.partrelid = s.tbl
                    ORDER BY v.fraction DESC, v.key LIMIT 5) AS k) AS h ON true
    WINDOW w AS (PARTITION BY s.tbl);

-- One row for each thing that wants attention; none is what one wants to see.
CREATE VIEW shard_router.health AS
    SELECT t.tbl, 'missing shard' AS problem, NULL::regclass AS relation,
           format('No partition takes remainder %s of modulus %s.', r.remainder, m.modulus) AS detail
      FROM shard_router.sharded_tables AS t
     CROSS JOIN LATERAL (SELECT coalesce(max(s.modulus), 1) AS modulus FROM shard_router.shards AS s WHERE s.tbl = t.tbl) AS m
     CROSS JOIN LATERAL generate_series(0, m.modulus - 1) AS r(remainder)
     WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.tbl)
       AND NOT EXISTS (SELECT FROM shard_router.shards AS s WHERE s.tbl = t.tbl AND r.remainder % s.modulus = s.remainder)
    UNION ALL
    SELECT s.tbl, 'index missing or invalid', s.relation,
           format('There is no valid index for %s.', i.indexrelid::regclass)
      FROM shard_router.shards AS s
      JOIN pg_catalog.pg_class AS c ON c.oid = s.relation AND c.relkind IN ('r', 'p')
      JOIN pg_catalog.pg_index AS i ON i.indrelid = s.tbl
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS h
                         JOIN pg_catalog.pg_index AS x ON x.indexrelid = h.inhrelid
                        WHERE h.inhparent = i.indexrelid AND x.indrelid = s.relation AND x.indisvalid)
    UNION ALL
    SELECT t.tbl, 'never analysed', c.oid::regclass, 'There are rows, and no statistics of them.'
      FROM shard_router.sharded_tables AS t
     CROSS JOIN LATERAL pg_catalog.pg_partition_tree(t.tbl) AS l
      JOIN pg_catalog.pg_class AS c ON c.oid = l.relid
     WHERE c.relkind IN ('r', 'p') AND c.reltuples < 0
       AND EXISTS (SELECT FROM pg_catalog.pg_partition_tree(l.relid) AS b
                    WHERE b.isleaf AND pg_catalog.pg_relation_size(b.relid) > 0)
    UNION ALL
    SELECT t.tbl, 'function outdated', NULL, format('Function %s is missing or does not fit the table any more.', f.name)
      FROM shard_router.sharded_tables AS t
     CROSS JOIN LATERAL shard_router.outdated_functions(t.tbl) AS f(name)
     WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.tbl);

CREATE FUNCTION shard_router.export_config(tbl regclass, format text) RETURNS text
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'export_config_wrapper';
CREATE FUNCTION shard_router.distribute(tbl regclass, engine text DEFAULT 'citus') RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'distribute_wrapper';
CREATE FUNCTION shard_router.undistribute(tbl regclass) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'undistribute_wrapper';

COMMENT ON FUNCTION shard_router.outdated_functions(regclass) IS 'names of the functions that refresh_functions would make anew';
COMMENT ON VIEW shard_router.skew IS 'rows and bytes of each shard against an even spread, and its most common keys as far as the reader may see them';
COMMENT ON VIEW shard_router.health IS 'what wants attention: missing shards and indexes, missing statistics, outdated functions';
COMMENT ON FUNCTION shard_router.export_config(regclass, text) IS 'the table''s layout as a configuration of PgDog (pgdog) or ShardingSphere (shardingsphere)';
COMMENT ON FUNCTION shard_router.distribute(regclass, text) IS 'hand a table to another engine; there is none yet';
COMMENT ON FUNCTION shard_router.undistribute(regclass) IS 'take a table back from another engine; there is none yet';

GRANT SELECT ON shard_router.skew, shard_router.health TO pg_monitor;
GRANT EXECUTE ON FUNCTION shard_router.outdated_functions(regclass) TO PUBLIC;
-- Their checks are those of ALTER TABLE: the caller must own the table.
GRANT EXECUTE ON FUNCTION shard_router.export_config(regclass, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION shard_router.distribute(regclass, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION shard_router.undistribute(regclass) TO PUBLIC;
