-- The collation: equal whatever the case, in any script; accents still count.
SELECT 'Straße' = 'STRASSE' COLLATE nocase AS sharp_s, 'É' = 'é' COLLATE nocase AS e_acute, 'e' = 'é' COLLATE nocase AS accent,
       'Ω' = 'ω' COLLATE nocase AS omega, 'a' < 'B' COLLATE nocase AS in_order, 'B' < 'a' COLLATE nocase AS not_in_order;
CREATE TABLE users (email text COLLATE nocase UNIQUE);
INSERT INTO users VALUES ('Ann@example.com');
\set VERBOSITY sqlstate
INSERT INTO users VALUES ('ANN@EXAMPLE.COM');
\set VERBOSITY default
SELECT * FROM users WHERE email = 'ann@example.COM';
SELECT DISTINCT v COLLATE nocase = 'a' AS same FROM unnest(ARRAY['a', 'A']) AS v;

-- The key: A to Z only, as SQLite's NOCASE. ICU's level 2 says that each of these pairs is equal; the key tells them apart.
SELECT nocase_key('AbcXYZ[\]^_`{|}@') AS folded, nocase_key('ÀÉΩЖ') AS left_alone, nocase_key('') = '' AS empty, nocase_key(NULL) IS NULL AS "null";
SELECT a = b COLLATE nocase AS collation, nocase_key(a) = nocase_key(b) AS key
FROM (VALUES (U&'\212A', 'k'), (U&'\FB01', 'fi'), (U&'a\0001', 'a')) AS pairs (a, b);
SELECT string_agg(chr(c), '' ORDER BY c) FROM generate_series(1, 1000) AS c WHERE nocase_key(chr(c)) <> chr(c);
CREATE UNIQUE INDEX ON users (nocase_key(email COLLATE "C"));
CREATE TABLE names (name text);
CREATE UNIQUE INDEX names_nocase ON names (nocase_key(name));
INSERT INTO names VALUES ('Ann'), ('ÄNN'), ('änn');
\set VERBOSITY sqlstate
INSERT INTO names VALUES ('aNN');
\set VERBOSITY default
-- The index on it is used.
SET enable_seqscan = off;
CREATE FUNCTION pg_temp.plan(query text, OUT plan jsonb) LANGUAGE plpgsql AS $$
DECLARE result json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO result;
    plan := result;
END $$;
SELECT jsonb_path_query_array(pg_temp.plan($$SELECT * FROM names WHERE nocase_key(name) = nocase_key('ANN')$$), 'strict $.**."Index Name"');
RESET enable_seqscan;
DROP TABLE users, names;
