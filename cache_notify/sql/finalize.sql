COMMENT ON SCHEMA cache_notify IS 'Cache invalidation messages from triggers';
COMMENT ON FUNCTION cache_notify.invalidate_cache() IS
    'Trigger function, AFTER, row or statement level: sends the keys of the changed rows at commit. Arguments: channel, key columns, then ''--'' and options (key=, keys=, only=, payload=, max_keys=, delivery=)';
COMMENT ON FUNCTION cache_notify.attach(regclass, name[], text, text, text[], name[], text, integer) IS
    'Creates the triggers that send the keys of changed rows, on the table and all its partitions; attaching again replaces. For the owner of the table';
COMMENT ON FUNCTION cache_notify.detach(regclass) IS
    'Drops what attach created; 42704 where there is nothing. For the owner of the table';
COMMENT ON FUNCTION cache_notify.publish_event(text, text, text, text) IS
    'Sends {"type","collection","id","node_id"} at commit; node_id is the setting cache_notify.node_id';
COMMENT ON FUNCTION cache_notify.trigger_options(bytea) IS
    'What the arguments of a trigger (pg_trigger.tgargs) say, for the view cache_notify.attached';
COMMENT ON FUNCTION cache_notify.follow_partitions() IS
    'Event trigger function: gives new partitions the triggers of the attached table at the top of their tree';
COMMENT ON EVENT TRIGGER cache_notify_follow_partitions IS
    'Covers partitions that are created or attached after cache_notify.attach';
COMMENT ON VIEW cache_notify.attached IS 'The attached tables, one row each, with what attach was told';
COMMENT ON COLUMN cache_notify.attached.tbl IS 'The table; of a partition tree the one at the top';
COMMENT ON COLUMN cache_notify.attached.key_columns IS 'The columns of {id}; the primary key where none were given';
COMMENT ON COLUMN cache_notify.attached.channel IS 'The channel to LISTEN on';
COMMENT ON COLUMN cache_notify.attached.payload IS 'key, event or json';
COMMENT ON COLUMN cache_notify.attached.keys IS 'The key templates; null for payload event';
COMMENT ON COLUMN cache_notify.attached.only_columns IS 'An UPDATE that changes none of these and no key sends nothing; null: every UPDATE sends';
COMMENT ON COLUMN cache_notify.attached.delivery IS 'How messages travel: notify, async or durable';
COMMENT ON COLUMN cache_notify.attached.max_keys IS 'More distinct keys than this in a transaction become one *';
COMMENT ON COLUMN cache_notify.attached.enabled IS 'pg_trigger.tgenabled: O origin, A always, R replica, D disabled';
COMMENT ON COLUMN cache_notify.attached.uncovered_partitions IS
    'Partitions without the triggers, whose direct writes go unnoticed; attach again to cover them';

-- Whoever owns a table may attach it, and each function checks that; events are no more than NOTIFY, which is open to all.
GRANT USAGE ON SCHEMA cache_notify TO PUBLIC;
REVOKE ALL ON FUNCTION cache_notify.follow_partitions() FROM PUBLIC;
GRANT SELECT ON cache_notify.attached TO pg_monitor;
