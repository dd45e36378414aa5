-- Each function takes its time value and modifiers as text, so that literals and parameters of unknown type are text,
-- and as "any" for everything else. The single arguments of date() and time() also have those types whose values
-- PostgreSQL would otherwise convert to its own types date and time.
CREATE FUNCTION sqlite.datetime_support(request internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'sqlite_datetime_support_wrapper';
COMMENT ON FUNCTION sqlite.datetime_support(internal) IS
    'internal: lets the planner replace a date function by its immutable twin where the arguments allow it';

DO $$
DECLARE
    declared record;
    signature text;
BEGIN
    FOR declared IN
        SELECT name, result, about, arguments
        FROM (VALUES
            ('date', 'text', 'date of a time as YYYY-MM-DD',
             ARRAY['', 'text', 'text, text', 'text, text, text', 'VARIADIC "any"', 'varchar', 'date', 'timestamp', 'timestamptz']),
            ('time', 'text', 'time of day of a time as HH:MM:SS, or HH:MM:SS.SSS with the modifier subsec',
             ARRAY['', 'text', 'text, text', 'text, text, text', 'VARIADIC "any"', 'varchar', 'timestamp', 'timestamptz']),
            ('datetime', 'text', 'a time as YYYY-MM-DD HH:MM:SS, or YYYY-MM-DD HH:MM:SS.SSS with the modifier subsec',
             ARRAY['', 'text', 'text, text', 'text, text, text', 'VARIADIC "any"']),
            ('julianday', 'double precision', 'days of a time since noon of -4713-11-24',
             ARRAY['', 'text', 'text, text', 'text, text, text', 'VARIADIC "any"']),
            ('unixepoch', 'bigint', 'whole seconds of a time since 1970-01-01',
             ARRAY['', 'text', 'text, text', 'text, text, text', 'VARIADIC "any"']),
            ('unixepoch_real', 'double precision', 'seconds of a time since 1970-01-01, with their fraction after the modifier subsec',
             ARRAY['', 'text', 'text, text', 'text, text, text', 'VARIADIC "any"']),
            ('strftime', 'text', 'a time in the given format',
             ARRAY['text', 'text, text', 'text, text, text', 'text, text, text, text', 'VARIADIC "any"']),
            ('timediff', 'text', 'time from the second time to the first, as a modifier',
             ARRAY['text, text', '"any", "any"'])
        ) AS functions (name, result, about, arguments)
    LOOP
        EXECUTE format(
            $declare$
                CREATE FUNCTION sqlite.%1$I(VARIADIC "any") RETURNS %2$s
                    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
                    AS 'MODULE_PATHNAME', %3$L
            $declare$,
            declared.name || '_immutable', declared.result, 'sqlite_' || declared.name || '_immutable_wrapper'
        );
        EXECUTE format(
            'COMMENT ON FUNCTION sqlite.%I("any") IS %L',
            declared.name || '_immutable', 'internal: what plans and indexes have in place of ' || declared.name || '()'
        );
        FOREACH signature IN ARRAY declared.arguments LOOP
            EXECUTE format(
                $declare$
                    CREATE FUNCTION sqlite.%1$I(%2$s) RETURNS %3$s
                        LANGUAGE c STABLE STRICT PARALLEL SAFE %5$s
                        AS 'MODULE_PATHNAME', %4$L
                $declare$,
                declared.name, signature, declared.result, 'sqlite_' || declared.name || '_wrapper',
                CASE WHEN signature <> '' THEN 'SUPPORT sqlite.datetime_support' END
            );
            EXECUTE format('COMMENT ON FUNCTION sqlite.%I(%s) IS %L', declared.name, replace(signature, 'VARIADIC ', ''), declared.about);
        END LOOP;
    END LOOP;
END
$$;
