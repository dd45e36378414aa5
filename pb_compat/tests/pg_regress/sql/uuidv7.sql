-- Ours up to PostgreSQL 17, the server's own since.
SELECT substr(uuidv7()::text, 15, 1) AS version, substr(uuidv7('1 day')::text, 15, 1) AS shifted;
SELECT uuidv7() < uuidv7() AS increasing, uuidv7('-1 hour') < uuidv7() AS past;
SELECT abs(extract(epoch FROM uuid_v7_to_timestamptz(uuidv7('1 hour')) - now() - interval '1 hour')) < 60 AS near;
