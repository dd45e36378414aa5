//! What the owner of a maintained table or view may gain by the code in it: nothing. The worker is a superuser, and so is
//! whoever calls the functions by hand over other people's tables.

use postgres::Client;
use std::time::Duration;
use tests::{
    Cluster, cluster_with_worker, column, connect, eventually, eventually_true, sqlstate, value,
};

const SOON: Duration = Duration::from_secs(60);

/// What eve's code tries, wherever it is called. All of it is refused but for the setting, which is put back.
const ATTACKS: [&str; 20] = [
    "RESET SESSION AUTHORIZATION",
    "SET SESSION AUTHORIZATION postgres",
    "RESET ROLE",
    "SET ROLE postgres",
    "SET LOCAL ROLE victim",
    "ALTER ROLE eve SUPERUSER",
    "GRANT victim TO eve",
    "SELECT word FROM victim.secret",
    "INSERT INTO victim.secret VALUES ('eve was here')",
    "CREATE TEMP TABLE left_over (n int)",
    "LISTEN eve",
    "PREPARE left_over AS SELECT 1",
    "DECLARE left_over CURSOR WITH HOLD FOR SELECT 1",
    "SET session_replication_role = replica",
    "COPY eve.seen TO PROGRAM 'true'",
    "DELETE FROM maintenance.partition_policies",
    "UPDATE maintenance.state SET failures = 0",
    "SELECT maintenance.remove_partition_policy('victim.events')",
    "INSERT INTO eve.later VALUES (1)",
    "SET work_mem = '77MB'",
];

