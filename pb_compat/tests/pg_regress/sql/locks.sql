-- The key: published FNV-1a vectors, as signed numbers.
SELECT name, pb_lock_key(name), to_hex(pb_lock_key(name))
FROM unnest(ARRAY['', 'a', 'foobar', 'é', 'a' || chr(10)]) WITH ORDINALITY AS names (name, n) ORDER BY n;
SELECT pb_lock_key(NULL) IS NULL, pb_try_lock(NULL) IS NULL, pb_unlock(NULL) IS NULL, pb_try_xact_lock(NULL) IS NULL;

-- A lock by name is the server's lock by key.
SELECT pb_try_lock('migrate');
SELECT mode, granted, (classid::bigint << 32) | objid::bigint = pb_lock_key('migrate') AS same_key, objsubid
FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT pg_advisory_unlock(pb_lock_key('migrate'));
-- It counts: taken twice, released twice; once more is false and a warning, as the server's own.
SELECT pb_try_lock('migrate'), pb_try_lock('migrate');
SELECT pb_unlock('migrate'), pb_unlock('migrate');
SELECT pb_unlock('migrate');

-- Until the end of the transaction.
BEGIN;
SELECT pb_try_xact_lock('job');
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
COMMIT;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
