use tests::{Ear, cluster, create_app, value};

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