/// A role eve whose code attacks from every place that maintenance may come by, and a victim. Returns eve's session.
fn trap(cluster: &Cluster) -> Client {
    let mut admin = connect(cluster, "app");
    admin
        .batch_execute(
            "CREATE ROLE eve LOGIN; CREATE SCHEMA eve AUTHORIZATION eve;
             CREATE ROLE victim LOGIN; CREATE SCHEMA victim AUTHORIZATION victim;
             GRANT USAGE ON SCHEMA victim TO eve",
        )
        .expect("roles");
    let mut victim = cluster.connect_as("victim", "app").expect("a session");
    victim
        .batch_execute(
            "CREATE TABLE victim.secret (word text); INSERT INTO victim.secret VALUES ('xyzzy');
             CREATE TABLE victim.events (day date NOT NULL) PARTITION BY RANGE (day);
             SELECT maintenance.add_partition_policy('victim.events', period => '1 day', premake => 1)",
        )
        .expect("a victim");
    // Not with SET ROLE: her code would take over the session that sets the trap.
    let mut eve = cluster.connect_as("eve", "app").expect("a session");
    let attacks: Vec<_> = ATTACKS.iter().map(|attack| attack.replace('\'', "''")).collect();
    eve.batch_execute(&format!(
        "CREATE TABLE eve.armed ();
         CREATE TABLE eve.seen (at text, who text, attack text, problem text);
         CREATE FUNCTION eve.attack(place text) RETURNS int VOLATILE LANGUAGE plpgsql AS $$
         DECLARE attack text;
         BEGIN
             IF NOT EXISTS (SELECT FROM eve.armed) THEN RETURN 1; END IF;
             FOREACH attack IN ARRAY ARRAY['{}'] LOOP
                 BEGIN
                     EXECUTE attack;
                     INSERT INTO eve.seen VALUES (place, current_user, attack, NULL);
                 EXCEPTION WHEN OTHERS THEN
                     INSERT INTO eve.seen VALUES (place, current_user, attack, SQLSTATE);
                 END;
             END LOOP;
             RETURN 1;
         END $$;
         CREATE FUNCTION eve.innocent(int, text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN eve.attack($2); END';
         CREATE FUNCTION eve.innocent(date, date) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN eve.attack(''operator'') = 1; END';
         CREATE FUNCTION eve.innocent(oid, oid) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN eve.attack(''operator'') = 1; END';
         CREATE OPERATOR eve.>= (LEFTARG = date, RIGHTARG = date, FUNCTION = eve.innocent);
         CREATE OPERATOR eve.< (LEFTARG = date, RIGHTARG = date, FUNCTION = eve.innocent);
         CREATE OPERATOR eve.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = eve.innocent);
         CREATE FUNCTION eve.count(text) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN eve.attack(''function''); END';
         CREATE FUNCTION eve.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM eve.attack(TG_WHEN || ' ' || TG_OP || ' ' || TG_LEVEL || ' trigger'); RETURN NULL; END $$;
         CREATE TABLE eve.later (n int);
         CREATE CONSTRAINT TRIGGER later AFTER INSERT ON eve.later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eve.fired();
         CREATE TABLE eve.events (
             day date NOT NULL, id int DEFAULT eve.attack('default'), n int GENERATED ALWAYS AS (eve.innocent(id, 'generated column')) STORED,
             CHECK (eve.innocent(1, 'CHECK of a constant') = 1), CHECK (eve.innocent(id, 'CHECK') = 1)
         ) PARTITION BY RANGE (day);
         CREATE INDEX ON eve.events (eve.innocent(id, 'index'));
         CREATE INDEX ON eve.events (id) WHERE eve.innocent(id, 'predicate of an index') = 1;
         CREATE STATISTICS eve.about ON (eve.innocent(id, 'statistics')), id FROM eve.events;
         CREATE TABLE eve.events_rest PARTITION OF eve.events DEFAULT;
         ALTER TABLE eve.events_rest ADD CHECK (eve.innocent(id, 'CHECK of the default partition') = 1);
         CREATE TRIGGER row_one AFTER INSERT OR DELETE ON eve.events FOR EACH ROW EXECUTE FUNCTION eve.fired();
         CREATE TRIGGER row_two BEFORE INSERT OR DELETE ON eve.events_rest FOR EACH ROW EXECUTE FUNCTION eve.fired();
         CREATE TRIGGER statement AFTER INSERT OR DELETE ON eve.events_rest EXECUTE FUNCTION eve.fired();
         CREATE POLICY sight ON eve.events USING (eve.attack('policy') = 1);
         CREATE POLICY sight ON eve.events_rest USING (eve.attack('policy') = 1);
         ALTER TABLE eve.events ENABLE ROW LEVEL SECURITY; ALTER TABLE eve.events_rest ENABLE ROW LEVEL SECURITY;
         CREATE TABLE eve.ids (id bigint NOT NULL, CHECK (eve.innocent(1, 'CHECK of ids') = 1)) PARTITION BY RANGE (id);
         CREATE POLICY sight ON eve.ids USING (eve.attack('policy of ids') = 1);
         ALTER TABLE eve.ids ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         CREATE MATERIALIZED VIEW eve.report AS SELECT eve.attack('view') AS one;
         CREATE UNIQUE INDEX ON eve.report (one);
         CREATE MATERIALIZED VIEW eve.plain_report AS SELECT eve.attack('plain view') AS one;
         CREATE INDEX ON eve.plain_report (eve.innocent(one, 'index of a view'));
         SELECT maintenance.add_partition_policy('eve.events', period => '1 day', premake => 0);
         SELECT maintenance.create_partitions('eve.events', '2015-05-01 00:00+00', '2015-05-03 00:00+00');
         SELECT maintenance.add_partition_policy('eve.ids', period => 10::bigint, premake => 0);
         SELECT maintenance.add_refresh_policy(v::regclass, schedule => '1 second', only_if_changed => false)
             FROM unnest(ARRAY['eve.report', 'eve.plain_report']) v",
        attacks.join("', '")
    ))
    .expect("a trap");
    eve.batch_execute("ALTER TABLE eve.events_rest DISABLE TRIGGER USER").expect("disarmed");
    eve.batch_execute(
        "INSERT INTO eve.events (day, id) SELECT (now() AT TIME ZONE 'UTC')::date + n, n FROM generate_series(1, 5) n",
    )
    .expect("rows without a partition");
    eve.batch_execute(
        "ALTER TABLE eve.events_rest ENABLE TRIGGER USER; INSERT INTO eve.armed DEFAULT VALUES",
    )
    .expect("armed");
    eve
}

