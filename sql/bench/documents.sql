-- Records as PocketBase stores them, the same ones on every run, of about 110 bytes.
CREATE FUNCTION document(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format(
        '{"id":"%s","created":"%s","title":"%s %s","views":%s,"rating":%s,"draft":%s}',
        left(md5(n::text), 15),
        to_char(timestamp '2024-01-01' + n * interval '61.003 s', 'YYYY-MM-DD HH24:MI:SS.MS"Z"'),
        -- An escape in every eighth title, letters beyond ASCII in another.
        CASE n % 8 WHEN 3 THEN 'Say \"hi\"' WHEN 6 THEN 'Größe' ELSE 'Note' END,
        n % 1000,
        n * 7919 % 100000,
        CASE WHEN n % 10 = 0 THEN 'null' ELSE (n % 50 / 10.0)::numeric(3, 1)::text END,
        CASE WHEN n % 3 = 0 THEN 'true' ELSE 'false' END)
$$;

-- The same record with one mistake: in equal parts at the end (a bracket is missing), in the middle (a string in
-- single quotes) and at the start (a key without quotes).
CREATE FUNCTION broken_document(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE n % 3
        WHEN 0 THEN left(document(n), -1)
        WHEN 1 THEN regexp_replace(document(n), '"title":"(.*)","views"', '"title":''\1'',"views"')
        ELSE '{id' || substr(document(n), 6)
    END
$$;
