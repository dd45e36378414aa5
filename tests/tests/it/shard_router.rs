use tests::{cluster, connect, create_app, sqlstate, value};

const ORDERS: &str = "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, user_id int NOT NULL, total_amount numeric(10,2),
         status varchar(20), created_at timestamptz DEFAULT now(), PRIMARY KEY (id));
     SELECT shard_router.create_sharded_table('orders', 'user_id', 10, 'modulo')";

#[test]
fn a_row_goes_to_its_shard_from_every_session_at_once() {
    let cluster = cluster(&[]);
    let mut client = create_app(&cluster);
    client.batch_execute(ORDERS).expect("a sharded table");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let cluster = &cluster;
            scope.spawn(move || {
                let mut client = connect(cluster, "app");
                let insert =
                    client.prepare("SELECT insert_order($1, 9.99, 'new')").expect("prepared");
                for n in 0..500 {
                    client.execute(&insert, &[&(writer * 500 + n)]).expect("inserted");
                }
            });
        }
    });
    assert_eq!(value(&mut client, "SELECT count(*) FROM orders").as_deref(), Some("4000"));
    assert_eq!(
        value(&mut client, "SELECT count(DISTINCT id) FROM orders").as_deref(),
        Some("4000")
    );
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM orders WHERE tableoid::regclass::text <> 'orders_' || user_id % 10").as_deref(),
        Some("0")
    );
}

/// Plans are kept for a session, so what happens to a shard in another one has to reach them.
#[test]
fn a_shard_that_another_session_takes_away_fails_alone_and_by_name() {
    let cluster = cluster(&[]);
    let mut admin = create_app(&cluster);
    admin.batch_execute(ORDERS).expect("a sharded table");
    let mut client = connect(&cluster, "app");
    client
        .batch_execute("SELECT insert_order(n, 1, 'x') FROM generate_series(0, 19) n")
        .expect("plans are kept now");

    admin.batch_execute("DROP TABLE orders_5").expect("dropped");
    let refused =
        client.batch_execute("SELECT insert_order(5, 1, 'x')").expect_err("the shard is gone");
    let refused = refused.as_db_error().expect("a server error");
    assert_eq!(refused.code().code(), "42P01");
    assert!(
        refused.message().contains("orders_5")
            || refused.detail().unwrap_or_default().contains("orders_5"),
        "{refused:?}"
    );
    assert_eq!(sqlstate(&mut client, "SELECT * FROM get_orders_by_user(15)"), "42P01");
    client.batch_execute("SELECT insert_order(6, 1, 'x')").expect("the other shards work");

    // A temporary table of the same name is somebody's scratch space, not the shard.
    client.batch_execute("CREATE TEMP TABLE orders_6 (LIKE orders)").expect("a decoy");
    client.batch_execute("SELECT insert_order(6, 1, 'x')").expect("inserted");
    assert_eq!(value(&mut client, "SELECT count(*) FROM pg_temp.orders_6").as_deref(), Some("0"));
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM get_orders_by_user(6)").as_deref(),
        Some("3")
    );

    admin
        .batch_execute(
            "CREATE TABLE orders_5 PARTITION OF orders FOR VALUES WITH (MODULUS 10, REMAINDER 5)",
        )
        .expect("back");
    client.batch_execute("SELECT insert_order(5, 1, 'x')").expect("routed to the new one");
}
