use std::time::Duration;
use tests::{cluster, cluster_with_worker, connect, eventually_true, sqlstate, value};

#[test]
fn a_role_without_rights_can_use_what_is_public_and_change_nothing() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off"]);
    let mut admin = connect(&cluster, "app");
    admin
        .batch_execute(
            "CREATE ROLE stranger LOGIN;
             CREATE TABLE events (created timestamptz NOT NULL) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('events', period => '1 day');
             CREATE MATERIALIZED VIEW totals AS SELECT 1 AS one;
             SELECT maintenance.add_refresh_policy('totals', schedule => '1 hour');
             CREATE TABLE items (id int PRIMARY KEY);
             CREATE TABLE orders (id bigint, user_id int NOT NULL, total_amount numeric(10,2));
             SELECT shard_router.create_sharded_table('orders', 'user_id', 2)",
        )
        .expect("somebody else's things");
    let mut stranger = cluster.connect_as("stranger", "app").expect("a session");
    assert_eq!(value(&mut stranger, "SELECT json_valid('[]')").as_deref(), Some("t"));
    value(&mut stranger, "SELECT uuid_generate_v7()").expect("an id");
    for refused in [
        "SELECT maintenance.add_partition_policy('events', period => '1 day')",
        "SELECT maintenance.alter_partition_policy('events', premake => 0)",
        "SELECT maintenance.remove_partition_policy('events')",
        "SELECT maintenance.add_refresh_policy('totals', schedule => '1 hour')",
        "SELECT maintenance.remove_refresh_policy('totals')",
        "DELETE FROM maintenance.partition_policies",
        "INSERT INTO maintenance.refresh_policies SELECT * FROM maintenance.refresh_policies",
        "SELECT cache_notify.attach('items')",
        "SELECT cache_notify.detach('items')",
        "SELECT shard_router.create_sharded_table('items', 'id')",
        "SELECT shard_router.adopt_table('items', 'id')",
        "SELECT shard_router.register_table('events')",
        "SELECT shard_router.unregister_table('orders')",
        "SELECT shard_router.export_config('orders', 'pgdog')",
        "SELECT shard_router.insert_many('orders', '[{\"user_id\": 1}]'::jsonb)",
        "SELECT * FROM shard_router.skew",
        "SELECT * FROM shard_router.health",
        "SELECT insert_order(1, 1, 2)",
        "SELECT * FROM get_orders_by_user(1)",
    ] {
        assert_eq!(sqlstate(&mut stranger, refused), "42501", "{refused}");
    }
}

/// The worker is a superuser; what it runs for a table's owner must not be.
#[test]
fn the_worker_runs_a_views_function_with_its_owners_rights() {
    let cluster = cluster_with_worker(&[]);
    let mut admin = connect(&cluster, "app");
    admin
        .batch_execute(
            "CREATE ROLE owner LOGIN; CREATE SCHEMA owned AUTHORIZATION owner;
             GRANT USAGE ON SCHEMA maintenance TO owner;
             CREATE TABLE secret (word text); INSERT INTO secret VALUES ('xyzzy')",
        )
        .expect("a role");
    let mut owner = cluster.connect_as("owner", "app").expect("a session");
    owner
        .batch_execute(
            "CREATE TABLE owned.seen (who text);
             CREATE FUNCTION owned.spy() RETURNS text VOLATILE LANGUAGE plpgsql AS $$
             BEGIN
                 RETURN current_user || ' ' || (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
             END $$;
             CREATE MATERIALIZED VIEW owned.report AS SELECT owned.spy() AS who WITH NO DATA;
             CREATE FUNCTION owned.thief() RETURNS text VOLATILE LANGUAGE plpgsql AS $$
             BEGIN
                 RETURN (SELECT word FROM public.secret);
             END $$;
             CREATE MATERIALIZED VIEW owned.loot AS SELECT owned.thief() AS word WITH NO DATA;
             CREATE FUNCTION owned.climber() RETURNS text VOLATILE LANGUAGE plpgsql AS $$
             BEGIN
                 EXECUTE 'ALTER ROLE owner SUPERUSER';
                 RETURN 'climbed';
             END $$;
             CREATE MATERIALIZED VIEW owned.ladder AS SELECT owned.climber() AS word WITH NO DATA;
             SELECT maintenance.add_refresh_policy('owned.report', schedule => '1 second', only_if_changed => false);
             SELECT maintenance.add_refresh_policy('owned.loot', schedule => '1 second', only_if_changed => false);
             SELECT maintenance.add_refresh_policy('owned.ladder', schedule => '1 second', only_if_changed => false)",
        )
        .expect("an owner may register their own views");
    eventually_true(
        &mut owner,
        Duration::from_secs(15),
        "SELECT relispopulated FROM pg_class WHERE oid = 'owned.report'::regclass",
    );
    assert_eq!(value(&mut owner, "SELECT who FROM owned.report").as_deref(), Some("owner false"));
    eventually_true(
        &mut admin,
        Duration::from_secs(15),
        "SELECT count(DISTINCT relation) = 2 FROM maintenance.runs WHERE sqlstate = '42501'",
    );
    assert_eq!(
        value(&mut admin, "SELECT rolsuper FROM pg_roles WHERE rolname = 'owner'").as_deref(),
        Some("f")
    );
}

/// A database owner who is no superuser installs pb_compat (it is trusted) and none of the others.
#[test]
fn a_database_owner_installs_the_trusted_extension_only() {
    let cluster = cluster(&[]);
    let mut admin = connect(&cluster, "postgres");
    admin.batch_execute("CREATE ROLE keeper LOGIN").expect("a role");
    admin.batch_execute("CREATE DATABASE kept OWNER keeper").expect("a database");
    let mut keeper = cluster.connect_as("keeper", "kept").expect("a session");
    keeper
        .batch_execute("CREATE SCHEMA mine; CREATE EXTENSION pb_compat SCHEMA mine")
        .expect("trusted");
    assert_eq!(value(&mut keeper, "SELECT mine.json_valid('{')").as_deref(), Some("f"));
    for extension in ["shard_router", "cache_notify", "maintenance_worker"] {
        assert_eq!(sqlstate(&mut keeper, &format!("CREATE EXTENSION {extension}")), "42501");
    }
}
