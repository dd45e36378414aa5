use std::time::Duration;
use tests::{Ear, cluster, connect, create_app, eventually_true, value};

#[test]
fn a_listener_hears_of_a_change_when_it_is_committed_and_not_before() {
    let cluster = cluster(&[]);
    let mut writer = create_app(&cluster);
    writer
        .batch_execute(
            "CREATE TABLE items (id int PRIMARY KEY, name text);
             INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 100) n;
             SELECT cache_notify.attach('items')",
        )
        .expect("a table with triggers");
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");

    let mut transaction = writer.transaction().expect("a transaction");
    transaction.batch_execute("UPDATE items SET name = 'new' WHERE id = 42").expect("an update");
    assert_eq!(ear.heard(), [""; 0], "heard before the commit");
    transaction.commit().expect("committed");
    assert_eq!(ear.heard(), ["items:42"]);

    let mut transaction = writer.transaction().expect("a transaction");
    transaction.batch_execute("UPDATE items SET name = 'newer' WHERE id = 43").expect("an update");
    transaction.rollback().expect("rolled back");
    assert_eq!(ear.heard(), [""; 0], "heard of a rolled-back change");

    let mut transaction = writer.transaction().expect("a transaction");
    transaction.batch_execute("UPDATE items SET name = 'kept' WHERE id = 44").expect("an update");
    let mut savepoint = transaction.savepoint("undone").expect("a savepoint");
    savepoint.batch_execute("UPDATE items SET name = 'undone' WHERE id = 45").expect("an update");
    savepoint.rollback().expect("rolled back to the savepoint");
    transaction.commit().expect("committed");
    assert_eq!(ear.heard(), ["items:44"]);

    writer.batch_execute("DELETE FROM items WHERE id = 50").expect("a delete");
    assert_eq!(ear.heard(), ["items:50"]);
    assert_eq!(
        value(&mut writer, "SELECT count(*) FROM items WHERE id = 50").as_deref(),
        Some("0")
    );

    // The same key five times is one message; a key that changes is two.
    writer
        .batch_execute(
            "BEGIN;
             UPDATE items SET name = 'a' WHERE id = 60; UPDATE items SET name = 'b' WHERE id = 60;
             UPDATE items SET id = 1060 WHERE id = 60;
             COMMIT",
        )
        .expect("a transaction");
    let mut heard = ear.heard();
    heard.sort();
    assert_eq!(heard, ["items:1060", "items:60"]);

    writer.batch_execute("TRUNCATE items").expect("a truncate");
    assert_eq!(ear.heard(), ["items:*"]);
}

/// A deferred constraint fails at COMMIT, after every trigger has run.
#[test]
fn a_commit_that_fails_is_not_heard_of() {
    let cluster = cluster(&[]);
    let mut writer = create_app(&cluster);
    writer
        .batch_execute(
            "CREATE TABLE parents (id int PRIMARY KEY);
             CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
             INSERT INTO parents VALUES (1);
             SELECT cache_notify.attach('children')",
        )
        .expect("tables");
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    let mut transaction = writer.transaction().expect("a transaction");
    transaction.batch_execute("INSERT INTO children VALUES (1, 99)").expect("deferred");
    let refused = transaction.commit().expect_err("the constraint fails at commit");
    assert_eq!(refused.code().map(postgres::error::SqlState::code), Some("23503"));
    assert_eq!(ear.heard(), [""; 0]);
    writer.batch_execute("INSERT INTO children VALUES (2, 1)").expect("a valid row");
    assert_eq!(ear.heard(), ["children:2"]);
}

/// The apply process fires no statement-level triggers but those for TRUNCATE: the documentation advises a row-level one.
#[test]
fn what_logical_replication_applies_is_heard_through_a_row_trigger() {
    let cluster = cluster(&["wal_level = logical"]);
    let mut app = create_app(&cluster);
    app.batch_execute("CREATE DATABASE source").expect("a database");
    let mut source = connect(&cluster, "source");
    source
        .batch_execute(
            "CREATE TABLE copies (id int PRIMARY KEY, note text);
             CREATE PUBLICATION copies FOR TABLE copies",
        )
        .expect("a publication");
    // Both databases are of one server, where CREATE SUBSCRIPTION would wait for itself.
    source
        .batch_execute("SELECT pg_create_logical_replication_slot('copies', 'pgoutput')")
        .expect("a slot");
    app.batch_execute(
        "CREATE TABLE copies (id int PRIMARY KEY, note text);
         SELECT cache_notify.attach('copies', delivery => 'notify');
         CREATE TRIGGER applied AFTER INSERT OR UPDATE OR DELETE ON copies
             FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache();
         ALTER TABLE copies ENABLE REPLICA TRIGGER applied;
         ALTER TABLE copies ENABLE ALWAYS TRIGGER cache_notify_truncate",
    )
    .expect("triggers");
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    app.batch_execute(&format!(
        "CREATE SUBSCRIPTION copies CONNECTION 'host={} port={} user=postgres dbname=source'
             PUBLICATION copies WITH (create_slot = false, copy_data = false)",
        cluster.dir().display(),
        cluster.port()
    ))
    .expect("a subscription");
    for statement in [
        "INSERT INTO copies VALUES (1), (2)",
        "UPDATE copies SET note = 'new' WHERE id = 1",
        "UPDATE copies SET id = 3 WHERE id = 2",
        "DELETE FROM copies WHERE id = 3",
        "TRUNCATE copies",
        "INSERT INTO copies VALUES (9)",
    ] {
        source.batch_execute(statement).expect(statement);
    }
    let is_applied = "SELECT EXISTS (SELECT FROM copies WHERE id = 9)";
    eventually_true(&mut app, Duration::from_secs(60), is_applied);
    assert_eq!(
        ear.heard(),
        [
            "copies:1", "copies:2", "copies:1", "copies:2", "copies:3", "copies:3", "copies:*",
            "copies:9"
        ]
    );
    app.batch_execute("DELETE FROM copies").expect("a delete");
    assert_eq!(ear.heard(), ["copies:9"]);
}
