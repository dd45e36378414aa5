-- Schema sqlite: text, numbers, aggregates, operators.
\pset null NULL
CREATE FUNCTION pg_temp.fails(query text, OUT state text, OUT message text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END
$$;

-- Qualified, whatever the search_path.
SET search_path = pg_catalog;
SELECT sqlite.substr('hello', -3) AS last_three, sqlite.substr('hello', 0, 3) AS from_zero,
       sqlite.substr('hello', 3, -2) AS before, sqlite.substr(12345, 2, 2) AS of_number,
       sqlite.substr('\x010203'::bytea, 2) AS of_blob, sqlite.substr(''::bytea, 1) AS of_nothing,
       sqlite.substr('hello', NULL) AS of_null;
SELECT sqlite.length('né'), sqlite.length(12.50), sqlite.length('\x0102'::bytea), sqlite.octet_length('né'),
       sqlite.instr('née', 'e'), sqlite.instr(1234, 3), sqlite.instr('\xc3a9'::bytea, '\xa9'::bytea);
SELECT sqlite.lower('ÀB'), sqlite.upper('àb'), sqlite.upper(NULL), sqlite.lower(true), sqlite.upper(1.5e300::float8);
SELECT sqlite.replace('abcabc', 'b', 'xx'), sqlite.replace('abc', '', NULL), sqlite.replace(123, 2, 'z'),
       sqlite.trim('  a '), sqlite.ltrim('xxaxx', 'x'), sqlite.rtrim('aéé', 'é'), sqlite.trim(5);
SELECT sqlite.hex('abc'), sqlite.hex(NULL) = '' AS hex_of_null, sqlite.hex(12), sqlite.unhex('41 42', ' '), sqlite.unhex('4'),
       sqlite.unicode('é'), sqlite.unicode(''), sqlite.unicode('\x9225'::bytea), sqlite.char(72, 233, '128512', 55296) = 'Hé😀' || chr(65533) AS characters, sqlite.char() = '' AS no_characters;
SELECT sqlite.quote('it''s'), sqlite.quote(1.50), sqlite.quote(NULL), sqlite.quote('\x01'::bytea), sqlite.quote('infinity'::float8),
       sqlite.quote(true), sqlite.unistr_quote(E'a\tb'), sqlite.unistr('\0041\u00e9');
SELECT sqlite.printf('%d|%5.2f|%-5s|%05d|%,d|%x|%Q|%c|%g|%!.3s', 1, 2.345, 'ab', 42, 1234567, 255, 'it''s', 'xyz', 0.00001, 'äöüß');
SELECT sqlite.format('%s and %s', 'a', NULL), sqlite.printf(''), sqlite.printf(NULL, 1), sqlite.printf('%d', VARIADIC ARRAY['3x', '4']);
SELECT sqlite.concat('a', 1, NULL, 2.5, true), sqlite.concat_ws('-', 'a', NULL, 'b'), sqlite.concat_ws(NULL, 'a');
SELECT sqlite.glob('a*[0-9]', 'ab7'), sqlite.like('A%', 'abc'), sqlite.like('a\%', 'ab', '\'), sqlite.like('1%', 123),
       sqlite.like(NULL, 'a'), sqlite.like('a', 'a', NULL);
SELECT sqlite.typeof(sqlite.random()), sqlite.length(sqlite.randomblob(5)), sqlite.length(sqlite.randomblob(NULL)), sqlite.zeroblob(3);
SELECT count(DISTINCT 'r' || sqlite.lower(sqlite.hex(sqlite.randomblob(7)))) FROM generate_series(1, 1000);

SELECT count(sqlite.hex(sqlite.randomblob(n))), sqlite.length(sqlite.randomblob('3')), sqlite.zeroblob(2.9) FROM generate_series(1, 3) t(n) GROUP BY 2, 3;
-- Untyped parameters become text, or numbers.
PREPARE untyped AS SELECT sqlite.substr($1, $2, $3), sqlite.instr($1, $4), sqlite.hex($4), sqlite.glob($5, $1), sqlite.trim($1, $4), sqlite.round($2::float8, $6);
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'untyped';
EXECUTE untyped('hello', -3.0, 2, 'l', 'h*', 1);

-- Numbers.
SELECT sqlite.round(2.5), sqlite.round(-2.5), sqlite.round(2.5::float8), sqlite.round(2.567, 2), sqlite.round('3.7x'), sqlite.round(7), sqlite.round(1, NULL), sqlite.round(NULL, NULL),
       sqlite.round(1.25, 1::bigint), sqlite.round(1.25::float8, 1), sqlite.round('1.25', '1'), sqlite.round(15::bigint, 1::bigint);
SELECT sqlite.abs(-3), sqlite.abs(-1.50), sqlite.abs('-3.5x'), sqlite.abs('abc'), sqlite.abs((-32768)::smallint), sqlite.sign(-2), sqlite.sign('x');
SELECT sqlite.acos(2), sqlite.acos(1), sqlite.sqrt(-1), sqlite.sqrt('16'), sqlite.sqrt('16x'), sqlite.ln(0), sqlite.log(100), sqlite.log(2, 8),
       sqlite.log(1, 8), sqlite.log2(8), sqlite.atanh(2), sqlite.mod(-7, 3), sqlite.mod(5, 0), sqlite.mod(7.5, 2), sqlite.power(2, 10), sqlite.pow(-8, 0.5);
SELECT sqlite.ceil(1.2), sqlite.ceil(5), sqlite.ceiling('1.2'), sqlite.floor(-1.5), sqlite.trunc(-1.7), sqlite.floor('x'), sqlite.typeof(sqlite.ceil(5::bigint)), sqlite.typeof(sqlite.ceil(5.0));
SELECT sqlite.min(3, 1, 2), sqlite.max(1, 2.5), sqlite.max('a', 'B'), sqlite.min('a', 'b', NULL), sqlite.max('2024-01-01'::date, '2024-02-01'), sqlite.max(1, VARIADIC ARRAY[5, 3]);
-- A distance on the earth, at two points that are one: above 1 by rounding is NULL, as there.
SELECT 6371 * sqlite.acos(1.0000000000000002::float8) AS above_one,
       6371 * sqlite.acos(sqlite.cos(sqlite.radians(47.3)) * sqlite.cos(sqlite.radians(47.3)) * sqlite.cos(sqlite.radians(8.5) - sqlite.radians(8.5))
           + sqlite.sin(sqlite.radians(47.3)) * sqlite.sin(sqlite.radians(47.3))) < 0.001 AS at_one;

-- Conditions: what is not needed is not computed.
SELECT sqlite.iif(true, 'a', 'b'), sqlite.iif(0, 2, 3), sqlite.iif(0.5, 'x', 'y'), sqlite.iif('1x', 1, 2), sqlite.iif('x', 1, 2), sqlite.iif(NULL, 1, 2),
       sqlite.iif(false, 1), sqlite.iif(1, 'a'), sqlite."if"(1, 2, 3), sqlite.ifnull(NULL, 'z'), sqlite.ifnull(1, 2.5), sqlite.truth(NULL), sqlite.truth('0.0');
SELECT sqlite.iif(n <> 0, 1 / n, 0), sqlite.ifnull(n, 1 / n), sqlite.iif(n = 0, n) FROM generate_series(0, 0) t(n);

-- Aggregates.
SELECT sqlite.total(x), sqlite.group_concat(x ORDER BY x), sqlite.group_concat(x, '; ' ORDER BY x), sqlite.group_concat(x ORDER BY x DESC), sqlite.group_concat(DISTINCT x),
       sqlite.group_concat(x, NULL) FILTER (WHERE x > 1) FROM (VALUES (1), (2), (NULL), (2)) t(x);
SELECT sqlite.total(x), sqlite.group_concat(x), sqlite.total('2.5x') FROM (VALUES (1)) t(x) WHERE x > 1;
SELECT x, sqlite.group_concat(x) OVER (ORDER BY x), sqlite.total(x) OVER (ORDER BY x ROWS 1 PRECEDING) FROM generate_series(1, 4) t(x);
SELECT sqlite.total(x) FROM (VALUES (9223372036854775807), (1)) t(x);
SELECT sqlite.total(x) FROM (VALUES (1e100::float8), (1), (-1e100)) t(x);

-- Errors.
SELECT * FROM pg_temp.fails($$SELECT sqlite.like('a', 'b', 'xy')$$);
SELECT * FROM pg_temp.fails($$SELECT sqlite.like(repeat('a', 50001), 'b')$$);
SELECT * FROM pg_temp.fails($$SELECT sqlite.abs(-9223372036854775808)$$);
SELECT * FROM pg_temp.fails($$SELECT sqlite.unistr('\zz')$$);
SELECT * FROM pg_temp.fails($$SELECT sqlite.printf('%2000000000d', 1)$$);
SELECT * FROM pg_temp.fails($$SELECT sqlite.zeroblob(2000000000)$$);
SELECT * FROM pg_temp.fails($$SELECT sqlite.char(65, 0)$$);
SELECT * FROM pg_temp.fails($$SELECT sqlite.printf('%c', '')$$);
SELECT * FROM pg_temp.fails($$SELECT sqlite.max('(1,2)'::point, '(3,4)'::point)$$);
SELECT * FROM pg_temp.fails($$SELECT sqlite.lower('1 day'::interval)$$);

-- Exact mode: unqualified names and operators are SQLite's.
RESET search_path;
SELECT x.extnamespace::regnamespace AS home FROM pg_extension x WHERE extname = 'pb_compat' \gset
SET search_path = sqlite, :home, pg_catalog;
SELECT substr('hello', -3), substring('hello', 0, 3), lower('ÀB'), round(2.5), round(2.5::float8), format('%.1f', 2), like('A%', 'abc'),
       concat(1.50, true), replace('a', 'a', 'b'), abs('x'), sqrt(-1), log(2, 8), max(1, 2), mod(7, 4), trunc(1.5), sign(-3);
SELECT max(x), min(x), count(*), sum(x), avg(x), string_agg(x::text, ',') FROM generate_series(1, 3) t(x);
CREATE TEMP TABLE items (
    id text PRIMARY KEY DEFAULT 'r' || lower(hex(randomblob(7))),
    name text,
    amount double precision,
    done boolean
);
INSERT INTO items (name, amount, done) SELECT 'Item ' || n, n, n % 2 = 0 FROM generate_series(1, 1000) t(n);
INSERT INTO items (name, amount, done) VALUES ('50%', 0.5, true), ('a_b', NULL, NULL), ('back\slash', -1, false);
ANALYZE items;
SELECT count(*), count(DISTINCT id), min(length(id)), max(length(id)) FROM items;
SELECT count(*) FROM items WHERE name LIKE 'ITEM 1%';
SELECT name FROM items WHERE name LIKE '%0\%' ESCAPE '\';
SELECT name FROM items WHERE name LIKE '%!_%' ESCAPE '!';
SELECT name FROM items WHERE name LIKE '%\\%';
SELECT count(*) FROM items WHERE name NOT LIKE '%M%';
SELECT name FROM items WHERE amount LIKE '99_.0' AND amount > 997;
SELECT count(*) FROM items WHERE name LIKE 'item\';
SELECT count(*) FROM items WHERE done = 1;
SELECT count(*) FROM items WHERE 1 <> done AND NOT 0 < done AND done >= 0 AND done = 0::bigint AND done < 1::smallint;
SELECT NULL LIKE 'a', 'a' LIKE NULL, 'x' NOT LIKE 'X';
SELECT name FROM items WHERE iif(done, amount > 999, FALSE);
-- An index on a condition that is plain SQL.
CREATE INDEX items_done ON items (iif(done, 1, 0));
CREATE INDEX items_lower ON items (lower(name));
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM items WHERE lower(name) = 'item 7';
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT 'Ab'::varchar LIKE 'aB', 'Ab'::char(4) LIKE 'AB  ', 'Ab'::char(4) NOT LIKE 'A%', sqlite.json('{"A":1}') LIKE '{"a%', '\x41'::bytea LIKE 'A'::bytea;
SELECT count(*) FROM items WHERE done IN (0, 1);
-- PocketBase's way to read a column that holds an array, one value, or no JSON.
SELECT n, string_agg(value, ',' ORDER BY id) FROM (VALUES (1, '["a","b"]'), (2, 'plain'), (3, '{"x":1}')) AS t(n, c),
    json_each(CASE WHEN sqlite.iif(json_valid(c), sqlite.json_type(c) = 'array', FALSE) THEN c ELSE sqlite.json_array(c) END)
GROUP BY n ORDER BY n;
-- nocase, which is not deterministic, beside LIKE.
SELECT count(*) FROM items WHERE name COLLATE nocase LIKE 'item 1__' AND name = 'ITEM 100' COLLATE nocase;
-- What psql asks of the catalogs works all the same; an error would show.
\o /dev/null
\d items
\d+ sqlite.*
\dt+
\di+
\dv
\df+ sqlite.l*
\do sqlite.*
\da
\dT
\dn+
\dx
\dx+ pb_compat
\du
\dp
\dD sqlite.*
\dC
\sf lower(text)
\o
-- A view keeps the operators that it was made with.
CREATE TEMP VIEW matching AS SELECT name FROM items WHERE name LIKE 'ITEM 99_' AND done = 1;
RESET search_path;
SELECT pg_get_viewdef('pg_temp.matching'::regclass) LIKE '%OPERATOR(sqlite.~~)%OPERATOR(sqlite.=)%' AS names_their_schema;
SELECT count(*) FROM pg_temp.matching;
SELECT 'a' LIKE 'A' AS postgresql, 'a' OPERATOR(sqlite.~~) 'A' AS sqlite;

-- What the catalog says of them.
SELECT p.oid::regprocedure, p.provolatile FROM pg_proc p
WHERE p.pronamespace = 'sqlite'::regnamespace AND p.proname IN ('random', 'randomblob', 'hex', 'printf', 'group_concat') ORDER BY p.oid::regprocedure::text COLLATE "C";