/// Where her code ran, having got nothing.
fn repelled(admin: &mut Client) -> Vec<String> {
    let others = "SELECT at || ' as ' || who || ': ' || attack FROM eve.seen WHERE who <> 'eve'";
    assert!(column(admin, others).is_empty(), "{:?}", column(admin, others));
    let won = "SELECT DISTINCT at || ': ' || attack FROM eve.seen WHERE problem IS NULL AND attack <> 'SET work_mem = ''77MB'''";
    assert!(column(admin, won).is_empty(), "{:?}", column(admin, won));
    let gained = "SELECT rolname FROM pg_roles WHERE rolname = 'eve' AND (rolsuper OR pg_has_role('eve', 'victim', 'MEMBER'))";
    assert!(column(admin, gained).is_empty());
    assert_eq!(column(admin, "SELECT word FROM victim.secret"), ["xyzzy"]);
    assert_eq!(column(admin, "SELECT n FROM eve.later").len(), 0);
    let policies = "SELECT count(*) FROM maintenance.partition_policies WHERE parent = 'victim.events'::regclass";
    assert_eq!(value(admin, policies).as_deref(), Some("1"));
    // Triggers and policies are not even called, nor are operators and functions that look like the server's.
    let never =
        "SELECT DISTINCT at FROM eve.seen WHERE at ~ 'trigger|operator|function|default$|^policy$'";
    assert!(column(admin, never).is_empty(), "{:?}", column(admin, never));
    column(admin, "SELECT DISTINCT at FROM eve.seen ORDER BY 1")
}

#[test]
fn the_owners_code_gains_nothing_from_the_worker() {
    let cluster = cluster_with_worker(&[]);
    let _eve = trap(&cluster);
    let mut admin = connect(&cluster, "app");
    admin
        .batch_execute(
            "UPDATE maintenance.partition_policies SET premake = 5, retention = '30 days' WHERE parent = 'eve.events'::regclass;
             UPDATE maintenance.partition_policies SET premake = 3 WHERE parent = 'eve.ids'::regclass",
        )
        .expect("work to do");
    eventually_true(
        &mut admin,
        SOON,
        "SELECT count(*) = 7 FROM pg_inherits WHERE inhparent = 'eve.events'::regclass",
    );
    eventually_true(
        &mut admin,
        SOON,
        "SELECT count(*) = 4 FROM pg_inherits WHERE inhparent = 'eve.ids'::regclass",
    );
    eventually_true(&mut admin, SOON, "SELECT count(*) = 0 FROM ONLY eve.events_rest");
    eventually_true(
        &mut admin,
        SOON,
        "SELECT count(DISTINCT relation) = 2 FROM maintenance.runs WHERE action ~ 'refresh' AND outcome = 'done' AND finished > (SELECT min(finished) FROM maintenance.runs WHERE rows > 0)",
    );
    let places = repelled(&mut admin);
    for place in ["CHECK", "generated column", "index", "index of a view", "plain view", "view"] {
        assert!(
            places.iter().any(|p| p == place),
            "her code at {place} was not called: {places:?}"
        );
    }
    assert_eq!(column(&mut admin, "SELECT relation::text FROM maintenance.health").len(), 0);
    let owners = "SELECT DISTINCT c.relowner::regrole FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'eve.events'::regclass";
    assert_eq!(column(&mut admin, owners), ["eve"]);
}

