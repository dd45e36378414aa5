-- Shape: version 7, variant of RFC 9562, and the time of now.
SELECT substr(id::text, 15, 1) AS version, substr(id::text, 20, 1) IN ('8', '9', 'a', 'b') AS variant,
       uuid_v7_to_timestamptz(id) BETWEEN date_trunc('milliseconds', now()) AND clock_timestamp() AS now
FROM uuid_generate_v7() AS id;

-- Unique and in order, in one statement and over many.
SELECT count(*), count(DISTINCT id) FROM (SELECT uuid_generate_v7() AS id FROM generate_series(1, 10000)) AS ids;
CREATE TABLE made (n int GENERATED ALWAYS AS IDENTITY, id uuid DEFAULT uuid_generate_v7());
INSERT INTO made (id) SELECT uuid_generate_v7() FROM generate_series(1, 1000);
INSERT INTO made DEFAULT VALUES;
INSERT INTO made DEFAULT VALUES;
SELECT count(*) FROM (SELECT id <= lag(id) OVER (ORDER BY n) AS wrong FROM made) AS pairs WHERE wrong;

-- A given millisecond: its time comes back, the rest is random.
SELECT uuid_v7_to_timestamptz(uuid_generate_v7('2022-02-22 14:22:22.123456-05')) AT TIME ZONE 'UTC';
SELECT count(DISTINCT uuid_generate_v7('2022-02-22 14:22:22-05')) FROM generate_series(1, 1000);
SELECT uuid_generate_v7('2022-02-22 14:22:22-05')::text ~ '^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';

-- The example of RFC 9562, appendix A.6.
SELECT uuid_v7_to_timestamptz('017F22E2-79B0-7CC3-98C4-DC0C0C07398F') AT TIME ZONE 'UTC';
SELECT uuid_timestamptz_to_v7('2022-02-22 14:22:22-05', true);
SELECT uuid_timestamptz_to_v7('2022-02-22 14:22:22-05', zero => true);
SELECT uuid_v7_to_timestamptz(uuid_timestamptz_to_v7('2022-02-22 14:22:22-05')) AT TIME ZONE 'UTC';

-- Ends of the range.
SELECT uuid_timestamptz_to_v7('1970-01-01 00:00:00+00', true);
SELECT uuid_v7_to_timestamptz('ffffffff-ffff-7fff-bfff-ffffffffffff') AT TIME ZONE 'UTC';
SELECT uuid_timestamptz_to_v7('10889-08-02 05:31:50.655999+00', true);

-- As range boundaries: everything of one millisecond, nothing else.
SELECT bool_and(id >= uuid_timestamptz_to_v7('2024-05-01 12:00:00.001+00', true)
            AND id < uuid_timestamptz_to_v7('2024-05-01 12:00:00.002+00', true))
FROM (SELECT uuid_generate_v7('2024-05-01 12:00:00.001999+00') AS id FROM generate_series(1, 1000)) AS ids;

-- PostgreSQL 18's names.
SELECT count(*) FROM (SELECT id <= lag(id) OVER (ORDER BY n) AS wrong
                      FROM (SELECT n, uuidv7() AS id FROM generate_series(1, 10000) AS n) AS made) AS pairs WHERE wrong;
SELECT count(*) FROM (SELECT id <= lag(id) OVER (ORDER BY n) AS wrong
                      FROM (SELECT n, uuidv7('-3 days 01:00:00.000001'::interval) AS id FROM generate_series(1, 10000) AS n) AS made
                     ) AS pairs WHERE wrong;
SELECT shift, uuid_v7_to_timestamptz(uuidv7(shift)) - (now() + shift) BETWEEN '-1 ms' AND '1 minute' AS near
FROM unnest(ARRAY['0', '1 day', '-1 day', '1 year', '-30 years', '0.5 ms']::interval[]) AS shift;

-- NULL in, NULL out.
SELECT uuid_generate_v7(NULL) IS NULL, uuid_v7_to_timestamptz(NULL) IS NULL,
       uuid_timestamptz_to_v7(NULL) IS NULL, uuidv7(NULL::interval) IS NULL;

DROP TABLE made;
