-- Functions on text and blobs, as SQLite has them.
-- Where pg_catalog has a function of the same name and parameter types, one is declared here with just these: it is the
-- one that a search_path with sqlite in front finds. "any" takes the rest. Text where "any" would do is for
-- untyped parameters, which have to become something; double precision takes every number.
CREATE FUNCTION sqlite.typeof(value "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_typeof_wrapper';
COMMENT ON FUNCTION sqlite.typeof("any") IS
    'storage class that the value has in SQLite: null, integer, real, text or blob';
CREATE FUNCTION sqlite.truth(value "any") RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_truth_wrapper';
COMMENT ON FUNCTION sqlite.truth("any") IS
    'whether the value counts as true in a condition; NULL for NULL';
-- Plain SQL in quotes, so that the planner puts the expression in its place: what is not needed is not computed.
CREATE FUNCTION sqlite.iif(condition boolean, value anycompatible, otherwise anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 THEN $2 ELSE $3 END';
COMMENT ON FUNCTION sqlite.iif(boolean, anycompatible, anycompatible) IS
    'the second argument where the first is true, the third where it is not or is NULL; the other one is not computed';
CREATE FUNCTION sqlite.iif(condition boolean, value anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 THEN $2 END';
COMMENT ON FUNCTION sqlite.iif(boolean, anycompatible) IS
    'the second argument where the first is true, otherwise NULL';
CREATE FUNCTION sqlite.iif(condition bigint, value anycompatible, otherwise anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 OPERATOR(pg_catalog.<>) 0 THEN $2 ELSE $3 END';
COMMENT ON FUNCTION sqlite.iif(bigint, anycompatible, anycompatible) IS
    'the second argument where the first is true, the third where it is not or is NULL; the other one is not computed';
CREATE FUNCTION sqlite.iif(condition bigint, value anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 OPERATOR(pg_catalog.<>) 0 THEN $2 END';
COMMENT ON FUNCTION sqlite.iif(bigint, anycompatible) IS
    'the second argument where the first is true, otherwise NULL';
CREATE FUNCTION sqlite.iif(condition double precision, value anycompatible, otherwise anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 OPERATOR(pg_catalog.<>) 0 THEN $2 ELSE $3 END';
COMMENT ON FUNCTION sqlite.iif(double precision, anycompatible, anycompatible) IS
    'the second argument where the first is true, the third where it is not or is NULL; the other one is not computed';
CREATE FUNCTION sqlite.iif(condition double precision, value anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 OPERATOR(pg_catalog.<>) 0 THEN $2 END';
COMMENT ON FUNCTION sqlite.iif(double precision, anycompatible) IS
    'the second argument where the first is true, otherwise NULL';
CREATE FUNCTION sqlite.iif(condition text, value anycompatible, otherwise anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN sqlite.truth($1) THEN $2 ELSE $3 END';
COMMENT ON FUNCTION sqlite.iif(text, anycompatible, anycompatible) IS
    'the second argument where the first is true, the third where it is not or is NULL; the other one is not computed';
CREATE FUNCTION sqlite.iif(condition text, value anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN sqlite.truth($1) THEN $2 END';
COMMENT ON FUNCTION sqlite.iif(text, anycompatible) IS
    'the second argument where the first is true, otherwise NULL';
CREATE FUNCTION sqlite.if(condition boolean, value anycompatible, otherwise anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 THEN $2 ELSE $3 END';
COMMENT ON FUNCTION sqlite.if(boolean, anycompatible, anycompatible) IS
    'the second argument where the first is true, the third where it is not or is NULL; the other one is not computed';
CREATE FUNCTION sqlite.if(condition boolean, value anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 THEN $2 END';
COMMENT ON FUNCTION sqlite.if(boolean, anycompatible) IS
    'the second argument where the first is true, otherwise NULL';
CREATE FUNCTION sqlite.if(condition bigint, value anycompatible, otherwise anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 OPERATOR(pg_catalog.<>) 0 THEN $2 ELSE $3 END';
COMMENT ON FUNCTION sqlite.if(bigint, anycompatible, anycompatible) IS
    'the second argument where the first is true, the third where it is not or is NULL; the other one is not computed';
CREATE FUNCTION sqlite.if(condition bigint, value anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 OPERATOR(pg_catalog.<>) 0 THEN $2 END';
COMMENT ON FUNCTION sqlite.if(bigint, anycompatible) IS
    'the second argument where the first is true, otherwise NULL';
CREATE FUNCTION sqlite.if(condition double precision, value anycompatible, otherwise anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 OPERATOR(pg_catalog.<>) 0 THEN $2 ELSE $3 END';
COMMENT ON FUNCTION sqlite.if(double precision, anycompatible, anycompatible) IS
    'the second argument where the first is true, the third where it is not or is NULL; the other one is not computed';
CREATE FUNCTION sqlite.if(condition double precision, value anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN $1 OPERATOR(pg_catalog.<>) 0 THEN $2 END';
COMMENT ON FUNCTION sqlite.if(double precision, anycompatible) IS
    'the second argument where the first is true, otherwise NULL';
CREATE FUNCTION sqlite.if(condition text, value anycompatible, otherwise anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN sqlite.truth($1) THEN $2 ELSE $3 END';
COMMENT ON FUNCTION sqlite.if(text, anycompatible, anycompatible) IS
    'the second argument where the first is true, the third where it is not or is NULL; the other one is not computed';
CREATE FUNCTION sqlite.if(condition text, value anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN sqlite.truth($1) THEN $2 END';
COMMENT ON FUNCTION sqlite.if(text, anycompatible) IS
    'the second argument where the first is true, otherwise NULL';
CREATE FUNCTION sqlite.ifnull(value anycompatible, otherwise anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT COALESCE($1, $2)';
COMMENT ON FUNCTION sqlite.ifnull(anycompatible, anycompatible) IS
    'the first argument, or the second where that is NULL';
-- Text and blobs.
CREATE FUNCTION sqlite.length(value "any") RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_length_wrapper';
COMMENT ON FUNCTION sqlite.length("any") IS
    'number of characters; of a blob, of bytes';
CREATE FUNCTION sqlite.octet_length(value "any") RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_octet_length_wrapper';
COMMENT ON FUNCTION sqlite.octet_length("any") IS
    'number of bytes';
CREATE FUNCTION sqlite.lower(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_lower_wrapper';
COMMENT ON FUNCTION sqlite.lower(text) IS
    'text with A to Z in lower case; other letters stay';
CREATE FUNCTION sqlite.lower(value "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_lower_wrapper';
COMMENT ON FUNCTION sqlite.lower("any") IS
    'text with A to Z in lower case; other letters stay';
CREATE FUNCTION sqlite.upper(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_upper_wrapper';
COMMENT ON FUNCTION sqlite.upper(text) IS
    'text with a to z in upper case; other letters stay';
CREATE FUNCTION sqlite.upper(value "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_upper_wrapper';
COMMENT ON FUNCTION sqlite.upper("any") IS
    'text with a to z in upper case; other letters stay';
CREATE FUNCTION sqlite.instr(haystack text, needle text) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_instr_wrapper';
COMMENT ON FUNCTION sqlite.instr(text, text) IS
    'where the second text first occurs in the first, from 1 on; 0 where it does not; bytes of two blobs';
CREATE FUNCTION sqlite.instr(haystack "any", needle "any") RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_instr_wrapper';
COMMENT ON FUNCTION sqlite.instr("any", "any") IS
    'where the second text first occurs in the first, from 1 on; 0 where it does not; bytes of two blobs';
CREATE FUNCTION sqlite.substr(value text, start integer) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substr(text, integer) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substr(value text, start integer, length integer) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substr(text, integer, integer) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substr(value text, start double precision) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substr(text, double precision) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substr(value text, start double precision, length double precision) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substr(text, double precision, double precision) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substr(value bytea, start integer) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_bytes_wrapper';
COMMENT ON FUNCTION sqlite.substr(bytea, integer) IS
    'part of a blob, by bytes, as of a text';
CREATE FUNCTION sqlite.substr(value bytea, start integer, length integer) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_bytes_wrapper';
COMMENT ON FUNCTION sqlite.substr(bytea, integer, integer) IS
    'part of a blob, by bytes, as of a text';
CREATE FUNCTION sqlite.substr(value bytea, start double precision) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_bytes_wrapper';
COMMENT ON FUNCTION sqlite.substr(bytea, double precision) IS
    'part of a blob, by bytes, as of a text';
CREATE FUNCTION sqlite.substr(value bytea, start double precision, length double precision) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_bytes_wrapper';
COMMENT ON FUNCTION sqlite.substr(bytea, double precision, double precision) IS
    'part of a blob, by bytes, as of a text';
CREATE FUNCTION sqlite.substr(value "any", start double precision) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substr("any", double precision) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substr(value "any", start double precision, length double precision) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substr("any", double precision, double precision) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substring(value text, start integer) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substring(text, integer) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substring(value text, start integer, length integer) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substring(text, integer, integer) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substring(value text, start double precision) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substring(text, double precision) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substring(value text, start double precision, length double precision) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substring(text, double precision, double precision) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substring(value bytea, start integer) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_bytes_wrapper';
COMMENT ON FUNCTION sqlite.substring(bytea, integer) IS
    'part of a blob, by bytes, as of a text';
CREATE FUNCTION sqlite.substring(value bytea, start integer, length integer) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_bytes_wrapper';
COMMENT ON FUNCTION sqlite.substring(bytea, integer, integer) IS
    'part of a blob, by bytes, as of a text';
CREATE FUNCTION sqlite.substring(value bytea, start double precision) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_bytes_wrapper';
COMMENT ON FUNCTION sqlite.substring(bytea, double precision) IS
    'part of a blob, by bytes, as of a text';
CREATE FUNCTION sqlite.substring(value bytea, start double precision, length double precision) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_bytes_wrapper';
COMMENT ON FUNCTION sqlite.substring(bytea, double precision, double precision) IS
    'part of a blob, by bytes, as of a text';
CREATE FUNCTION sqlite.substring(value "any", start double precision) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substring("any", double precision) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.substring(value "any", start double precision, length double precision) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_substr_wrapper';
COMMENT ON FUNCTION sqlite.substring("any", double precision, double precision) IS
    'part of a text: from a character on, counted from 1 or, negative, from the end; a negative length takes what is before it';
CREATE FUNCTION sqlite.replace(value text, old text, new text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_replace_wrapper';
COMMENT ON FUNCTION sqlite.replace(text, text, text) IS
    'the text with every occurrence of the second text replaced by the third';
CREATE FUNCTION sqlite.replace(value "any", old "any", new "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_replace_wrapper';
COMMENT ON FUNCTION sqlite.replace("any", "any", "any") IS
    'the text with every occurrence of the second text replaced by the third';
CREATE FUNCTION sqlite.trim(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_trim_wrapper';
COMMENT ON FUNCTION sqlite.trim(text) IS
    'text without spaces, or the characters of a second text, at both ends';
CREATE FUNCTION sqlite.trim(value text, characters text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_trim_wrapper';
COMMENT ON FUNCTION sqlite.trim(text, text) IS
    'text without spaces, or the characters of a second text, at both ends';
CREATE FUNCTION sqlite.trim(value "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_trim_wrapper';
COMMENT ON FUNCTION sqlite.trim("any") IS
    'text without spaces, or the characters of a second text, at both ends';
CREATE FUNCTION sqlite.trim(value "any", characters "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_trim_wrapper';
COMMENT ON FUNCTION sqlite.trim("any", "any") IS
    'text without spaces, or the characters of a second text, at both ends';
CREATE FUNCTION sqlite.ltrim(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ltrim_wrapper';
COMMENT ON FUNCTION sqlite.ltrim(text) IS
    'text without spaces, or the characters of a second text, at its start';
CREATE FUNCTION sqlite.ltrim(value text, characters text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ltrim_wrapper';
COMMENT ON FUNCTION sqlite.ltrim(text, text) IS
    'text without spaces, or the characters of a second text, at its start';
CREATE FUNCTION sqlite.ltrim(value "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ltrim_wrapper';
COMMENT ON FUNCTION sqlite.ltrim("any") IS
    'text without spaces, or the characters of a second text, at its start';
CREATE FUNCTION sqlite.ltrim(value "any", characters "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ltrim_wrapper';
COMMENT ON FUNCTION sqlite.ltrim("any", "any") IS
    'text without spaces, or the characters of a second text, at its start';
CREATE FUNCTION sqlite.rtrim(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_rtrim_wrapper';
COMMENT ON FUNCTION sqlite.rtrim(text) IS
    'text without spaces, or the characters of a second text, at its end';
CREATE FUNCTION sqlite.rtrim(value text, characters text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_rtrim_wrapper';
COMMENT ON FUNCTION sqlite.rtrim(text, text) IS
    'text without spaces, or the characters of a second text, at its end';
CREATE FUNCTION sqlite.rtrim(value "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_rtrim_wrapper';
COMMENT ON FUNCTION sqlite.rtrim("any") IS
    'text without spaces, or the characters of a second text, at its end';
CREATE FUNCTION sqlite.rtrim(value "any", characters "any") RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_rtrim_wrapper';
COMMENT ON FUNCTION sqlite.rtrim("any", "any") IS
    'text without spaces, or the characters of a second text, at its end';
CREATE FUNCTION sqlite.hex(value text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_hex_wrapper';
COMMENT ON FUNCTION sqlite.hex(text) IS
    'the bytes of a blob, or of a text, in hexadecimal digits; no digits for NULL';
CREATE FUNCTION sqlite.hex(value "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_hex_wrapper';
COMMENT ON FUNCTION sqlite.hex("any") IS
    'the bytes of a blob, or of a text, in hexadecimal digits; no digits for NULL';
CREATE FUNCTION sqlite.unhex(digits text) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_unhex_wrapper';
COMMENT ON FUNCTION sqlite.unhex(text) IS
    'the bytes that pairs of hexadecimal digits stand for; NULL for any other text';
CREATE FUNCTION sqlite.unhex(digits "any") RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_unhex_wrapper';
COMMENT ON FUNCTION sqlite.unhex("any") IS
    'the bytes that pairs of hexadecimal digits stand for; NULL for any other text';
CREATE FUNCTION sqlite.unhex(digits text, ignored text) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_unhex_wrapper';
COMMENT ON FUNCTION sqlite.unhex(text, text) IS
    'the same, where the characters of the second text may stand between pairs';
CREATE FUNCTION sqlite.unhex(digits "any", ignored "any") RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_unhex_wrapper';
COMMENT ON FUNCTION sqlite.unhex("any", "any") IS
    'the same, where the characters of the second text may stand between pairs';
CREATE FUNCTION sqlite.unicode(value text) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_unicode_wrapper';
COMMENT ON FUNCTION sqlite.unicode(text) IS
    'number of the first character; NULL of no text';
CREATE FUNCTION sqlite.unicode(value "any") RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_unicode_wrapper';
COMMENT ON FUNCTION sqlite.unicode("any") IS
    'number of the first character; NULL of no text';
CREATE FUNCTION sqlite.char(VARIADIC codes "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_char_wrapper';
COMMENT ON FUNCTION sqlite.char(VARIADIC "any") IS
    'text of the characters with these numbers; U+FFFD for a number that is no character';
CREATE FUNCTION sqlite.char() RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_char_wrapper';
COMMENT ON FUNCTION sqlite.char() IS
    'no characters: an empty text';
CREATE FUNCTION sqlite.quote(value text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_quote_wrapper';
COMMENT ON FUNCTION sqlite.quote(text) IS
    'the value as a literal of SQL';
CREATE FUNCTION sqlite.quote(value "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_quote_wrapper';
COMMENT ON FUNCTION sqlite.quote("any") IS
    'the value as a literal of SQL';
CREATE FUNCTION sqlite.unistr(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_unistr_wrapper';
COMMENT ON FUNCTION sqlite.unistr(text) IS
    'text with \XXXX, \uXXXX, \+XXXXXX and \UXXXXXXXX replaced by the character of that number';
CREATE FUNCTION sqlite.unistr_quote(value "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_unistr_quote_wrapper';
COMMENT ON FUNCTION sqlite.unistr_quote("any") IS
    'the value as a literal of SQL, control characters escaped for unistr()';
CREATE FUNCTION sqlite.printf(format text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_printf_wrapper';
COMMENT ON FUNCTION sqlite.printf(text) IS
    'text with conversions such as %d, %5.2f, %s, %Q filled in from the arguments';
CREATE FUNCTION sqlite.printf(format text, VARIADIC arguments "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_printf_wrapper';
COMMENT ON FUNCTION sqlite.printf(text, VARIADIC "any") IS
    'text with conversions such as %d, %5.2f, %s, %Q filled in from the arguments';
CREATE FUNCTION sqlite.format(format text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_printf_wrapper';
COMMENT ON FUNCTION sqlite.format(text) IS
    'text with conversions such as %d, %5.2f, %s, %Q filled in from the arguments';
CREATE FUNCTION sqlite.format(format text, VARIADIC arguments "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_printf_wrapper';
COMMENT ON FUNCTION sqlite.format(text, VARIADIC "any") IS
    'text with conversions such as %d, %5.2f, %s, %Q filled in from the arguments';
CREATE FUNCTION sqlite.concat(VARIADIC "values" "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_concat_wrapper';
COMMENT ON FUNCTION sqlite.concat(VARIADIC "any") IS
    'text of all values that are not NULL, one after the other';
CREATE FUNCTION sqlite.concat_ws(separator text, VARIADIC "values" "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_concat_ws_wrapper';
COMMENT ON FUNCTION sqlite.concat_ws(text, VARIADIC "any") IS
    'text of all values that are not NULL, with a separator between them';
CREATE FUNCTION sqlite.glob(pattern text, value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_glob_wrapper';
COMMENT ON FUNCTION sqlite.glob(text, text) IS
    'whether the second text matches the pattern: * any characters, ? one, [a-z] one of a set, [^a-z] one not in it';
CREATE FUNCTION sqlite.glob(pattern "any", value "any") RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_glob_wrapper';
COMMENT ON FUNCTION sqlite.glob("any", "any") IS
    'whether the second text matches the pattern: * any characters, ? one, [a-z] one of a set, [^a-z] one not in it';
CREATE FUNCTION sqlite.like(pattern text, value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_like_wrapper';
COMMENT ON FUNCTION sqlite.like(text, text) IS
    'whether the second text matches the pattern, A to Z without regard to case: % any characters, _ one';
CREATE FUNCTION sqlite.like(pattern bytea, value bytea) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_like_wrapper';
COMMENT ON FUNCTION sqlite.like(bytea, bytea) IS
    'whether the second text matches the pattern, A to Z without regard to case: % any characters, _ one';
CREATE FUNCTION sqlite.like(pattern "any", value "any") RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_like_wrapper';
COMMENT ON FUNCTION sqlite.like("any", "any") IS
    'whether the second text matches the pattern, A to Z without regard to case: % any characters, _ one';
CREATE FUNCTION sqlite.like(pattern text, value text, escape text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_like_wrapper';
COMMENT ON FUNCTION sqlite.like(text, text, text) IS
    'whether the second text matches the pattern, A to Z without regard to case: % any characters, _ one; a character after the escape character stands for itself';
CREATE FUNCTION sqlite.like(pattern "any", value "any", escape "any") RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_like_wrapper';
COMMENT ON FUNCTION sqlite.like("any", "any", "any") IS
    'whether the second text matches the pattern, A to Z without regard to case: % any characters, _ one; a character after the escape character stands for itself';
CREATE FUNCTION sqlite.randomblob(size double precision) RETURNS bytea
    LANGUAGE c VOLATILE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_randomblob_wrapper';
COMMENT ON FUNCTION sqlite.randomblob(double precision) IS
    'so many random bytes, at least one';
CREATE FUNCTION sqlite.zeroblob(size double precision) RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_zeroblob_wrapper';
COMMENT ON FUNCTION sqlite.zeroblob(double precision) IS
    'so many zero bytes';
CREATE FUNCTION sqlite.random() RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_random_wrapper';
COMMENT ON FUNCTION sqlite.random() IS
    'random integer, from -9223372036854775807 to 9223372036854775807';
