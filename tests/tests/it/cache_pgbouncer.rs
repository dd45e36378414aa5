//! Writers behind PgBouncer in transaction mode, where each transaction may get another server session.

use crate::deliveries::{self, Delivery};
use postgres::types::Type;
use postgres::{Client, Config, NoTls};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use tests::{Cluster, Ear, cluster, connect, create_app_with, eventually, value};
use xtask::command::{command_as, find_program};
use xtask::workspace::Account;

/// A pgbouncer with its files in the folder of a cluster; the database is `app`.
struct PgBouncer {
    dir: PathBuf,
    process: Child,
}

impl PgBouncer {
    fn start(cluster: &Cluster, sessions: u32) -> PgBouncer {
        let dir = cluster.dir().join("pool");
        let account = Account::for_servers().expect("an account");
        account.fresh_dir(&dir).expect("a folder");
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).expect("written");
            account.own(&path).expect("given");
            path
        };
        let users = write("users", "\"postgres\" \"\"\n");
        let config = write(
            "pgbouncer.ini",
            &format!(
                "[databases]\napp = host={} port={} dbname=app\n\
                 [pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {}\n\
                 auth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = {sessions}\n\
                 max_client_conn = 100\nlogfile = {}\n",
                cluster.dir().display(),
                cluster.port(),
                dir.display(),
                users.display(),
                dir.join("log").display(),
            ),
        );
        let program = find_program("pgbouncer").expect("pgbouncer is installed");
        let process = command_as(account, program)
            .arg("-q")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer starts");
        let bouncer = PgBouncer { dir, process };
        eventually("pgbouncer answers", Duration::from_secs(20), || {
            bouncer.config().connect(NoTls).ok()
        });
        bouncer
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        config.host_path::<&Path>(&self.dir).port(6432).user("postgres").dbname("app");
        config
    }

    fn connect(&self) -> Client {
        self.config().connect(NoTls).expect("a session")
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn event(operation: &str, id: &str, node: &str) -> String {
    format!(r#"{{"type":"{operation}","collection":"items","id":"{id}","node_id":"{node}"}}"#)
}

fn run(client: &mut Client, sql: &str) {
    client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

fn start(delivery: &Delivery) -> (Cluster, Client) {
    let cluster = cluster(delivery.settings);
    let mut client = create_app_with(&cluster, &["cache_notify"]);
    run(
        &mut client,
        &format!(
            "CREATE TABLE items (id int PRIMARY KEY, note text);
             SELECT cache_notify.attach('items', channel => 'items', payload => 'event', delivery => '{}')",
            delivery.name
        ),
    );
    (cluster, client)
}

/// Each writer gives its name in the transaction; none of them gets onto another's events, and nothing that was rolled back is
/// heard of.
fn writers_share_sessions(delivery: &Delivery) {
    const WRITERS: usize = 6;
    const EACH: usize = 30;
    let (cluster, _client) = start(delivery);
    let bouncer = PgBouncer::start(&cluster, 2);
    let mut ear = Ear::new(&cluster, "app", "items");
    ear.heard_by(delivery.name);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let mut client = bouncer.connect();
            scope.spawn(move || {
                for n in 0..EACH {
                    let id = writer * 1000 + n;
                    run(
                        &mut client,
                        &format!(
                            "BEGIN; SET LOCAL cache_notify.node_id = 'node {writer}';
                             INSERT INTO items VALUES ({id})"
                        ),
                    );
                    run(&mut client, &format!("SAVEPOINT s; INSERT INTO items VALUES ({id} + 500); ROLLBACK TO s"));
                    run(&mut client, "COMMIT");
                    // Without a name, on a session that carried one a moment ago.
                    run(&mut client, &format!("UPDATE items SET note = 'x' WHERE id = {id}"));
                    run(&mut client, &format!("BEGIN; SET LOCAL cache_notify.node_id = 'never'; DELETE FROM items WHERE id = {id}; ROLLBACK"));
                    // A statement without a name is parsed and executed in one go; one with a name needs the session that
                    // it was prepared in, and has it as long as the transaction lasts.
                    client
                        .query_typed("UPDATE items SET note = $1 WHERE id = $2", &[
                            (&"y", Type::TEXT),
                            (&(id as i32), Type::INT4),
                        ])
                        .expect("an unnamed statement");
                    run(
                        &mut client,
                        &format!(
                            "BEGIN; PREPARE d{writer} AS DELETE FROM items WHERE id = $1; EXECUTE d{writer}({id}); DEALLOCATE d{writer}; COMMIT"
                        ),
                    );
                }
            });
        }
    });
    let heard = ear.heard_by(delivery.name);
    let mut expected = BTreeSet::new();
    for writer in 0..WRITERS {
        for n in 0..EACH {
            let id = (writer * 1000 + n).to_string();
            expected.insert(event("create", &id, &format!("node {writer}")));
            expected.insert(event("update", &id, ""));
            expected.insert(event("delete", &id, ""));
        }
    }
    assert_eq!(heard.into_iter().collect::<BTreeSet<_>>(), expected);
    let sessions = "SELECT count(*) <= 2 FROM pg_stat_activity WHERE datname = 'app' AND application_name = '' AND backend_type = 'client backend'";
    assert_eq!(value(&mut connect(&cluster, "app"), sessions).as_deref(), Some("t"));
}

