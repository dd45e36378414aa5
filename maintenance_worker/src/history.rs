//! What runs leave behind: a line per action in `maintenance.history`, the latest outcome per policy in `maintenance.state`.

use crate::naming::fnv1a;
use crate::registry::{read, write};
use pg_ext_core::subtransaction::Caught;
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use std::time::Duration;

/// The two kinds of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Partition,
    Refresh,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Refresh => "refresh",
        }
    }
}

/// One action that was tried.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub action: String,
    pub object: Option<String>,
    pub result: Result<(), Caught>,
    pub took: Duration,
    /// Rows that were moved or written, where they were counted.
    pub rows: Option<i64>,
}

impl Attempt {
    pub fn outcome(&self) -> &'static str {
        if self.result.is_ok() { "done" } else { "failed" }
    }
}

/// An error as one line: message, then hint.
pub fn describe(error: &Caught) -> String {
    match &error.hint {
        Some(hint) => format!("{} ({hint})", error.message),
        None => error.message.clone(),
    }
}

/// A run of a policy, to be recorded.
pub struct Record<'a> {
    pub relation: Oid,
    pub name: &'a str,
    /// What the state said before.
    pub failures: i32,
    pub attempts: &'a [Attempt],
}

fn error(attempt: &Attempt) -> Option<&Caught> {
    attempt.result.as_ref().err()
}

/// Records a run of a policy.
pub fn record(
    kind: Kind,
    relation: Oid,
    name: &str,
    failures: i32,
    attempts: &[Attempt],
) -> Result<(), ErrorReport> {
    record_all(kind, &[Record { relation, name, failures, attempts }])
}

/// Records runs of different policies, all in two statements.
pub fn record_all(kind: Kind, runs: &[Record]) -> Result<(), ErrorReport> {
    let runs: Vec<&Record> =
        runs.iter().filter(|run| !run.attempts.is_empty() || run.failures != 0).collect();
    if runs.is_empty() {
        return Ok(());
    }
    let lines: Vec<(&str, &Attempt)> =
        runs.iter().flat_map(|run| run.attempts.iter().map(|one| (run.name, one))).collect();
    record_lines(kind, &lines)?;
    let expiry = |a: &Attempt| matches!(a.action.as_str(), "drop" | "detach" | "finalize");
    let failed: Vec<Option<&Caught>> =
        runs.iter().map(|run| run.attempts.iter().find_map(error)).collect();
    let failures: Vec<i32> = runs
        .iter()
        .zip(&failed)
        .map(|(run, error)| error.map_or(0, |_| run.failures.saturating_add(1)))
        .collect();
    let retries: Vec<Option<f64>> = runs
        .iter()
        .zip(&failures)
        .map(|(run, n)| (*n > 0).then(|| backoff(*n, run.relation.to_u32()).as_secs_f64()))
        .collect();
    let expiry_alone: Vec<bool> = runs
        .iter()
        .zip(&failed)
        .map(|(run, error)| {
            error.is_some() && run.attempts.iter().all(|a| a.result.is_ok() || expiry(a))
        })
        .collect();
    let texts = |column: fn(&Caught) -> Option<String>| -> Vec<Option<String>> {
        failed.iter().map(|error| error.and_then(column)).collect()
    };
    write(
        "INSERT INTO maintenance.state AS s
             (kind, relation, last_run, last_outcome, failures, retry_at, sqlstate, error, hint, expiry_alone)
         SELECT $1, r.relation, pg_catalog.clock_timestamp(), CASE WHEN r.failures > 0 THEN 'failed' ELSE 'done' END,
                r.failures, pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => r.retry), r.sqlstate,
                r.error, r.hint, r.expiry_alone
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),
                         pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8))
              r (relation, failures, retry, sqlstate, error, hint, expiry_alone)
         ON CONFLICT (kind, relation) DO UPDATE
             SET last_run = excluded.last_run, last_outcome = excluded.last_outcome, failures = excluded.failures,
                 retry_at = excluded.retry_at, sqlstate = excluded.sqlstate, error = excluded.error, hint = excluded.hint,
                 expiry_alone = excluded.expiry_alone",
        &[
            kind.name().into(),
            runs.iter().map(|run| run.relation).collect::<Vec<_>>().into(),
            failures.into(),
            retries.into(),
            texts(|e| Some(e.sqlstate.clone())).into(),
            texts(|e| Some(e.message.clone())).into(),
            texts(|e| e.hint.clone()).into(),
            expiry_alone.into(),
        ],
    )?;
    Ok(())
}