#[test]
fn the_owners_code_gains_nothing_from_a_superuser_who_calls_the_functions() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off"]);
    let _eve = trap(&cluster);
    let mut admin = connect(&cluster, "app");
    // Her schema comes first wherever the extension leaves that to the session.
    admin.batch_execute("SET search_path = eve, public").expect("a careless setting");
    for call in [
        "SELECT count(*) FROM maintenance.plan()",
        "SELECT count(*) FROM maintenance.plan('eve.events')",
        "SELECT * FROM maintenance.status",
        "SELECT * FROM maintenance.health",
        "SELECT * FROM maintenance.metrics",
        "SELECT * FROM maintenance.coverage_gaps",
        "SELECT count(*) FROM maintenance.alter_partition_policy('eve.events', premake => 2)",
        "SELECT count(*) FROM maintenance.create_partitions('eve.events', '2015-05-05 00:00+00', '2015-05-06 00:00+00')",
        "UPDATE maintenance.partition_policies SET premake = 5 WHERE parent = 'eve.events'::regclass",
        "SELECT count(*) FROM maintenance.plan()",
        "SELECT * FROM maintenance.coverage_gaps",
        "SELECT count(*) FROM maintenance.run_partition_maintenance()",
        "UPDATE maintenance.partition_policies SET retention = '30 days' WHERE parent = 'eve.events'::regclass",
        "SELECT count(*) FROM maintenance.run_partition_maintenance('eve.events')",
        "SELECT count(*) FROM maintenance.refresh_materialized_views()",
        "SELECT count(*) FROM maintenance.refresh_materialized_views(only_due => true)",
        "SELECT count(*) FROM maintenance.refresh_all_materialized_views()",
    ] {
        // Once on its own, once in a transaction that goes on.
        for call in
            [call.to_owned(), format!("BEGIN; {call}; SET CONSTRAINTS ALL IMMEDIATE; COMMIT")]
        {
            admin.batch_execute(&call).unwrap_or_else(|error| panic!("{call}: {error:?}"));
        }
        // Nothing of hers is left in the session.
        let session = column(
            &mut admin,
            "SELECT pg_catalog.format('%s %s %s', current_user, session_user, pg_catalog.current_setting('work_mem'))
             UNION ALL SELECT name FROM pg_prepared_statements UNION ALL SELECT name FROM pg_cursors WHERE is_holdable
             UNION ALL SELECT pg_catalog.pg_listening_channels()
             UNION ALL SELECT relname FROM pg_class WHERE relpersistence OPERATOR(pg_catalog.=) 't'",
        );
        assert_eq!(session, ["postgres postgres 4MB"], "after {call}");
    }
    admin.batch_execute("SET search_path = pg_catalog").expect("a careful one");
    let attached = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'eve.events'::regclass";
    assert_eq!(value(&mut admin, attached).as_deref(), Some("7"));
    let places = repelled(&mut admin);
    for place in ["CHECK", "generated column", "index", "index of a view", "plain view", "view"] {
        assert!(
            places.iter().any(|p| p == place),
            "her code at {place} was not called: {places:?}"
        );
    }
}

