//! Events of `cache_notify.publish_event` between application nodes.

use std::collections::HashSet;
use std::time::{Duration, Instant};
use tests::{Cluster, Ear, cluster, connect, create_app, eventually_true, value};

fn app(delivery: &str) -> Cluster {
    let preload = match delivery {
        "notify" => "",
        _ => "cache_notify",
    };
    let cluster = cluster(&[
        &format!("shared_preload_libraries = '{preload}'"),
        "wal_level = logical",
        "cache_notify.ring_size = '16MB'",
    ]);
    let mut client = connect(&cluster, "postgres");
    client.batch_execute("CREATE EXTENSION cache_notify").expect("the extension");
    if delivery != "notify" {
        eventually_true(
            &mut client,
            Duration::from_secs(30),
            "SELECT visited FROM cache_notify.ring_state()",
        );
    }
    create_app(&cluster);
    cluster
}

fn node_of(event: &str) -> &str {
    let (_, node) = event.rsplit_once("\"node_id\":\"").expect("an event with a node");
    node.trim_end_matches("\"}")
}

/// Each node has one session that writes and one that listens. It is told of the other's events, and leaves its own aside.
#[test]
fn a_node_ignores_its_own_events_and_hears_the_others() {
    for delivery in ["notify", "async", "durable"] {
        let cluster = app(delivery);
        let mut nodes: Vec<_> = ["one", "two \"2\""]
            .into_iter()
            .map(|name| {
                let mut session = connect(&cluster, "app");
                session
                    .execute("SELECT set_config('cache_notify.node_id', $1, false)", &[&name])
                    .expect("a setting");
                (name, session, Ear::new(&cluster, "app", "pb_events"))
            })
            .collect();
        let mut published: Vec<(usize, String)> = vec![];
        for round in 0..20 {
            for (n, (_, session, _)) in nodes.iter_mut().enumerate() {
                let id = format!("{n}-{round}");
                let publish =
                    "SELECT cache_notify.publish_event('update', 'posts', $1, delivery => $2)";
                let mut transaction = session.transaction().expect("a transaction");
                transaction.execute(publish, &[&id, &delivery]).expect("published");
                // Twice in a transaction is once; a savepoint that is rolled back was never there.
                transaction.execute(publish, &[&id, &delivery]).expect("published");
                let mut inner = transaction.savepoint("s").expect("a savepoint");
                inner.execute(publish, &[&format!("undone {id}"), &delivery]).expect("published");
                inner.rollback().expect("rolled back");
                if round % 3 == 2 {
                    transaction.rollback().expect("rolled back");
                } else {
                    transaction.commit().expect("committed");
                    published.push((n, id));
                }
            }
        }
        for (n, (name, _, ear)) in nodes.iter_mut().enumerate() {
            let own = name.replace('"', "\\\"");
            let heard = match delivery {
                "notify" => ear.heard(),
                other => ear.heard_by(other),
            };
            let marks = |event: &&String| !event.contains("\"mark\"");
            let (mine, others): (Vec<_>, Vec<_>) =
                heard.iter().filter(marks).partition(|event| node_of(event) == own);
            let count = |of: usize| published.iter().filter(|(node, _)| *node == of).count();
            assert_eq!(
                (mine.len(), others.len()),
                (count(n), count(1 - n)),
                "{delivery} {heard:?}"
            );
            for (node, id) in &published {
                let named = format!("\"id\":\"{id}\"");
                let among = if *node == n { &mine } else { &others };
                assert!(among.iter().any(|event| event.contains(&named)), "{delivery} {id}");
            }
        }
    }
}

/// From one session and from several, 20 in a transaction: all arrive.
#[test]
fn ten_thousand_events_arrive() {
    let cluster = app("async");
    let mut ear = Ear::new(&cluster, "app", "pb_events");
    for sessions in [1, 4] {
        let began = Instant::now();
        std::thread::scope(|scope| {
            for session in 0..sessions {
                let cluster = &cluster;
                scope.spawn(move || {
                    let mut client = connect(cluster, "app");
                    let publish = client
                        .prepare(
                            "SELECT cache_notify.publish_event('create', $1, $2 || n, delivery => 'async')
                             FROM generate_series($3::int, $4) n",
                        )
                        .expect("prepared");
                    for n in (0..10_000 / sessions).step_by(20) {
                        let collection = format!("{sessions} sessions");
                        let node = format!("{session}-");
                        client
                            .execute(&publish, &[&collection, &node, &n, &(n + 19)])
                            .expect("published");
                    }
                });
            }
        });
        let heard: HashSet<String> = ear
            .heard_by("async")
            .into_iter()
            .filter(|event| event.contains(&format!("{sessions} sessions")))
            .collect();
        eprintln!("10,000 events of {sessions} sessions heard after {:?}", began.elapsed());
        assert_eq!(heard.len(), 10_000);
        for session in 0..sessions {
            for n in 0..10_000 / sessions {
                let event = format!(
                    r#"{{"type":"create","collection":"{sessions} sessions","id":"{session}-{n}","node_id":""}}"#
                );
                assert!(heard.contains(&event), "{event}");
            }
        }
    }
    let mut client = connect(&cluster, "app");
    assert_eq!(
        value(&mut client, "SELECT max(overflows) FROM cache_notify.stats").as_deref(),
        Some("0")
    );
}
