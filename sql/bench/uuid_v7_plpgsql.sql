-- A version 7 UUID as plpgsql functions usually make it: a random version 4 UUID whose first 48 bits are replaced by the
-- milliseconds since 1970 and whose version becomes 7. The ids of one millisecond are in no order.
CREATE FUNCTION uuid_v7_plpgsql() RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    millis bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    bytes bytea := uuid_send(gen_random_uuid());
BEGIN
    -- The lower six of the eight bytes of the number.
    bytes := overlay(bytes PLACING substring(int8send(millis) FROM 3) FROM 1);
    -- The upper half of byte 6 is the version; what is left of it stays random.
    bytes := set_byte(bytes, 6, (get_byte(bytes, 6) & 15) | 112);
    RETURN encode(bytes, 'hex')::uuid;
END
$$;
