use tests::{cluster, create_app};

/// Five million ids as fast as one backend makes them, and then the last one's own time, to the 244 ns that it counts in,
/// beside the clock of the server.
#[test]
fn ids_made_in_a_tight_loop_stay_within_a_millisecond_of_the_clock() {
    let cluster = cluster(&[]);
    let mut client = create_app(&cluster);
    let row = client
        .query_one(
            "WITH made AS MATERIALIZED (
                 SELECT max(uuid_generate_v7()::text) AS id FROM generate_series(1, 5000000)
             ), bits AS (
                 SELECT id, clock_timestamp() AS now,
                        ('x' || substr(id, 1, 8) || substr(id, 10, 4))::bit(48)::bigint AS milliseconds,
                        ('x' || substr(id, 16, 3))::bit(12)::int AS fraction
                 FROM made
             )
             SELECT (milliseconds + fraction / 4096.0)::float8 - extract(epoch FROM now)::float8 * 1000,
                    uuid_v7_to_timestamptz(id::uuid) <= now
             FROM bits",
            &[],
        )
        .expect("ids");
    let (ahead, not_later): (f64, bool) = (row.get(0), row.get(1));
    println!("the last of 5,000,000 ids is {ahead:.4} ms ahead of the clock");
    assert!(ahead < 1.0, "{ahead} ms");
    assert!(not_later, "the millisecond of an id lies in the future");
    // And it was made just now, rather than left behind by a clock that stands.
    assert!(ahead > -10_000.0, "{ahead} ms");
}
