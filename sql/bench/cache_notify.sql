-- The table that everybody writes, and the triggers that cache_notify is compared with.
CREATE FUNCTION make_table(name text, n bigint, filler int DEFAULT 0) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Room for the next version of each row: what differs between two runs is not where a row happens to go.
    EXECUTE format(
        'CREATE TABLE %I (id int PRIMARY KEY, user_id int NOT NULL, total numeric(10,2) NOT NULL,
                          status text NOT NULL, note text NOT NULL) WITH (fillfactor = 50)', name);
    -- Row 0 is for the message that ends a run.
    EXECUTE format(
        'INSERT INTO %I SELECT n, n %% 1000, n / 100.0, ''pending'', left(repeat(md5(n::text), $2 / 32 + 1), $2)
           FROM generate_series(0, $1) AS n', name) USING n, filler;
END
$$;

-- The trigger that everybody writes.
CREATE FUNCTION notify_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cache_invalidate', TG_TABLE_NAME || ':' || NEW.id);
    RETURN NEW;
END
$$;

-- The same for a statement: the keys in one message.
CREATE FUNCTION notify_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cache_invalidate', (SELECT string_agg(TG_TABLE_NAME || ':' || id, ' ') FROM new_rows));
    RETURN NULL;
END
$$;

-- What transition tables cost by themselves.
CREATE FUNCTION do_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN NULL;
END
$$;
