//! What the tests in `tests/it` share: a cluster of their own, and waiting for something to become true.

mod redis;
mod rng;

pub use crate::redis::Redis;
use postgres::{Client, SimpleQueryMessage};
pub use rng::Rng;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
pub use xtask::cluster::{Cluster, Stop};
use xtask::command::output;
use xtask::server::Server;

/// The server that `make test` built and installed into.
///
/// By hand: `PG_CONFIG=target/pg15/test/lib/postgresql/15/bin/pg_config cargo test -p tests`.
pub fn server() -> Server {
    let pg_config = std::env::var_os("PG_CONFIG")
        .expect("PG_CONFIG names the server with the extensions installed; `make test` sets it");
    Server::at(pg_config.as_ref()).expect("PG_CONFIG is a pg_config")
}

/// A fresh cluster for one test; `settings` are lines of postgresql.conf.
pub fn cluster(settings: &[&str]) -> Cluster {
    Cluster::start(&server(), settings).expect("the cluster starts")
}

/// A fresh cluster with the worker preloaded, looking every second, and a database `app` with the extensions.
pub fn cluster_with_worker(settings: &[&str]) -> Cluster {
    let mut lines =
        vec!["shared_preload_libraries = 'maintenance_worker'", "maintenance_worker.naptime = 1s"];
    lines.extend(settings);
    let cluster = cluster(&lines);
    create_app(&cluster);
    cluster
}

/// Makes the database `app` with all four extensions and returns a superuser's session in it.
pub fn create_app(cluster: &Cluster) -> Client {
    create_app_with(cluster, &["pb_compat", "shard_router", "cache_notify", "maintenance_worker"])
}

/// The same with some of them.
pub fn create_app_with(cluster: &Cluster, extensions: &[&str]) -> Client {
    connect(cluster, "postgres")
        .batch_execute("CREATE DATABASE app")
        .expect("the database is made");
    let mut client = connect(cluster, "app");
    for extension in extensions {
        client
            .batch_execute(&format!("CREATE EXTENSION {extension}"))
            .expect("the extension is created");
    }
    client
}

pub fn connect(cluster: &Cluster, database: &str) -> Client {
    cluster.connect(database).expect("a session")
}

/// Dumps the database `app` with pg_dump, as SQL.
pub fn dump(cluster: &Cluster) -> PathBuf {
    let dump = cluster.dir().join("dump.sql");
    let file = File::create(&dump).expect("a file");
    let dumped =
        cluster.client("pg_dump").arg("app").stdout(Stdio::from(file)).status().expect("pg_dump");
    assert!(dumped.success());
    dump
}

/// Restores a dump of [`dump`] into a new database `copy`, where any error is a failure, and returns a superuser's session
/// in it.
pub fn restore(cluster: &Cluster, dump: &Path) -> Client {
    connect(cluster, "postgres").batch_execute("CREATE DATABASE copy").expect("a database");
    output(
        cluster
            .client("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "copy", "-f"])
            .arg(dump),
    )
    .expect("the dump restores");
    connect(cluster, "copy")
}

/// The single value of a query as text; `None` for NULL.
pub fn value(client: &mut Client, sql: &str) -> Option<String> {
    let messages = client.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    messages
        .iter()
        .find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
            _ => None,
        })
        .unwrap_or_else(|| panic!("{sql}: no row"))
}

/// The first column of every row, as text.
pub fn column(client: &mut Client, sql: &str) -> Vec<String> {
    let messages = client.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        })
        .collect()
}

/// The SQLSTATE that a statement fails with.
pub fn sqlstate(client: &mut Client, sql: &str) -> String {
    match client.batch_execute(sql) {
        Ok(()) => panic!("succeeded: {sql}"),
        Err(error) => error.code().unwrap_or_else(|| panic!("{sql}: {error:?}")).code().to_owned(),
    }
}

/// Looks until `look` finds something; fails after `patience`.
pub fn eventually<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same for a query that returns `t` once it is so.
pub fn eventually_true(client: &mut Client, patience: Duration, sql: &str) {
    eventually(sql, patience, || (value(client, sql).as_deref() == Some("t")).then_some(()));
}

/// A session that listens, and another that marks how far it has listened.
pub struct Ear {
    channel: &'static str,
    listener: Client,
    marker: Client,
    marks: u32,
}

impl Ear {
    pub fn new(cluster: &Cluster, database: &str, channel: &'static str) -> Ear {
        let mut listener = connect(cluster, database);
        listener.batch_execute(&format!("LISTEN {channel}")).expect("listening");
        Ear { channel, listener, marker: connect(cluster, database), marks: 0 }
    }

    /// The payloads of everything committed so far and not yet heard. The server delivers in commit order, so nothing
    /// of theirs can come after a mark that is sent now: no guess at how long a message may take.
    pub fn heard(&mut self) -> Vec<String> {
        self.marker
            .execute("SELECT pg_notify($1, $2)", &[&self.channel, &"-- mark --"])
            .expect("the mark is sent");
        self.up_to("-- mark --")
    }

    /// The same, where the messages travel another way than NOTIFY: so does the mark, and stays in order with them.
    pub fn heard_by(&mut self, delivery: &str) -> Vec<String> {
        self.marks += 1;
        let number = self.marks.to_string();
        self.marker
            .execute(
                "SELECT cache_notify.publish_event('mark', '', $1, $2, $3)",
                &[&number, &self.channel, &delivery],
            )
            .expect("the mark is sent");
        self.up_to(&format!(r#"{{"type":"mark","collection":"","id":"{number}","node_id":""}}"#))
    }

    fn up_to(&mut self, mark: &str) -> Vec<String> {
        use fallible_iterator::FallibleIterator;
        let mut payloads = Vec::new();
        let mut notifications = self.listener.notifications();
        let mut waiting = notifications.timeout_iter(Duration::from_secs(20));
        loop {
            let notification =
                waiting.next().expect("the connection holds").expect("the mark arrives");
            if notification.payload() == mark {
                return payloads;
            }
            payloads.push(notification.payload().to_owned());
        }
    }
}
