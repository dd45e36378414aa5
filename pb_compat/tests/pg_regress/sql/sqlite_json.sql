-- JSON as SQLite answers. What is expected here was compared with SQLite 3.53.2.
\pset null NULL
\pset format unaligned

-- Documents and paths.
SELECT path, json_extract, arrow, double_arrow, type, length
FROM (VALUES ('{"a":{"b":[1,2.50,"x\ty",true,null]},"a":0,"a.b":"ü","":1e3}')) AS documents (document),
    unnest(ARRAY['$', '$.a', '$.a.b', '$.a.b[0]', '$.a.b[1]', '$.a.b[2]', '$.a.b[3]', '$.a.b[4]', '$.a.b[#-1]', '$.a.b[#-5]',
        '$.a.b[9]', '$."a.b"', '$.""', '$.x', '$[0]', '$.a.b[#]']) AS path,
    sqlite.json_extract(document, path), sqlite.json_type(document, path) AS type, sqlite.json_array_length(document, path) AS length,
    LATERAL (SELECT document OPERATOR(sqlite.->) path AS arrow, document OPERATOR(sqlite.->>) path AS double_arrow) AS arrows;

SELECT sqlite.json_extract('{"a":1,"b":[2]}', '$.a', '$.b', '$.c') AS several,
    sqlite.json_extract('{"a":1,"b":[2]}', VARIADIC ARRAY['$.a', '$.b']) AS from_array,
    sqlite.json_extract_int('{"a":"12.9x"}', '$.a') AS int, sqlite.json_extract_real('{"a":"12.9x"}', '$.a') AS real,
    sqlite.json_extract_int('{}', '$.a') AS no_int, sqlite.json_extract_int('[1]', '$', '$') AS int_of_array;

-- Whatever type a document has.
SELECT sqlite.json_extract('{"a": [1]}'::text, '$.a') AS text, sqlite.json_extract('{"a": [1]}'::json, '$.a') AS json,
    sqlite.json_extract('{"a": [1]}'::jsonb, '$.a') AS jsonb, sqlite.json_extract('{"a": [1]}'::varchar, '$.a') AS varchar,
    sqlite.json_extract(sqlite.json('{"a": [1]}'), '$.a') AS json_text, sqlite.json_extract('\x5c17612b1331'::bytea, '$.a') AS bytea,
    sqlite.json_extract(123, '$') AS integer, sqlite.json_extract(1.50, '$') AS numeric, sqlite.json_extract(true, '$') AS boolean;