#[test]
fn writers_share_sessions_with_notify() {
    writers_share_sessions(&deliveries::NOTIFY);
}

#[test]
fn writers_share_sessions_with_async() {
    writers_share_sessions(&deliveries::ASYNC);
}

#[test]
fn writers_and_consumers_share_sessions_with_durable() {
    writers_share_sessions(&deliveries::DURABLE_HEARD);
    let (cluster, mut client) = start(&deliveries::DURABLE);
    let bouncer = PgBouncer::start(&cluster, 2);
    let mut consumers = [bouncer.connect(), bouncer.connect(), bouncer.connect()];
    run(&mut consumers[0], "SELECT cache_notify.add_consumer('c')");
    let mut read = Vec::new();
    for n in 0..30 {
        run(&mut client, &format!("INSERT INTO items VALUES ({n})"));
        let consumer = &mut consumers[n % 3];
        let messages = consumer
            .simple_query("SELECT payload, position FROM cache_notify.changes_since('c')")
            .expect("changes");
        for message in messages {
            if let postgres::SimpleQueryMessage::Row(row) = message {
                read.push(row.get(0).expect("a payload").to_owned());
                let position = row.get(1).expect("a position");
                run(
                    &mut consumers[(n + 1) % 3],
                    &format!("SELECT cache_notify.confirm('c', '{position}')"),
                );
            }
        }
    }
    let expected: Vec<_> = (0..30).map(|n| event("create", &n.to_string(), "")).collect();
    assert_eq!(read, expected);
}

/// What the documentation warns of: a session that others use next keeps what SET has set, and LISTEN is for a session that the
/// client soon has no more.
#[test]
fn session_state_is_lost_or_left_behind() {
    let (cluster, mut client) = start(&deliveries::NOTIFY);
    let bouncer = PgBouncer::start(&cluster, 1);
    let mut ear = Ear::new(&cluster, "app", "items");
    let (mut one, mut other) = (bouncer.connect(), bouncer.connect());
    run(&mut one, "SET cache_notify.node_id = 'one'");
    run(&mut other, "INSERT INTO items VALUES (1)");
    assert_eq!(ear.heard(), [event("create", "1", "one")]);

    run(&mut one, "LISTEN items");
    for n in 2..20 {
        run(&mut client, &format!("INSERT INTO items VALUES ({n})"));
    }
    assert_eq!(ear.heard().len(), 18);
    // Whatever had been on its way would come before this answer.
    run(&mut one, "SELECT 1");
    use fallible_iterator::FallibleIterator;
    let heard = one.notifications().iter().count().expect("the connection holds");
    println!("{heard} of 18 messages heard through PgBouncer");
    assert!(heard < 18, "all of it was heard through PgBouncer");
}
