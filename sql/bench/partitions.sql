-- Tables as an application has them: a few columns, an index, days as partitions.
CREATE FUNCTION make_tables(prefix text, number int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1..number LOOP
        EXECUTE format(
            'CREATE TABLE %1$I (id bigint NOT NULL, created timestamptz NOT NULL, kind text, payload jsonb)
                 PARTITION BY RANGE (created)', prefix || '_' || n);
        EXECUTE format('CREATE INDEX ON %I (id)', prefix || '_' || n);
    END LOOP;
END $$;

-- Gives tables of a name a policy, and no others.
CREATE FUNCTION only_policies(prefix text, first int, last int, ahead int) RETURNS void LANGUAGE sql AS $$
    DELETE FROM maintenance.partition_policies;
    INSERT INTO maintenance.partition_policies (parent, period, premake, on_expiry, time_zone, lock_timeout)
    SELECT (prefix || '_' || n)::regclass, '1 day', ahead, 'drop', 'UTC', '1s' FROM generate_series(first, last) AS n
$$;

CREATE FUNCTION partitions_of(prefix text) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
    WHERE c.relkind = 'p' AND c.relname ~ ('^' || prefix || '_[0-9]+$')
$$;

-- Days ahead, with the name that a partition gets and its bounds.
CREATE FUNCTION day_ahead(n int, OUT suffix text, OUT lower text, OUT upper text) LANGUAGE sql AS $$
    SELECT to_char(day, 'YYYYMMDD'), to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00:00',
           to_char(day + interval '1 day', 'YYYY-MM-DD') || ' 00:00:00+00:00'
    FROM (SELECT date_trunc('day', now() AT TIME ZONE 'UTC') + n * interval '1 day') AS d (day)
$$;
