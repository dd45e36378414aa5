//! What a materialized view is made of, as far as the catalog can tell.

use crate::registry::latest;
use pg_ext_core::spi::select_kept;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::{self, Oid};
use std::collections::HashMap;

/// Orders materialized views so that each comes after those it reads, directly or through plain views. Otherwise the
/// order stays.
pub fn by_dependency(views: &[Oid]) -> Result<Vec<Oid>, ErrorReport> {
    let rows = latest(|| {
        select_kept(
            "WITH RECURSIVE reads (root, relation) AS (
                 SELECT v, v FROM pg_catalog.unnest($1) v
                 UNION
                 SELECT u.root, d.refobjid
                 FROM reads u
                 JOIN pg_catalog.pg_rewrite r ON r.ev_class = u.relation AND r.ev_type = '1'
                 JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                     AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
             )
             SELECT root, relation FROM reads WHERE root <> relation AND relation = ANY ($1)",
            &[views.to_vec().into()],
            |row| {
                let oid = |at| row.get::<Oid>(at).map(|o| o.unwrap_or(pg_sys::InvalidOid));
                Ok((oid(1)?, oid(2)?))
            },
        )
    })?;
    let mut reads: HashMap<Oid, Vec<Oid>> = HashMap::new();
    for (view, source) in rows {
        reads.entry(view).or_default().push(source);
    }
    // Since `reads` is transitive, a view that reads another one reads more views than that one does.
    let mut ordered = views.to_vec();
    ordered.sort_by_key(|view| reads.get(view).map_or(0, Vec::len));
    Ok(ordered)
}

/// A fingerprint of everything that was written to the tables under a view, or None where nothing can be told.
///
/// Made of each relation's write counters and storage (TRUNCATE counts no rows but changes the storage), of the set of
/// relations, and of the times at which statistics were reset: after a crash all counters start again. Nothing can be told
/// of foreign tables and sequences, of functions that are volatile, that tell the time, or that are a user's and not
/// immutable: they may read what no counter shows.
pub fn counters(view: Oid) -> Result<Option<String>, ErrorReport> {
    // A transaction that has looked at a counter before would see the old value again.
    // SAFETY: drops a cache.
    unsafe { pg_sys::pgstat_clear_snapshot() };
    let counters = latest(|| {
        select_kept(
            "WITH RECURSIVE reads (relation, relkind) AS (
                 SELECT $1, 'm'::pg_catalog.\"char\"
                 UNION
                 SELECT x.relation, c.relkind
                 FROM reads u
                 CROSS JOIN LATERAL (
                     SELECT d.refobjid
                     FROM pg_catalog.pg_rewrite r
                     JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                         AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                     WHERE r.ev_class = u.relation AND r.ev_type = '1'
                       AND (u.relkind = 'v' OR u.relation = $1)
                     UNION ALL
                     SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = u.relation
                 ) x (relation)
                 JOIN pg_catalog.pg_class c ON c.oid = x.relation
             ), queries AS (
                 SELECT r.ev_action::pg_catalog.text AS tree
                 FROM reads u JOIN pg_catalog.pg_rewrite r ON r.ev_class = u.relation AND r.ev_type = '1'
                 WHERE u.relkind = 'v' OR u.relation = $1
             ), calls AS (
                 SELECT DISTINCT m.match[1]::pg_catalog.oid AS function
                 FROM queries q
                 CROSS JOIN LATERAL pg_catalog.regexp_matches(q.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)', 'g') m (match)
             )
             SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(':', u.relation, c.relfilenode,
                        pg_catalog.pg_stat_get_tuples_inserted(c.oid), pg_catalog.pg_stat_get_tuples_updated(c.oid),
                        pg_catalog.pg_stat_get_tuples_deleted(c.oid)), ',' ORDER BY u.relation)
                    || (SELECT pg_catalog.concat_ws('/', '', d.stats_reset, b.stats_reset)
                        FROM pg_catalog.pg_stat_database d, pg_catalog.pg_stat_bgwriter b
                        WHERE d.datname = pg_catalog.current_database()))
             FROM reads u JOIN pg_catalog.pg_class c ON c.oid = u.relation
             WHERE u.relation <> $1
             HAVING pg_catalog.bool_and(c.relkind IN ('r', 'p', 'm', 'v'))
                AND NOT EXISTS (SELECT FROM queries q WHERE q.tree LIKE '%{SQLVALUEFUNCTION%')
                AND NOT EXISTS (
                    SELECT FROM calls f JOIN pg_catalog.pg_proc p ON p.oid = f.function
                    WHERE p.provolatile = 'v'
                       OR p.provolatile = 's' AND (p.oid >= 16384 OR p.proname IN
                              ('now', 'transaction_timestamp', 'statement_timestamp', 'current_setting', 'age')))",
            &[view.into()],
            |row| row.get::<String>(1),
        )
    })?;
    Ok(counters.into_iter().next().flatten())
}

#[cfg(feature = "pg_test")]
#[pgrx::pg_schema]
mod tests {
    use super::*;
    use pg_ext_core::spi::select_first;
    use pgrx::prelude::*;

    fn counters_of(view: &str) -> Option<String> {
        let oid = select_first("SELECT $1::regclass::oid", &[view.into()], |row| row.get::<Oid>(1));
        counters(oid.unwrap().unwrap().unwrap()).unwrap()
    }

    #[pg_test]
    fn what_cannot_be_told_counts_as_changed() {
        Spi::run(
            "CREATE TABLE source (a int, at timestamptz);
             CREATE SEQUENCE numbers;
             CREATE FUNCTION reads_unseen() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.source';
             CREATE VIEW recent AS SELECT * FROM source WHERE at > now() - interval '1 day'",
        )
        .unwrap();
        for query in [
            "SELECT now()",
            "SELECT CURRENT_DATE",
            "SELECT random() FROM source",
            "SELECT count(*) FROM recent",
            "SELECT reads_unseen() FROM source",
            "SELECT last_value FROM numbers",
            "SELECT * FROM generate_series(1, 3)",
        ] {
            Spi::run(&format!(
                "DROP MATERIALIZED VIEW IF EXISTS m; CREATE MATERIALIZED VIEW m AS {query}"
            ))
            .unwrap();
            assert_eq!(counters_of("m"), None, "{query}");
        }
        for query in [
            "SELECT date_trunc('day', at) AS day, count(*) FROM source GROUP BY 1",
            "SELECT upper(a::text) FROM source",
        ] {
            Spi::run(&format!(
                "DROP MATERIALIZED VIEW IF EXISTS m; CREATE MATERIALIZED VIEW m AS {query}"
            ))
            .unwrap();
            assert!(counters_of("m").is_some(), "{query}");
        }
    }

    #[pg_test]
    fn a_truncated_table_and_a_new_partition_show() {
        Spi::run(
            "CREATE TABLE parted (a int) PARTITION BY RANGE (a);
             CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (2);
             CREATE VIEW through AS SELECT * FROM parted;
             CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM through",
        )
        .unwrap();
        let first = counters_of("m");
        assert!(first.is_some());
        assert_eq!(counters_of("m"), first);
        // A table that the same transaction created would be truncated in place: a subtransaction makes the difference.
        Spi::run("DO $$ BEGIN TRUNCATE parted_1; EXCEPTION WHEN division_by_zero THEN END $$")
            .unwrap();
        let truncated = counters_of("m");
        assert_ne!(truncated, first);
        Spi::run("CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (2) TO (3)").unwrap();
        assert_ne!(counters_of("m"), truncated);
    }
}