#[test]
fn only_who_owns_a_table_may_have_it_maintained() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off"]);
    let mut admin = connect(&cluster, "app");
    admin
        .batch_execute(
            "CREATE ROLE eve LOGIN; CREATE SCHEMA eve AUTHORIZATION eve; CREATE ROLE owner LOGIN; CREATE ROLE member LOGIN IN ROLE owner;
             CREATE ROLE outsider LOGIN NOINHERIT IN ROLE owner;
             CREATE TABLE kept (day date NOT NULL) PARTITION BY RANGE (day);
             CREATE TABLE free (day date NOT NULL) PARTITION BY RANGE (day);
             CREATE MATERIALIZED VIEW totals AS SELECT 1 AS one;
             ALTER TABLE kept OWNER TO owner; ALTER TABLE free OWNER TO owner; ALTER MATERIALIZED VIEW totals OWNER TO owner;
             GRANT ALL ON SCHEMA public TO owner, eve;
             GRANT ALL ON kept, free, totals TO eve; GRANT pg_monitor TO eve",
        )
        .expect("roles");
    let mut owner = cluster.connect_as("owner", "app").expect("a session");
    owner
        .batch_execute(
            "SELECT maintenance.add_partition_policy('kept', period => '1 day', premake => 1);
             SELECT maintenance.add_refresh_policy('totals', schedule => '1 day')",
        )
        .expect("policies");
    // All rights on the tables, but not their owner; a role that does not inherit the owner's rights is none either.
    for who in ["eve", "outsider"] {
        let mut other = cluster.connect_as(who, "app").expect("a session");
        for refused in [
            "SELECT maintenance.add_partition_policy('free', period => '1 day')",
            "SELECT maintenance.add_partition_policy('kept', period => '1 day')",
            "SELECT maintenance.alter_partition_policy('kept', retention => '1 day')",
            "SELECT maintenance.remove_partition_policy('kept')",
            "SELECT maintenance.create_partitions('kept', '2015-05-01 00:00+00', '2015-05-02 00:00+00')",
            "SELECT maintenance.run_partition_maintenance('kept')",
            "SELECT maintenance.plan('kept')",
            "SELECT maintenance.add_refresh_policy('totals', schedule => '1 day')",
            "SELECT maintenance.alter_refresh_policy('totals', schedule => '1 second')",
            "SELECT maintenance.remove_refresh_policy('totals')",
            "SELECT maintenance.adopt_partman('free')",
            "UPDATE maintenance.partition_policies SET retention = '1 day'",
            "INSERT INTO maintenance.expiring VALUES (1, 1, 'x')",
            "DELETE FROM maintenance.history",
            "UPDATE maintenance.state SET failures = 99",
            "CREATE FUNCTION maintenance.plan(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE TABLE maintenance.mine ()",
        ] {
            assert_eq!(sqlstate(&mut other, refused), "42501", "{who}: {refused}");
        }
        // Those without a name are for what is theirs.
        for nothing in [
            "SELECT count(*) FROM maintenance.run_partition_maintenance()",
            "SELECT count(*) FROM maintenance.refresh_materialized_views()",
            "SELECT count(*) FROM maintenance.refresh_all_materialized_views()",
        ] {
            assert_eq!(value(&mut other, nothing).as_deref(), Some("0"), "{who}: {nothing}");
        }
    }
    let mut member = cluster.connect_as("member", "app").expect("a session");
    member
        .batch_execute(
            "SELECT maintenance.alter_partition_policy('kept', premake => 2);
             SELECT maintenance.run_partition_maintenance('kept'); SELECT maintenance.refresh_materialized_views()",
        )
        .expect("a member of the owner's role may");
    let owners = "SELECT DISTINCT c.relowner::regrole FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'kept'::regclass";
    assert_eq!(column(&mut admin, owners), ["owner"]);
}

