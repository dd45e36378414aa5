//! Sets of the real pg_partman, which `make test` puts into the server from Debian's package.

use postgres::Client;
use tests::{Cluster, cluster, column, connect, create_app, sqlstate, value};

fn cluster_with_partman() -> (Cluster, Client) {
    let cluster = cluster(&["timezone = 'UTC'"]);
    let mut client = create_app(&cluster);
    client
        .batch_execute("CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman")
        .expect("pg_partman is in the server");
    (cluster, client)
}

/// Has pg_partman partition a new table.
fn partition(client: &mut Client, table: &str, key: &str, interval: &str, more: &str) {
    client
        .batch_execute(&format!(
            "CREATE TABLE {table} (k {key} NOT NULL, v text) PARTITION BY RANGE (k);
             SELECT partman.create_parent('public.{table}', 'k', 'native', '{interval}', p_premake := 3 {more})"
        ))
        .unwrap_or_else(|error| panic!("{table}: {error:?}"));
}

/// Every partition with its bounds and where its rows lie: what an adoption must not change.
fn picture(client: &mut Client, table: &str) -> Vec<String> {
    column(
        client,
        &format!(
            "SELECT concat_ws(' ', c.oid, c.relname, c.relfilenode, pg_get_expr(c.relpartbound, c.oid))
             FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '{table}'::regclass ORDER BY 1"
        ),
    )
}

/// The bounds of the partition that comes last.
fn last(client: &mut Client, table: &str) -> (String, String) {
    let sql = format!(
        "SELECT c.relname || '|' || pg_get_expr(c.relpartbound, c.oid)
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = '{table}'::regclass AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
         ORDER BY length(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \\((.*?)\\)')) DESC, 
                  substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \\((.*?)\\)') DESC LIMIT 1"
    );
    let found = value(client, &sql).expect("a partition");
    let (name, bound) = found.split_once('|').expect("two parts");
    (name.to_owned(), bound.to_owned())
}

fn policy(client: &mut Client, table: &str) -> String {
    let sql = format!(
        "SELECT concat_ws(' ', COALESCE(period::text, id_period::text), premake, COALESCE(retention::text, id_retention::text),
             on_expiry, unlogged, time_zone, epoch)
         FROM maintenance.partition_policies WHERE parent = '{table}'::regclass"
    );
    column(client, &sql).pop().unwrap_or_default()
}

fn kept_by_partman(client: &mut Client, table: &str) -> bool {
    let sql =
        format!("SELECT count(*) FROM partman.part_config WHERE parent_table = 'public.{table}'");
    value(client, &sql).as_deref() == Some("1")
}

#[test]
fn sets_of_all_kinds_are_taken_over_and_go_on_where_they_were() {
    let (_cluster, mut client) = cluster_with_partman();
    for (table, key, interval, more, rows, expected) in [
        ("hourly", "timestamptz", "hourly", "", "now()", "01:00:00 3 detach UTC"),
        ("daily", "timestamptz", "daily", "", "now()", "1 day 3 detach UTC"),
        ("daily_date", "date", "daily", "", "now()", "1 day 3 detach UTC"),
        ("weekly", "timestamptz", "weekly", "", "now()", "7 days 3 detach UTC"),
        ("monthly", "timestamp", "monthly", "", "now()", "1 mon 3 detach UTC"),
        ("quarterly", "timestamptz", "quarterly", "", "now()", "3 mons 3 detach UTC"),
        ("yearly", "timestamptz", "yearly", "", "now()", "1 year 3 detach UTC"),
        (
            "seconds",
            "bigint",
            "daily",
            ", p_epoch := 'seconds'",
            "extract(epoch FROM now())",
            "1 day 3 detach UTC s",
        ),
        (
            "millis",
            "bigint",
            "monthly",
            ", p_epoch := 'milliseconds'",
            "extract(epoch FROM now()) * 1000",
            "1 mon 3 detach UTC ms",
        ),
        ("ids", "bigint", "1000", "", "1500", "1000 3 detach UTC"),
        ("small_ids", "int", "10", "", "15", "10 3 detach UTC"),
    ] {
        partition(&mut client, table, key, interval, more);
        client
            .batch_execute(&format!(
                "INSERT INTO {table} VALUES ({rows}, 'a row'); SELECT partman.run_maintenance('public.{table}')"
            ))
            .unwrap_or_else(|error| panic!("{table}: {error:?}"));
        let before = picture(&mut client, table);
        assert!(kept_by_partman(&mut client, table));
        let planned =
            column(&mut client, &format!("SELECT ddl FROM maintenance.adopt_partman('{table}')"));
        assert!(!kept_by_partman(&mut client, table), "{table}");
        assert_eq!(picture(&mut client, table), before, "{table}");
        assert_eq!(policy(&mut client, table), expected, "{table}");
        // pg_partman keeps as much ready as the policy wants, so there is nothing to do.
        assert_eq!(planned, [""; 0], "{table}");
        client.batch_execute("SELECT partman.run_maintenance()").expect("a run of pg_partman's");
        assert_eq!(picture(&mut client, table), before, "{table}");

        // What pg_partman made last, made again: the same bounds.
        let (name, bound) = last(&mut client, table);
        client.batch_execute(&format!("DROP TABLE {name}")).expect("dropped");
        let outcomes = column(
            &mut client,
            &format!(
                "SELECT action || ' ' || outcome FROM maintenance.run_partition_maintenance('{table}')"
            ),
        );
        assert_eq!(outcomes, ["create done"], "{table}");
        assert_eq!(last(&mut client, table).1, bound, "{table}");
        assert_eq!(
            value(&mut client, &format!("SELECT count(*) FROM {table}")).as_deref(),
            Some("1")
        );
    }
}

