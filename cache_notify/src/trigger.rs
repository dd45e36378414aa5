//! The trigger function.

use crate::error::Error;
use crate::payload::Op;
use crate::plan;
use crate::rows::{Recorder, Row, count};
use crate::transaction;
use pg_ext_core::SqlError;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CStr;

/// What PG_FUNCTION_INFO_V1 declares in C. Written out, since a trigger that reads no tuple needs no tuple of pgrx's.
#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_invalidate_cache() -> &'static pg_sys::Pg_finfo_record {
    const RECORD: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &RECORD
}

/// `cache_notify.invalidate_cache()`: collects the keys of the rows that a statement or a row-level trigger has seen.
///
/// # Safety
/// Called by the server, as a function without arguments that returns `trigger`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn invalidate_cache(call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the server passes a valid call; its context is NULL or a node.
    let context = unsafe { (*call).context };
    // SAFETY: a node begins with its tag, and this tag says what the node is.
    let outcome = unsafe {
        if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
            Err(Error::NotTrigger)
        } else {
            fire(&*context.cast::<pg_sys::TriggerData>())
        }
    };
    if let Err(error) = outcome {
        error.report().report(PgLogLevel::ERROR);
    }
    // What an AFTER trigger returns is ignored. A null pointer, not an SQL null, is the way to return no row.
    pg_sys::Datum::from(0_usize)
}

/// # Safety
/// `trigger` must be the `TriggerData` of the present call.
unsafe fn fire(trigger: &pg_sys::TriggerData) -> Result<(), Error> {
    if trigger.tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK != pg_sys::TRIGGER_EVENT_AFTER {
        // As a BEFORE trigger it would tell of rows that are not written in the end, and might cancel a DELETE.
        return Err(Error::NotAfter { trigger: name(trigger) });
    }
    // SAFETY: as the caller promises.
    let plan = unsafe { plan::of_trigger(trigger) }?;
    let for_each_row = trigger.tg_event & pg_sys::TRIGGER_EVENT_ROW != 0;
    let op = match trigger.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
        pg_sys::TRIGGER_EVENT_INSERT => Op::Insert,
        pg_sys::TRIGGER_EVENT_UPDATE => Op::Update,
        pg_sys::TRIGGER_EVENT_DELETE => Op::Delete,
        _ => Op::Truncate,
    };
    let (old, new) = (trigger.tg_oldtable, trigger.tg_newtable);
    let missing = match op {
        Op::Insert => new.is_null(),
        Op::Delete => old.is_null(),
        Op::Update => old.is_null() || new.is_null(),
        Op::Truncate | Op::Any => false,
    };
    if !for_each_row && missing {
        return Err(Error::NoTransitionTable { trigger: name(trigger), operation: op.name() });
    }
    // SAFETY: an AFTER ROW trigger has its row in tg_trigslot and an updated row's new version in tg_newslot; a statement's
    // transition tables have the row type of the trigger's relation, which is open.
    unsafe {
        let rows = (*trigger.tg_relation).rd_att;
        match (op, for_each_row) {
            (Op::Truncate | Op::Any, _) => Recorder::new(&plan).all(op),
            (_, true) => {
                let mut recorder = Recorder::new(&plan);
                if recorder.is_done(op) {
                    // A row more of too many.
                } else if op == Op::Update {
                    let (old, new) = (trigger.tg_trigslot, trigger.tg_newslot);
                    recorder.pair(Row::new(old, &plan), Row::new(new, &plan));
                } else {
                    recorder.row(op, Row::new(trigger.tg_trigslot, &plan));
                }
            }
            (Op::Insert, false) if count(new) > 0 => Recorder::new(&plan).table(op, new, rows),
            (Op::Delete, false) if count(old) > 0 => Recorder::new(&plan).table(op, old, rows),
            (Op::Update, false) if count(old) > 0 => Recorder::new(&plan).tables(old, new, rows),
            _ => {}
        }
    }
    transaction::after_trigger();
    Ok(())
}

fn name(trigger: &pg_sys::TriggerData) -> String {
    // SAFETY: the server fills in the definition and its name before it calls a trigger.
    unsafe { CStr::from_ptr((*trigger.tg_trigger).tgname) }.to_string_lossy().into_owned()
}

