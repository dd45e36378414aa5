-- Unset: NULL, also before the first set and after the transaction that set it.
SELECT pb_auth_id() IS NULL AS id, pb_auth_role() IS NULL AS role;
BEGIN;
SELECT pb_auth_set('u1', 'editor');
SELECT pb_auth_id(), pb_auth_role(), current_setting('pb.auth.id');
SAVEPOINT s;
SELECT pb_auth_set('u2', NULL);
SELECT pb_auth_id(), pb_auth_role() IS NULL AS no_role;
ROLLBACK TO s;
SELECT pb_auth_id(), pb_auth_role();
SELECT pb_auth_clear();
SELECT pb_auth_id() IS NULL AS id, pb_auth_role() IS NULL AS role;
COMMIT;
SELECT pb_auth_id() IS NULL AS id, pb_auth_role() IS NULL AS role;

-- Whatever a client sends is a value, never SQL.
BEGIN;
SELECT pb_auth_set($$'; DROP TABLE x; --$$, repeat('é', 10000));
SELECT pb_auth_id(), length(pb_auth_role());
ROLLBACK;
-- Clients may also set them in plain SQL, for a session if they want.
SET pb.auth.id = 'session';
BEGIN;
SELECT pb_auth_set('inner', 'r');
COMMIT;
SELECT pb_auth_id();
RESET pb.auth.id;
SELECT pb_auth_id() IS NULL AS reset;

-- In a policy: the index is used and the getter evaluated once a statement (an InitPlan, loops=1).
CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, body text);
INSERT INTO notes SELECT n, 'u' || n % 1000, 'note ' || n FROM generate_series(1, 10000) AS n;
CREATE INDEX notes_owner ON notes (owner);
ANALYZE notes;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (owner = (SELECT pb_auth_id())) WITH CHECK (owner = (SELECT pb_auth_id()));
CREATE ROLE regress_pb_app;
GRANT SELECT, INSERT ON notes TO regress_pb_app;
SET ROLE regress_pb_app;
BEGIN;
SELECT pb_auth_set('u7', 'user');
SELECT count(*), min(owner), max(owner) FROM notes;
ROLLBACK;
RESET ROLE;
CREATE FUNCTION pg_temp.plan(query text, OUT plan jsonb) LANGUAGE plpgsql AS $$
DECLARE result json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO result;
    plan := result;
END $$;
GRANT USAGE ON SCHEMA public TO regress_pb_app;
SET ROLE regress_pb_app;
BEGIN;
SELECT pb_auth_set('u7', 'user');
SELECT jsonb_path_exists(plan, '$.** ? (@."Index Name" == "notes_owner")') AS index_used,
       jsonb_path_query_array(plan, 'strict $.** ? (@."Parent Relationship" == "InitPlan")."Actual Loops"') AS getter_calls
FROM pg_temp.plan('SELECT * FROM notes') AS plan;
-- Without the sub-select the index is used as well.
SELECT jsonb_path_exists(plan, '$.** ? (@."Index Name" == "notes_owner")') AS index_used
FROM pg_temp.plan('SELECT * FROM notes WHERE owner = pb_auth_id()') AS plan;
INSERT INTO notes VALUES (0, 'u7', 'mine');
\set VERBOSITY sqlstate
INSERT INTO notes VALUES (-1, 'u8', 'not mine');
\set VERBOSITY default
ROLLBACK;
-- Nobody: no rows.
SELECT count(*) FROM notes;
RESET ROLE;
DROP TABLE notes;
DROP OWNED BY regress_pb_app;
DROP ROLE regress_pb_app;
