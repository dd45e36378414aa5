//! Partition maintenance: the functions of partition policies and the run itself.

use crate::coverage::Range;
use crate::deadline::Deadline;
use crate::default_rows;
use crate::error::Error;
use crate::execution::{Done, execute, execute_all, execute_pending, with_hint};
use crate::front::{Front, try_front};
use crate::history::{Attempt, Kind, Record, describe, record, record_all, record_attempts};
use crate::key::{Key, now};
use crate::lock::{lock_session, try_lock};
use crate::plan::{Action, Concurrent, Step, creations, horizon, is_due, steps};
use crate::registry::{self, Policy, Settings, Stored, Template, table};
use crate::worker::Run;
use pg_ext_core::identity::may_act_for;
use pg_ext_core::subtransaction::Caught;
use pg_ext_core::toplevel;
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What the functions that run something return. pgrx reads their signatures as text, so they spell it out.
pub type Outcomes = TableIterator<
    'static,
    (
        name!(parent, Oid),
        name!(action, String),
        name!(partition, Option<String>),
        name!(outcome, String),
        name!(error, Option<String>),
    ),
>;

/// One line of what a run reports.
pub struct Line {
    parent: Oid,
    action: String,
    partition: Option<String>,
    outcome: &'static str,
    error: Option<String>,
}

pub fn outcomes(lines: Vec<Line>) -> Outcomes {
    TableIterator::new(
        lines.into_iter().map(|l| (l.parent, l.action, l.partition, l.outcome.to_owned(), l.error)),
    )
}

pub fn required<T>(value: Option<T>, name: &'static str) -> Result<T, Error> {
    value.ok_or(Error::NullArgument(name))
}

/// `maintenance.add_partition_policy`
#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn add_partition_policy(
    parent: Option<Oid>,
    period: Option<Interval>,
    premake: Option<i32>,
    retention: Option<Interval>,
    on_expiry: Option<String>,
    unlogged: Option<bool>,
    time_zone: Option<String>,
    lock_timeout: Option<Interval>,
    epoch: Option<String>,
    max_runtime: Option<Interval>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(parent, Oid),
            name!(action, String),
            name!(partition, Option<String>),
            name!(outcome, String),
            name!(error, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let settings = Settings {
        period: Some(required(period, "period")?),
        retention,
        epoch,
        ..given(premake, on_expiry, unlogged, time_zone, lock_timeout, max_runtime)?
    };
    Ok(outcomes(add(required(parent, "parent")?, &settings)?))
}

/// The settings that policies of all kinds have.
pub fn given(
    premake: Option<i32>,
    on_expiry: Option<String>,
    unlogged: Option<bool>,
    time_zone: Option<String>,
    lock_timeout: Option<Interval>,
    max_runtime: Option<Interval>,
) -> Result<Settings, Error> {
    Ok(Settings {
        premake: required(premake, "premake")?,
        on_expiry: required(on_expiry, "on_expiry")?,
        unlogged,
        time_zone: required(time_zone, "time_zone")?,
        lock_timeout: required(lock_timeout, "lock_timeout")?,
        max_runtime,
        ..Settings::by_default()
    })
}

/// Registers a policy and runs it.
pub fn add(parent: Oid, settings: &Settings) -> Result<Vec<Line>, ErrorReport> {
    register(parent, settings)?;
    run(registry::stored(Some(parent))?)
}

/// Registers a policy.
pub fn register(parent: Oid, settings: &Settings) -> Result<(), ErrorReport> {
    let table = table(parent)?;
    table.check_owner()?;
    let policy = checked(table, settings)?;
    let added = registry::write(
        "INSERT INTO maintenance.partition_policies
             (parent, period, premake, retention, on_expiry, unlogged, time_zone, lock_timeout, id_period, id_retention,
              epoch, max_runtime)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (parent) DO NOTHING RETURNING true",
        &arguments(parent, settings),
    )?;
    if added == 0 {
        return Err(Error::PolicyExists(policy.table.name, "partition").into());
    }
    Ok(())
}

