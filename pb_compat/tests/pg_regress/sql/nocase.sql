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

-- Patterns under the collation: LIKE from 18 on, ILIKE, regular expressions and pattern operator classes on no version.
CREATE TABLE people (email text COLLATE nocase, name text);
INSERT INTO people SELECT 'User' || n || '@Example.com', 'Name ' || n FROM generate_series(1, 5000) AS n;
CREATE FUNCTION pg_temp.state_of(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT pg_temp.state_of($$SELECT count(*) FROM people WHERE email LIKE 'user7%'$$)
       = CASE WHEN current_setting('server_version_num')::int >= 180000 THEN 'none' ELSE '0A000' END AS "like",
       pg_temp.state_of($$SELECT count(*) FROM people WHERE email ILIKE 'user7%'$$) AS "ilike",
       pg_temp.state_of($$SELECT count(*) FROM people WHERE email ~ '^user7'$$) AS regular_expression,
       pg_temp.state_of($$CREATE INDEX ON people (email text_pattern_ops)$$) AS pattern_operators;
SELECT count(*) FILTER (WHERE email COLLATE "C" LIKE 'User7%') AS "like", count(*) FILTER (WHERE email COLLATE "C" LIKE 'user7%') AS lower,
       count(*) FILTER (WHERE nocase_key(email COLLATE "C") LIKE nocase_key('USER7%')) AS key FROM people;

-- Which index answers what. Two on the collation's column, one for the key of another column.
CREATE INDEX people_email ON people (email);
CREATE INDEX people_email_prefix ON people (nocase_key(email COLLATE "C") text_pattern_ops);
CREATE INDEX people_name ON people ((nocase_key(name) COLLATE "C"));
CREATE INDEX people_name_prefix ON people (nocase_key(name) text_pattern_ops);
ANALYZE people;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT what, jsonb_path_query_array(plan, 'strict $.**."Index Name"') AS index,
       jsonb_path_exists(plan, '$.**."Index Cond"') AS searched, jsonb_path_exists(plan, '$.** ? (@."Node Type" == "Sort")') AS sorted
FROM (VALUES
    ('email =', $$SELECT * FROM people WHERE email = 'USER77@EXAMPLE.COM'$$),
    ('email, in order', $$SELECT * FROM people ORDER BY email LIMIT 5$$),
    ('email, prefix', $$SELECT * FROM people WHERE nocase_key(email COLLATE "C") LIKE 'user77%'$$),
    ('name =', $$SELECT * FROM people WHERE nocase_key(name) COLLATE "C" = nocase_key('NAME 77')$$),
    ('name, in order', $$SELECT * FROM people ORDER BY nocase_key(name) COLLATE "C" LIMIT 5$$),
    ('name, prefix', $$SELECT * FROM people WHERE nocase_key(name) COLLATE "C" LIKE nocase_key('NAME 77') || '%'$$)
) AS queries (what, query), pg_temp.plan(query) AS plan;
DROP INDEX people_name;
SELECT what, jsonb_path_query_array(plan, 'strict $.**."Index Name"') AS index, jsonb_path_exists(plan, '$.**."Index Cond"') AS searched
FROM (VALUES
    ('name =', $$SELECT * FROM people WHERE nocase_key(name) = nocase_key('NAME 77')$$),
    ('name, prefix', $$SELECT * FROM people WHERE nocase_key(name) LIKE nocase_key('NAME 77') || '%'$$)
) AS queries (what, query), pg_temp.plan(query) AS plan;
-- And the rows are those.
SELECT email FROM people WHERE nocase_key(email COLLATE "C") LIKE 'user777%' ORDER BY email;
SELECT name FROM people WHERE nocase_key(name) LIKE nocase_key('NAME 499') || '%' ORDER BY nocase_key(name) COLLATE "C" LIMIT 3;
RESET enable_seqscan;
RESET enable_bitmapscan;
DROP TABLE people;