-- JSON5 goes in, RFC 8259 comes out.
SELECT sqlite.json($${a:1, 'b':[+1, .5, 5., 0xFf, Infinity, -Infinity, NaN,], $_:"\x41\v\'", /* c */ "c\
d": '"'} // end$$);

-- Operands of the operators.
SET search_path = sqlite, public, pg_catalog;
SELECT '{"a":{"b":1}}' -> 'a' AS label, '[10,20]' -> 1 AS index, '[10,20]' ->> -1 AS from_end, '[10,20]' ->> '[1]' AS brackets,
    '{"a b":1}' ->> 'a b' AS quoted, '{"1":1}' ->> '1' AS digits, '{"1":1}' ->> 1 AS number, '[1]' -> 0::smallint AS int2, '[1]' ->> 0::bigint AS int8,
    '{"a":{"b":1}}'::jsonb -> 'a' -> 'b' AS of_jsonb, pg_typeof('{"a":1}'::jsonb -> 'a') AS jsonb, pg_typeof('{"a":1}' -> 'a') AS json_text;

-- Text is a string, JSON is JSON.
SELECT sqlite.json_array('[1]', json('[1]'), '[1]' -> '$', '[1]'::json, '{"a": 1}'::jsonb, json_extract('[[1]]', '$[0]'),
    1, 1.5, 2.0::float8, 1e300::float8, 'infinity'::float8, 'NaN'::float8, NULL, true, 'q"\''', 12345678901234567890);
SELECT sqlite.json_object('a', 1, 'b', sqlite.json_array(), 'c', sqlite.json_object()), sqlite.json_array(VARIADIC ARRAY[1, 2]), json_quote('é"'), json_quote(json('[1]'));
SELECT pg_typeof(sqlite.json_array()), pg_typeof(json_group_array(1)), pg_typeof(json_set('{}')), pg_typeof(json_extract('[]', '$'));

-- Changes.
SELECT json_set('{"a":1}', '$.a', 2, '$.b.c[0]', '[3]', '$.d', json('[4]')) AS set, json_insert('{"a":1}', '$.a', 2, '$.b', NULL) AS insert,
    json_replace('{"a":1}', '$.a', 2.5, '$.b', 3) AS replace, json_insert('[1]', '$[#]', 2, '$[#]', true) AS append,
    json_array_insert('[1,2]', '$[1]', 'x') AS array_insert, json_remove('{"a":[1,2,3],"b":0}', '$.a[#-1]', '$.b') AS remove,
    json_remove('[1]', '$') AS nothing, json_patch('{"a":1,"b":{"c":2}}', '{"a":null,"b":{"d":[null]}}') AS patch, json_set('{"a":1}', NULL, 2) AS no_path;
SELECT json_pretty('{"a":[1,{}],"b":[]}'), json_pretty('[1]', '>'), json_pretty('[1]', NULL);
SELECT json_error_position('{"a":1}'), json_error_position('{"ü":x}'), json_error_position('[1,2'), json_error_position(NULL);

-- NULL for NULL, but a document must be JSON all the same.
SELECT json_extract(NULL, '$'), json_extract('[1]', NULL), json_extract('[1]', '$', NULL), json_type(NULL), json_type('[1]', NULL), json_array_length(NULL),
    json_set(NULL, '$', 1), json_remove('[1]', NULL), json_patch('{}', NULL), json_patch(NULL, '{}'), json(NULL), json_pretty(NULL), '[1]' -> NULL::text, NULL::text ->> 0;
SELECT count(*) FROM json_each(NULL);
SELECT count(*) FROM json_each('[1]', NULL);
SELECT json_extract('[1'), json_extract_int('"7\u0000"', '$'), json_extract_real('["a\u0000b"]', '$[0]');
SELECT json_quote(NULL), sqlite.json_array(NULL), sqlite.json_object('a', NULL);

-- Rows.
SELECT * FROM json_each('["x",2,3.50,true,null,[1],{"a":1}]');
SELECT * FROM json_tree('{"a b":[1,{"c":"\u00e9"}]}');
SELECT * FROM json_tree('{"a":[1,{"c":2}]}', '$.a[1]');
SELECT * FROM json_each('{"a":[1,{"c":2}]}', '$.a[0]');
SELECT * FROM json_each('{"a":1}'::json);
SELECT * FROM json_each('{"a":1}'::jsonb, '$');
SELECT count(*), max(id), sum(value::int) FROM json_each((SELECT json_group_array(i) FROM generate_series(1, 20000) AS i));
SELECT key, value FROM (VALUES ('{"a":1}'), ('[2]'), (NULL), ('3')) AS documents (document), json_each(document) ORDER BY 1 NULLS LAST;
SELECT (json_each('{"a":1,"b":2}')).fullkey;
SELECT length(key), length(value), length(fullkey), left(fullkey, 3) || right(fullkey, 2) AS fullkey
FROM json_each('{"' || repeat('k', 300) || '":"' || repeat('v', 200) || '","x":"' || repeat('ü', 100) || '","' || repeat('y', 124) || '":1,"' || repeat('z', 125) || '":2}');
SELECT key, value, ordinality, i FROM ROWS FROM (json_each('[1,2]'), generate_series(1, 3)) WITH ORDINALITY AS t (key, value, type, atom, id, parent, fullkey, path, i);
BEGIN;
DECLARE elements SCROLL CURSOR FOR SELECT value FROM json_each('[1,2,3]');
FETCH 2 FROM elements;
FETCH PRIOR FROM elements;
COMMIT;
EXPLAIN (COSTS OFF) SELECT value FROM json_each('[1]');

-- Aggregates.
SELECT json_group_array(x ORDER BY x), json_group_array(x ORDER BY x DESC), json_group_array(DISTINCT x % 2), json_group_array(x) FILTER (WHERE x > 9),
    json_group_object('k' || x, x ORDER BY x), json_group_object(x, json('[]') ORDER BY x) FROM generate_series(1, 3) AS x;
SELECT x, json_group_array(x) OVER (ORDER BY x ROWS 1 PRECEDING), json_group_array(x) OVER (ORDER BY x), json_group_object(nullif('k' || x, 'k2'), x) OVER (ORDER BY x) FROM generate_series(1, 3) AS x;
SELECT json_group_array(x), json_group_object(x, x) FROM generate_series(1, 0) AS x;
SELECT json_group_array(sqlite.json_object('a', a)), json_group_array(a -> '$') FROM (VALUES ('[1]'), ('2')) AS v (a);
SELECT k, json_group_array(v ORDER BY v) FROM (VALUES ('a', 1), ('b', 2), ('a', 3)) AS t (k, v) GROUP BY k ORDER BY k;

-- What PocketBase asks.
CREATE TEMP TABLE records (id serial, c text);
INSERT INTO records (c) VALUES ('["a","b"]'), ('plain'), ('{"p":{"q":7}}'), (''), (NULL);
SELECT records.id, e.value FROM records LEFT JOIN json_each(CASE WHEN sqlite.iif(public.json_valid(c), sqlite.json_type(c)='array', FALSE) THEN c ELSE sqlite.json_array(c) END) AS e ON true ORDER BY records.id, e.id;
SELECT id, json_array_length(CASE WHEN sqlite.iif(public.json_valid(c), sqlite.json_type(c)='array', FALSE) THEN c ELSE CASE WHEN c = '' OR c IS NULL THEN sqlite.json_array() ELSE sqlite.json_array(c) END END) FROM records ORDER BY id;
SELECT id, CASE WHEN public.json_valid(c) THEN json_extract(c, '$.p.q') ELSE json_extract(sqlite.json_object('pb', c), '$.pb.p.q') END FROM records ORDER BY id;
SELECT json_extract(c, '$[#-1]') FROM records WHERE public.json_valid(c) ORDER BY id;
-- An index on what a path leads to.
CREATE INDEX ON records (json_extract(c, '$.p')) WHERE public.json_valid(c);
CREATE TEMP TABLE tags (c text, n bigint GENERATED ALWAYS AS (json_array_length(c)) STORED);
INSERT INTO tags VALUES ('[1,2,3]');
TABLE tags;

-- Errors.
RESET search_path;
CREATE FUNCTION pg_temp.error_of(query text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    state := 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
SELECT query, e.* FROM unnest(ARRAY[
    $$SELECT sqlite.json('{"a":1')$$,
    $$SELECT sqlite.json('')$$,
    $$SELECT sqlite.json_extract('[', NULL)$$,
    $$SELECT sqlite.json_type('[', NULL)$$,
    $$SELECT sqlite.json_array_length('[', NULL)$$,
    $$SELECT '[' OPERATOR(sqlite.->) NULL::text$$,
    $$SELECT '[' OPERATOR(sqlite.->>) NULL::integer$$,
    $$SELECT sqlite.json_patch('[', NULL)$$,
    $$SELECT * FROM sqlite.json_each('[', NULL)$$,
    $$SELECT sqlite.json_extract('[1]', 'a''b')$$,
    $$SELECT sqlite.json_extract('[1]', '$[')$$,
    $$SELECT sqlite.json_extract('"a\u0000b"', '$')$$,
    $$SELECT sqlite.json('"a\u0000b"')$$,
    $$SELECT sqlite.json_array('\x0102'::bytea)$$,
    $$SELECT sqlite.json_array('1 h'::interval)$$,
    $$SELECT sqlite.json_set('{}', '$.a')$$,
    $$SELECT sqlite.json_insert('{}', '$.a')$$,
    $$SELECT sqlite.json_replace('{}', '$.a')$$,
    $$SELECT sqlite.json_array_insert('{}', '$.a')$$,
    $$SELECT sqlite.json_array_insert('{"a":1}', '$.a', 2)$$,
    $$SELECT sqlite.json_object('a')$$,
    $$SELECT sqlite.json_object(1, 2)$$,
    $$SELECT sqlite.json_set('[1]', '$[0]', repeat('[', 1000) || repeat(']', 1000))$$,
    $$SELECT sqlite.json_set('[1]', '$[0]', sqlite.json(repeat('[', 1000) || repeat(']', 1000)))$$,
    $$SELECT sqlite.json(repeat('[', 1001) || repeat(']', 1001))$$,
    $$SELECT sqlite.json(repeat('[', 1000000))$$,
    $$SELECT sqlite.json_extract(repeat('[', 1000) || 1 || repeat(']', 1000), '$' || repeat('[0]', 1000))$$,
    $$SELECT * FROM sqlite.json_each('x')$$,
    $$SELECT * FROM sqlite.json_tree('{}', 'a')$$
]) AS query, pg_temp.error_of(query) AS e;
