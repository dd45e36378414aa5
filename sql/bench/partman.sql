-- Registers tables with pg_partman, without a default partition: it makes one that costs it time here.
CREATE SCHEMA IF NOT EXISTS partman;
CREATE EXTENSION pg_partman SCHEMA partman;

CREATE PROCEDURE register_with_partman(prefix text, number int) LANGUAGE plpgsql AS $$
DECLARE
    -- Version 5 knows declarative partitioning alone and calls it otherwise.
    type text := CASE WHEN (SELECT extversion FROM pg_extension WHERE extname = 'pg_partman') ~ '^4' THEN 'native' ELSE 'range' END;
BEGIN
    FOR n IN 1..number LOOP
        PERFORM partman.create_parent(p_parent_table => 'public.' || prefix || '_' || n, p_control => 'created',
            p_type => type, p_interval => '1 day', p_premake => 1);
        EXECUTE format('DROP TABLE IF EXISTS %I', prefix || '_' || n || '_default');
        COMMIT;
    END LOOP;
    UPDATE partman.part_config SET infinite_time_partitions = true, automatic_maintenance = 'off';
END $$;