/// A policy goes with the table, not with who made it.
#[test]
fn a_policy_belongs_to_whoever_owns_the_table_now() {
    let cluster = cluster_with_worker(&[]);
    let mut admin = connect(&cluster, "app");
    admin
        .batch_execute(
            "CREATE ROLE first LOGIN; CREATE ROLE second LOGIN; GRANT CREATE ON SCHEMA public TO first, second;
             CREATE TABLE kept (day date NOT NULL) PARTITION BY RANGE (day); ALTER TABLE kept OWNER TO first;
             CREATE MATERIALIZED VIEW totals AS SELECT current_user AS who; ALTER MATERIALIZED VIEW totals OWNER TO first",
        )
        .expect("roles");
    let mut first = cluster.connect_as("first", "app").expect("a session");
    first
        .batch_execute(
            "SELECT maintenance.add_partition_policy('kept', period => '1 day', premake => 0);
             SELECT maintenance.add_refresh_policy('totals', schedule => '1 second', only_if_changed => false)",
        )
        .expect("policies");
    eventually_true(&mut admin, SOON, "SELECT who = 'first' FROM totals");
    admin
        .batch_execute(
            "ALTER TABLE kept OWNER TO second; ALTER MATERIALIZED VIEW totals OWNER TO second",
        )
        .expect("given away");
    for refused in [
        "SELECT maintenance.alter_partition_policy('kept', premake => 1)",
        "SELECT maintenance.remove_partition_policy('kept')",
        "SELECT maintenance.remove_refresh_policy('totals')",
    ] {
        assert_eq!(sqlstate(&mut first, refused), "42501", "{refused}");
    }
    admin.batch_execute("UPDATE maintenance.partition_policies SET premake = 1").expect("due");
    eventually_true(&mut admin, SOON, "SELECT who = 'second' FROM totals");
    eventually_true(
        &mut admin,
        SOON,
        "SELECT array_agg(DISTINCT c.relowner::regrole::text ORDER BY c.relowner::regrole::text) = '{first,second}'
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'kept'::regclass",
    );
    // Without the right to make tables there, none is made, and that is said.
    admin
        .batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC, second; UPDATE maintenance.partition_policies SET premake = 2")
        .expect("a right less");
    let refused = "SELECT count(*) = 1 FROM maintenance.health WHERE sqlstate = '42501'";
    eventually_true(&mut admin, SOON, refused);
}

