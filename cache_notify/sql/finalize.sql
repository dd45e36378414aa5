COMMENT ON SCHEMA cache_notify IS 'Cache invalidation messages from triggers';
COMMENT ON FUNCTION cache_notify.invalidate_cache() IS
    'Trigger function, AFTER, row or statement level: sends the keys of the changed rows at commit. Arguments: channel, key columns, then ''--'' and options (key=, keys=, only=, payload=, max_keys=, delivery=)';
COMMENT ON FUNCTION cache_notify.attach(regclass, name[], text, text, text[], name[], text, integer) IS
    'Creates the triggers that send the keys of changed rows, on the table and all its partitions; attaching again replaces. For the owner of the table';
COMMENT ON FUNCTION cache_notify.detach(regclass) IS
    'Drops what attach created; 42704 where there is nothing. For the owner of the table';
COMMENT ON FUNCTION cache_notify.publish_event(text, text, text, text, text) IS
    'Sends {"type","collection","id","node_id"} at commit; node_id is the setting cache_notify.node_id';
COMMENT ON FUNCTION cache_notify.trigger_options(bytea) IS
    'What the arguments of a trigger (pg_trigger.tgargs) say, for the view cache_notify.attached';
COMMENT ON FUNCTION cache_notify.follow_partitions() IS
    'Event trigger function: gives new partitions the triggers of the attached table at the top of their tree';
COMMENT ON EVENT TRIGGER cache_notify_follow_partitions IS
    'Covers partitions that are created or attached after cache_notify.attach';
COMMENT ON FUNCTION cache_notify.ring_databases() IS
    'What the shared memory of delivery async knows of each database, for the view cache_notify.stats';
COMMENT ON FUNCTION cache_notify.ring_state() IS
    'The shared memory of delivery async as a whole, for the view cache_notify.stats; visited: the listeners of every database were told of the start';
COMMENT ON VIEW cache_notify.stats IS 'Counters since the server started, one row for each database that sent something';
COMMENT ON COLUMN cache_notify.stats.database IS 'Name of the database';
COMMENT ON COLUMN cache_notify.stats.notified IS 'Messages that transactions sent themselves: delivery notify';
COMMENT ON COLUMN cache_notify.stats.keys IS 'Messages that transactions handed over: delivery async';
COMMENT ON COLUMN cache_notify.stats.messages IS 'Messages that the publisher sent';
COMMENT ON COLUMN cache_notify.stats.coalesced IS 'Messages not sent since an equal one went out in the same batch';
COMMENT ON COLUMN cache_notify.stats.overflows IS 'Messages that had no room; their channels were told to drop everything';
COMMENT ON COLUMN cache_notify.stats.batches IS 'Transactions of the publisher';
COMMENT ON COLUMN cache_notify.stats.errors IS 'Transactions of the publisher that failed and were tried again';
COMMENT ON COLUMN cache_notify.stats.waiting IS 'Messages in the ring that are not sent yet';
COMMENT ON COLUMN cache_notify.stats.waiting_bytes IS 'Their size';
COMMENT ON COLUMN cache_notify.stats.waiting_since IS 'Since when there are messages to send';
COMMENT ON COLUMN cache_notify.stats.last_publish IS 'When the publisher last sent something';
COMMENT ON COLUMN cache_notify.stats.last_overflow IS 'When a message last had no room';
COMMENT ON COLUMN cache_notify.stats.last_error IS 'When a transaction of the publisher last failed';
COMMENT ON COLUMN cache_notify.stats.publisher_pid IS 'Process ID of the publisher; null where there is none';
COMMENT ON COLUMN cache_notify.stats.publisher_state IS 'working, sleeping, awaited (messages wait for it to start), none (nothing to do) or off';
COMMENT ON COLUMN cache_notify.stats.ring_size IS 'Bytes of the ring, shared by all databases; null where the library is not preloaded';
COMMENT ON COLUMN cache_notify.stats.epoch IS 'When the server made the ring';
COMMENT ON COLUMN cache_notify.stats.queue_usage IS 'How full the notification queue of the server is, from 0 to 1';
COMMENT ON VIEW cache_notify.health IS 'What is wrong in this database, one row for each problem; none when all is well';
COMMENT ON COLUMN cache_notify.health.problem IS 'What it is';
COMMENT ON COLUMN cache_notify.health.object IS 'The table or the like that has the problem; null where it has no name';
COMMENT ON COLUMN cache_notify.health.since IS 'Since when, or when last, where that is known';
COMMENT ON COLUMN cache_notify.health.hint IS 'What to do';
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
REVOKE ALL ON FUNCTION cache_notify.ring_databases(), cache_notify.ring_state() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cache_notify.ring_databases(), cache_notify.ring_state() TO pg_monitor;
GRANT SELECT ON cache_notify.attached, cache_notify.stats, cache_notify.health TO pg_monitor;