#[test]
fn settings_are_taken_over() {
    let (_cluster, mut client) = cluster_with_partman();
    partition(&mut client, "aging", "timestamptz", "daily", "");
    partition(&mut client, "growing", "bigint", "100", "");
    client
        .batch_execute(
            "UPDATE partman.part_config SET retention = '30 days', retention_keep_table = false, premake = 5
             WHERE parent_table = 'public.aging';
             UPDATE partman.part_config SET retention = '500', retention_keep_table = true
             WHERE parent_table = 'public.growing';
             ALTER TABLE partman.template_public_growing SET UNLOGGED",
        )
        .expect("settings");
    let actions = column(&mut client, "SELECT action FROM maintenance.adopt_partman('aging')");
    // Two partitions more than pg_partman has made by now.
    assert_eq!(actions, ["create", "create"]);
    assert_eq!(policy(&mut client, "aging"), "1 day 5 30 days drop UTC");
    client.batch_execute("SELECT maintenance.adopt_partman('growing')").expect("taken over");
    assert_eq!(policy(&mut client, "growing"), "100 3 500 detach t UTC");
}

/// pg_partman reckons in the time zone of whichever session runs it.
#[test]
fn the_time_zone_is_found_out_or_asked_for() {
    let (cluster, mut client) = cluster_with_partman();
    client.batch_execute("SET TimeZone = 'America/New_York'").expect("a zone");
    partition(&mut client, "here", "timestamptz", "daily", "");
    partition(&mut client, "there", "timestamptz", "daily", "");
    partition(&mut client, "wrong", "timestamptz", "daily", "");
    client.batch_execute("SELECT maintenance.adopt_partman('here')").expect("taken over");
    assert_eq!(policy(&mut client, "here"), "1 day 3 detach America/New_York");
    let mut elsewhere = connect(&cluster, "app");
    let error = elsewhere
        .batch_execute("SELECT maintenance.adopt_partman('there')")
        .expect_err("not in UTC");
    let error = error.as_db_error().expect("of the server");
    assert_eq!(error.code().code(), "0A000");
    assert!(error.hint().is_some_and(|hint| hint.contains("time_zone")), "{error:?}");
    assert!(kept_by_partman(&mut client, "there"));
    elsewhere
        .batch_execute("SELECT maintenance.adopt_partman('there', time_zone => 'America/New_York')")
        .expect("taken over");
    assert_eq!(policy(&mut client, "there"), "1 day 3 detach America/New_York");
    assert_eq!(
        sqlstate(
            &mut client,
            "SELECT maintenance.adopt_partman('wrong', time_zone => 'Europe/Berlin')"
        ),
        "0A000"
    );
    assert_eq!(
        sqlstate(
            &mut client,
            "SELECT maintenance.adopt_partman('wrong', time_zone => 'Mars/Phobos')"
        ),
        "22023"
    );
    assert!(kept_by_partman(&mut client, "wrong"));
}

