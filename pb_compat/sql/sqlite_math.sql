-- Functions on numbers, and aggregates, as SQLite has them.
-- NULL where SQLite has NULL: for what is no number, and where a function has no value. A literal such as 0.5 is numeric
-- here and real there: it is computed with, and gives, double precision.
CREATE FUNCTION sqlite.acos(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_acos_wrapper';
COMMENT ON FUNCTION sqlite.acos(double precision) IS
    'arc cosine';
CREATE FUNCTION sqlite.acos(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_acos_wrapper';
COMMENT ON FUNCTION sqlite.acos(text) IS
    'arc cosine';
CREATE FUNCTION sqlite.acosh(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_acosh_wrapper';
COMMENT ON FUNCTION sqlite.acosh(double precision) IS
    'inverse hyperbolic cosine';
CREATE FUNCTION sqlite.acosh(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_acosh_wrapper';
COMMENT ON FUNCTION sqlite.acosh(text) IS
    'inverse hyperbolic cosine';
CREATE FUNCTION sqlite.asin(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_asin_wrapper';
COMMENT ON FUNCTION sqlite.asin(double precision) IS
    'arc sine';
CREATE FUNCTION sqlite.asin(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_asin_wrapper';
COMMENT ON FUNCTION sqlite.asin(text) IS
    'arc sine';
CREATE FUNCTION sqlite.asinh(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_asinh_wrapper';
COMMENT ON FUNCTION sqlite.asinh(double precision) IS
    'inverse hyperbolic sine';
CREATE FUNCTION sqlite.asinh(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_asinh_wrapper';
COMMENT ON FUNCTION sqlite.asinh(text) IS
    'inverse hyperbolic sine';
CREATE FUNCTION sqlite.atan(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_atan_wrapper';
COMMENT ON FUNCTION sqlite.atan(double precision) IS
    'arc tangent';
CREATE FUNCTION sqlite.atan(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_atan_wrapper';
COMMENT ON FUNCTION sqlite.atan(text) IS
    'arc tangent';
CREATE FUNCTION sqlite.atanh(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_atanh_wrapper';
COMMENT ON FUNCTION sqlite.atanh(double precision) IS
    'inverse hyperbolic tangent';
CREATE FUNCTION sqlite.atanh(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_atanh_wrapper';
COMMENT ON FUNCTION sqlite.atanh(text) IS
    'inverse hyperbolic tangent';
CREATE FUNCTION sqlite.cos(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_cos_wrapper';
COMMENT ON FUNCTION sqlite.cos(double precision) IS
    'cosine of an angle in radians';
CREATE FUNCTION sqlite.cos(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_cos_wrapper';
COMMENT ON FUNCTION sqlite.cos(text) IS
    'cosine of an angle in radians';
CREATE FUNCTION sqlite.cosh(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_cosh_wrapper';
COMMENT ON FUNCTION sqlite.cosh(double precision) IS
    'hyperbolic cosine';
CREATE FUNCTION sqlite.cosh(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_cosh_wrapper';
COMMENT ON FUNCTION sqlite.cosh(text) IS
    'hyperbolic cosine';
CREATE FUNCTION sqlite.degrees(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_degrees_wrapper';
COMMENT ON FUNCTION sqlite.degrees(double precision) IS
    'radians in degrees';
CREATE FUNCTION sqlite.degrees(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_degrees_wrapper';
COMMENT ON FUNCTION sqlite.degrees(text) IS
    'radians in degrees';
CREATE FUNCTION sqlite.exp(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_exp_wrapper';
COMMENT ON FUNCTION sqlite.exp(double precision) IS
    'e to this power';
CREATE FUNCTION sqlite.exp(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_exp_wrapper';
COMMENT ON FUNCTION sqlite.exp(numeric) IS
    'e to this power';
CREATE FUNCTION sqlite.exp(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_exp_wrapper';
COMMENT ON FUNCTION sqlite.exp(text) IS
    'e to this power';
CREATE FUNCTION sqlite.ln(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ln_wrapper';
COMMENT ON FUNCTION sqlite.ln(double precision) IS
    'natural logarithm';
CREATE FUNCTION sqlite.ln(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ln_wrapper';
COMMENT ON FUNCTION sqlite.ln(numeric) IS
    'natural logarithm';
CREATE FUNCTION sqlite.ln(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ln_wrapper';
COMMENT ON FUNCTION sqlite.ln(text) IS
    'natural logarithm';
CREATE FUNCTION sqlite.log(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log10_wrapper';
COMMENT ON FUNCTION sqlite.log(double precision) IS
    'logarithm to base 10';
CREATE FUNCTION sqlite.log(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log10_wrapper';
COMMENT ON FUNCTION sqlite.log(numeric) IS
    'logarithm to base 10';
CREATE FUNCTION sqlite.log(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log10_wrapper';
COMMENT ON FUNCTION sqlite.log(text) IS
    'logarithm to base 10';
CREATE FUNCTION sqlite.log10(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log10_wrapper';
COMMENT ON FUNCTION sqlite.log10(double precision) IS
    'logarithm to base 10';
CREATE FUNCTION sqlite.log10(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log10_wrapper';
COMMENT ON FUNCTION sqlite.log10(numeric) IS
    'logarithm to base 10';
CREATE FUNCTION sqlite.log10(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log10_wrapper';
COMMENT ON FUNCTION sqlite.log10(text) IS
    'logarithm to base 10';
CREATE FUNCTION sqlite.log2(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log2_wrapper';
COMMENT ON FUNCTION sqlite.log2(double precision) IS
    'logarithm to base 2';
CREATE FUNCTION sqlite.log2(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log2_wrapper';
COMMENT ON FUNCTION sqlite.log2(text) IS
    'logarithm to base 2';
CREATE FUNCTION sqlite.radians(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_radians_wrapper';
COMMENT ON FUNCTION sqlite.radians(double precision) IS
    'degrees in radians';
CREATE FUNCTION sqlite.radians(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_radians_wrapper';
COMMENT ON FUNCTION sqlite.radians(text) IS
    'degrees in radians';
CREATE FUNCTION sqlite.sin(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sin_wrapper';
COMMENT ON FUNCTION sqlite.sin(double precision) IS
    'sine of an angle in radians';
CREATE FUNCTION sqlite.sin(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sin_wrapper';
COMMENT ON FUNCTION sqlite.sin(text) IS
    'sine of an angle in radians';
CREATE FUNCTION sqlite.sinh(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sinh_wrapper';
COMMENT ON FUNCTION sqlite.sinh(double precision) IS
    'hyperbolic sine';
CREATE FUNCTION sqlite.sinh(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sinh_wrapper';
COMMENT ON FUNCTION sqlite.sinh(text) IS
    'hyperbolic sine';
CREATE FUNCTION sqlite.sqrt(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sqrt_wrapper';
COMMENT ON FUNCTION sqlite.sqrt(double precision) IS
    'square root';
CREATE FUNCTION sqlite.sqrt(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sqrt_wrapper';
COMMENT ON FUNCTION sqlite.sqrt(numeric) IS
    'square root';
CREATE FUNCTION sqlite.sqrt(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sqrt_wrapper';
COMMENT ON FUNCTION sqlite.sqrt(text) IS
    'square root';
CREATE FUNCTION sqlite.tan(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_tan_wrapper';
COMMENT ON FUNCTION sqlite.tan(double precision) IS
    'tangent of an angle in radians';
CREATE FUNCTION sqlite.tan(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_tan_wrapper';
COMMENT ON FUNCTION sqlite.tan(text) IS
    'tangent of an angle in radians';
CREATE FUNCTION sqlite.tanh(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_tanh_wrapper';
COMMENT ON FUNCTION sqlite.tanh(double precision) IS
    'hyperbolic tangent';
CREATE FUNCTION sqlite.tanh(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_tanh_wrapper';
COMMENT ON FUNCTION sqlite.tanh(text) IS
    'hyperbolic tangent';
CREATE FUNCTION sqlite.atan2(y double precision, x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_atan2_wrapper';
COMMENT ON FUNCTION sqlite.atan2(double precision, double precision) IS
    'arc tangent of y / x, in the quadrant of the point';
CREATE FUNCTION sqlite.atan2(y text, x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_atan2_wrapper';
COMMENT ON FUNCTION sqlite.atan2(text, text) IS
    'arc tangent of y / x, in the quadrant of the point';
CREATE FUNCTION sqlite.mod(dividend double precision, divisor double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_mod_wrapper';
COMMENT ON FUNCTION sqlite.mod(double precision, double precision) IS
    'remainder of a division, with the sign of the dividend';
CREATE FUNCTION sqlite.mod(dividend numeric, divisor numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_mod_wrapper';
COMMENT ON FUNCTION sqlite.mod(numeric, numeric) IS
    'remainder of a division, with the sign of the dividend';
CREATE FUNCTION sqlite.mod(dividend smallint, divisor smallint) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_mod_wrapper';
COMMENT ON FUNCTION sqlite.mod(smallint, smallint) IS
    'remainder of a division, with the sign of the dividend';
CREATE FUNCTION sqlite.mod(dividend integer, divisor integer) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_mod_wrapper';
COMMENT ON FUNCTION sqlite.mod(integer, integer) IS
    'remainder of a division, with the sign of the dividend';
CREATE FUNCTION sqlite.mod(dividend bigint, divisor bigint) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_mod_wrapper';
COMMENT ON FUNCTION sqlite.mod(bigint, bigint) IS
    'remainder of a division, with the sign of the dividend';
CREATE FUNCTION sqlite.mod(dividend text, divisor text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_mod_wrapper';
COMMENT ON FUNCTION sqlite.mod(text, text) IS
    'remainder of a division, with the sign of the dividend';
CREATE FUNCTION sqlite.pow(base double precision, exponent double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_power_wrapper';
COMMENT ON FUNCTION sqlite.pow(double precision, double precision) IS
    'first argument to the power of the second';
CREATE FUNCTION sqlite.pow(base numeric, exponent numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_power_wrapper';
COMMENT ON FUNCTION sqlite.pow(numeric, numeric) IS
    'first argument to the power of the second';
CREATE FUNCTION sqlite.pow(base text, exponent text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_power_wrapper';
COMMENT ON FUNCTION sqlite.pow(text, text) IS
    'first argument to the power of the second';
CREATE FUNCTION sqlite.power(base double precision, exponent double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_power_wrapper';
COMMENT ON FUNCTION sqlite.power(double precision, double precision) IS
    'first argument to the power of the second';
CREATE FUNCTION sqlite.power(base numeric, exponent numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_power_wrapper';
COMMENT ON FUNCTION sqlite.power(numeric, numeric) IS
    'first argument to the power of the second';
CREATE FUNCTION sqlite.power(base text, exponent text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_power_wrapper';
COMMENT ON FUNCTION sqlite.power(text, text) IS
    'first argument to the power of the second';
CREATE FUNCTION sqlite.log(base double precision, x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log_wrapper';
COMMENT ON FUNCTION sqlite.log(double precision, double precision) IS
    'logarithm to a base above 1';
CREATE FUNCTION sqlite.log(base numeric, x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log_wrapper';
COMMENT ON FUNCTION sqlite.log(numeric, numeric) IS
    'logarithm to a base above 1';
CREATE FUNCTION sqlite.log(base text, x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_log_wrapper';
COMMENT ON FUNCTION sqlite.log(text, text) IS
    'logarithm to a base above 1';
CREATE FUNCTION sqlite.ceil(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ceil_wrapper';
COMMENT ON FUNCTION sqlite.ceil(double precision) IS
    'the least integer that is not below the number';
CREATE FUNCTION sqlite.ceil(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ceil_wrapper';
COMMENT ON FUNCTION sqlite.ceil(numeric) IS
    'the least integer that is not below the number';
CREATE FUNCTION sqlite.ceil(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ceil_wrapper';
COMMENT ON FUNCTION sqlite.ceil(text) IS
    'the least integer that is not below the number';
CREATE FUNCTION sqlite.ceil(x smallint) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.ceil(smallint) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.ceil(x integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.ceil(integer) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.ceil(x bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.ceil(bigint) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.ceiling(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ceil_wrapper';
COMMENT ON FUNCTION sqlite.ceiling(double precision) IS
    'the least integer that is not below the number';
CREATE FUNCTION sqlite.ceiling(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ceil_wrapper';
COMMENT ON FUNCTION sqlite.ceiling(numeric) IS
    'the least integer that is not below the number';
CREATE FUNCTION sqlite.ceiling(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_ceil_wrapper';
COMMENT ON FUNCTION sqlite.ceiling(text) IS
    'the least integer that is not below the number';
CREATE FUNCTION sqlite.ceiling(x smallint) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.ceiling(smallint) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.ceiling(x integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.ceiling(integer) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.ceiling(x bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.ceiling(bigint) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.floor(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_floor_wrapper';
COMMENT ON FUNCTION sqlite.floor(double precision) IS
    'the greatest integer that is not above the number';
CREATE FUNCTION sqlite.floor(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_floor_wrapper';
COMMENT ON FUNCTION sqlite.floor(numeric) IS
    'the greatest integer that is not above the number';
CREATE FUNCTION sqlite.floor(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_floor_wrapper';
COMMENT ON FUNCTION sqlite.floor(text) IS
    'the greatest integer that is not above the number';
CREATE FUNCTION sqlite.floor(x smallint) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.floor(smallint) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.floor(x integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.floor(integer) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.floor(x bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.floor(bigint) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.trunc(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_trunc_wrapper';
COMMENT ON FUNCTION sqlite.trunc(double precision) IS
    'the number without its fraction';
CREATE FUNCTION sqlite.trunc(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_trunc_wrapper';
COMMENT ON FUNCTION sqlite.trunc(numeric) IS
    'the number without its fraction';
CREATE FUNCTION sqlite.trunc(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_trunc_wrapper';
COMMENT ON FUNCTION sqlite.trunc(text) IS
    'the number without its fraction';
CREATE FUNCTION sqlite.trunc(x smallint) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.trunc(smallint) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.trunc(x integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.trunc(integer) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.trunc(x bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN x;
COMMENT ON FUNCTION sqlite.trunc(bigint) IS
    'an integer is what it is';
CREATE FUNCTION sqlite.sign(x double precision) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sign_wrapper';
COMMENT ON FUNCTION sqlite.sign(double precision) IS
    '-1, 0 or 1; NULL for what is no number';
CREATE FUNCTION sqlite.sign(x numeric) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sign_wrapper';
COMMENT ON FUNCTION sqlite.sign(numeric) IS
    '-1, 0 or 1';
CREATE FUNCTION sqlite.sign(x text) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_sign_wrapper';
COMMENT ON FUNCTION sqlite.sign(text) IS
    '-1, 0 or 1; NULL for what is no number';
CREATE FUNCTION sqlite.abs(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_abs_wrapper';
COMMENT ON FUNCTION sqlite.abs(double precision) IS
    'absolute value; of a text, of the number that it starts with';
CREATE FUNCTION sqlite.abs(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_abs_wrapper';
COMMENT ON FUNCTION sqlite.abs(numeric) IS
    'absolute value; of a text, of the number that it starts with';
CREATE FUNCTION sqlite.abs(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_abs_wrapper';
COMMENT ON FUNCTION sqlite.abs(text) IS
    'absolute value; of a text, of the number that it starts with';
CREATE FUNCTION sqlite.abs(x bytea) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_abs_wrapper';
COMMENT ON FUNCTION sqlite.abs(bytea) IS
    'absolute value; of a text, of the number that it starts with';
CREATE FUNCTION sqlite.abs(x smallint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_abs_integer_wrapper';
COMMENT ON FUNCTION sqlite.abs(smallint) IS
    'absolute value; -9223372036854775808 has none: error 22003';
CREATE FUNCTION sqlite.abs(x integer) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_abs_integer_wrapper';
COMMENT ON FUNCTION sqlite.abs(integer) IS
    'absolute value; -9223372036854775808 has none: error 22003';
CREATE FUNCTION sqlite.abs(x bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_abs_integer_wrapper';
COMMENT ON FUNCTION sqlite.abs(bigint) IS
    'absolute value; -9223372036854775808 has none: error 22003';
CREATE FUNCTION sqlite.round(x double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_round_wrapper';
COMMENT ON FUNCTION sqlite.round(double precision) IS
    'rounded, half away from zero';
CREATE FUNCTION sqlite.round(x numeric) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_round_wrapper';
COMMENT ON FUNCTION sqlite.round(numeric) IS
    'rounded, half away from zero';
CREATE FUNCTION sqlite.round(x text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_round_wrapper';
COMMENT ON FUNCTION sqlite.round(text) IS
    'rounded, half away from zero';
CREATE FUNCTION sqlite.round(x bytea) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_round_wrapper';
COMMENT ON FUNCTION sqlite.round(bytea) IS
    'rounded, half away from zero';
CREATE FUNCTION sqlite.round(x double precision, places double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_round_wrapper';
COMMENT ON FUNCTION sqlite.round(double precision, double precision) IS
    'rounded to 0 to 30 decimal places, half away from zero';
CREATE FUNCTION sqlite.round(x numeric, places integer) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_round_wrapper';
COMMENT ON FUNCTION sqlite.round(numeric, integer) IS
    'rounded to 0 to 30 decimal places, half away from zero';
CREATE FUNCTION sqlite.round(x numeric, places double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_round_wrapper';
COMMENT ON FUNCTION sqlite.round(numeric, double precision) IS
    'rounded to 0 to 30 decimal places, half away from zero';
CREATE FUNCTION sqlite.round(x text, places double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_round_wrapper';
COMMENT ON FUNCTION sqlite.round(text, double precision) IS
    'rounded to 0 to 30 decimal places, half away from zero';
CREATE FUNCTION sqlite.round(x bytea, places double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_round_wrapper';
COMMENT ON FUNCTION sqlite.round(bytea, double precision) IS
    'rounded to 0 to 30 decimal places, half away from zero';
CREATE FUNCTION sqlite.pi() RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN pg_catalog.pi();
COMMENT ON FUNCTION sqlite.pi() IS
    '3.141592653589793';
CREATE FUNCTION sqlite.min(value anycompatible, VARIADIC others anycompatiblearray) RETURNS anycompatible
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_min_wrapper';
COMMENT ON FUNCTION sqlite.min(anycompatible, VARIADIC anycompatiblearray) IS
    'the least of two or more values, NULL where one is NULL; text compares by its bytes';
CREATE FUNCTION sqlite.max(value anycompatible, VARIADIC others anycompatiblearray) RETURNS anycompatible
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_max_wrapper';
COMMENT ON FUNCTION sqlite.max(anycompatible, VARIADIC anycompatiblearray) IS
    'the greatest of two or more values, NULL where one is NULL; text compares by its bytes';
-- Aggregates.
CREATE FUNCTION sqlite.total_step(internal, "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_total_step_wrapper';
COMMENT ON FUNCTION sqlite.total_step(internal, "any") IS 'transition of the aggregate total';
CREATE FUNCTION sqlite.total_final(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_total_final_wrapper';
COMMENT ON FUNCTION sqlite.total_final(internal) IS 'result of the aggregate total';
CREATE AGGREGATE sqlite.total("any") (
    SFUNC = sqlite.total_step,
    STYPE = internal,
    FINALFUNC = sqlite.total_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sqlite.total("any") IS 'sum as a real, 0 of no values; text counts as the number that it starts with';

CREATE FUNCTION sqlite.group_concat_step(internal, "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_group_concat_step_wrapper';
COMMENT ON FUNCTION sqlite.group_concat_step(internal, "any") IS 'transition of the aggregate group_concat';
CREATE FUNCTION sqlite.group_concat_step(internal, "any", "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_group_concat_step_wrapper';
COMMENT ON FUNCTION sqlite.group_concat_step(internal, "any", "any") IS 'transition of the aggregate group_concat';
CREATE FUNCTION sqlite.group_concat_final(internal) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_group_concat_final_wrapper';
COMMENT ON FUNCTION sqlite.group_concat_final(internal) IS 'result of the aggregate group_concat';
CREATE AGGREGATE sqlite.group_concat("any") (
    SFUNC = sqlite.group_concat_step,
    STYPE = internal,
    FINALFUNC = sqlite.group_concat_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sqlite.group_concat("any") IS 'text of the values that are not NULL, with commas between them';
CREATE AGGREGATE sqlite.group_concat("any", "any") (
    SFUNC = sqlite.group_concat_step,
    STYPE = internal,
    FINALFUNC = sqlite.group_concat_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sqlite.group_concat("any", "any") IS 'text of the values that are not NULL, each but the first after its separator';
