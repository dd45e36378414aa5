COMMENT ON SCHEMA maintenance IS 'Partition maintenance and refresh of materialized views';
COMMENT ON TABLE maintenance.partition_policies IS 'Policies of partitioned tables; written by maintenance.add_, alter_ and remove_partition_policy';
COMMENT ON TABLE maintenance.refresh_policies IS 'Policies of materialized views; written by maintenance.add_, alter_ and remove_refresh_policy';
COMMENT ON TABLE maintenance.state IS 'Outcome of the last run of each policy';
COMMENT ON TABLE maintenance.expiring IS 'Partitions that are dropped as soon as their detach is complete';
COMMENT ON TABLE maintenance.totals IS 'Actions of all runs since the extension was created, counted';
COMMENT ON TABLE maintenance.history IS 'Actions of past runs, pruned after maintenance_worker.history_retention';
COMMENT ON FUNCTION maintenance.policies_written() IS 'Has the worker look at this database soon; a trigger of the tables of policies';
COMMENT ON TRIGGER policies_written ON maintenance.partition_policies IS 'Has the worker look at this database soon';
COMMENT ON TRIGGER policies_written ON maintenance.refresh_policies IS 'Has the worker look at this database soon';
COMMENT ON INDEX maintenance.history_finished_idx IS 'Finds what is old enough to be pruned';
COMMENT ON SEQUENCE maintenance.history_id_seq IS 'Numbers the actions of past runs';

-- Everybody may call the functions: each one checks that the caller owns the table or view it names, and the rows of
-- the policies are written through them alone.
GRANT USAGE ON SCHEMA maintenance TO PUBLIC;
-- A trigger of the extension's own tables, and of no others.
REVOKE EXECUTE ON FUNCTION maintenance.policies_written() FROM PUBLIC;

GRANT SELECT ON maintenance.partition_policies, maintenance.refresh_policies, maintenance.runs, maintenance.status, maintenance.health, maintenance.coverage_gaps, maintenance.metrics TO pg_monitor;
