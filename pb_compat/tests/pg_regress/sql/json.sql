-- Valid JSON, and what JSON is often mistaken for.
SELECT document, json_valid(document) AS json, jsonb_valid(document) AS jsonb
FROM (VALUES
    ('{}'), ('[]'), ('""'), ('0'), ('-0'), ('true'), ('null'), (' {"a" : [1, 2.5e-3, {"b": null}]} '),
    ('"\u00e9\ud83d\ude00"'), ('"\u007f"'), ('"\/"'),
    (''), (' '), ('{'), ('}'), ('[1,]'), ('{"a":1,}'), ('{"a"}'), ('{a:1}'), ('{1:1}'), ('[1 2]'), ('[1]]'), ('[}'), ('{]'),
    ('01'), ('-'), ('1.'), ('.5'), ('+1'), ('1e'), ('1e+'), ('0x1'), ('NaN'), ('Infinity'), ('True'), ('nul'), ('nulll'),
    ('"'), ('"\'), ('"\x41"'), ('"\u12"'), ('"\u12G4"'), ('"a' || chr(10) || 'b"'), ('"a' || chr(9) || 'b"'),
    (chr(12) || '1'), ('// c'), ('''a'''), ('"a" "b"'), ('[true false]'), ('{"a":1 "b":2}'), ('{"a":1,,"b":2}'), ('[,1]')
) AS documents (document);

-- JSON that jsonb cannot store.
SELECT document, json_valid(document) AS json, jsonb_valid(document) AS jsonb
FROM (VALUES
    ('"\u0000"'), ('"a\u0000b"'), ('{"\u0000":1}'), ('"\ud800"'), ('"\ud800x"'), ('"\ud800\n"'), ('"\ud800\ud800"'), ('"\udc00"'),
    ('"\udc00\ud800"'), ('"\udbff\udfff"'), ('1e131071'), ('1e131072'), ('-9e131071'), ('0.1e131072'), ('0.1e131073'),
    ('0e131072'), ('0e1073741822'), ('0e2147483648'), ('1e-16383'), ('1e-16384'), ('0e-16383'), ('0e-16384'), ('1.5e-16382'),
    ('1.5e-16383'), ('1e99999999999999999999'), ('1e-99999999999999999999'), ('[[{"a":[1e200000]}]]')
) AS documents (document);

-- The casts agree; this is what the server's own answer looks like for all of the above and more.
CREATE FUNCTION pg_temp.casts(document text, type regtype) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT %L::%s', document, type);
    RETURN true;
EXCEPTION WHEN data_exception OR program_limit_exceeded OR feature_not_supported THEN
    RETURN false;
END $$;
SELECT document
FROM (VALUES
    ('"\u0000"'), ('"\ud800"'), ('"\ud800\n"'), ('"\ud800\udbff"'), ('"\udc00"'), ('"\udbff\udfff"'), ('1e131071'), ('1e131072'),
    ('0.1e131072'), ('0.1e131073'), ('0e131072'), ('0e1073741822'), ('0e1073741823'), ('0e1073741824'), ('0e-1073741823'),
    ('1e-16383'), ('1e-16384'), ('0e-16384'), ('0.0e-16382'), ('0.0e-16383'),
    (repeat('9', 131072)), (repeat('9', 131073)), ('0.' || repeat('0', 16383)), ('0.' || repeat('0', 16384)),
    (repeat('9', 131072) || '.' || repeat('9', 16383)), ('0.' || repeat('0', 20000) || '1e131072'),
    ('0.' || repeat('0', 20000) || '1e151073'), ('0.' || repeat('0', 20000) || '1e151072'),
    (repeat('[', 1000) || repeat(']', 1000)), (repeat('{"a":', 1000) || '1' || repeat('}', 1000))
) AS documents (document)
WHERE json_valid(document) <> pg_temp.casts(document, 'json') OR jsonb_valid(document) <> pg_temp.casts(document, 'jsonb');

-- Nesting: SQLite's limit. One level more is false, though a server with enough stack would take it.
SELECT depth, json_valid(repeat('[', depth) || repeat(']', depth)) AS arrays,
       json_valid(repeat('{"a":', depth) || '1' || repeat('}', depth)) AS objects,
       jsonb_valid(repeat('[', depth) || repeat(']', depth)) AS jsonb
FROM unnest(ARRAY[1, 63, 64, 65, 999, 1000, 1001, 100000]) AS depth;
SELECT json_valid(repeat('[', 100000)), json_valid(repeat('[{"a":', 100000)), jsonb_valid(repeat('[', 100000));
-- Brackets that close and open again do not add up, and mixed ones are told apart at every depth.
SELECT json_valid('[' || repeat('[],', 5000) || '{}]');
SELECT bool_or(json_valid(repeat('[', depth) || '{]' || repeat(']', depth))) FROM generate_series(1, 130) AS depth;
SELECT bool_and(json_valid(repeat('[{"a":', depth) || '1' || repeat('}]', depth))) FROM generate_series(1, 130) AS depth;

-- Long parts, compressed and out of line.
SELECT json_valid('"' || repeat('abc', 1000000) || '"'), json_valid(repeat(' ', 3000000) || '1'), json_valid(repeat('1', 3000000)),
       jsonb_valid(repeat('1', 3000000)), json_valid('"' || repeat('\n', 1500000) || '"'), json_valid('"' || repeat('\n', 1500000));
CREATE TABLE stored (document text);
INSERT INTO stored SELECT '{"k":"' || string_agg(md5(n::text), '') || '"}' FROM generate_series(1, 20000) AS n;
ALTER TABLE stored ALTER document SET STORAGE EXTERNAL;
INSERT INTO stored SELECT '{"k":"' || string_agg(md5(n::text), '') || '"}' FROM generate_series(1, 20000) AS n;
INSERT INTO stored SELECT '{"k":"' || string_agg(md5(n::text), '') FROM generate_series(1, 20000) AS n;
SELECT length(document), json_valid(document), jsonb_valid(document) FROM stored;

-- NULL, and use as the guard before a cast.
SELECT json_valid(NULL) IS NULL, jsonb_valid(NULL) IS NULL;
SELECT CASE WHEN jsonb_valid(document) THEN document::jsonb END
FROM unnest(ARRAY['{"a": 1}', '{"a": }', '"\u0000"', '1e200000']) AS document;
CREATE TABLE checked (document text CHECK (json_valid(document)));
INSERT INTO checked VALUES ('{"a": 1}'), (NULL);
\set VERBOSITY sqlstate
INSERT INTO checked VALUES ('{"a": 1');
\set VERBOSITY default
DROP TABLE stored, checked;

-- Flags, as SQLite's: 1 RFC 8259, 2 JSON5, 4 and 8 the binary form, which no text is.
SELECT document, array_agg(flags ORDER BY flags) FILTER (WHERE json_valid(document, flags)) AS accepted_by
FROM unnest(ARRAY['{"a":1}', '{a:1}', '[1,]', '{"a":1', '[0x1F,+.5,5.,-Infinity,NaN]', $$'it\'s \x41'$$, '/* c */ 1 // end', '']) WITH ORDINALITY AS d (document, n),
     generate_series(1, 15) AS flags
GROUP BY n, document ORDER BY n;
SELECT json_valid('[1]', NULL) IS NULL, json_valid(NULL::text, 1) IS NULL, json_valid(NULL, 99) IS NULL;
SELECT json_valid(U&'\FEFF1') AS byte_order_mark, json_valid(U&'\FEFF1', 2) AS in_json5, json_valid(E'"a\tb"') AS control_character, json_valid(E'"a\tb"', 2) AS in_json5;
-- SQLite's reading of JSON5, not json5.org's.
SELECT document, json_valid(document, 2) AS json5
FROM (VALUES ('{true:1}'), ('{truex:1}'), ('{NaN:1}'), ('-inf'), ('SNaN'), ('"\a"'), ('"\0"'), ('"\01"'), ('{é:1}'), ('{"a":1,,}'), ('01')) AS d (document);
SELECT depth, json_valid(repeat('[', depth) || ']' || repeat(',]', depth - 1), 2) AS arrays, json_valid(repeat('{a:', depth) || '1' || repeat('}', depth), 2) AS objects
FROM unnest(ARRAY[1, 2, 1000, 1001]) AS depth;

-- json and jsonb are JSON; only nesting can be too deep. A json value answers as its text does, jsonb takes SQLite's binary form's place.
CREATE TABLE typed (j json, jb jsonb);
INSERT INTO typed VALUES ('{"a": [1]}', '{"a": [1]}'), ('1', '1'), (NULL, NULL);
INSERT INTO typed SELECT text::json, text::jsonb FROM (SELECT repeat('[', depth) || repeat(']', depth) AS text FROM unnest(ARRAY[1000, 1001]) AS depth) AS deep;
INSERT INTO typed SELECT text::json, text::jsonb FROM (SELECT repeat('{"a":', 1001) || '[1]' || repeat('}', 1001) AS text) AS deep;
INSERT INTO typed SELECT text::json, text::jsonb FROM (SELECT '[' || repeat('[[]],', 100000) || '"x"]' AS text) AS wide;
SELECT left(j::text, 10) AS document, json_valid(j) AS json, json_valid(jb) AS jsonb, json_valid(j, 1) AS json_1, json_valid(j, 6) AS json_6, json_valid(j, 8) AS json_8,
       json_valid(jb, 1) AS jsonb_1, json_valid(jb, 8) AS jsonb_8, json_valid(j) = json_valid(j::text) AS same FROM typed;
DROP TABLE typed;
-- What has no type is text, and so is what is like it.
SELECT json_valid('[') AS literal, json_valid('[1]'::varchar) AS "varchar", json_valid('[1,]'::char(10), 2) AS "char", json_valid(NULL) IS NULL AS "null";
PREPARE untyped AS SELECT json_valid($1);
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'untyped';
DEALLOCATE untyped;
