COMMENT ON SCHEMA cache_notify IS 'Cache invalidation messages from triggers';
COMMENT ON FUNCTION cache_notify.invalidate_cache() IS
    'Trigger function, AFTER, row or statement level: sends the keys of the changed rows at commit. Arguments: channel, key columns, then ''--'' and options (key=, keys=, only=, payload=, max_keys=, delivery=)';
COMMENT ON FUNCTION cache_notify.attach(regclass, name[], text, text, text[], name[], text, integer, boolean) IS
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
COMMENT ON COLUMN cache_notify.attached.moved_rows IS 'A row-level trigger sees the rows that MERGE moves to another partition';
COMMENT ON COLUMN cache_notify.attached.enabled IS 'pg_trigger.tgenabled: O origin, A always, R replica, D disabled';
COMMENT ON COLUMN cache_notify.attached.uncovered_partitions IS
    'Partitions without the triggers, whose direct writes go unnoticed; attach again to cover them';
COMMENT ON FUNCTION cache_notify.read_snapshot() IS
    'The snapshot that the statement reads with, on a standby too, where pg_current_snapshot leaves out what is in progress; for pg_visible_in_snapshot';
COMMENT ON FUNCTION cache_notify.wal_origin() IS
    'What positions of the write-ahead log can be compared within: its timeline, and the extension as it was created';
COMMENT ON TABLE cache_notify.registered_consumers IS 'The consumers that were added; their slots are in pg_replication_slots';
COMMENT ON TABLE cache_notify.prepared_messages IS
    'Messages of prepared transactions of delivery durable, until the publisher has sent them';
COMMENT ON FUNCTION cache_notify.add_consumer(text) IS
    'Makes a consumer, or makes a lost one anew, and returns the position from which on it misses nothing';
COMMENT ON FUNCTION cache_notify.drop_consumer(text) IS 'Drops a consumer and its slot; 42704 where there is none';
COMMENT ON FUNCTION cache_notify.changes_since(text, integer) IS
    'What a consumer has not confirmed, in order of commits, whole transactions, about up_to rows; 55000 when it has missed something: drop everything cached';
COMMENT ON FUNCTION cache_notify.confirm(text, pg_lsn) IS
    'What ends at this position or before is done with: changes_since no longer returns it. Takes effect at once';
COMMENT ON VIEW cache_notify.consumers IS 'The consumers, with how far they are behind';
COMMENT ON COLUMN cache_notify.consumers.name IS 'As given to add_consumer';
COMMENT ON COLUMN cache_notify.consumers."position" IS 'The last position that was confirmed; null without a slot';
COMMENT ON COLUMN cache_notify.consumers.lag_bytes IS 'Write-ahead log since then, whatever is in it';
COMMENT ON COLUMN cache_notify.consumers.kept_bytes IS
    'Write-ahead log that the consumer keeps the server from removing: what cache_notify.max_lag bounds';
COMMENT ON COLUMN cache_notify.consumers.lag IS
    'Time since it last confirmed or found nothing to read, exact to 10 seconds; 0 where lag_bytes is 0';
COMMENT ON COLUMN cache_notify.consumers.active IS 'A session is reading it at this moment';
COMMENT ON COLUMN cache_notify.consumers.status IS 'ok, or lost: it has missed something and must be added again';
COMMENT ON FUNCTION cache_notify.adopt_publication() IS
    'Makes the publication cache_notify a member of the extension, for its script';
COMMENT ON PUBLICATION cache_notify IS 'For the consumers of cache_notify; publishes no table';

-- Whoever owns a table may attach it, and each function checks that; events are no more than NOTIFY, which is open to all.
GRANT USAGE ON SCHEMA cache_notify TO PUBLIC;
REVOKE ALL ON FUNCTION cache_notify.follow_partitions() FROM PUBLIC;
REVOKE ALL ON FUNCTION cache_notify.ring_databases(), cache_notify.ring_state() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cache_notify.ring_databases(), cache_notify.ring_state() TO pg_monitor;
GRANT SELECT ON cache_notify.attached, cache_notify.stats, cache_notify.health TO pg_monitor;
-- What consumers read names rows of every attached table.
REVOKE ALL ON FUNCTION cache_notify.add_consumer(text), cache_notify.drop_consumer(text),
    cache_notify.changes_since(text, integer), cache_notify.confirm(text, pg_lsn),
    cache_notify.adopt_publication() FROM PUBLIC;
GRANT SELECT ON cache_notify.consumers TO pg_monitor;