/// Names are quoted wherever they get into a statement: the plan is what it says, and running it does that alone.
#[test]
fn hostile_names_are_names_and_nothing_else() {
    let cluster = cluster_with_worker(&[]);
    let mut admin = connect(&cluster, "app");
    admin
        .batch_execute(
            "CREATE ROLE eve LOGIN; CREATE ROLE \"x\"\" TO PUBLIC; ALTER ROLE eve SUPERUSER; --\";
             CREATE SCHEMA \"s'); ALTER ROLE eve SUPERUSER; --\" AUTHORIZATION eve",
        )
        .expect("a role");
    let mut eve = cluster.connect_as("eve", "app").expect("a session");
    eve.batch_execute(
        "SET search_path = \"s'); ALTER ROLE eve SUPERUSER; --\";
         CREATE TABLE \"t\"\";\nALTER ROLE eve SUPERUSER; $$ --\" (\"d'\"\"; $1 %s --\" date NOT NULL, \"%I\" int) PARTITION BY RANGE (\"d'\"\"; $1 %s --\");
         CREATE TABLE \"rest'; ALTER ROLE eve SUPERUSER; -- %s\" PARTITION OF \"t\"\";\nALTER ROLE eve SUPERUSER; $$ --\" DEFAULT;
         GRANT SELECT ON \"t\"\";\nALTER ROLE eve SUPERUSER; $$ --\" TO \"x\"\" TO PUBLIC; ALTER ROLE eve SUPERUSER; --\";
         CREATE INDEX \"i'; --\" ON \"t\"\";\nALTER ROLE eve SUPERUSER; $$ --\" (\"%I\");
         CREATE MATERIALIZED VIEW \"v\"\"; ALTER ROLE eve SUPERUSER; --\" AS SELECT 1 AS \"o\"\"; --\";
         CREATE UNIQUE INDEX ON \"v\"\"; ALTER ROLE eve SUPERUSER; --\" (\"o\"\"; --\");
         SELECT maintenance.add_partition_policy((SELECT oid::regclass FROM pg_class WHERE relkind = 'p' AND relowner = 'eve'::regrole), period => '1 day', premake => 0);
         SELECT maintenance.add_refresh_policy((SELECT oid::regclass FROM pg_class WHERE relkind = 'm' AND relowner = 'eve'::regrole), schedule => '1 second', only_if_changed => false);
         SELECT maintenance.create_partitions((SELECT oid::regclass FROM pg_class WHERE relkind = 'p' AND relowner = 'eve'::regrole), '2015-05-01 00:00+00', '2015-05-02 00:00+00');
         INSERT INTO \"t\"\";\nALTER ROLE eve SUPERUSER; $$ --\" SELECT (now() AT TIME ZONE 'UTC')::date + n, n FROM generate_series(1, 2) n",
    )
    .expect("odd names");
    // The plan by hand, as a superuser, in a transaction that is taken back; then the worker.
    admin
        .batch_execute(
            "UPDATE maintenance.partition_policies SET premake = 2, retention = '30 days'",
        )
        .expect("work to do");
    admin.batch_execute("BEGIN").expect("a transaction");
    let ddl = column(&mut admin, "SELECT ddl FROM maintenance.plan()");
    assert_eq!(ddl.len(), 3, "{ddl:?}");
    assert_eq!(ddl.iter().filter(|ddl| ddl.contains("WITH moved AS")).count(), 2, "{ddl:?}");
    for ddl in &ddl {
        admin.batch_execute(ddl).unwrap_or_else(|error| panic!("{ddl}: {error:?}"));
    }
    let left = "SELECT count(*) FROM maintenance.plan()";
    assert_eq!(value(&mut admin, left).as_deref(), Some("0"));
    admin.batch_execute("ROLLBACK").expect("taken back");
    eventually_true(&mut admin, SOON, left.replacen("count(*)", "count(*) = 0", 1).as_str());
    let refreshed =
        "SELECT count(*) > 0 FROM maintenance.runs WHERE action ~ 'refresh' AND outcome = 'done'";
    eventually_true(&mut admin, SOON, refreshed);
    let problems = "SELECT coalesce(sqlstate, '') || ' ' || problem FROM maintenance.health";
    assert_eq!(column(&mut admin, problems), [""; 0]);
    let gained = "SELECT rolsuper FROM pg_roles WHERE rolname = 'eve'";
    assert_eq!(value(&mut admin, gained).as_deref(), Some("f"));
    // And so in all that is made to be looked at.
    for view in ["status", "health", "runs", "coverage_gaps", "metrics"] {
        admin.batch_execute(&format!("SELECT * FROM maintenance.{view}")).expect("a view");
    }
}

/// Advisory locks are anybody's; the one under which a table is maintained is not.
#[test]
fn nobody_keeps_the_tables_of_others_from_being_maintained_by_a_lock() {
    let cluster = cluster_with_worker(&[]);
    let mut admin = connect(&cluster, "app");
    admin
        .batch_execute(
            "CREATE ROLE eve LOGIN;
             CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 0)",
        )
        .expect("a policy");
    // While the table is maintained, behind a lock of its owner: which lock is that?
    let mut holder = connect(&cluster, "app");
    holder
        .batch_execute("BEGIN; LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE")
        .expect("a lock");
    admin.batch_execute("UPDATE maintenance.partition_policies SET premake = 1").expect("due");
    let kind = "SELECT l.locktype FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE a.backend_type = 'maintenance_worker' AND l.objid = 'events'::regclass AND l.mode = 'ExclusiveLock'";
    let kind = eventually("the lock of the worker", SOON, || column(&mut admin, kind).pop());
    assert_eq!(kind, "object");
    let mut eve = cluster.connect_as("eve", "app").expect("a session");
    let oid = value(&mut admin, "SELECT 'events'::regclass::oid").expect("an OID");
    for class in ["1835100526", "1259", "0"] {
        eve.batch_execute(&format!("SELECT pg_advisory_lock({class}, {oid})")).expect("anybody's");
    }
    holder.batch_execute("COMMIT").expect("the holder ends");
    eventually_true(&mut admin, SOON, "SELECT count(*) = 2 FROM pg_inherits");
}
