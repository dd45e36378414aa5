-- As on a server with wal_level below logical: no consumers, and every call says what is amiss. What they read is seen
-- in tests/tests/it/cache_durable.rs.
SELECT cache_notify.add_consumer('app');
SELECT cache_notify.add_consumer('App');
SELECT cache_notify.add_consumer('');
SELECT cache_notify.add_consumer(NULL);
SELECT * FROM cache_notify.changes_since('app');
SELECT * FROM cache_notify.changes_since('no-name');
SELECT * FROM cache_notify.changes_since(NULL);
SELECT * FROM cache_notify.changes_since('app', 0);
SELECT * FROM cache_notify.changes_since('app', NULL);
SELECT cache_notify.confirm('app', '0/1');
SELECT cache_notify.confirm('app', NULL);
SELECT cache_notify.drop_consumer('app');
SELECT * FROM cache_notify.consumers;
BEGIN READ ONLY;
SELECT cache_notify.add_consumer('app');
ROLLBACK;
SELECT name, setting, unit, context FROM pg_settings WHERE name = 'cache_notify.max_lag';
SET cache_notify.max_lag = 0;
-- A consumer whose slot is not there, as after a restore.
INSERT INTO cache_notify.registered_consumers (name, slot, origin) VALUES ('restored', 'cache_notify_1_restored_1', '00000001/1');
SELECT name, position, lag_bytes, kept_bytes, active, status FROM cache_notify.consumers;
SELECT * FROM cache_notify.changes_since('restored');
SELECT cache_notify.confirm('restored', '0/1');
SELECT problem, object FROM cache_notify.health WHERE problem LIKE 'consumer%';
SELECT cache_notify.drop_consumer('restored');
-- The publication goes with the extension and not without it.
SELECT puballtables, obj_description(oid, 'pg_publication') FROM pg_publication WHERE pubname = 'cache_notify';
DROP PUBLICATION cache_notify;
SELECT cache_notify.read_snapshot()::text = pg_current_snapshot()::text AS is_current;