#[test]
fn what_cannot_be_taken_over_stays_with_pg_partman() {
    let (cluster, mut client) = cluster_with_partman();
    client
        .batch_execute(
            "CREATE TABLE by_trigger (k timestamptz NOT NULL, v text);
             SELECT partman.create_parent('public.by_trigger', 'k', 'partman', 'daily')",
        )
        .expect("an old set");
    partition(&mut client, "sub", "timestamptz", "monthly", "");
    client
        .batch_execute("SELECT partman.create_sub_parent('public.sub', 'k', 'native', 'daily', p_native_check := 'yes')")
        .expect("sub-partitions");
    // Ten days that do not begin where ours do.
    let start = value(
        &mut client,
        "SELECT (d - (d - '2001-01-01'::date) % 10 + 3)::text FROM (SELECT current_date - 30) x (d)",
    )
    .expect("a day");
    partition(
        &mut client,
        "odd",
        "timestamptz",
        "10 days",
        &format!(", p_start_partition := '{start}'"),
    );
    for (table, setting) in [
        ("constrained", "constraint_cols = '{v}'"),
        ("published", "publications = '{somewhere}'"),
        ("moved", "retention = '30 days', retention_schema = 'public'"),
        ("unindexed", "retention = '30 days', retention_keep_index = false"),
        ("undone", "undo_in_progress = true"),
        ("nanoseconds", "epoch = 'nanoseconds'"),
    ] {
        let key = if table == "nanoseconds" { "bigint" } else { "timestamptz" };
        let interval = if table == "nanoseconds" { "1000" } else { "daily" };
        partition(&mut client, table, key, interval, "");
        client
            .batch_execute(&format!(
                "UPDATE partman.part_config SET {setting} WHERE parent_table = 'public.{table}'"
            ))
            .expect("a setting");
    }
    partition(&mut client, "templated", "timestamptz", "daily", "");
    client
        .batch_execute("CREATE UNIQUE INDEX ON partman.template_public_templated (v)")
        .expect("an index");
    let tables = [
        "by_trigger",
        "sub",
        "odd",
        "constrained",
        "published",
        "moved",
        "unindexed",
        "undone",
        "nanoseconds",
        "templated",
    ];
    for table in tables {
        let error = client
            .batch_execute(&format!("SELECT maintenance.adopt_partman('{table}')"))
            .expect_err(table);
        let error = error.as_db_error().expect("of the server");
        println!("{}\n    {}", error.message(), error.hint().unwrap_or_default());
        assert_eq!(error.code().code(), "0A000", "{table}: {error:?}");
        assert!(error.hint().is_some(), "{table}");
        assert!(kept_by_partman(&mut client, table), "{table}");
    }
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM maintenance.partition_policies").as_deref(),
        Some("0")
    );

    // One the parent has as well is no obstacle.
    client
        .batch_execute(
            "DROP INDEX partman.template_public_templated_v_idx;
             CREATE INDEX ON partman.template_public_templated (v); CREATE INDEX ON templated (v)",
        )
        .expect("the same index");
    client
        .batch_execute("BEGIN; SELECT maintenance.adopt_partman('templated'); ROLLBACK")
        .expect("taken over");
    assert!(kept_by_partman(&mut client, "templated"));
    assert_eq!(policy(&mut client, "templated"), "");

    client.batch_execute("CREATE TABLE own (k date) PARTITION BY RANGE (k)").expect("a table");
    assert_eq!(sqlstate(&mut client, "SELECT maintenance.adopt_partman('own')"), "42704");
    assert_eq!(sqlstate(&mut client, "SELECT maintenance.adopt_partman(NULL)"), "22004");
    // Neither a stranger nor an owner who may not write pg_partman's tables.
    client.batch_execute("CREATE ROLE owner LOGIN; CREATE ROLE stranger LOGIN; ALTER TABLE templated OWNER TO owner").expect("roles");
    for role in ["stranger", "owner"] {
        let mut session = cluster.connect_as(role, "app").expect("a session");
        assert_eq!(
            sqlstate(&mut session, "SELECT maintenance.adopt_partman('templated')"),
            "42501",
            "{role}"
        );
    }
    client.batch_execute("GRANT USAGE ON SCHEMA partman TO owner; GRANT SELECT, DELETE ON partman.part_config TO owner").expect("grants");
    let mut owner = cluster.connect_as("owner", "app").expect("a session");
    owner.batch_execute("SELECT maintenance.adopt_partman('templated')").expect("taken over");
    assert!(!kept_by_partman(&mut client, "templated"));
}

