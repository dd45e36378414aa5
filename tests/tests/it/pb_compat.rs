use std::path::Path;
use tests::{cluster, connect, create_app, value};

/// A generator that were seeded in the postmaster would repeat itself in every backend.
#[test]
fn ids_of_twenty_backends_of_a_preloaded_library_are_distinct() {
    let cluster = cluster(&["shared_preload_libraries = 'pb_compat'"]);
    let mut client = create_app(&cluster);
    client.batch_execute("CREATE UNLOGGED TABLE ids (backend int, id uuid)").expect("a table");
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                connect(&cluster, "app")
                    .batch_execute(
                        "INSERT INTO ids SELECT pg_backend_pid(), uuid_generate_v7() FROM generate_series(1, 100000)",
                    )
                    .expect("ids");
            });
        }
    });
    assert_eq!(
        value(&mut client, "SELECT count(DISTINCT backend) FROM ids").as_deref(),
        Some("20")
    );
    assert_eq!(value(&mut client, "SELECT count(*) FROM ids").as_deref(), Some("2000000"));
    assert_eq!(
        value(
            &mut client,
            "SELECT count(*) FROM (SELECT id FROM ids GROUP BY id HAVING count(*) > 1) twice"
        )
        .as_deref(),
        Some("0")
    );
}

#[test]
fn a_million_ids_of_one_backend_increase_strictly() {
    let cluster = cluster(&[]);
    let mut client = create_app(&cluster);
    client
        .batch_execute("CREATE TEMP TABLE ids AS SELECT n, uuid_generate_v7() AS id FROM generate_series(1, 1000000) n")
        .expect("ids");
    assert_eq!(
        value(
            &mut client,
            "SELECT count(*) FILTER (WHERE id > before) FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before FROM ids) pairs"
        )
        .as_deref(),
        Some("999999")
    );
    // No id is ahead of the clock that the server reads.
    assert_eq!(
        value(&mut client, "SELECT max(uuid_v7_to_timestamptz(id)) <= clock_timestamp() FROM ids")
            .as_deref(),
        Some("t")
    );
}

/// Every file of the JSONTestSuite, where it stands beside the repository, is judged as the server's own casts judge it.
#[test]
fn json_checks_agree_with_the_casts_on_the_json_test_suite() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/json");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("the JSONTestSuite is not beside the repository: nothing compared");
        return;
    };
    let cluster = cluster(&[]);
    let mut client = create_app(&cluster);
    client
        .batch_execute(
            "CREATE FUNCTION pg_temp.casts(doc text, as_type regtype) RETURNS bool LANGUAGE plpgsql AS $$
             BEGIN
                 EXECUTE format('SELECT $1::%s', as_type) USING doc;
                 RETURN true;
             EXCEPTION WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
                 RETURN false;
             END $$",
        )
        .expect("the reference");
    let mut compared = 0;
    for entry in entries {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // A text value can hold neither invalid UTF-8 nor NUL: those files cannot be asked about.
        let Ok(text) = String::from_utf8(std::fs::read(&path).expect("readable")) else { continue };
        if text.contains('\0') {
            continue;
        }
        let row = client
            .query_one(
                "SELECT json_valid($1), jsonb_valid($1), pg_temp.casts($1, 'json'), pg_temp.casts($1, 'jsonb')",
                &[&text],
            )
            .expect("an answer");
        let [json, jsonb, as_json, as_jsonb]: [bool; 4] = std::array::from_fn(|i| row.get(i));
        assert_eq!((json, jsonb), (as_json, as_jsonb), "{name}");
        match name.split('_').next() {
            Some("y") => assert!(json, "{name} has to be accepted"),
            Some("n") => assert!(!json, "{name} has to be rejected"),
            _ => {}
        }
        compared += 1;
    }
    assert!(compared > 250, "only {compared} files compared");
}
