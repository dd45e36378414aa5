use std::sync::atomic::{AtomicBool, Ordering};
use tests::{Ear, cluster, connect, create_app, value};

/// What was acknowledged before kill -9 is there afterwards, and the extensions go on where they were.
#[test]
fn nothing_acknowledged_is_lost_when_every_process_is_killed() {
    let cluster = cluster(&["fsync = on"]);
    let mut client = create_app(&cluster);
    client
        .batch_execute(
            "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, user_id int NOT NULL, total_amount numeric(10,2),
                                  status varchar(20), created_at timestamptz DEFAULT now(), PRIMARY KEY (id));
             SELECT shard_router.create_sharded_table('orders', 'user_id', 10, 'modulo');
             CREATE TABLE items (id int PRIMARY KEY, name text);
             SELECT cache_notify.attach('items')",
        )
        .expect("tables");
    drop(client);
    let stop = AtomicBool::new(false);
    let acknowledged: Vec<i64> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (cluster, stop) = (&cluster, &stop);
                scope.spawn(move || {
                    let mut client = connect(cluster, "app");
                    let mut ids = Vec::new();
                    for n in 0.. {
                        let user = writer * 1000 + n % 37;
                        let answer = client
                            .query_one("SELECT insert_order($1, 12.5, 'new')::bigint", &[&user]);
                        match answer {
                            Ok(row) => ids.push(row.get::<_, i64>(0)),
                            Err(_) => return ids,
                        }
                        if ids.len() == 200 {
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                    ids
                })
            })
            .collect();
        while !stop.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        cluster.crash_and_restart().expect("the server comes back");
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect()
    });
    assert!(acknowledged.len() >= 200);
    let mut client = connect(&cluster, "app");
    let lost = client
        .query_one(
            "SELECT count(*) FROM unnest($1::bigint[]) AS said (id)
             WHERE NOT EXISTS (SELECT FROM orders WHERE orders.id = said.id)",
            &[&acknowledged],
        )
        .expect("a comparison");
    assert_eq!(lost.get::<_, i64>(0), 0);
    assert_eq!(
        value(&mut client, "SELECT count(*) = count(DISTINCT id) FROM orders").as_deref(),
        Some("t")
    );

    // Routing and triggers work as before.
    client.batch_execute("SELECT insert_order(7, 1, 'after')").expect("routed");
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    client.batch_execute("INSERT INTO items VALUES (1, 'after')").expect("a row");
    assert_eq!(ear.heard(), ["items:1"]);
}