#[cfg(feature = "pg_test")]
#[pgrx::pg_schema]
mod tests {
    use crate::transaction::take_messages;
    use pgrx::prelude::*;

    fn run(sql: &str) -> Vec<String> {
        Spi::run(sql).unwrap();
        take_messages()
    }

    /// Without regard to the order, where the server chooses it.
    fn sorted(sql: &str) -> Vec<String> {
        let mut messages = run(sql);
        messages.sort();
        messages
    }

    const NOTHING: [&str; 0] = [];

    // Temporary tables wherever a name needs no schema: tests run side by side, and would wait for each other over it.
    fn orders(attach: &str) {
        run(&format!(
            "CREATE TEMP TABLE orders (id int PRIMARY KEY, user_id int, region text, total numeric);
             SELECT cache_notify.attach('orders'{attach})"
        ));
    }

    #[pg_test]
    fn each_kind_of_statement_sends_the_keys_of_its_rows() {
        orders("");
        assert_eq!(
            run("INSERT INTO orders VALUES (1), (2), (3)"),
            ["orders:1", "orders:2", "orders:3"]
        );
        assert_eq!(run("UPDATE orders SET total = 5 WHERE id = 2"), ["orders:2"]);
        assert_eq!(run("DELETE FROM orders WHERE id > 2"), ["orders:3"]);
        assert_eq!(run("UPDATE orders SET total = 5 WHERE false"), NOTHING);
        assert_eq!(run("DELETE FROM orders WHERE id = 99"), NOTHING);
        assert_eq!(run("INSERT INTO orders SELECT 1 WHERE false"), NOTHING);
        assert_eq!(run("TRUNCATE orders"), ["orders:*"]);
    }

    #[pg_test]
    fn a_changed_key_sends_both() {
        orders("");
        run("INSERT INTO orders VALUES (1), (2)");
        assert_eq!(run("UPDATE orders SET id = 7 WHERE id = 1"), ["orders:1", "orders:7"]);
        // A key that moves along a chain is told of once.
        assert_eq!(
            sorted("UPDATE orders SET id = id + 1"),
            ["orders:2", "orders:3", "orders:7", "orders:8"]
        );
    }

    #[pg_test]
    fn a_null_key_is_the_empty_string() {
        orders(", key_columns => '{user_id,region}'");
        assert_eq!(
            run(
                "INSERT INTO orders VALUES (1, NULL, NULL), (2, 5, NULL), (3, NULL, 'eu'), (4, 5, '')"
            ),
            ["orders:,", "orders:5,", "orders:,eu"]
        );
    }

    #[pg_test]
    fn parts_of_a_composite_key_are_escaped() {
        run(
            r"CREATE TEMP TABLE parts (a text, b text, PRIMARY KEY (a, b)); SELECT cache_notify.attach('parts')",
        );
        // Without escapes these two would be the same key.
        assert_eq!(
            run(r"INSERT INTO parts VALUES ('x,y', 'z'), ('x', 'y,z'), ('a:b', 'c\d')"),
            [r"parts:x\,y,z", r"parts:x,y\,z", r"parts:a\:b,c\\d"]
        );
        assert_eq!(
            run("SELECT cache_notify.attach('parts', '{a}'); DELETE FROM parts WHERE a = 'x,y'"),
            ["parts:x,y"]
        );
    }

    #[pg_test]
    fn only_columns_silence_other_updates() {
        orders(", only_columns => '{total,region}'");
        assert_eq!(
            run("INSERT INTO orders VALUES (1, 1, NULL, 1.0), (2, 1, NULL, 1.0)"),
            ["orders:1", "orders:2"]
        );
        assert_eq!(run("UPDATE orders SET user_id = 9"), NOTHING);
        assert_eq!(run("UPDATE orders SET total = total"), NOTHING);
        assert_eq!(
            run("UPDATE orders SET total = CASE id WHEN 1 THEN 2 ELSE total END"),
            ["orders:1"]
        );
        assert_eq!(run("UPDATE orders SET region = '' WHERE id = 2"), ["orders:2"]);
        assert_eq!(run("UPDATE orders SET id = 3 WHERE id = 2"), ["orders:2", "orders:3"]);
        assert_eq!(run("DELETE FROM orders WHERE id = 3"), ["orders:3"]);
        // A value too long for its page, stored out of line and compressed, is compared by its contents.
        run("UPDATE orders SET region = repeat('long', 100000)");
        assert_eq!(run("UPDATE orders SET region = repeat('long', 100000)"), NOTHING);
        assert_eq!(run("UPDATE orders SET region = repeat('lonG', 100000)"), ["orders:1"]);
    }