/// `maintenance.alter_partition_policy`: what is NULL stays.
#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn alter_partition_policy(
    parent: Option<Oid>,
    period: Option<Interval>,
    premake: Option<i32>,
    retention: Option<Interval>,
    on_expiry: Option<String>,
    unlogged: Option<bool>,
    time_zone: Option<String>,
    lock_timeout: Option<Interval>,
    epoch: Option<String>,
    max_runtime: Option<Interval>,
    id_period: Option<i64>,
    id_retention: Option<i64>,
    reset: Option<Vec<Option<String>>>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(parent, Oid),
            name!(action, String),
            name!(partition, Option<String>),
            name!(outcome, String),
            name!(error, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let Stored { table, settings: old, .. } = owned(required(parent, "parent")?)?;
    let parent = table.oid;
    let mut settings = old;
    let defaults = Settings::by_default();
    for name in reset.unwrap_or_default() {
        let name = required(name, "reset")?;
        let given = match name.as_str() {
            "premake" => replace(&mut settings.premake, defaults.premake, premake.is_some()),
            "retention" => {
                settings.id_retention = None;
                let given = retention.is_some() || id_retention.is_some();
                replace(&mut settings.retention, None, given)
            }
            "on_expiry" => {
                let default = defaults.on_expiry.clone();
                replace(&mut settings.on_expiry, default, on_expiry.is_some())
            }
            "unlogged" => replace(&mut settings.unlogged, None, unlogged.is_some()),
            "time_zone" => {
                let default = defaults.time_zone.clone();
                replace(&mut settings.time_zone, default, time_zone.is_some())
            }
            "lock_timeout" => {
                let default = defaults.lock_timeout;
                replace(&mut settings.lock_timeout, default, lock_timeout.is_some())
            }
            "epoch" => replace(&mut settings.epoch, None, epoch.is_some()),
            "max_runtime" => replace(&mut settings.max_runtime, None, max_runtime.is_some()),
            _ => return Err(Error::Reset(name).into()),
        };
        if given {
            return Err(Error::ResetAndGiven(name).into());
        }
        // What is to be kept longer, or not to be dropped, stays.
        if matches!(name.as_str(), "retention" | "on_expiry") {
            registry::forget_all_expiring(parent)?;
        }
    }
    if retention.is_some() || id_retention.is_some() || on_expiry.is_some() {
        registry::forget_all_expiring(parent)?;
    }
    // A period of the one kind takes the place of one of the other.
    if period.is_some() || id_period.is_some() {
        (settings.period, settings.id_period) = (period, id_period);
    }
    if retention.is_some() || id_retention.is_some() {
        (settings.retention, settings.id_retention) = (retention, id_retention);
    }
    let settings = Settings {
        premake: premake.unwrap_or(settings.premake),
        on_expiry: on_expiry.unwrap_or(settings.on_expiry),
        unlogged: unlogged.or(settings.unlogged),
        time_zone: time_zone.unwrap_or(settings.time_zone),
        lock_timeout: lock_timeout.unwrap_or(settings.lock_timeout),
        epoch: epoch.or(settings.epoch),
        max_runtime: max_runtime.or(settings.max_runtime),
        ..settings
    };
    checked(table, &settings)?;
    registry::write(
        "UPDATE maintenance.partition_policies SET period = $2, premake = $3, retention = $4, on_expiry = $5,
             unlogged = $6, time_zone = $7, lock_timeout = $8, id_period = $9, id_retention = $10, epoch = $11,
             max_runtime = $12
         WHERE parent = $1",
        &arguments(parent, &settings),
    )?;
    Ok(outcomes(run(registry::stored(Some(parent))?)?))
}

/// Puts a setting back, and passes on whether a value for it is given as well.
pub fn replace<T>(setting: &mut T, default: T, given: bool) -> bool {
    *setting = default;
    given
}

/// `maintenance.remove_partition_policy`: the partitions stay.
#[pg_extern(sql = false)]
fn remove_partition_policy(parent: Option<Oid>) -> Result<(), ErrorReport> {
    let table = owned(required(parent, "parent")?)?.table;
    let oid: pgrx::datum::DatumWithOid = table.oid.into();
    registry::write("DELETE FROM maintenance.partition_policies WHERE parent = $1", &[oid])?;
    registry::write(
        "DELETE FROM maintenance.state WHERE kind = 'partition' AND relation = $1",
        &[table.oid.into()],
    )?;
    registry::forget_all_expiring(table.oid)
}

