-- Operators, as SQLite has them.
-- LIKE and NOT LIKE. The grammar makes x LIKE p ESCAPE e into x ~~ like_escape(p, e), whose escape character is a
-- backslash; so it is one without ESCAPE, too.
CREATE FUNCTION sqlite.text_like(value text, pattern text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_text_like_wrapper';
COMMENT ON FUNCTION sqlite.text_like(text, text) IS
    'implements LIKE';
CREATE FUNCTION sqlite.text_not_like(value text, pattern text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_text_not_like_wrapper';
COMMENT ON FUNCTION sqlite.text_not_like(text, text) IS
    'implements NOT LIKE';
CREATE FUNCTION sqlite.character_like(value bpchar, pattern text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_text_like_wrapper';
COMMENT ON FUNCTION sqlite.character_like(bpchar, text) IS
    'implements LIKE';
CREATE FUNCTION sqlite.character_not_like(value bpchar, pattern text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_text_not_like_wrapper';
COMMENT ON FUNCTION sqlite.character_not_like(bpchar, text) IS
    'implements NOT LIKE';
CREATE FUNCTION sqlite.value_like(value anynonarray, pattern text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_value_like_wrapper';
COMMENT ON FUNCTION sqlite.value_like(anynonarray, text) IS
    'implements LIKE';
CREATE FUNCTION sqlite.value_not_like(value anynonarray, pattern text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_value_not_like_wrapper';
COMMENT ON FUNCTION sqlite.value_not_like(anynonarray, text) IS
    'implements NOT LIKE';
CREATE OPERATOR sqlite.~~ (
    LEFTARG = text, RIGHTARG = text, FUNCTION = sqlite.text_like,
    NEGATOR = OPERATOR(sqlite.!~~),
    RESTRICT = matchingsel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR sqlite.~~ (text, text) IS 'LIKE, as SQLite has it';
CREATE OPERATOR sqlite.!~~ (
    LEFTARG = text, RIGHTARG = text, FUNCTION = sqlite.text_not_like,
    NEGATOR = OPERATOR(sqlite.~~),
    RESTRICT = matchingsel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR sqlite.!~~ (text, text) IS 'NOT LIKE, as SQLite has it';
CREATE OPERATOR sqlite.~~ (
    LEFTARG = bpchar, RIGHTARG = text, FUNCTION = sqlite.character_like,
    NEGATOR = OPERATOR(sqlite.!~~),
    RESTRICT = matchingsel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR sqlite.~~ (bpchar, text) IS 'LIKE, as SQLite has it';
CREATE OPERATOR sqlite.!~~ (
    LEFTARG = bpchar, RIGHTARG = text, FUNCTION = sqlite.character_not_like,
    NEGATOR = OPERATOR(sqlite.~~),
    RESTRICT = matchingsel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR sqlite.!~~ (bpchar, text) IS 'NOT LIKE, as SQLite has it';
CREATE OPERATOR sqlite.~~ (
    LEFTARG = anynonarray, RIGHTARG = text, FUNCTION = sqlite.value_like,
    NEGATOR = OPERATOR(sqlite.!~~),
    RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR sqlite.~~ (anynonarray, text) IS 'LIKE, as SQLite has it';
CREATE OPERATOR sqlite.!~~ (
    LEFTARG = anynonarray, RIGHTARG = text, FUNCTION = sqlite.value_not_like,
    NEGATOR = OPERATOR(sqlite.~~)
);
COMMENT ON OPERATOR sqlite.!~~ (anynonarray, text) IS 'NOT LIKE, as SQLite has it';
-- A boolean and an integer: false is 0, true is 1. Plain SQL, which the planner puts in the place of the operator.
CREATE FUNCTION sqlite.boolean_eq("left" boolean, "right" smallint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.=) "right";
COMMENT ON FUNCTION sqlite.boolean_eq(boolean, smallint) IS
    'implements operator =';
CREATE FUNCTION sqlite.boolean_eq("left" smallint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.=) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_eq(smallint, boolean) IS
    'implements operator =';
CREATE FUNCTION sqlite.boolean_ne("left" boolean, "right" smallint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.<>) "right";
COMMENT ON FUNCTION sqlite.boolean_ne(boolean, smallint) IS
    'implements operator <>';
CREATE FUNCTION sqlite.boolean_ne("left" smallint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.<>) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_ne(smallint, boolean) IS
    'implements operator <>';
CREATE FUNCTION sqlite.boolean_lt("left" boolean, "right" smallint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.<) "right";
COMMENT ON FUNCTION sqlite.boolean_lt(boolean, smallint) IS
    'implements operator <';
CREATE FUNCTION sqlite.boolean_lt("left" smallint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.<) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_lt(smallint, boolean) IS
    'implements operator <';
CREATE FUNCTION sqlite.boolean_le("left" boolean, "right" smallint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.<=) "right";
COMMENT ON FUNCTION sqlite.boolean_le(boolean, smallint) IS
    'implements operator <=';
CREATE FUNCTION sqlite.boolean_le("left" smallint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.<=) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_le(smallint, boolean) IS
    'implements operator <=';
CREATE FUNCTION sqlite.boolean_gt("left" boolean, "right" smallint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.>) "right";
COMMENT ON FUNCTION sqlite.boolean_gt(boolean, smallint) IS
    'implements operator >';
CREATE FUNCTION sqlite.boolean_gt("left" smallint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.>) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_gt(smallint, boolean) IS
    'implements operator >';
CREATE FUNCTION sqlite.boolean_ge("left" boolean, "right" smallint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.>=) "right";
COMMENT ON FUNCTION sqlite.boolean_ge(boolean, smallint) IS
    'implements operator >=';
CREATE FUNCTION sqlite.boolean_ge("left" smallint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.>=) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_ge(smallint, boolean) IS
    'implements operator >=';
CREATE OPERATOR sqlite.= (
    LEFTARG = boolean, RIGHTARG = smallint, FUNCTION = sqlite.boolean_eq,
    COMMUTATOR = OPERATOR(sqlite.=),
    NEGATOR = OPERATOR(sqlite.<>)
);
COMMENT ON OPERATOR sqlite.= (boolean, smallint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.= (
    LEFTARG = smallint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_eq,
    COMMUTATOR = OPERATOR(sqlite.=),
    NEGATOR = OPERATOR(sqlite.<>)
);
COMMENT ON OPERATOR sqlite.= (smallint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<> (
    LEFTARG = boolean, RIGHTARG = smallint, FUNCTION = sqlite.boolean_ne,
    COMMUTATOR = OPERATOR(sqlite.<>),
    NEGATOR = OPERATOR(sqlite.=)
);
COMMENT ON OPERATOR sqlite.<> (boolean, smallint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<> (
    LEFTARG = smallint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_ne,
    COMMUTATOR = OPERATOR(sqlite.<>),
    NEGATOR = OPERATOR(sqlite.=)
);
COMMENT ON OPERATOR sqlite.<> (smallint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.< (
    LEFTARG = boolean, RIGHTARG = smallint, FUNCTION = sqlite.boolean_lt,
    COMMUTATOR = OPERATOR(sqlite.>),
    NEGATOR = OPERATOR(sqlite.>=)
);
COMMENT ON OPERATOR sqlite.< (boolean, smallint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.< (
    LEFTARG = smallint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_lt,
    COMMUTATOR = OPERATOR(sqlite.>),
    NEGATOR = OPERATOR(sqlite.>=)
);
COMMENT ON OPERATOR sqlite.< (smallint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<= (
    LEFTARG = boolean, RIGHTARG = smallint, FUNCTION = sqlite.boolean_le,
    COMMUTATOR = OPERATOR(sqlite.>=),
    NEGATOR = OPERATOR(sqlite.>)
);
COMMENT ON OPERATOR sqlite.<= (boolean, smallint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<= (
    LEFTARG = smallint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_le,
    COMMUTATOR = OPERATOR(sqlite.>=),
    NEGATOR = OPERATOR(sqlite.>)
);
COMMENT ON OPERATOR sqlite.<= (smallint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.> (
    LEFTARG = boolean, RIGHTARG = smallint, FUNCTION = sqlite.boolean_gt,
    COMMUTATOR = OPERATOR(sqlite.<),
    NEGATOR = OPERATOR(sqlite.<=)
);
COMMENT ON OPERATOR sqlite.> (boolean, smallint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.> (
    LEFTARG = smallint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_gt,
    COMMUTATOR = OPERATOR(sqlite.<),
    NEGATOR = OPERATOR(sqlite.<=)
);
COMMENT ON OPERATOR sqlite.> (smallint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.>= (
    LEFTARG = boolean, RIGHTARG = smallint, FUNCTION = sqlite.boolean_ge,
    COMMUTATOR = OPERATOR(sqlite.<=),
    NEGATOR = OPERATOR(sqlite.<)
);
COMMENT ON OPERATOR sqlite.>= (boolean, smallint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.>= (
    LEFTARG = smallint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_ge,
    COMMUTATOR = OPERATOR(sqlite.<=),
    NEGATOR = OPERATOR(sqlite.<)
);
COMMENT ON OPERATOR sqlite.>= (smallint, boolean) IS 'compares a boolean as 0 or 1';
CREATE FUNCTION sqlite.boolean_eq("left" boolean, "right" integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.=) "right";
COMMENT ON FUNCTION sqlite.boolean_eq(boolean, integer) IS
    'implements operator =';
CREATE FUNCTION sqlite.boolean_eq("left" integer, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.=) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_eq(integer, boolean) IS
    'implements operator =';
CREATE FUNCTION sqlite.boolean_ne("left" boolean, "right" integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.<>) "right";
COMMENT ON FUNCTION sqlite.boolean_ne(boolean, integer) IS
    'implements operator <>';
CREATE FUNCTION sqlite.boolean_ne("left" integer, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.<>) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_ne(integer, boolean) IS
    'implements operator <>';
CREATE FUNCTION sqlite.boolean_lt("left" boolean, "right" integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.<) "right";
COMMENT ON FUNCTION sqlite.boolean_lt(boolean, integer) IS
    'implements operator <';
CREATE FUNCTION sqlite.boolean_lt("left" integer, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.<) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_lt(integer, boolean) IS
    'implements operator <';
CREATE FUNCTION sqlite.boolean_le("left" boolean, "right" integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.<=) "right";
COMMENT ON FUNCTION sqlite.boolean_le(boolean, integer) IS
    'implements operator <=';
CREATE FUNCTION sqlite.boolean_le("left" integer, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.<=) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_le(integer, boolean) IS
    'implements operator <=';
CREATE FUNCTION sqlite.boolean_gt("left" boolean, "right" integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.>) "right";
COMMENT ON FUNCTION sqlite.boolean_gt(boolean, integer) IS
    'implements operator >';
CREATE FUNCTION sqlite.boolean_gt("left" integer, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.>) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_gt(integer, boolean) IS
    'implements operator >';
CREATE FUNCTION sqlite.boolean_ge("left" boolean, "right" integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.>=) "right";
COMMENT ON FUNCTION sqlite.boolean_ge(boolean, integer) IS
    'implements operator >=';
CREATE FUNCTION sqlite.boolean_ge("left" integer, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.>=) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_ge(integer, boolean) IS
    'implements operator >=';
CREATE OPERATOR sqlite.= (
    LEFTARG = boolean, RIGHTARG = integer, FUNCTION = sqlite.boolean_eq,
    COMMUTATOR = OPERATOR(sqlite.=),
    NEGATOR = OPERATOR(sqlite.<>)
);
COMMENT ON OPERATOR sqlite.= (boolean, integer) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.= (
    LEFTARG = integer, RIGHTARG = boolean, FUNCTION = sqlite.boolean_eq,
    COMMUTATOR = OPERATOR(sqlite.=),
    NEGATOR = OPERATOR(sqlite.<>)
);
COMMENT ON OPERATOR sqlite.= (integer, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<> (
    LEFTARG = boolean, RIGHTARG = integer, FUNCTION = sqlite.boolean_ne,
    COMMUTATOR = OPERATOR(sqlite.<>),
    NEGATOR = OPERATOR(sqlite.=)
);
COMMENT ON OPERATOR sqlite.<> (boolean, integer) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<> (
    LEFTARG = integer, RIGHTARG = boolean, FUNCTION = sqlite.boolean_ne,
    COMMUTATOR = OPERATOR(sqlite.<>),
    NEGATOR = OPERATOR(sqlite.=)
);
COMMENT ON OPERATOR sqlite.<> (integer, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.< (
    LEFTARG = boolean, RIGHTARG = integer, FUNCTION = sqlite.boolean_lt,
    COMMUTATOR = OPERATOR(sqlite.>),
    NEGATOR = OPERATOR(sqlite.>=)
);
COMMENT ON OPERATOR sqlite.< (boolean, integer) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.< (
    LEFTARG = integer, RIGHTARG = boolean, FUNCTION = sqlite.boolean_lt,
    COMMUTATOR = OPERATOR(sqlite.>),
    NEGATOR = OPERATOR(sqlite.>=)
);
COMMENT ON OPERATOR sqlite.< (integer, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<= (
    LEFTARG = boolean, RIGHTARG = integer, FUNCTION = sqlite.boolean_le,
    COMMUTATOR = OPERATOR(sqlite.>=),
    NEGATOR = OPERATOR(sqlite.>)
);
COMMENT ON OPERATOR sqlite.<= (boolean, integer) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<= (
    LEFTARG = integer, RIGHTARG = boolean, FUNCTION = sqlite.boolean_le,
    COMMUTATOR = OPERATOR(sqlite.>=),
    NEGATOR = OPERATOR(sqlite.>)
);
COMMENT ON OPERATOR sqlite.<= (integer, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.> (
    LEFTARG = boolean, RIGHTARG = integer, FUNCTION = sqlite.boolean_gt,
    COMMUTATOR = OPERATOR(sqlite.<),
    NEGATOR = OPERATOR(sqlite.<=)
);
COMMENT ON OPERATOR sqlite.> (boolean, integer) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.> (
    LEFTARG = integer, RIGHTARG = boolean, FUNCTION = sqlite.boolean_gt,
    COMMUTATOR = OPERATOR(sqlite.<),
    NEGATOR = OPERATOR(sqlite.<=)
);
COMMENT ON OPERATOR sqlite.> (integer, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.>= (
    LEFTARG = boolean, RIGHTARG = integer, FUNCTION = sqlite.boolean_ge,
    COMMUTATOR = OPERATOR(sqlite.<=),
    NEGATOR = OPERATOR(sqlite.<)
);
COMMENT ON OPERATOR sqlite.>= (boolean, integer) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.>= (
    LEFTARG = integer, RIGHTARG = boolean, FUNCTION = sqlite.boolean_ge,
    COMMUTATOR = OPERATOR(sqlite.<=),
    NEGATOR = OPERATOR(sqlite.<)
);
COMMENT ON OPERATOR sqlite.>= (integer, boolean) IS 'compares a boolean as 0 or 1';
CREATE FUNCTION sqlite.boolean_eq("left" boolean, "right" bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.=) "right";
COMMENT ON FUNCTION sqlite.boolean_eq(boolean, bigint) IS
    'implements operator =';
CREATE FUNCTION sqlite.boolean_eq("left" bigint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.=) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_eq(bigint, boolean) IS
    'implements operator =';
CREATE FUNCTION sqlite.boolean_ne("left" boolean, "right" bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.<>) "right";
COMMENT ON FUNCTION sqlite.boolean_ne(boolean, bigint) IS
    'implements operator <>';
CREATE FUNCTION sqlite.boolean_ne("left" bigint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.<>) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_ne(bigint, boolean) IS
    'implements operator <>';
CREATE FUNCTION sqlite.boolean_lt("left" boolean, "right" bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.<) "right";
COMMENT ON FUNCTION sqlite.boolean_lt(boolean, bigint) IS
    'implements operator <';
CREATE FUNCTION sqlite.boolean_lt("left" bigint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.<) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_lt(bigint, boolean) IS
    'implements operator <';
CREATE FUNCTION sqlite.boolean_le("left" boolean, "right" bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.<=) "right";
COMMENT ON FUNCTION sqlite.boolean_le(boolean, bigint) IS
    'implements operator <=';
CREATE FUNCTION sqlite.boolean_le("left" bigint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.<=) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_le(bigint, boolean) IS
    'implements operator <=';
CREATE FUNCTION sqlite.boolean_gt("left" boolean, "right" bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.>) "right";
COMMENT ON FUNCTION sqlite.boolean_gt(boolean, bigint) IS
    'implements operator >';
CREATE FUNCTION sqlite.boolean_gt("left" bigint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.>) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_gt(bigint, boolean) IS
    'implements operator >';
CREATE FUNCTION sqlite.boolean_ge("left" boolean, "right" bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"::integer OPERATOR(pg_catalog.>=) "right";
COMMENT ON FUNCTION sqlite.boolean_ge(boolean, bigint) IS
    'implements operator >=';
CREATE FUNCTION sqlite.boolean_ge("left" bigint, "right" boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left" OPERATOR(pg_catalog.>=) "right"::integer;
COMMENT ON FUNCTION sqlite.boolean_ge(bigint, boolean) IS
    'implements operator >=';
CREATE OPERATOR sqlite.= (
    LEFTARG = boolean, RIGHTARG = bigint, FUNCTION = sqlite.boolean_eq,
    COMMUTATOR = OPERATOR(sqlite.=),
    NEGATOR = OPERATOR(sqlite.<>)
);
COMMENT ON OPERATOR sqlite.= (boolean, bigint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.= (
    LEFTARG = bigint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_eq,
    COMMUTATOR = OPERATOR(sqlite.=),
    NEGATOR = OPERATOR(sqlite.<>)
);
COMMENT ON OPERATOR sqlite.= (bigint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<> (
    LEFTARG = boolean, RIGHTARG = bigint, FUNCTION = sqlite.boolean_ne,
    COMMUTATOR = OPERATOR(sqlite.<>),
    NEGATOR = OPERATOR(sqlite.=)
);
COMMENT ON OPERATOR sqlite.<> (boolean, bigint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<> (
    LEFTARG = bigint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_ne,
    COMMUTATOR = OPERATOR(sqlite.<>),
    NEGATOR = OPERATOR(sqlite.=)
);
COMMENT ON OPERATOR sqlite.<> (bigint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.< (
    LEFTARG = boolean, RIGHTARG = bigint, FUNCTION = sqlite.boolean_lt,
    COMMUTATOR = OPERATOR(sqlite.>),
    NEGATOR = OPERATOR(sqlite.>=)
);
COMMENT ON OPERATOR sqlite.< (boolean, bigint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.< (
    LEFTARG = bigint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_lt,
    COMMUTATOR = OPERATOR(sqlite.>),
    NEGATOR = OPERATOR(sqlite.>=)
);
COMMENT ON OPERATOR sqlite.< (bigint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<= (
    LEFTARG = boolean, RIGHTARG = bigint, FUNCTION = sqlite.boolean_le,
    COMMUTATOR = OPERATOR(sqlite.>=),
    NEGATOR = OPERATOR(sqlite.>)
);
COMMENT ON OPERATOR sqlite.<= (boolean, bigint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.<= (
    LEFTARG = bigint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_le,
    COMMUTATOR = OPERATOR(sqlite.>=),
    NEGATOR = OPERATOR(sqlite.>)
);
COMMENT ON OPERATOR sqlite.<= (bigint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.> (
    LEFTARG = boolean, RIGHTARG = bigint, FUNCTION = sqlite.boolean_gt,
    COMMUTATOR = OPERATOR(sqlite.<),
    NEGATOR = OPERATOR(sqlite.<=)
);
COMMENT ON OPERATOR sqlite.> (boolean, bigint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.> (
    LEFTARG = bigint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_gt,
    COMMUTATOR = OPERATOR(sqlite.<),
    NEGATOR = OPERATOR(sqlite.<=)
);
COMMENT ON OPERATOR sqlite.> (bigint, boolean) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.>= (
    LEFTARG = boolean, RIGHTARG = bigint, FUNCTION = sqlite.boolean_ge,
    COMMUTATOR = OPERATOR(sqlite.<=),
    NEGATOR = OPERATOR(sqlite.<)
);
COMMENT ON OPERATOR sqlite.>= (boolean, bigint) IS 'compares a boolean as 0 or 1';
CREATE OPERATOR sqlite.>= (
    LEFTARG = bigint, RIGHTARG = boolean, FUNCTION = sqlite.boolean_ge,
    COMMUTATOR = OPERATOR(sqlite.<=),
    NEGATOR = OPERATOR(sqlite.<)
);
COMMENT ON OPERATOR sqlite.>= (bigint, boolean) IS 'compares a boolean as 0 or 1';
