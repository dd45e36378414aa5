-- A node is a server of postgres_fdw of this type and by the node's name, so the server's own errors name it, and a dump
-- carries it.
CREATE FUNCTION shard_router.add_node(
    name name,
    host text,
    port int,
    dbname text,
    options jsonb DEFAULT '{}'
) RETURNS void
    LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    allowed CONSTANT text[] := '{fetch_size,batch_size,use_remote_estimate,sslmode,sslrootcert,connect_timeout,keepalives,keepalives_idle,keepalives_interval,keepalives_count,application_name,tcp_user_timeout}';
    wrong text;
    server text;
    mapping text;
BEGIN
    IF name IS NULL OR host IS NULL OR port IS NULL OR dbname IS NULL OR options IS NULL THEN
        RAISE EXCEPTION 'name, host, port, dbname and options must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF name = 'local' OR name = '' THEN
        RAISE EXCEPTION 'invalid name "%" of a node', name
            USING ERRCODE = 'invalid_name', HINT = 'The name local stands for this server.';
    END IF;
    IF port NOT BETWEEN 1 AND 65535 THEN
        RAISE EXCEPTION 'port must be between 1 and 65535, not %', port USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF jsonb_typeof(options) <> 'object' THEN
        RAISE EXCEPTION 'options must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT o.key INTO wrong FROM jsonb_each(options) AS o
     WHERE o.key <> ALL (allowed || '{user,password}') OR jsonb_typeof(o.value) NOT IN ('string', 'number', 'boolean')
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'invalid option "%" of a node', wrong
            USING ERRCODE = 'fdw_invalid_option_name',
                  HINT = format('Options are user, password, %s.', array_to_string(allowed, ', '));
    END IF;
    IF NOT EXISTS (SELECT FROM pg_foreign_data_wrapper AS w WHERE w.fdwname = 'postgres_fdw') THEN
        RAISE EXCEPTION 'extension postgres_fdw is not installed'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Use CREATE EXTENSION postgres_fdw, and dblink as well.';
    END IF;
    SELECT string_agg(format('%I %L', o.key, o.value), ', ') INTO server
      FROM jsonb_each_text('{"connect_timeout": 5, "fetch_size": 10000, "batch_size": 1000}' || options
                           || jsonb_build_object('host', host, 'port', port, 'dbname', dbname)) AS o
     WHERE o.key NOT IN ('user', 'password');
    SELECT coalesce(format('OPTIONS (%s)', string_agg(format('%I %L', o.key, o.value), ', ')), '') INTO mapping
      FROM jsonb_each_text(options) AS o WHERE o.key IN ('user', 'password') HAVING count(*) > 0;
    EXECUTE format('CREATE SERVER %I TYPE %L FOREIGN DATA WRAPPER postgres_fdw OPTIONS (%s)', name, 'shard_router', server);
    EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER %I %s', name, coalesce(mapping, ''));
END
$$;

CREATE FUNCTION shard_router.remove_node(name name) RETURNS void
    LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_foreign_server AS s WHERE s.srvname = remove_node.name AND s.srvtype = 'shard_router') THEN
        RAISE EXCEPTION 'node "%" does not exist', name USING ERRCODE = 'undefined_object';
    END IF;
    SELECT string_agg(t.ftrelid::regclass::text, ', ' ORDER BY t.ftrelid::regclass::text) INTO held
      FROM pg_foreign_table AS t JOIN pg_foreign_server AS s ON s.oid = t.ftserver
     WHERE s.srvname = remove_node.name;
    IF held IS NOT NULL THEN
        RAISE EXCEPTION 'node "%" holds shards', name
            USING ERRCODE = 'object_in_use', DETAIL = format('It holds %s.', held),
                  HINT = 'Move them back with shard_router.move_shard, or cancel the operation under way.';
    END IF;
    -- The user mappings go along; nothing else can depend on it.
    EXECUTE format('DROP SERVER %I CASCADE', name);
END
$$;

CREATE VIEW shard_router.nodes AS
    SELECT s.srvname AS name,
           (SELECT o.option_value FROM pg_catalog.pg_options_to_table(s.srvoptions) AS o WHERE o.option_name = 'host') AS host,
           (SELECT o.option_value::int FROM pg_catalog.pg_options_to_table(s.srvoptions) AS o WHERE o.option_name = 'port') AS port,
           (SELECT o.option_value FROM pg_catalog.pg_options_to_table(s.srvoptions) AS o WHERE o.option_name = 'dbname') AS dbname,
           (SELECT pg_catalog.count(*)
              FROM pg_catalog.pg_foreign_table AS t
              JOIN pg_catalog.pg_class AS c ON c.oid = t.ftrelid AND c.relispartition
              JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
              JOIN shard_router.sharded_tables AS r ON r.tbl = i.inhparent
             WHERE t.ftserver = s.oid) AS shards
      FROM pg_catalog.pg_foreign_server AS s
     WHERE s.srvtype = 'shard_router';