/// pg_partman's tables may belong to somebody who is no superuser, as a superuser who takes a set over is.
#[test]
fn the_owner_of_part_config_gains_nothing() {
    let (_cluster, mut client) = cluster_with_partman();
    partition(&mut client, "daily", "timestamptz", "daily", "");
    client
        .batch_execute(
            "CREATE ROLE eve;
             CREATE TABLE public.seen (who text, problem text);
             GRANT INSERT ON public.seen TO eve;
             ALTER TABLE partman.part_config OWNER TO eve; ALTER TABLE partman.part_config_sub OWNER TO eve;
             GRANT USAGE ON SCHEMA partman TO eve;
             CREATE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 BEGIN
                     RESET SESSION AUTHORIZATION;
                     ALTER ROLE eve SUPERUSER;
                     INSERT INTO public.seen VALUES (current_user, NULL);
                 EXCEPTION WHEN OTHERS THEN
                     INSERT INTO public.seen VALUES (current_user, SQLSTATE);
                 END;
                 RETURN OLD;
             END $$;
             CREATE TRIGGER trap BEFORE DELETE ON partman.part_config FOR EACH ROW EXECUTE FUNCTION public.trap()",
        )
        .expect("a trap");
    client.batch_execute("SELECT maintenance.adopt_partman('daily')").expect("taken over");
    assert!(!kept_by_partman(&mut client, "daily"));
    let seen = column(&mut client, "SELECT who || ' ' || problem FROM public.seen");
    assert_eq!(seen, ["eve 42501"]);
}

/// Version 5.2 brought keys of UUIDs, kept by two columns more; the bounds are those of its encoder.
#[test]
fn a_set_of_uuids_as_later_versions_keep_it_is_taken_over() {
    let (_cluster, mut client) = cluster_with_partman();
    client
        .batch_execute(
            "ALTER TABLE partman.part_config ADD COLUMN IF NOT EXISTS time_encoder text, ADD COLUMN IF NOT EXISTS time_decoder text;
             CREATE FUNCTION bound(days int) RETURNS uuid LANGUAGE sql AS $$
                 SELECT rpad(lpad(to_hex((extract(epoch FROM (current_date + days)::timestamptz) * 1000)::bigint), 12, '0'), 32, '0')::uuid $$;
             CREATE TABLE keyed (k uuid NOT NULL, v text) PARTITION BY RANGE (k);
             CREATE TABLE keyed_default PARTITION OF keyed DEFAULT;
             DO $$ BEGIN
                 FOR n IN -1..2 LOOP
                     EXECUTE format('CREATE TABLE keyed_p%s PARTITION OF keyed FOR VALUES FROM (%L) TO (%L)', n + 1, bound(n), bound(n + 1));
                 END LOOP;
             END $$;
             INSERT INTO partman.part_config (parent_table, control, partition_type, partition_interval, premake, time_encoder, time_decoder)
             VALUES ('public.keyed', 'k', 'native', '1 day', 3, 'partman.uuid7_time_encoder', 'partman.uuid7_time_decoder')",
        )
        .expect("a set");
    let before = picture(&mut client, "keyed");
    let planned = column(
        &mut client,
        "SELECT upper = bound(4)::text FROM maintenance.adopt_partman('keyed')",
    );
    assert_eq!(planned, ["t"]);
    assert_eq!(picture(&mut client, "keyed"), before);
    assert_eq!(policy(&mut client, "keyed"), "1 day 3 detach UTC");
    let made =
        column(&mut client, "SELECT outcome FROM maintenance.run_partition_maintenance('keyed')");
    assert_eq!(made, ["done"]);
    client
        .batch_execute(
            "CREATE TABLE text_keys (LIKE keyed) PARTITION BY RANGE (k);
             INSERT INTO partman.part_config (parent_table, control, partition_type, partition_interval, time_encoder)
             VALUES ('public.text_keys', 'k', 'native', '1 day', 'public.my_encoder')",
        )
        .expect("a set");
    assert_eq!(sqlstate(&mut client, "SELECT maintenance.adopt_partman('text_keys')"), "0A000");
}
