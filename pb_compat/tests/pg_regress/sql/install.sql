-- In a schema of its own, under any search_path, beside objects that try to take the place of the server's.
DROP EXTENSION pb_compat;
CREATE SCHEMA "Odd schema";
CREATE FUNCTION "Odd schema".lower(text) RETURNS text LANGUAGE sql RETURN 'hijacked';
CREATE FUNCTION "Odd schema".current_setting(text, boolean) RETURNS text LANGUAGE sql RETURN 'hijacked';
CREATE FUNCTION "Odd schema".set_config(text, text, boolean) RETURNS text LANGUAGE sql RETURN 'hijacked';
CREATE FUNCTION "Odd schema".pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE sql RETURN false;
CREATE EXTENSION pb_compat SCHEMA "Odd schema";
SET search_path = "Odd schema", pg_catalog;
BEGIN;
SELECT pb_auth_set('u1', 'r');
SELECT pb_auth_id(), nocase_key('ABC'), pb_try_lock('x'), pb_unlock('x');
COMMIT;
SET search_path = '';
SELECT "Odd schema".nocase_key('ABC'), "Odd schema".pb_try_lock('x'), "Odd schema".pb_unlock('x'),
       "Odd schema".json_valid('[]'), "Odd schema".jsonb_valid('[]'), "Odd schema".pb_auth_id() IS NULL;
SELECT pg_catalog.count("Odd schema".uuid_generate_v7());
RESET search_path;
DROP EXTENSION pb_compat;
DROP SCHEMA "Odd schema" CASCADE;
CREATE EXTENSION pb_compat;

-- The owner of a database installs it, without being a superuser.
CREATE ROLE regress_pb_owner CREATEDB;
SET ROLE regress_pb_owner;
CREATE DATABASE regress_pb_owned TEMPLATE template0 ENCODING 'UTF8';
\c regress_pb_owned
SET ROLE regress_pb_owner;
CREATE EXTENSION pb_compat;
SELECT json_valid('[]'), uuid_generate_v7() IS NOT NULL AS uuid, 'A' = 'a' COLLATE nocase AS nocase;
DROP EXTENSION pb_compat;
-- Nothing of it runs with more rights than its caller's.
RESET ROLE;
CREATE EXTENSION pb_compat;
SELECT proname FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.deptype = 'e' WHERE prosecdef;
-- Volatility and parallel safety, and a comment on every function and collation.
SELECT p.oid::regprocedure AS function, provolatile AS volatile, proparallel AS parallel, proisstrict AS strict,
       obj_description(p.oid, 'pg_proc') IS NOT NULL AS comment
FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND extname = 'pb_compat'
WHERE proname <> 'uuidv7' AND pronamespace <> 'sqlite'::regnamespace ORDER BY p.oid::regprocedure::text COLLATE "C";
-- Those of schema sqlite are many: the ones that are not as the rest.
SELECT p.oid::regprocedure AS function, provolatile AS volatile, proparallel AS parallel FROM pg_proc AS p
WHERE pronamespace = 'sqlite'::regnamespace AND (provolatile <> 'i' OR proparallel <> 's' OR obj_description(p.oid, 'pg_proc') IS NULL)
ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT obj_description(oid, 'pg_collation') IS NOT NULL AS comment FROM pg_collation WHERE collname = 'nocase';
\c postgres
DROP DATABASE regress_pb_owned;

-- Text of another encoding: LATIN1 knows é but not €, SQL_ASCII knows no character above ASCII.
SET client_min_messages = warning;
CREATE DATABASE regress_pb_latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_pb_latin1
SET client_min_messages = warning;
SET client_encoding = 'UTF8';
CREATE EXTENSION pb_compat;
SELECT octet_length('é'), to_hex(pb_lock_key('é'));
SELECT json_valid('{"é":"é"}'), jsonb_valid('{"é":"é"}'), json_valid('é'), nocase_key('É');
CREATE FUNCTION pg_temp.casts(document text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM document::jsonb;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RETURN false;
END $$;
SELECT document, jsonb_valid(document), pg_temp.casts(document)
FROM (VALUES ('"\u00e9"'), ('"\u20ac"'), ('"\ud83d\ude00"'), ('"\u007f"'), ('"\u0080"'), ('"\u0100"'), ('"\u0000"')) AS d (document);
SELECT count(*) FROM (SELECT '"\u' || lpad(to_hex(c), 4, '0') || '"' AS document FROM generate_series(1, 2000) AS c) AS d
WHERE jsonb_valid(document) <> pg_temp.casts(document);
\c postgres
SET client_min_messages = warning;
DROP DATABASE regress_pb_latin1;
CREATE DATABASE regress_pb_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_pb_ascii
-- ICU does not do this encoding: a warning, and everything else.
\set VERBOSITY terse
CREATE EXTENSION pb_compat;
\set VERBOSITY default
SELECT json_valid('"' || convert_from('\xff', 'SQL_ASCII') || '"') AS any_byte, json_valid('[' || convert_from('\xff', 'SQL_ASCII') || ']') AS in_strings_only,
       to_hex(pb_lock_key(convert_from('\xc3a9', 'SQL_ASCII'))) AS bytes_as_they_are, nocase_key('A' || convert_from('\xff', 'SQL_ASCII')) = 'a' || convert_from('\xff', 'SQL_ASCII') AS key;
CREATE FUNCTION pg_temp.casts(document text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM document::jsonb;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RETURN false;
END $$;
SELECT document, jsonb_valid(document), pg_temp.casts(document)
FROM (VALUES ('"\u0041"'), ('"\u00e9"'), ('"\u007f"'), ('"\ud83d\ude00"')) AS d (document);
\c postgres
DROP DATABASE regress_pb_ascii;
DROP ROLE regress_pb_owner;
