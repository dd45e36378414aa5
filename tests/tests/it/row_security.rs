use postgres::Client;
use tests::{cluster, column, connect, create_app, value};

/// The lines of a plan, with what was really done.
fn plan(client: &mut Client, sql: &str) -> String {
    column(client, &format!("EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) {sql}"))
        .join("\n")
}

fn calls(client: &mut Client) -> String {
    value(client, "SELECT last_value - 1 FROM public.calls").expect("a count")
}

/// A million rows of a thousand owners: a role that a policy holds for reads its thousand by the index, and the getter is
/// read once, or, without the sub-select, once to plan with and once to look into the index with.
#[test]
fn a_policy_reads_the_getter_once_a_statement_and_uses_the_index() {
    let cluster = cluster(&[]);
    let mut admin = create_app(&cluster);
    admin
        .batch_execute(
            "CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, body text);
             INSERT INTO notes SELECT n, 'u' || n % 1000, 'note ' || n FROM generate_series(1, 1000000) AS n;
             CREATE INDEX notes_owner ON notes (owner);
             ANALYZE notes;
             ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
             CREATE ROLE app_user LOGIN;
             GRANT SELECT ON notes TO app_user;
             -- The getter with a counter: a sequence goes up with each call, whatever becomes of the transaction.
             CREATE SEQUENCE calls START 1;
             SELECT nextval('calls');
             CREATE FUNCTION counted_id() RETURNS text STABLE LANGUAGE plpgsql AS $$
             BEGIN
                 PERFORM nextval('public.calls');
                 RETURN pb_auth_id();
             END $$;
             GRANT SELECT, USAGE ON SEQUENCE calls TO app_user",
        )
        .expect("a table");
    for (policy, in_plan) in [
        ("owner = (SELECT pb_auth_id())", "InitPlan"),
        ("owner = pb_auth_id()", "current_setting('pb.auth.id'"),
    ] {
        admin
            .batch_execute(&format!(
                "DROP POLICY IF EXISTS own ON notes; CREATE POLICY own ON notes USING ({policy})"
            ))
            .expect("a policy");
        let mut user = cluster.connect_as("app_user", "app").expect("a session");
        user.batch_execute("BEGIN; SELECT pb_auth_set('u7', 'user')").expect("an identity");
        assert_eq!(
            value(
                &mut user,
                "SELECT count(*) || ' ' || min(owner) || ' ' || max(owner) FROM notes"
            )
            .as_deref(),
            Some("1000 u7 u7")
        );
        let plan = plan(&mut user, "SELECT * FROM notes");
        println!("{policy}\n{plan}\n");
        assert!(plan.contains("notes_owner"), "{policy}\n{plan}");
        assert!(!plan.contains("Seq Scan"), "{policy}\n{plan}");
        assert!(plan.contains("Index Cond: (notes.owner = "), "{policy}\n{plan}");
        assert!(!plan.contains("Filter:"), "{policy}\n{plan}");
        assert!(plan.contains(in_plan), "{policy}\n{plan}");
        if in_plan == "InitPlan" {
            let lines: Vec<&str> = plan.lines().collect();
            let init =
                lines.iter().position(|line| line.contains("InitPlan")).expect("an InitPlan");
            let result =
                lines[init + 1..].iter().find(|line| line.contains("->")).expect("its node");
            assert!(result.contains("loops=1)"), "{plan}");
        }
        user.batch_execute("ROLLBACK").expect("the end");
        // Nobody sees nothing, by the same index.
        assert_eq!(value(&mut user, "SELECT count(*) FROM notes").as_deref(), Some("0"));
    }
    for (policy, at_most) in [
        // The sub-select is run once, and the planner does not look into it.
        ("owner = (SELECT counted_id())", 1),
        // The planner asks for an estimate, and the scan for its key (some versions ask more than once).
        ("owner = counted_id()", 4),
    ] {
        admin
            .batch_execute(&format!(
                "DROP POLICY own ON notes; CREATE POLICY own ON notes USING ({policy})"
            ))
            .expect("a policy");
        let mut user = connect(&cluster, "app");
        user.batch_execute("SET ROLE app_user; BEGIN; SELECT pb_auth_set('u7', 'user')")
            .expect("an identity");
        for (sql, expected) in [
            ("SELECT count(*) FROM notes", "1000"),
            // A row's own condition asks for nothing more.
            ("SELECT count(*) FROM notes WHERE body LIKE '%9%'", "271"),
        ] {
            let before: u64 = calls(&mut user).parse().expect("a number");
            assert_eq!(value(&mut user, sql).as_deref(), Some(expected), "{policy}: {sql}");
            let made = calls(&mut user).parse::<u64>().expect("a number") - before;
            println!("{policy}: {made} calls for {sql}");
            assert!((1..=at_most).contains(&made), "{policy}: {made} calls for {sql}");
            if policy.contains("SELECT") {
                assert_eq!(made, 1, "{policy}: {sql}");
            }
        }
    }
    // Without an index the sub-select makes all the difference.
    admin.batch_execute("DROP INDEX notes_owner; ANALYZE notes").expect("no index");
    for (policy, expected) in
        [("owner = (SELECT counted_id())", 1..=1), ("owner = counted_id()", 1_000_000..=1_000_010)]
    {
        admin
            .batch_execute(&format!(
                "DROP POLICY own ON notes; CREATE POLICY own ON notes USING ({policy})"
            ))
            .expect("a policy");
        let mut user = connect(&cluster, "app");
        user.batch_execute("SET ROLE app_user; SET max_parallel_workers_per_gather = 0; BEGIN; SELECT pb_auth_set('u7', 'user')")
            .expect("an identity");
        let before: u64 = calls(&mut user).parse().expect("a number");
        assert_eq!(
            value(&mut user, "SELECT count(*) FROM notes").as_deref(),
            Some("1000"),
            "{policy}"
        );
        let made = calls(&mut user).parse::<u64>().expect("a number") - before;
        println!("{policy}: {made} calls without an index");
        assert!(expected.contains(&made), "{policy}: {made} calls without an index");
    }
}
