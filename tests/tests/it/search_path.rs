use tests::{cluster, connect, create_app, dump, restore, value};
use xtask::command::output;

/// What psql asks of the catalogs.
const PSQL: &str = "d,d+ public.*,da,dC,dD+,ddp,df+,dF,di+,dn+,do+,dO,dp,dRp,drds,dT+,dt+,du+,dv+,dx+,dy,l+,sf sqlite.lower(text)";
const PATH: &str = "SET search_path = sqlite, public, pg_catalog";

/// A whole application on SQLite's terms: the other extensions, psql and pg_dump work as before.
#[test]
fn a_database_whose_search_path_starts_with_sqlite_is_one_as_others() {
    let cluster = cluster(&[
        "shared_preload_libraries = 'maintenance_worker'",
        "maintenance_worker.enabled = off",
    ]);
    // The extensions are made under that path, too.
    let mut admin = connect(&cluster, "postgres");
    admin
        .batch_execute("ALTER ROLE ALL SET search_path = sqlite, public, pg_catalog")
        .expect("a path");
    let mut client = create_app(&cluster);
    client
        .batch_execute(
            "CREATE TABLE public.events (created timestamptz NOT NULL) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('public.events', period => '1 month', premake => 2, retention => '5 years');
             CREATE MATERIALIZED VIEW public.totals AS SELECT count(*) AS n FROM events;
             SELECT maintenance.add_refresh_policy('public.totals', schedule => '*/5 * * * *');
             SELECT * FROM maintenance.run_partition_maintenance();
             SELECT * FROM maintenance.refresh_materialized_views();
             CREATE TABLE public.orders (id bigint GENERATED ALWAYS AS IDENTITY, user_id int NOT NULL, total_amount numeric(10,2),
                                         status varchar(20), created_at timestamptz DEFAULT now(), PRIMARY KEY (id));
             SELECT shard_router.create_sharded_table('public.orders', 'user_id', 10, 'modulo');
             SELECT insert_order(n, 1.5, 'new') FROM generate_series(1, 100) n;
             SELECT cache_notify.attach('public.orders');
             CREATE TABLE public.items (
                 id   text PRIMARY KEY DEFAULT 'r' || lower(hex(randomblob(7))),
                 name text CHECK (name NOT LIKE 'bad%'),
                 key  text GENERATED ALWAYS AS (lower(name)) STORED,
                 done boolean
             );
             CREATE INDEX ON public.items (iif(done, 1, 0), printf('%s-%d', name, 1));
             INSERT INTO public.items (name, done) VALUES ('A', true), ('\u{c4}', true), ('b', false);
             CREATE VIEW public.as_ever AS SELECT name FROM items WHERE name LIKE 'a' AND done = 1",
        )
        .expect("one of everything");
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM get_orders_by_user(7)").as_deref(),
        Some("1")
    );
    for command in PSQL.split(',') {
        let command = format!("\\{command}");
        output(cluster.client("psql").args([
            "-X",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            "app",
            "-c",
            &command,
        ]))
        .expect(&command);
    }

    // It is restored where nothing is set.
    let dump = dump(&cluster);
    admin.batch_execute("ALTER ROLE ALL RESET search_path").expect("no path");
    let mut copy = restore(&cluster, &dump);
    // What was made with SQLite's functions and operators still has them.
    assert_eq!(value(&mut copy, "SELECT name FROM as_ever").as_deref(), Some("A"));
    assert_eq!(
        value(&mut copy, "SELECT string_agg(key, ' ' ORDER BY key COLLATE \"C\") FROM items")
            .as_deref(),
        Some("a b \u{c4}")
    );
    assert_eq!(tests::sqlstate(&mut copy, "INSERT INTO items (name) VALUES ('BAD x')"), "23514");
    assert_eq!(value(&mut copy, "SELECT 'a' LIKE 'A'").as_deref(), Some("f"));
    copy.batch_execute(PATH).expect("a path");
    assert_eq!(value(&mut copy, "SELECT 'a' LIKE 'A'").as_deref(), Some("t"));
}