/// A policy that can be planned with now: one that reaches beyond the calendar is refused.
fn checked(table: registry::Table, settings: &Settings) -> Result<Policy, Error> {
    let policy = Policy::new(table, settings)?;
    // Where ids stand is nothing that a policy could be wrong about.
    if !matches!(policy.key, Key::Ids(_)) {
        horizon(&policy, Front::at(now()))?;
    }
    Ok(policy)
}

fn arguments(parent: Oid, settings: &Settings) -> [pgrx::datum::DatumWithOid<'_>; 12] {
    [
        parent.into(),
        settings.period.into(),
        settings.premake.into(),
        settings.retention.into(),
        settings.on_expiry.as_str().into(),
        settings.unlogged.into(),
        settings.time_zone.as_str().into(),
        settings.lock_timeout.into(),
        settings.id_period.into(),
        settings.id_retention.into(),
        settings.epoch.as_deref().into(),
        settings.max_runtime.into(),
    ]
}

/// The stored policy of a table that the caller may maintain.
pub fn owned(parent: Oid) -> Result<Stored, ErrorReport> {
    let table = table(parent)?;
    table.check_owner()?;
    let stored = registry::stored(Some(parent))?.into_iter().next();
    stored.ok_or_else(|| Error::NoPolicy(table.name, "partition").into())
}

/// The stored policies of the tables that the caller may maintain. Naming one of another owner is an error.
fn selected(parent: Option<Oid>) -> Result<Vec<Stored>, ErrorReport> {
    match parent {
        Some(parent) => Ok(vec![owned(parent)?]),
        None => {
            let mut stored = registry::stored(None)?;
            stored.retain(|s| s.table.check_owner().is_ok());
            Ok(stored)
        }
    }
}

/// `maintenance.plan`
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn plan(
    parent: Option<Oid>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(parent, Oid),
            name!(action, String),
            name!(partition, String),
            name!(lower, Option<String>),
            name!(upper, Option<String>),
            name!(ddl, String),
        ),
    >,
    ErrorReport,
> {
    let mut rows = vec![];
    // A plan changes nothing, so who monitors the server sees those of all tables.
    let plans = match parent {
        None if may_act_for(pg_sys::Oid::from(pg_sys::ROLE_PG_MONITOR)) => registry::stored(None)?,
        parent => selected(parent)?,
    };
    for stored in plans {
        let policy = match Policy::new(stored.table.clone(), &stored.settings) {
            Ok(policy) => policy,
            Err(error) if parent.is_some() => return Err(error.into()),
            // One broken table must not hide the plan of the others; a run reports it.
            Err(_) => continue,
        };
        let oid = policy.table.oid;
        let mut steps = match (planned_all(&[&policy])?.remove(0), parent) {
            (Ok(steps), _) => steps,
            (Err(error), Some(_)) => error.raise(),
            (Err(_), None) => continue,
        };
        if steps.iter().any(|step| step.attach.is_some()) {
            default_rows::explain(&policy, &mut steps, &partitions_of(&policy)?);
        }
        rows.extend(
            steps
                .into_iter()
                .map(|s| (oid, s.action.name().to_owned(), s.partition, s.lower, s.upper, s.ddl)),
        );
    }
    Ok(TableIterator::new(rows))
}

/// `maintenance.run_partition_maintenance`
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn run_partition_maintenance(
    parent: Option<Oid>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(parent, Oid),
            name!(action, String),
            name!(partition, Option<String>),
            name!(outcome, String),
            name!(error, Option<String>),
        ),
    >,
    ErrorReport,
> {
    // Who names a table has one that is there.
    if parent.is_none() {
        registry::forget_dropped()?;
    }
    Ok(outcomes(run(selected(parent)?)?))
}