CREATE FUNCTION shard_router.node_status(OUT name name, OUT reachable boolean, OUT milliseconds double precision, OUT error text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dblink text;
    began timestamptz;
BEGIN
    SELECT quote_ident(n.nspname) INTO dblink
      FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'dblink';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'extension dblink is not installed'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Use CREATE EXTENSION dblink.';
    END IF;
    FOR name IN SELECT s.srvname FROM pg_foreign_server AS s WHERE s.srvtype = 'shard_router' ORDER BY 1 LOOP
        began := clock_timestamp();
        reachable := true;
        error := NULL;
        BEGIN
            EXECUTE format('SELECT %s.dblink_connect($1, $2)', dblink) USING 'shard_router_status', name::text;
            EXECUTE format('SELECT %s.dblink_disconnect($1)', dblink) USING 'shard_router_status';
        EXCEPTION WHEN OTHERS THEN
            reachable := false;
            error := SQLERRM;
        END;
        milliseconds := extract(epoch FROM clock_timestamp() - began) * 1000;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Unique keys that a table had before one of its shards moved to a node: PostgreSQL has no foreign table below a unique
-- index, so each shard keeps the key for itself. They come back with the last shard.
CREATE TABLE shard_router.local_keys (
    tbl regclass NOT NULL,
    name name NOT NULL,
    definition text NOT NULL,
    is_constraint boolean NOT NULL,
    is_primary boolean NOT NULL,
    columns name[] NOT NULL,
    PRIMARY KEY (tbl, name)
);
SELECT pg_catalog.pg_extension_config_dump('shard_router.local_keys', '');

CREATE FUNCTION shard_router.begin_move(tbl regclass, shard int, node name) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'begin_move_wrapper';

CREATE PROCEDURE shard_router.move_shard(tbl regclass, shard int, node name)
    LANGUAGE plpgsql
AS $$
DECLARE
    pause double precision;
BEGIN
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    PERFORM shard_router.begin_move(tbl, shard, node);
    LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        pause := shard_router.advance_operation(tbl);
        EXIT WHEN pause IS NULL;
        IF pause OPERATOR(pg_catalog.>) 0 THEN
            COMMIT;
            PERFORM pg_catalog.pg_sleep(pause);
        END IF;
    END LOOP;
END
$$;

-- The trigger of a shard on a node.
CREATE FUNCTION shard_router.guard_node() RETURNS trigger
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'guard_node';

CREATE FUNCTION shard_router.fan_out(tbl regclass, query text, partial boolean DEFAULT false) RETURNS SETOF record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'fan_out';

COMMENT ON FUNCTION shard_router.add_node(name, text, int, text, jsonb) IS 'enter a server that can hold shards';
COMMENT ON FUNCTION shard_router.remove_node(name) IS 'forget a node that holds no shards';
COMMENT ON VIEW shard_router.nodes IS 'servers that can hold shards';
COMMENT ON FUNCTION shard_router.node_status() IS 'connect to each node: whether it answers, how fast, and why not';
COMMENT ON TABLE shard_router.local_keys IS 'unique keys that hold for each shard alone while a shard is on a node';
COMMENT ON COLUMN shard_router.local_keys.tbl IS 'the partitioned table';
COMMENT ON COLUMN shard_router.local_keys.name IS 'the index''s name';
COMMENT ON COLUMN shard_router.local_keys.definition IS 'the constraint, or the index from USING on';
COMMENT ON COLUMN shard_router.local_keys.is_constraint IS 'whether it is a constraint';
COMMENT ON COLUMN shard_router.local_keys.is_primary IS 'whether it is the primary key';
COMMENT ON COLUMN shard_router.local_keys.columns IS 'its columns';
COMMENT ON FUNCTION shard_router.begin_move(regclass, int, name) IS 'part of move_shard: enters the operation or takes it up again';
COMMENT ON PROCEDURE shard_router.move_shard(regclass, int, name) IS 'move a shard to a node, or back with null or local, while it is in use';
COMMENT ON FUNCTION shard_router.guard_node() IS 'trigger of a shard on a node: one node in a transaction';
COMMENT ON FUNCTION shard_router.fan_out(regclass, text, boolean) IS 'run a query on every shard, {shard} standing for its name, on all nodes at once';

GRANT SELECT ON shard_router.local_keys, shard_router.nodes TO PUBLIC;
REVOKE EXECUTE ON FUNCTION shard_router.add_node(name, text, int, text, jsonb), shard_router.remove_node(name),
    shard_router.node_status(), shard_router.begin_move(regclass, int, name), shard_router.guard_node() FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE shard_router.move_shard(regclass, int, name) FROM PUBLIC;
