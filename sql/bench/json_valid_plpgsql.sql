-- Whether a text is JSON, as plpgsql has to find out up to PostgreSQL 15: try the cast and catch its error. The block
-- starts a subtransaction for each call, whether there is an error or not.
CREATE FUNCTION json_valid_plpgsql(document text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    PERFORM document::json;
    RETURN true;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN false;
END
$$;

CREATE FUNCTION jsonb_valid_plpgsql(document text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    PERFORM document::jsonb;
    RETURN true;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN false;
END
$$;
