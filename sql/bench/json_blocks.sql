-- The same block around a cast, a check and nothing: what they differ by is the cast and the check. RETURN of an
-- expression runs no query of its own, so little is left around it.
CREATE FUNCTION block_json(document text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN (document::json) IS NOT NULL;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN false;
END
$$;

CREATE FUNCTION block_json_valid(document text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN json_valid(document);
EXCEPTION WHEN invalid_text_representation THEN
    RETURN false;
END
$$;

CREATE FUNCTION block_alone(document text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN document IS NULL;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN false;
END
$$;
