use std::path::Path;
use tests::{Cluster, connect, sqlstate, value};
use xtask::server::Server;

/// A server built without ICU gets everything but the collation, and a warning that says so.
#[test]
fn pb_compat_installs_with_a_warning_and_without_the_collation() {
    let pg_config = std::env::var_os("PG_CONFIG_WITHOUT_ICU")
        .expect("PG_CONFIG_WITHOUT_ICU names a server without ICU; `make test PG=16` sets it");
    let server = Server::at(Path::new(&pg_config)).expect("a pg_config");
    let cluster = Cluster::start(&server, &[]).expect("the cluster starts");
    let created = cluster
        .client("psql")
        .args(["-X", "-v", "ON_ERROR_STOP=1", "-c", "CREATE EXTENSION pb_compat"])
        .output()
        .expect("psql");
    let said = String::from_utf8_lossy(&created.stderr).into_owned();
    assert!(created.status.success(), "{said}");
    assert!(said.contains("WARNING") && said.contains("nocase"), "{said}");

    let mut client = connect(&cluster, "postgres");
    assert_eq!(sqlstate(&mut client, "SELECT 'a' = 'A' COLLATE nocase"), "42704");
    assert_eq!(
        value(&mut client, "SELECT nocase_key('ÄbC') = nocase_key('Äbc')").as_deref(),
        Some("t")
    );
    assert_eq!(
        value(&mut client, "SELECT uuid_generate_v7() < uuid_generate_v7()").as_deref(),
        Some("t")
    );
    assert_eq!(
        value(&mut client, "SELECT json_valid('{\"a\":1}') AND NOT json_valid('{a:1}')").as_deref(),
        Some("t")
    );
    assert_eq!(value(&mut client, "SELECT pb_try_lock('job')").as_deref(), Some("t"));
}