/// Adds a line per attempt to the history.
pub fn record_attempts(kind: Kind, name: &str, attempts: &[Attempt]) -> Result<(), ErrorReport> {
    let lines: Vec<_> = attempts.iter().map(|one| (name, one)).collect();
    record_lines(kind, &lines)
}

/// Adds lines to the history, and to the totals that `metrics` shows, all in one statement.
fn record_lines(kind: Kind, lines: &[(&str, &Attempt)]) -> Result<(), ErrorReport> {
    if lines.is_empty() {
        return Ok(());
    }
    let texts = |column: fn(&Attempt) -> Option<String>| -> Vec<Option<String>> {
        lines.iter().map(|(_, attempt)| column(attempt)).collect()
    };
    let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
    let seconds: Vec<f64> = lines.iter().map(|(_, a)| a.took.as_secs_f64()).collect();
    write(
        "WITH attempts AS (
         INSERT INTO maintenance.history
             (kind, relation, action, object, outcome, duration, sqlstate, error, hint, rows)
         SELECT $1, a.name, a.action, a.object, a.outcome, pg_catalog.make_interval(secs => a.seconds),
                a.sqlstate, a.error, a.hint, a.rows
         FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),
                         pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8), pg_catalog.unnest($9),
                         pg_catalog.unnest($10))
              WITH ORDINALITY a (name, action, object, outcome, seconds, sqlstate, error, hint, rows, position)
         ORDER BY a.position
         RETURNING kind, relation, action, outcome, duration)
         INSERT INTO maintenance.totals AS t (kind, relation, action, outcome, actions, seconds)
         SELECT kind, relation, action, outcome, pg_catalog.count(*), pg_catalog.sum(EXTRACT(epoch FROM duration))
         FROM attempts GROUP BY kind, relation, action, outcome
         ON CONFLICT (kind, relation, action, outcome) DO UPDATE
             SET actions = t.actions + excluded.actions, seconds = t.seconds + excluded.seconds",
        &[
            kind.name().into(),
            names.into(),
            texts(|a| Some(a.action.clone())).into(),
            texts(|a| a.object.clone()).into(),
            texts(|a| Some(a.outcome().to_owned())).into(),
            seconds.into(),
            texts(|a| error(a).map(|e| e.sqlstate.clone())).into(),
            texts(|a| error(a).map(|e| e.message.clone())).into(),
            texts(|a| error(a).and_then(|e| e.hint.clone())).into(),
            lines.iter().map(|(_, a)| a.rows).collect::<Vec<_>>().into(),
        ],
    )?;
    Ok(())
}

/// Deletes what is older than `seconds`.
pub fn prune(seconds: i32) -> Result<(), ErrorReport> {
    let old = "finished < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1)";
    let seconds = f64::from(seconds);
    // A DELETE would take a transaction id even for nothing.
    let sql = format!("SELECT EXISTS (SELECT FROM maintenance.history WHERE {old})");
    let any = read(&sql, &[seconds.into()], |row| row.get::<bool>(1))?;
    if any.first() == Some(&Some(true)) {
        write(&format!("DELETE FROM maintenance.history WHERE {old}"), &[seconds.into()])?;
    }
    Ok(())
}

/// How long a policy that failed `failures` times in a row waits: 10 s, doubled each time up to an hour, less up to a
/// quarter, so that tables which failed together do not come back together.
pub fn backoff(failures: i32, salt: u32) -> Duration {
    let doublings = failures.saturating_sub(1).clamp(0, 9) as u32;
    let full = 10_000u64.saturating_mul(1 << doublings).min(3_600_000);
    let mut seed = salt.to_le_bytes().to_vec();
    seed.extend(failures.to_le_bytes());
    Duration::from_millis(full - full / 4 * u64::from(fnv1a(&seed) % 1024) / 1024)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_are_spread() {
        for (failures, full) in [(1, 10_000), (2, 20_000), (5, 160_000), (10, 3_600_000)] {
            let waits: Vec<u64> =
                (0..100).map(|salt| backoff(failures, salt).as_millis() as u64).collect();
            assert!(waits.iter().all(|w| (full * 3 / 4..=full).contains(w)), "{failures}");
            assert!(waits.iter().max() > waits.iter().min());
        }
        assert!(backoff(i32::MAX, 1) <= Duration::from_secs(3600));
    }
}