    #[pg_test]
    fn too_many_keys_become_one_star_for_each_template() {
        orders(", max_keys => 3, keys => '{\"{table}:{id}\",\"user:{user_id}:orders\"}'");
        assert_eq!(run("INSERT INTO orders VALUES (1, 5)"), ["orders:1", "user:5:orders"]);
        assert_eq!(
            run("INSERT INTO orders VALUES (2, 6), (3, 6)"),
            ["orders:2", "user:6:orders", "orders:3"]
        );
        assert_eq!(run("INSERT INTO orders VALUES (4, 7), (5, 8)"), ["orders:*", "user:*:orders"]);
        assert_eq!(
            run("UPDATE orders SET total = 1; INSERT INTO orders VALUES (6, 9)"),
            ["orders:*", "user:*:orders"]
        );
    }

    #[pg_test]
    fn what_follows_a_truncate_makes_it_one_of_several() {
        orders(", payload => 'json'");
        let op = |sql: &str| run(sql).concat().split("\"op\":\"").nth(1).map(str::to_owned);
        assert!(op("TRUNCATE orders").unwrap().starts_with("TRUNCATE\""));
        assert!(op("TRUNCATE orders; INSERT INTO orders VALUES (1)").unwrap().starts_with("*\""));
        run("CREATE TEMP TABLE by_row (id int PRIMARY KEY);
             CREATE TRIGGER t AFTER TRUNCATE ON by_row
                 FOR EACH STATEMENT EXECUTE FUNCTION cache_notify.invalidate_cache('c', '--', 'payload=json');
             CREATE TRIGGER i AFTER INSERT ON by_row
                 FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache('c', '--', 'payload=json')");
        assert!(
            op("TRUNCATE by_row; INSERT INTO by_row VALUES (1), (2)").unwrap().starts_with("*\"")
        );
    }

    #[pg_test]
    fn upserts_send_what_they_wrote() {
        orders("");
        assert_eq!(
            run("INSERT INTO orders VALUES (1), (2) ON CONFLICT (id) DO UPDATE SET total = 1"),
            ["orders:1", "orders:2"]
        );
        let both = "INSERT INTO orders VALUES (2), (3) ON CONFLICT (id) DO UPDATE SET total = 2";
        assert_eq!(sorted(both), ["orders:2", "orders:3"]);
        assert_eq!(run("INSERT INTO orders VALUES (3), (4) ON CONFLICT DO NOTHING"), ["orders:4"]);
        assert_eq!(run("INSERT INTO orders VALUES (3) ON CONFLICT DO NOTHING"), NOTHING);
        assert_eq!(
            run(
                "INSERT INTO orders VALUES (3) ON CONFLICT (id) DO UPDATE SET total = 3 WHERE false"
            ),
            NOTHING
        );
        assert_eq!(
            run("INSERT INTO orders VALUES (3) ON CONFLICT (id) DO UPDATE SET id = 30"),
            ["orders:3", "orders:30"]
        );
    }

    #[cfg(not(feature = "pg14"))]
    #[pg_test]
    fn merge_sends_what_each_of_its_actions_wrote() {
        orders("");
        run("INSERT INTO orders SELECT i, i FROM generate_series(1, 4) AS i");
        assert_eq!(
            sorted(
                "MERGE INTO orders o USING (VALUES (1), (2), (3), (4), (5), (6)) AS s (id) ON o.id = s.id
                 WHEN MATCHED AND s.id = 1 THEN UPDATE SET total = 1
                 WHEN MATCHED AND s.id = 2 THEN UPDATE SET id = 20
                 WHEN MATCHED AND s.id = 3 THEN DELETE
                 WHEN MATCHED THEN DO NOTHING
                 WHEN NOT MATCHED AND s.id = 5 THEN INSERT VALUES (s.id)
                 WHEN NOT MATCHED THEN DO NOTHING"
            ),
            ["orders:1", "orders:2", "orders:20", "orders:3", "orders:5"]
        );
        run("SELECT cache_notify.attach('orders', payload => 'json')");
        assert_eq!(
            run("MERGE INTO orders o USING (VALUES (1), (4), (6)) AS s (id) ON o.id = s.id
                 WHEN MATCHED AND s.id = 1 THEN UPDATE SET total = 2
                 WHEN MATCHED THEN DELETE
                 WHEN NOT MATCHED THEN INSERT VALUES (s.id)")
            .iter()
            .map(|message| message.split_once("op").unwrap().1.to_owned())
            .collect::<Vec<_>>(),
            [
                r#"":"INSERT","keys":["orders:6"]}"#,
                r#"":"UPDATE","keys":["orders:1"]}"#,
                r#"":"DELETE","keys":["orders:4"]}"#
            ]
        );
    }

    #[pg_test]
    fn foreign_keys_send_the_rows_that_they_change() {
        run("CREATE TEMP TABLE users (id int PRIMARY KEY, boss int REFERENCES users ON DELETE CASCADE);
             CREATE TEMP TABLE posts (id int PRIMARY KEY,
                 user_id int REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE);
             CREATE TEMP TABLE members (team int, user_id int REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
                 PRIMARY KEY (team, user_id));
             CREATE TEMP TABLE drafts (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE SET NULL);
             SELECT cache_notify.attach(t) FROM unnest('{users,posts,members,drafts}'::regclass[]) AS t;
             INSERT INTO users VALUES (1, NULL), (2, 1), (3, 2), (4, NULL);
             INSERT INTO posts VALUES (10, 1), (20, 2), (40, 4);
             INSERT INTO members VALUES (7, 1), (7, 3), (7, 4);
             INSERT INTO drafts VALUES (100, 3), (400, 4)");
        // 1 takes 2 along, and 2 takes 3, each with what refers to it.
        assert_eq!(
            sorted("DELETE FROM users WHERE id = 1"),
            [
                "drafts:100",
                "members:7,1",
                "members:7,3",
                "posts:10",
                "posts:20",
                "users:1",
                "users:2",
                "users:3"
            ]
        );
        run("UPDATE drafts SET user_id = NULL");
        assert_eq!(
            sorted("UPDATE users SET id = 5 WHERE id = 4"),
            ["members:7,4", "members:7,5", "posts:40", "users:4", "users:5"]
        );
        assert_eq!(
            sorted("TRUNCATE users CASCADE"),
            ["drafts:*", "members:*", "posts:*", "users:*"]
        );
    }

    #[pg_test]
    fn partitions_send_under_the_name_at_the_top() {
        run("CREATE TEMP TABLE events (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
             CREATE TEMP TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
             SELECT cache_notify.attach('events');
             CREATE TEMP TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20)");
        assert_eq!(run("INSERT INTO events VALUES (1, 1), (2, 11)"), ["events:1,1", "events:2,11"]);
        assert_eq!(run("INSERT INTO events_2 VALUES (3, 12)"), ["events:3,12"]);
        // A row that moves is an UPDATE of one row with two keys, however the server carries it out.
        assert_eq!(run("UPDATE events SET day = 15 WHERE id = 1"), ["events:1,1", "events:1,15"]);
        assert_eq!(
            sorted("UPDATE events SET day = day - 10 WHERE id < 3"),
            ["events:1,15", "events:1,5", "events:2,1", "events:2,11"]
        );
        assert_eq!(run("DELETE FROM events_2"), ["events:3,12"]);
        assert_eq!(run("TRUNCATE events_1"), ["events:*"]);
        run("ALTER TABLE events RENAME TO happenings");
        assert_eq!(run("INSERT INTO events_2 VALUES (3, 12)"), ["happenings:3,12"]);
    }

    /// The server does not show the UPDATE trigger the rows that a MERGE moves to another partition (nodeModifyTable.c asks
    /// for CMD_UPDATE): so we are held to what any trigger sees, and to all of it with the row-level trigger that
    /// `moved_rows` asks for.
    #[cfg(not(feature = "pg14"))]
    #[pg_test]
    fn merge_sends_what_the_transition_tables_hold_of_moved_rows() {
        run("CREATE TEMP TABLE events (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
             CREATE TEMP TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
             CREATE TEMP TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20);
             INSERT INTO events VALUES (1, 1), (2, 2);
             SELECT cache_notify.attach('events');
             CREATE TEMP TABLE seen (id int, day int);
             CREATE FUNCTION pg_temp.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF TG_OP <> 'INSERT' THEN INSERT INTO seen SELECT id, day FROM old_rows; END IF;
                 IF TG_OP <> 'DELETE' THEN INSERT INTO seen SELECT id, day FROM new_rows; END IF;
                 RETURN NULL;
             END $$;
             CREATE TRIGGER i AFTER INSERT ON events REFERENCING NEW TABLE AS new_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.see();
             CREATE TRIGGER u AFTER UPDATE ON events REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.see();
             CREATE TRIGGER d AFTER DELETE ON events REFERENCING OLD TABLE AS old_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.see()");
        let merge = |rows: &str| {
            sorted(&format!(
                "MERGE INTO events e USING (VALUES {rows}) AS s (id, day) ON e.id = s.id
                 WHEN MATCHED THEN UPDATE SET day = s.day
                 WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.day)"
            ))
        };
        let sent = merge("(1, 11), (2, 3), (3, 13)");
        let seen = Spi::get_one::<Vec<String>>(
            "SELECT array_agg(key ORDER BY key COLLATE \"C\")
             FROM (SELECT DISTINCT 'events:' || id || ',' || day AS key FROM seen) AS keys",
        );
        assert_eq!(seen, Ok(Some(sent.clone())));
        for key in ["events:2,2", "events:2,3", "events:3,13"] {
            assert!(sent.iter().any(|sent| sent == key), "{key} in {sent:?}");
        }
        run("SELECT cache_notify.attach('events', moved_rows => true)");
        assert_eq!(merge("(1, 1)"), ["events:1,1", "events:1,11"]);
        assert_eq!(
            merge("(1, 12), (2, 4)"),
            ["events:1,1", "events:1,12", "events:2,3", "events:2,4"]
        );
    }

    #[pg_test]
    fn inheritance_follows_the_table_that_a_statement_names() {
        run("CREATE TEMP TABLE parent (id int);
             CREATE TEMP TABLE child (extra text) INHERITS (parent);
             SELECT cache_notify.attach('parent', '{id}'), cache_notify.attach('child', '{id}')");
        assert_eq!(run("INSERT INTO child VALUES (1, 'x')"), ["child:1"]);
        assert_eq!(run("UPDATE parent SET id = 2"), ["parent:1", "parent:2"]);
        assert_eq!(run("DELETE FROM ONLY parent"), NOTHING);
        assert_eq!(run("DELETE FROM child"), ["child:2"]);
    }

    #[pg_test]
    fn a_row_may_be_written_through_a_view_a_cte_or_a_function() {
        orders("");
        run("CREATE TEMP VIEW cheap AS SELECT * FROM orders WHERE total < 10;
             CREATE FUNCTION pg_temp.buy(int) RETURNS void LANGUAGE sql AS 'INSERT INTO orders VALUES ($1)'");
        assert_eq!(run("INSERT INTO cheap (id, total) VALUES (1, 1)"), ["orders:1"]);
        assert_eq!(run("UPDATE cheap SET total = 2"), ["orders:1"]);
        assert_eq!(
            sorted(
                "WITH gone AS (DELETE FROM orders RETURNING id), made AS (INSERT INTO orders VALUES (2) RETURNING id)
                 SELECT count(*) FROM gone, made"
            ),
            ["orders:1", "orders:2"]
        );
        assert_eq!(
            run("SELECT pg_temp.buy(i) FROM generate_series(3, 4) AS i"),
            ["orders:3", "orders:4"]
        );
    }

    #[pg_test]
    fn names_may_need_quotes() {
        run(r#"CREATE SCHEMA "Odd ""schema";
               CREATE TABLE "Odd ""schema"."My ""Table" ("The ""Key" int PRIMARY KEY, "{id}" text);
               SELECT cache_notify.attach('"Odd ""schema"."My ""Table"',
                   keys => ARRAY['{schema}.{table}:{id}', '{"The ""Key"}', 'x{"{id}"}'], only_columns => '{"{id}"}')"#);
        assert_eq!(
            run(r#"INSERT INTO "Odd ""schema"."My ""Table" VALUES (1, 'v')"#),
            [r#"Odd "schema.My "Table:1"#, "1", "xv"]
        );
        assert_eq!(run(r#"UPDATE "Odd ""schema"."My ""Table" SET "{id}" = 'v'"#), NOTHING);
        let update = |schema: &str, value: &str| {
            run(&format!(r#"UPDATE {schema}."My ""Table" SET "{{id}}" = '{value}'"#))
        };
        let old = r#"Odd "schema.My "Table:1"#;
        assert_eq!(update(r#""Odd ""schema""#, "w"), [old, "1", "xv", "xw"]);
        run(r#"ALTER SCHEMA "Odd ""schema" RENAME TO "Plain odd schema""#);
        let new = r#"Plain odd schema.My "Table:1"#;
        assert_eq!(update(r#""Plain odd schema""#, "v"), [new, "1", "xw", "xv"]);
        assert_eq!(
            run(r#"TRUNCATE "Plain odd schema"."My ""Table""#),
            [r#"Plain odd schema.My "Table:*"#, "*", "x*"]
        );
    }

    #[pg_test]
    fn dropped_and_added_columns_shift_nothing() {
        run("CREATE TEMP TABLE shifted (a int, b text, id int PRIMARY KEY, c int);
             ALTER TABLE shifted DROP COLUMN a, DROP COLUMN b;
             SELECT cache_notify.attach('shifted', keys => '{\"{table}:{id}:{c}\"}')");
        assert_eq!(run("INSERT INTO shifted VALUES (1, 2)"), ["shifted:1:2"]);
        assert_eq!(run("UPDATE shifted SET c = c"), ["shifted:1:2"]);
        run(
            "ALTER TABLE shifted ADD COLUMN d int DEFAULT 7, DROP COLUMN c, ADD COLUMN c int DEFAULT 8",
        );
        assert_eq!(run("UPDATE shifted SET d = 1"), ["shifted:1:8"]);
        // An added column's default is in no stored row.
        assert_eq!(
            run("SELECT cache_notify.attach('shifted', '{c}'); UPDATE shifted SET d = 2"),
            ["shifted:8"]
        );
    }

    #[pg_test]
    fn a_column_may_change_its_type() {
        orders(", key_columns => '{user_id}'");
        assert_eq!(run("INSERT INTO orders VALUES (1, 5)"), ["orders:5"]);
        assert_eq!(run("UPDATE orders SET total = 1"), ["orders:5"]);
        assert_eq!(
            run(
                "ALTER TABLE orders ALTER user_id TYPE text USING 'u' || user_id; UPDATE orders SET total = 1"
            ),
            ["orders:u5"]
        );
    }

    #[pg_test]
    fn a_generated_column_may_be_the_key() {
        run("CREATE TEMP TABLE made (a int, slug text GENERATED ALWAYS AS ('s' || a) STORED, note text);
             SELECT cache_notify.attach('made', '{slug}')");
        assert_eq!(run("INSERT INTO made VALUES (1)"), ["made:s1"]);
        assert_eq!(run("UPDATE made SET a = 2"), ["made:s1", "made:s2"]);
        assert_eq!(run("UPDATE made SET note = 'x'"), ["made:s2"]);
    }

    #[cfg(feature = "pg18")]
    #[pg_test]
    fn a_virtual_column_is_refused() {
        run(
            "CREATE TEMP TABLE made (a int PRIMARY KEY, slug int GENERATED ALWAYS AS (a + 1) VIRTUAL)",
        );
        let refused = pg_ext_core::subtransaction::run(|| {
            run("SELECT cache_notify.attach('made', '{slug}')")
        });
        assert_eq!(refused.unwrap_err().sqlstate, "0A000");
    }

    #[pg_test]
    fn renaming_the_table_changes_its_keys() {
        orders("");
        run("INSERT INTO orders VALUES (1, 7)");
        // The same trigger before and after: what it remembers of the table must go.
        let update = |table: &str| run(&format!("UPDATE {table} SET total = 1"));
        assert_eq!(update("orders"), ["orders:1"]);
        run("ALTER TABLE orders RENAME TO purchases");
        assert_eq!(update("purchases"), ["purchases:1"]);
        run("ALTER TABLE purchases RENAME COLUMN id TO ident");
        assert_eq!(update("purchases"), ["purchases:1"]);
        run("ALTER TABLE purchases DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY (user_id)");
        assert_eq!(update("purchases"), ["purchases:7"]);
    }

    #[pg_test]
    fn keys_look_the_same_whatever_the_session_has_set() {
        run("CREATE TEMP TABLE typed (t timestamptz, f float8, b bytea, i interval, d date, n numeric, y bool, u uuid);
             SELECT cache_notify.attach('typed', '{t,f,b,i,d,n,y,u}')");
        let write = "INSERT INTO typed VALUES ('2026-01-02 03:04:05.6+00', 0.1::float8 + 0.2, '\\x00ff', '1 day 2 hours',
                         '2026-01-02', 1.50, true, '00000000-0000-0000-0000-00000000000a')";
        let plain = run(write);
        assert_eq!(
            plain,
            [concat!(
                r"typed:2026-01-02 03\:04\:05.6+00,0.30000000000000004,\\x00ff,1 day 02\:00\:00,",
                "2026-01-02,1.50,t,00000000-0000-0000-0000-00000000000a"
            )]
        );
        let other = run(&format!(
            "SET LOCAL datestyle = 'German'; SET LOCAL timezone = 'Asia/Tokyo'; SET LOCAL extra_float_digits = -5;
             SET LOCAL bytea_output = 'escape'; SET LOCAL intervalstyle = 'iso_8601'; {write}"
        ));
        assert_eq!(other, plain);
        assert_eq!(Spi::get_one("SHOW timezone"), Ok(Some("Asia/Tokyo".to_owned())));
        assert_eq!(Spi::get_one("SHOW bytea_output"), Ok(Some("escape".to_owned())));
    }

    #[pg_test]
    fn two_triggers_with_one_target_send_each_key_once() {
        orders("");
        run("CREATE TRIGGER by_hand AFTER INSERT OR UPDATE OR DELETE ON orders
                 FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache()");
        assert_eq!(run("INSERT INTO orders VALUES (1), (2)"), ["orders:1", "orders:2"]);
        assert_eq!(run("UPDATE orders SET id = 3 WHERE id = 1"), ["orders:1", "orders:3"]);
        assert_eq!(run("DELETE FROM orders"), ["orders:2", "orders:3"]);
    }

    #[pg_test]
    fn other_triggers_read_the_same_transition_tables() {
        orders("");
        run("CREATE TEMP TABLE log (n bigint);
             CREATE FUNCTION pg_temp.count() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN INSERT INTO log SELECT count(*) FROM new_rows; RETURN NULL; END';
             CREATE TRIGGER a_first AFTER INSERT ON orders REFERENCING NEW TABLE AS new_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.count();
             CREATE TRIGGER z_last AFTER INSERT ON orders REFERENCING NEW TABLE AS new_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.count()");
        assert_eq!(run("INSERT INTO orders VALUES (1), (2)"), ["orders:1", "orders:2"]);
        assert_eq!(Spi::get_one("SELECT array_agg(n) FROM log"), Ok(Some(vec![2_i64, 2])));
    }

    #[pg_test]
    fn many_rows_are_read_to_the_end() {
        orders(", max_keys => 1000000");
        // More than fits into work_mem: the transition table is on disk.
        run("SET LOCAL work_mem = '64kB'");
        let messages = run(
            "INSERT INTO orders SELECT i, 0, repeat('x', 100) FROM generate_series(1, 20000) AS i",
        );
        assert_eq!(messages.len(), 20000);
        assert_eq!(messages[19999], "orders:20000");
        assert_eq!(run("UPDATE orders SET total = 1 WHERE id % 2 = 0").len(), 10000);
    }
}
