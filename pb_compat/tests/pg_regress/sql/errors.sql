-- Every error a user can provoke: SQLSTATE, message, detail and hint.
CREATE FUNCTION pg_temp.error_of(query text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    state := 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;
\pset format unaligned
SELECT query, e.* FROM unnest(ARRAY[
    $$SELECT uuid_v7_to_timestamptz('c232ab00-9414-11ec-b3c8-9f6bdeced846')$$,
    $$SELECT uuid_v7_to_timestamptz('5df41881-3aed-3515-88a7-2f4a814cf09e')$$,
    $$SELECT uuid_v7_to_timestamptz('919108f7-52d1-4320-9bac-f847db4148a8')$$,
    $$SELECT uuid_v7_to_timestamptz('017f22e2-79b0-7cc3-18c4-dc0c0c07398f')$$,
    $$SELECT uuid_v7_to_timestamptz('017f22e2-79b0-7cc3-d8c4-dc0c0c07398f')$$,
    $$SELECT uuid_v7_to_timestamptz('00000000-0000-0000-0000-000000000000')$$,
    $$SELECT uuid_v7_to_timestamptz('ffffffff-ffff-ffff-ffff-ffffffffffff')$$,
    $$SELECT uuid_generate_v7('1969-12-31 23:59:59.999999+00')$$,
    $$SELECT uuid_generate_v7('10889-08-02 05:31:50.656+00')$$,
    $$SELECT uuid_generate_v7('infinity')$$,
    $$SELECT uuid_generate_v7('-infinity')$$,
    $$SELECT uuid_generate_v7('4713-01-01 00:00:00+00 BC')$$,
    $$SELECT uuid_generate_v7('294276-12-31 23:59:59.999999+00')$$,
    $$SELECT uuid_timestamptz_to_v7('1969-12-31 23:59:59.999999+00', true)$$,
    $$SELECT uuid_timestamptz_to_v7('10889-08-02 05:31:50.656+00', true)$$,
    $$SELECT uuid_timestamptz_to_v7('infinity')$$,
    $$SELECT uuid_timestamptz_to_v7('-infinity', true)$$,
    $$SELECT json_valid('[]', 0)$$,
    $$SELECT json_valid('[]', 16)$$,
    $$SELECT json_valid('[]', -1)$$,
    $$SELECT json_valid('[]', -2147483648)$$,
    $$SELECT json_valid('[]'::json, 17)$$,
    $$SELECT json_valid('[]'::jsonb, 2147483647)$$
]) AS query, pg_temp.error_of(query) AS e;
