-- JSON as SQLite has it. Most functions take arguments of any type: a document is text, json, jsonb or SQLite's JSONB in a
-- bytea, a path is text. A function for text besides lets a literal without a type find it, where PostgreSQL has one of the
-- same name; and one for json goes before PostgreSQL's where this schema comes first in the search path.
CREATE FUNCTION sqlite.json(document "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_wrapper';
COMMENT ON FUNCTION sqlite.json("any") IS
    'the JSON document without spaces, in RFC 8259';
CREATE FUNCTION sqlite.json_array() RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_array_wrapper';
COMMENT ON FUNCTION sqlite.json_array() IS
    'an empty JSON array';
CREATE FUNCTION sqlite.json_array(VARIADIC items "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_array_wrapper';
COMMENT ON FUNCTION sqlite.json_array(VARIADIC "any") IS
    'JSON array of the arguments';
CREATE FUNCTION sqlite.json_object() RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_object_wrapper';
COMMENT ON FUNCTION sqlite.json_object() IS
    'an empty JSON object';
CREATE FUNCTION sqlite.json_object(VARIADIC members "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_object_wrapper';
COMMENT ON FUNCTION sqlite.json_object(VARIADIC "any") IS
    'JSON object of labels and values, which come in turn';
CREATE FUNCTION sqlite.json_quote(value "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_quote_wrapper';
COMMENT ON FUNCTION sqlite.json_quote("any") IS
    'the value as JSON';
CREATE FUNCTION sqlite.json_extract(document text, path text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_extract_text_wrapper';
COMMENT ON FUNCTION sqlite.json_extract(text, text) IS
    'what a path leads to: text, a number as text, NULL; JSON for an object or an array';
CREATE FUNCTION sqlite.json_extract(document "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_extract_wrapper';
COMMENT ON FUNCTION sqlite.json_extract("any") IS
    'NULL: no path leads to anything';
CREATE FUNCTION sqlite.json_extract(document "any", VARIADIC paths "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_extract_wrapper';
COMMENT ON FUNCTION sqlite.json_extract("any", VARIADIC "any") IS
    'what a path leads to: text, a number as text, NULL; JSON for an object or an array; several paths give a JSON array';
CREATE FUNCTION sqlite.json_extract_int(document "any", VARIADIC paths "any") RETURNS bigint
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_extract_int_wrapper';
COMMENT ON FUNCTION sqlite.json_extract_int("any", VARIADIC "any") IS
    'CAST(json_extract(..) AS INTEGER)';
CREATE FUNCTION sqlite.json_extract_real(document "any", VARIADIC paths "any") RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_extract_real_wrapper';
COMMENT ON FUNCTION sqlite.json_extract_real("any", VARIADIC "any") IS
    'CAST(json_extract(..) AS REAL)';
CREATE FUNCTION sqlite.json_arrow(document text, operand text) RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_arrow_text_wrapper';
COMMENT ON FUNCTION sqlite.json_arrow(text, text) IS
    'implementation of the -> operator';
CREATE FUNCTION sqlite.json_double_arrow(document text, operand text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_double_arrow_text_wrapper';
COMMENT ON FUNCTION sqlite.json_double_arrow(text, text) IS
    'implementation of the ->> operator';
CREATE OPERATOR sqlite.-> (LEFTARG = text, RIGHTARG = text, FUNCTION = sqlite.json_arrow);
COMMENT ON OPERATOR sqlite.-> (text, text) IS 'what a path, a label or an index leads to, as JSON';
CREATE OPERATOR sqlite.->> (LEFTARG = text, RIGHTARG = text, FUNCTION = sqlite.json_double_arrow);
COMMENT ON OPERATOR sqlite.->> (text, text) IS 'what a path, a label or an index leads to, as text';
CREATE FUNCTION sqlite.json_arrow(document text, operand smallint) RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_arrow_int2_wrapper';
COMMENT ON FUNCTION sqlite.json_arrow(text, smallint) IS
    'implementation of the -> operator';
CREATE FUNCTION sqlite.json_double_arrow(document text, operand smallint) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_double_arrow_int2_wrapper';
COMMENT ON FUNCTION sqlite.json_double_arrow(text, smallint) IS
    'implementation of the ->> operator';
CREATE OPERATOR sqlite.-> (LEFTARG = text, RIGHTARG = smallint, FUNCTION = sqlite.json_arrow);
COMMENT ON OPERATOR sqlite.-> (text, smallint) IS 'what a path, a label or an index leads to, as JSON';
CREATE OPERATOR sqlite.->> (LEFTARG = text, RIGHTARG = smallint, FUNCTION = sqlite.json_double_arrow);
COMMENT ON OPERATOR sqlite.->> (text, smallint) IS 'what a path, a label or an index leads to, as text';
CREATE FUNCTION sqlite.json_arrow(document text, operand integer) RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_arrow_int4_wrapper';
COMMENT ON FUNCTION sqlite.json_arrow(text, integer) IS
    'implementation of the -> operator';
CREATE FUNCTION sqlite.json_double_arrow(document text, operand integer) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_double_arrow_int4_wrapper';
COMMENT ON FUNCTION sqlite.json_double_arrow(text, integer) IS
    'implementation of the ->> operator';
CREATE OPERATOR sqlite.-> (LEFTARG = text, RIGHTARG = integer, FUNCTION = sqlite.json_arrow);
COMMENT ON OPERATOR sqlite.-> (text, integer) IS 'what a path, a label or an index leads to, as JSON';
CREATE OPERATOR sqlite.->> (LEFTARG = text, RIGHTARG = integer, FUNCTION = sqlite.json_double_arrow);
COMMENT ON OPERATOR sqlite.->> (text, integer) IS 'what a path, a label or an index leads to, as text';
CREATE FUNCTION sqlite.json_arrow(document text, operand bigint) RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_arrow_int8_wrapper';
COMMENT ON FUNCTION sqlite.json_arrow(text, bigint) IS
    'implementation of the -> operator';
CREATE FUNCTION sqlite.json_double_arrow(document text, operand bigint) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_double_arrow_int8_wrapper';
COMMENT ON FUNCTION sqlite.json_double_arrow(text, bigint) IS
    'implementation of the ->> operator';
CREATE OPERATOR sqlite.-> (LEFTARG = text, RIGHTARG = bigint, FUNCTION = sqlite.json_arrow);
COMMENT ON OPERATOR sqlite.-> (text, bigint) IS 'what a path, a label or an index leads to, as JSON';
CREATE OPERATOR sqlite.->> (LEFTARG = text, RIGHTARG = bigint, FUNCTION = sqlite.json_double_arrow);
COMMENT ON OPERATOR sqlite.->> (text, bigint) IS 'what a path, a label or an index leads to, as text';
CREATE FUNCTION sqlite.json_type(document text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_type_wrapper';
COMMENT ON FUNCTION sqlite.json_type(text) IS
    'null, true, false, integer, real, text, array or object';
CREATE FUNCTION sqlite.json_type(document "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_type_wrapper';
COMMENT ON FUNCTION sqlite.json_type("any") IS
    'null, true, false, integer, real, text, array or object';
CREATE FUNCTION sqlite.json_type(document text, path text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_type_wrapper';
COMMENT ON FUNCTION sqlite.json_type(text, text) IS
    'null, true, false, integer, real, text, array or object, for what a path leads to';
CREATE FUNCTION sqlite.json_type(document "any", path "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_type_wrapper';
COMMENT ON FUNCTION sqlite.json_type("any", "any") IS
    'null, true, false, integer, real, text, array or object, for what a path leads to';
CREATE FUNCTION sqlite.json_array_length(document text) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_array_length_wrapper';
COMMENT ON FUNCTION sqlite.json_array_length(text) IS
    'number of elements of a JSON array; 0 for what is none';
CREATE FUNCTION sqlite.json_array_length(document json) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_array_length_wrapper';
COMMENT ON FUNCTION sqlite.json_array_length(json) IS
    'number of elements of a JSON array; 0 for what is none';
CREATE FUNCTION sqlite.json_array_length(document "any") RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_array_length_wrapper';
COMMENT ON FUNCTION sqlite.json_array_length("any") IS
    'number of elements of a JSON array; 0 for what is none';
CREATE FUNCTION sqlite.json_array_length(document text, path text) RETURNS bigint
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_array_length_wrapper';
COMMENT ON FUNCTION sqlite.json_array_length(text, text) IS
    'number of elements of a JSON array; 0 for what is none; for what a path leads to';
CREATE FUNCTION sqlite.json_array_length(document "any", path "any") RETURNS bigint
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_array_length_wrapper';
COMMENT ON FUNCTION sqlite.json_array_length("any", "any") IS
    'number of elements of a JSON array; 0 for what is none; for what a path leads to';
CREATE FUNCTION sqlite.json_error_position(document "any") RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_error_position_wrapper';
COMMENT ON FUNCTION sqlite.json_error_position("any") IS
    'the character, counted from 1, at which a text stops to be JSON; 0 for JSON';
CREATE FUNCTION sqlite.json_pretty(document "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_pretty_wrapper';
COMMENT ON FUNCTION sqlite.json_pretty("any") IS
    'the JSON document on several lines';
CREATE FUNCTION sqlite.json_pretty(document "any", indent "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_pretty_wrapper';
COMMENT ON FUNCTION sqlite.json_pretty("any", "any") IS
    'the JSON document on several lines, indented with a text';
CREATE FUNCTION sqlite.json_set(document "any", VARIADIC changes "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_set_wrapper';
COMMENT ON FUNCTION sqlite.json_set("any", VARIADIC "any") IS
    'the JSON document with values where paths lead to, there or not before';
CREATE FUNCTION sqlite.json_set(document "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_set_wrapper';
COMMENT ON FUNCTION sqlite.json_set("any") IS
    'the JSON document without spaces, in RFC 8259';
CREATE FUNCTION sqlite.json_insert(document "any", VARIADIC changes "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_insert_wrapper';
COMMENT ON FUNCTION sqlite.json_insert("any", VARIADIC "any") IS
    'the JSON document with values where paths lead to nothing';
CREATE FUNCTION sqlite.json_insert(document "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_insert_wrapper';
COMMENT ON FUNCTION sqlite.json_insert("any") IS
    'the JSON document without spaces, in RFC 8259';
CREATE FUNCTION sqlite.json_replace(document "any", VARIADIC changes "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_replace_wrapper';
COMMENT ON FUNCTION sqlite.json_replace("any", VARIADIC "any") IS
    'the JSON document with other values where paths lead to';
CREATE FUNCTION sqlite.json_replace(document "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_replace_wrapper';
COMMENT ON FUNCTION sqlite.json_replace("any") IS
    'the JSON document without spaces, in RFC 8259';
CREATE FUNCTION sqlite.json_array_insert(document "any", VARIADIC changes "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_array_insert_wrapper';
COMMENT ON FUNCTION sqlite.json_array_insert("any", VARIADIC "any") IS
    'the JSON document with elements put into arrays before those that paths lead to';
CREATE FUNCTION sqlite.json_array_insert(document "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_array_insert_wrapper';
COMMENT ON FUNCTION sqlite.json_array_insert("any") IS
    'the JSON document without spaces, in RFC 8259';
CREATE FUNCTION sqlite.json_remove(document "any", VARIADIC paths "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_remove_wrapper';
COMMENT ON FUNCTION sqlite.json_remove("any", VARIADIC "any") IS
    'the JSON document without what paths lead to';
CREATE FUNCTION sqlite.json_remove(document "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_remove_wrapper';
COMMENT ON FUNCTION sqlite.json_remove("any") IS
    'the JSON document without spaces, in RFC 8259';
CREATE FUNCTION sqlite.json_patch(document "any", patch "any") RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_patch_wrapper';
COMMENT ON FUNCTION sqlite.json_patch("any", "any") IS
    'the JSON document with a merge patch (RFC 7396) applied';
CREATE FUNCTION sqlite.json_each(document text) RETURNS TABLE (
    key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'sqlite_json_each_wrapper';
COMMENT ON FUNCTION sqlite.json_each(text) IS
    'the elements of a JSON array or object, a row each';
CREATE FUNCTION sqlite.json_each(document json) RETURNS TABLE (
    key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'sqlite_json_each_wrapper';
COMMENT ON FUNCTION sqlite.json_each(json) IS
    'the elements of a JSON array or object, a row each';
CREATE FUNCTION sqlite.json_each(document "any") RETURNS TABLE (
    key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'sqlite_json_each_wrapper';
COMMENT ON FUNCTION sqlite.json_each("any") IS
    'the elements of a JSON array or object, a row each';
CREATE FUNCTION sqlite.json_each(document text, root text) RETURNS TABLE (
    key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'sqlite_json_each_wrapper';
COMMENT ON FUNCTION sqlite.json_each(text, text) IS
    'the elements of a JSON array or object, a row each, from what a path leads to';
CREATE FUNCTION sqlite.json_each(document "any", root "any") RETURNS TABLE (
    key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'sqlite_json_each_wrapper';
COMMENT ON FUNCTION sqlite.json_each("any", "any") IS
    'the elements of a JSON array or object, a row each, from what a path leads to';
CREATE FUNCTION sqlite.json_tree(document text) RETURNS TABLE (
    key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'sqlite_json_tree_wrapper';
COMMENT ON FUNCTION sqlite.json_tree(text) IS
    'a JSON document and everything in it, a row each';
CREATE FUNCTION sqlite.json_tree(document "any") RETURNS TABLE (
    key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'sqlite_json_tree_wrapper';
COMMENT ON FUNCTION sqlite.json_tree("any") IS
    'a JSON document and everything in it, a row each';
CREATE FUNCTION sqlite.json_tree(document text, root text) RETURNS TABLE (
    key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'sqlite_json_tree_wrapper';
COMMENT ON FUNCTION sqlite.json_tree(text, text) IS
    'a JSON document and everything in it, a row each, from what a path leads to';
CREATE FUNCTION sqlite.json_tree(document "any", root "any") RETURNS TABLE (
    key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'sqlite_json_tree_wrapper';
COMMENT ON FUNCTION sqlite.json_tree("any", "any") IS
    'a JSON document and everything in it, a row each, from what a path leads to';
CREATE FUNCTION sqlite.json_group_array_step(internal, "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_group_array_step_wrapper';
COMMENT ON FUNCTION sqlite.json_group_array_step(internal, "any") IS 'transition of the aggregate json_group_array';
CREATE FUNCTION sqlite.json_group_array_final(internal) RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_group_array_final_wrapper';
COMMENT ON FUNCTION sqlite.json_group_array_final(internal) IS 'result of the aggregate json_group_array';
CREATE AGGREGATE sqlite.json_group_array("any") (
    SFUNC = sqlite.json_group_array_step,
    STYPE = internal,
    FINALFUNC = sqlite.json_group_array_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sqlite.json_group_array("any") IS
    'JSON array of the values of a group';
CREATE FUNCTION sqlite.json_group_object_step(internal, "any", "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_group_object_step_wrapper';
COMMENT ON FUNCTION sqlite.json_group_object_step(internal, "any", "any") IS 'transition of the aggregate json_group_object';
CREATE FUNCTION sqlite.json_group_object_final(internal) RETURNS sqlite.json_text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_json_group_object_final_wrapper';
COMMENT ON FUNCTION sqlite.json_group_object_final(internal) IS 'result of the aggregate json_group_object';
CREATE AGGREGATE sqlite.json_group_object("any", "any") (
    SFUNC = sqlite.json_group_object_step,
    STYPE = internal,
    FINALFUNC = sqlite.json_group_object_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sqlite.json_group_object("any", "any") IS
    'JSON object of labels and values of a group';
