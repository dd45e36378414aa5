-- One row for each table that is being split or of which a shard is being moved. It changes in the transaction whose work
-- it tells of, so what it says is true at every commit, and whoever finds it after a crash can go on or undo.
CREATE TABLE shard_router.operations (
    tbl regclass PRIMARY KEY,
    command text NOT NULL CHECK (command IN ('split', 'move')),
    step text NOT NULL DEFAULT 'prepare' CHECK (step IN ('prepare', 'capture', 'copy', 'replay', 'swap', 'finish')),
    factor int NOT NULL DEFAULT 1,
    node name,
    pending regclass[] NOT NULL,
    shard regclass,
    modulus int,
    remainder int,
    targets regclass[] NOT NULL DEFAULT '{}',
    change_log regclass,
    filenode oid,
    blocks_total bigint NOT NULL DEFAULT 0,
    blocks_done bigint NOT NULL DEFAULT 0,
    rows_total bigint NOT NULL DEFAULT 0,
    rows_copied bigint NOT NULL DEFAULT 0,
    changes_applied bigint NOT NULL DEFAULT 0,
    changes_pending bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    pid int,
    statement_at timestamptz
);

SELECT pg_catalog.pg_extension_config_dump('shard_router.operations', '');

CREATE FUNCTION shard_router.begin_split(tbl regclass, factor int) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'begin_split_wrapper';

CREATE FUNCTION shard_router.advance_operation(tbl regclass) RETURNS double precision
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'advance_operation_wrapper';

CREATE FUNCTION shard_router.cancel_operation(tbl regclass) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'cancel_operation_wrapper';

-- The triggers of a shard that is being copied. Only the extension makes them: EXECUTE is nobody's.
CREATE FUNCTION shard_router.log_change() RETURNS trigger
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'log_change';

-- A procedure that commits can have no SET clause, so every name is qualified. Each round is a transaction: the function
-- does a step's work, and the snapshot of a statement must be a new one, whatever the session's default.
CREATE PROCEDURE shard_router.split_shards(tbl regclass, factor int)
    LANGUAGE plpgsql
AS $$
DECLARE
    pause double precision;
BEGIN
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    PERFORM shard_router.begin_split(tbl, factor);
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

-- Shaped as the server's own pg_stat_progress_ views are.
CREATE VIEW shard_router.progress AS
    SELECT a.pid,
           d.oid AS datid,
           d.datname,
           o.tbl::oid AS relid,
           o.tbl,
           o.command,
           CASE WHEN a.pid IS NULL THEN 'interrupted at ' || o.step ELSE o.step END AS phase,
           o.shard,
           o.node,
           pg_catalog.cardinality(o.pending) AS shards_left,
           o.rows_total AS tuples_total,
           o.rows_copied AS tuples_done,
           o.blocks_total,
           o.blocks_done,
           o.changes_applied,
           o.changes_pending,
           CASE WHEN a.pid IS NOT NULL THEN pg_catalog.pg_blocking_pids(a.pid) END AS blockers,
           o.started_at
      FROM shard_router.operations AS o
      JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
      LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = o.pid AND a.query_start = o.statement_at;

-- What an operation has made goes with its table.
CREATE FUNCTION shard_router.forget_dropped_operations() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    left_over regclass;
BEGIN
    DELETE FROM shard_router.local_keys AS k
     USING pg_event_trigger_dropped_objects() AS d
     WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND k.tbl::oid = d.objid;
    FOR left_over IN
        WITH forgotten AS (
            DELETE FROM shard_router.operations AS o
             USING pg_event_trigger_dropped_objects() AS d
             WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND o.tbl::oid = d.objid
            RETURNING o.targets || o.change_log AS made
        )
        SELECT c.oid FROM forgotten AS f CROSS JOIN LATERAL unnest(f.made) AS m (oid) JOIN pg_class AS c ON c.oid = m.oid
         WHERE NOT c.relispartition
    LOOP
        EXECUTE format('DROP TABLE IF EXISTS %s', left_over);
    END LOOP;
END
$$;

CREATE EVENT TRIGGER shard_router_forget_dropped_operations ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED')
    EXECUTE FUNCTION shard_router.forget_dropped_operations();

COMMENT ON TABLE shard_router.operations IS 'splits and moves under way or interrupted; written by the procedures alone';
COMMENT ON COLUMN shard_router.operations.tbl IS 'the partitioned table';
COMMENT ON COLUMN shard_router.operations.command IS 'split or move';
COMMENT ON COLUMN shard_router.operations.step IS 'what the next transaction does';
COMMENT ON COLUMN shard_router.operations.factor IS 'into how many each shard is split';
COMMENT ON COLUMN shard_router.operations.node IS 'where the shard is moved to; null for this server';
COMMENT ON COLUMN shard_router.operations.pending IS 'the shards that are left to do, the present one first';
COMMENT ON COLUMN shard_router.operations.shard IS 'the shard at hand';
COMMENT ON COLUMN shard_router.operations.modulus IS 'its modulus';
COMMENT ON COLUMN shard_router.operations.remainder IS 'its remainder';
COMMENT ON COLUMN shard_router.operations.targets IS 'the tables that take its place';
COMMENT ON COLUMN shard_router.operations.change_log IS 'the keys of rows that changed since the copy began';
COMMENT ON COLUMN shard_router.operations.filenode IS 'the file that blocks_done counts in';
COMMENT ON COLUMN shard_router.operations.blocks_total IS 'blocks to copy';
COMMENT ON COLUMN shard_router.operations.blocks_done IS 'blocks copied';
COMMENT ON COLUMN shard_router.operations.rows_total IS 'estimated rows of the shard';
COMMENT ON COLUMN shard_router.operations.rows_copied IS 'rows copied';
COMMENT ON COLUMN shard_router.operations.changes_applied IS 'logged changes applied to the targets';
COMMENT ON COLUMN shard_router.operations.changes_pending IS 'logged changes not applied yet, when last looked at';
COMMENT ON COLUMN shard_router.operations.started_at IS 'when the operation was begun';
COMMENT ON COLUMN shard_router.operations.pid IS 'the backend that works or worked on it';
COMMENT ON COLUMN shard_router.operations.statement_at IS 'when that backend''s statement began';
COMMENT ON VIEW shard_router.progress IS 'splits and moves: how far, and who is in the way';
COMMENT ON FUNCTION shard_router.begin_split(regclass, int) IS 'part of split_shards: enters the operation or takes it up again';
COMMENT ON FUNCTION shard_router.advance_operation(regclass) IS 'part of split_shards and move_shard: one step; returns the seconds to wait before the next, null at the end';
COMMENT ON FUNCTION shard_router.cancel_operation(regclass) IS 'undo a split or move that is interrupted: the shard at hand stays as it is';
COMMENT ON FUNCTION shard_router.log_change() IS 'trigger of a shard that is being copied: notes the keys of changed rows';
COMMENT ON PROCEDURE shard_router.split_shards(regclass, int) IS 'split each shard of a table into so many, while it is in use';
COMMENT ON FUNCTION shard_router.forget_dropped_operations() IS 'drops what a dropped table''s split or move has made, and forgets its keys';
COMMENT ON EVENT TRIGGER shard_router_forget_dropped_operations IS 'drops what a dropped table''s split or move has made, and forgets its keys';

GRANT SELECT ON shard_router.operations, shard_router.progress TO PUBLIC;
REVOKE EXECUTE ON FUNCTION shard_router.log_change(), shard_router.forget_dropped_operations() FROM PUBLIC;