/// `maintenance.create_partitions`: covers a range of the past or the future.
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn create_partitions(
    parent: Option<Oid>,
    range_start: Option<TimestampWithTimeZone>,
    range_end: Option<TimestampWithTimeZone>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(parent, Oid),
            name!(action, String),
            name!(partition, Option<String>),
            name!(outcome, String),
            name!(error, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let stored = owned(required(parent, "parent")?)?;
    let start = required(range_start, "range_start")?.into();
    let end = required(range_end, "range_end")?.into();
    Ok(outcomes(create(stored, start, end, false)?))
}

/// Covers a range of instants or of ids.
pub fn create(
    stored: Stored,
    start: i64,
    end: i64,
    by_ids: bool,
) -> Result<Vec<Line>, ErrorReport> {
    if start >= end {
        return Err(Error::RangeOrder.into());
    }
    let policy = Policy::new(stored.table, &stored.settings)?;
    if matches!(policy.key, Key::Ids(_)) != by_ids {
        return Err(Error::RangeOfOtherKind(policy.table.name).into());
    }
    let window = Range {
        lower: policy.key.locate(start, &policy.zone).map_err(Error::from)?,
        upper: policy.key.locate(end, &policy.zone).map_err(Error::from)?,
    };
    if !try_lock(policy.table.oid) {
        return Ok(vec![skipped(policy.table.oid)]);
    }
    let oid = policy.table.oid;
    let partitions = partitions_of(&policy)?;
    let template = registry::templates(&[oid])?.remove(&oid).unwrap_or_default();
    let Done { mut attempts, pending } =
        execute(&policy, creations(&policy, &partitions, &template, window)?);
    attempts.extend(execute_pending(&policy, pending));
    // Not a run of the policy, so its state stays.
    record_attempts(Kind::Partition, &policy.table.qualified(), &attempts)?;
    Ok(attempts.into_iter().map(|a| line(oid, a)).collect())
}

fn skipped(parent: Oid) -> Line {
    Line {
        parent,
        action: "run".into(),
        partition: None,
        outcome: "skipped",
        error: Some("another session is maintaining this table".into()),
    }
}

fn line(parent: Oid, attempt: Attempt) -> Line {
    Line {
        parent,
        outcome: attempt.outcome(),
        error: attempt.result.as_ref().err().map(describe),
        action: attempt.action,
        partition: attempt.object,
    }
}

pub fn partitions_of(policy: &Policy) -> Result<Vec<registry::Partition>, ErrorReport> {
    let parents = HashMap::from([(policy.table.oid, policy.key)]);
    Ok(registry::partitions(&parents)?.remove(&policy.table.oid).unwrap_or_default())
}

pub fn planned(policy: &Policy) -> Result<Vec<Step>, ErrorReport> {
    let mut steps = planned_all(&[policy])?;
    Ok(steps.remove(0).unwrap_or_else(|error| error.raise()))
}

/// The steps of every policy, found with one query each for all their partitions, leftovers and templates.
fn planned_all(policies: &[&Policy]) -> Result<Vec<Result<Vec<Step>, Caught>>, ErrorReport> {
    let keys: HashMap<_, _> = policies.iter().map(|p| (p.table.oid, p.key)).collect();
    let oids: Vec<Oid> = keys.keys().copied().collect();
    let partitions = registry::partitions(&keys)?;
    let leftovers = registry::leftovers(&oids)?;
    let templates = registry::templates(&oids)?;
    let none = Template::default();
    Ok(policies
        .iter()
        .map(|policy| {
            let oid = policy.table.oid;
            let partitions = partitions.get(&oid).map_or(&[][..], Vec::as_slice);
            let front = try_front(policy, partitions)?;
            let leftovers = leftovers.get(&oid).map_or(&[][..], Vec::as_slice);
            let template = templates.get(&oid).unwrap_or(&none);
            steps(policy, partitions, leftovers, template, front).map_err(|e| Caught::of(&e))
        })
        .collect())
}

/// The tables among `stored` that have something to do or whose policy no longer fits, found with one query each for
/// all their partitions and leftovers.
pub fn due(stored: Vec<Stored>) -> Result<Vec<Stored>, ErrorReport> {
    let mut policies = HashMap::new();
    for stored in &stored {
        if let Ok(policy) = Policy::new(stored.table.clone(), &stored.settings) {
            policies.insert(policy.table.oid, policy);
        }
    }
    let keys: HashMap<_, _> = policies.iter().map(|(oid, policy)| (*oid, policy.key)).collect();
    let partitions = registry::partitions(&keys)?;
    let leftovers = registry::leftovers(&keys.into_keys().collect::<Vec<_>>())?;
    let quiet = |stored: &Stored| {
        policies.get(&stored.table.oid).is_some_and(|policy| {
            let partitions = partitions.get(&stored.table.oid).map_or(&[][..], Vec::as_slice);
            let leftovers = leftovers.get(&stored.table.oid).map_or(&[][..], Vec::as_slice);
            // What goes wrong here goes wrong again in the run, which reports it.
            let due = |front| is_due(policy, partitions, leftovers, front).unwrap_or(true);
            stored.failures == 0 && !try_front(policy, partitions).map_or(true, due)
        })
    };
    Ok(stored.into_iter().filter(|stored| !quiet(stored)).collect())
}

/// Runs policies within the caller's transaction. All creations come before the first move of rows and the first expiry,
/// whose lock on the parent the transaction keeps.
fn run(stored: Vec<Stored>) -> Result<Vec<Line>, ErrorReport> {
    let (locked, busy): (Vec<_>, Vec<_>) =
        due(stored)?.into_iter().partition(|stored| try_lock(stored.table.oid));
    let mut lines: Vec<Line> = busy.iter().map(|stored| skipped(stored.table.oid)).collect();
    // Only now that nobody else is at it: what another session has just made is seen.
    let mut first = Vec::with_capacity(locked.len());
    let mut later = Vec::with_capacity(locked.len());
    for job in prepare_all(&locked)? {
        let (policy, steps) = match job {
            Ok((policy, steps)) => (Ok(policy), steps),
            Err(attempt) => (Err(attempt), vec![]),
        };
        let (expiries, others): (Vec<_>, Vec<_>) =
            steps.into_iter().partition(|s| s.action.blocks_writers());
        first.push((policy, others));
        later.push(expiries);
    }
    let (policies, first): (Vec<_>, Vec<_>) = first.into_iter().unzip();
    let jobs = |steps: Vec<Vec<Step>>| {
        let policies = policies.iter().map(|policy: &Result<Policy, Attempt>| policy.as_ref().ok());
        execute_all(policies.zip(steps).collect())
    };
    let mut done = jobs(first);
    for (done, policy) in done.iter_mut().zip(&policies) {
        match policy {
            Ok(policy) => {
                let pending = std::mem::take(&mut done.pending);
                done.attempts.extend(execute_pending(policy, pending));
            }
            Err(attempt) => done.attempts.push(attempt.clone()),
        }
    }
    for (done, expired) in done.iter_mut().zip(jobs(later)) {
        done.attempts.extend(expired.attempts);
    }
    let names: Vec<String> = locked.iter().map(|stored| stored.table.qualified()).collect();
    let records: Vec<Record> = locked
        .iter()
        .zip(&names)
        .zip(&done)
        .map(|((stored, name), done)| Record {
            relation: stored.table.oid,
            name,
            failures: stored.failures,
            attempts: &done.attempts,
        })
        .collect();
    record_all(Kind::Partition, &records)?;
    for (stored, done) in locked.iter().zip(done) {
        lines.extend(done.attempts.into_iter().map(|a| line(stored.table.oid, a)));
    }
    Ok(lines)
}

/// The tables that the worker has to look at now: something is due, and no failed run is waiting for its next try.
/// Where it is an expiry that waits, new partitions may be due.
pub fn due_now() -> Result<Vec<Oid>, ErrorReport> {
    let mut stored = registry::stored(None)?;
    stored.retain(|stored| !stored.waiting || stored.expiry_alone);
    Ok(due(stored)?.into_iter().map(|stored| stored.table.oid).collect())
}

/// What the worker does first for a table: everything that makes no writer wait.
/// None if another session is at it, or the policy is gone.
pub fn run_one(parent: Oid) -> Result<Option<Run>, ErrorReport> {
    run_some(parent, |steps| steps.retain(|step| !step.action.blocks_writers()))
}

/// What the worker does then, in a transaction for each: the next partition that has expired.
/// None if there is no more.
pub fn expire_one(parent: Oid) -> Result<Option<Run>, ErrorReport> {
    let run = run_some(parent, |steps| {
        steps.retain(|step| step.action.blocks_writers());
        steps.truncate(1);
    })?;
    Ok(run.filter(|run| !run.attempts.is_empty()))
}

/// A partition that the worker detaches without making writers wait, outside of any transaction of its own.
pub struct Detach {
    stored: Stored,
    policy: Policy,
    action: Action,
    partition: String,
    concurrent: Concurrent,
}

/// The next partition that has expired, if it can go that way; [`expire_one`] does the others. Leaves the table locked
/// against other sessions that would maintain it, up to [`Detach::finish`].
pub fn next_detach(parent: Oid) -> Result<Option<Detach>, ErrorReport> {
    if !try_lock(parent) {
        return Ok(None);
    }
    let Some(stored) = registry::stored(Some(parent))?.into_iter().next() else {
        return Ok(None);
    };
    // A policy that does not fit its table any more has been reported before.
    let Ok(policy) = Policy::new(stored.table.clone(), &stored.settings) else {
        return Ok(None);
    };
    if stored.waiting {
        return Ok(None);
    }
    let next = planned(&policy)?.into_iter().find(|step| step.action.blocks_writers());
    let Some(Step { action, partition, concurrent: Some(concurrent), .. }) = next else {
        return Ok(None);
    };
    lock_session(parent, true);
    Ok(Some(Detach { stored, policy, action, partition, concurrent }))
}

impl Detach {
    /// What DETACH CONCURRENTLY may wait for a lock or an old transaction, in milliseconds.
    pub fn lock_timeout(&self) -> i64 {
        self.policy.lock_timeout_ms
    }

    /// Detaches. Outside of a transaction.
    pub fn run(&self) -> (Result<(), Caught>, Duration) {
        let started = Instant::now();
        let table = &self.policy.table;
        let remember = || {
            // From its first commit on, DETACH CONCURRENTLY can only be carried through, and so the drop after it.
            if self.concurrent.drop.is_some() {
                registry::remember_expiring(table.oid, self.concurrent.partition, &self.partition)
                    .unwrap_or_report();
            }
        };
        let deadline = Deadline::start(self.policy.max_runtime_ms);
        let result =
            deadline.watch(|| toplevel::run(&self.concurrent.detach, table.owner, remember));
        (result, started.elapsed())
    }

    /// Drops what was detached, if the policy says so, and records how it went.
    pub fn finish(self, result: (Result<(), Caught>, Duration)) -> Result<Run, ErrorReport> {
        let Self { stored, policy, action, partition, concurrent } = self;
        let table = &policy.table;
        // The rest is covered by the lock of this transaction.
        try_lock(table.oid);
        lock_session(table.oid, false);
        let (result, took) = result;
        let attempts = match (result, concurrent.drop) {
            (Ok(()), Some(_)) => {
                // As planned now: only if it still is what was detached.
                let mut steps = planned(&policy)?;
                steps.retain(|step| step.leftover == Some(concurrent.partition));
                let Done { mut attempts, .. } = execute(&policy, steps);
                attempts.iter_mut().for_each(|attempt| attempt.took += took);
                attempts
            }
            (result, _) => vec![Attempt {
                action: action.name().into(),
                object: Some(partition),
                result: result.map_err(with_hint),
                took,
                rows: None,
            }],
        };
        let name = table.qualified();
        record(Kind::Partition, table.oid, &name, stored.failures, &attempts)?;
        Ok(Run { name, failures: stored.failures, attempts, pending: vec![] })
    }
}

/// What the worker does for a partition of which the default partition holds rows, in a transaction of its own.
/// None if it is made by now, or another session is at it.
pub fn create_pending(parent: Oid, partition: &str) -> Result<Option<Run>, ErrorReport> {
    if !try_lock(parent) {
        return Ok(None);
    }
    let Some(stored) = registry::stored(Some(parent))?.into_iter().next() else {
        return Ok(None);
    };
    // A policy that does not fit its table any more is reported by the next run.
    let Ok((policy, mut steps)) = prepare(&stored)? else { return Ok(None) };
    steps.retain(|step| step.attach.is_some() && step.partition == partition);
    if steps.is_empty() {
        return Ok(None);
    }
    let attempts = execute_pending(&policy, steps);
    let name = stored.table.qualified();
    if stored.waiting && attempts.iter().all(|attempt| attempt.result.is_ok()) {
        // The expiry waits on, as in `run_some`.
        record_attempts(Kind::Partition, &name, &attempts)?;
        return Ok(Some(Run { name, failures: 0, attempts, pending: vec![] }));
    }
    record(Kind::Partition, parent, &name, stored.failures, &attempts)?;
    Ok(Some(Run { name, failures: stored.failures, attempts, pending: vec![] }))
}

fn run_some(parent: Oid, choose: impl FnOnce(&mut Vec<Step>)) -> Result<Option<Run>, ErrorReport> {
    if !try_lock(parent) {
        return Ok(None);
    }
    let Some(stored) = registry::stored(Some(parent))?.into_iter().next() else {
        return Ok(None);
    };
    let waiting = stored.waiting;
    if waiting && !stored.expiry_alone {
        return Ok(None);
    }
    let mut left_over = false;
    let Done { attempts, pending } = match prepare(&stored)? {
        Ok((policy, mut steps)) => {
            let all = steps.len();
            choose(&mut steps);
            steps.retain(|step| !waiting || step.action == Action::Create);
            left_over = steps.len() < all;
            execute(&policy, steps)
        }
        Err(attempt) => Done { attempts: vec![attempt], pending: vec![] },
    };
    let name = stored.table.qualified();
    if !pending.is_empty() && attempts.iter().all(|attempt| attempt.result.is_ok()) {
        // No success before they are made as well.
        record_attempts(Kind::Partition, &name, &attempts)?;
        let pending = pending.into_iter().map(|step| step.partition).collect();
        return Ok(Some(Run { name, failures: 0, attempts, pending }));
    }
    // To do nothing is a success only if there was nothing to do: the step that failed before may be still to come.
    if attempts.is_empty() && (left_over || waiting) {
        return Ok(None);
    }
    if waiting && attempts.iter().all(|attempt| attempt.result.is_ok()) {
        // The expiry waits on, and has not succeeded with them.
        record_attempts(Kind::Partition, &name, &attempts)?;
        return Ok(Some(Run { name, failures: 0, attempts, pending: vec![] }));
    }
    record(Kind::Partition, parent, &name, stored.failures, &attempts)?;
    Ok(Some(Run { name, failures: stored.failures, attempts, pending: vec![] }))
}

/// The steps of a policy; one that no longer fits its table is an attempt that failed.
fn prepare(stored: &Stored) -> Result<Result<(Policy, Vec<Step>), Attempt>, ErrorReport> {
    Ok(prepare_all(std::slice::from_ref(stored))?.remove(0))
}

/// The same for several policies, one result for each.
#[allow(clippy::type_complexity)]
fn prepare_all(
    stored: &[Stored],
) -> Result<Vec<Result<(Policy, Vec<Step>), Attempt>>, ErrorReport> {
    let failed = |error: Caught| Attempt {
        action: "plan".into(),
        object: None,
        result: Err(error),
        took: Duration::ZERO,
        rows: None,
    };
    let policies: Vec<Result<Policy, Error>> =
        stored.iter().map(|s| Policy::new(s.table.clone(), &s.settings)).collect();
    let fitting: Vec<&Policy> = policies.iter().filter_map(|p| p.as_ref().ok()).collect();
    let mut steps = planned_all(&fitting)?.into_iter();
    Ok(policies
        .into_iter()
        .map(|policy| {
            let policy = policy.map_err(|error| failed(Caught::of(&error)))?;
            let steps = steps.next().unwrap_or_else(|| Ok(vec![])).map_err(failed)?;
            Ok((policy, steps))
        })
        .collect())
}
