//! Partition maintenance: the functions of partition policies and the run itself.

use crate::coverage::Range;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::front::{Front, front};
use crate::history::{Attempt, Kind, describe, record, record_attempts};
use crate::key::{Key, now};
use crate::plan::{Action, Concurrent, Step, creations, horizon, is_due, steps};
use crate::registry::{self, Policy, Settings, Stored, latest, table};
use crate::worker::Run;
use pg_ext_core::identity::{RunAs, may_act_for, set};
use pg_ext_core::spi::{select_first, write};
use pg_ext_core::subtransaction::{self, Caught};
use pg_ext_core::toplevel;
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// First key of the advisory locks under which the policies of a relation run; the second is the relation's OID.
const LOCK_CLASS: i32 = 0x6d61_696e;

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
        let planned = match parent {
            Some(_) => planned(&policy)?,
            None => match subtransaction::run(|| planned(&policy).unwrap_or_report()) {
                Ok(planned) => planned,
                Err(_) => continue,
            },
        };
        rows.extend(
            planned
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
    registry::forget_dropped()?;
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
    let attempts = execute(&policy, creations(&policy, &partitions, &template, window)?);
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
    let partitions = partitions_of(policy)?;
    let oid = policy.table.oid;
    let template = registry::templates(&[oid])?.remove(&oid).unwrap_or_default();
    let leftovers = registry::leftovers(&[oid])?.remove(&oid).unwrap_or_default();
    let front = front(policy, &partitions)?;
    Ok(steps(policy, &partitions, &leftovers, &template, front)?)
}

/// The tables among `stored` that have something to do or whose policy no longer fits, found with one query each for
/// all their partitions and leftovers.
pub fn due(stored: Vec<Stored>) -> Result<Vec<Stored>, ErrorReport> {
    let clock = Front::at(now());
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
            let front = match policy.key {
                Key::Ids(_) => subtransaction::run(|| front(policy, partitions).unwrap_or_report()),
                _ => Ok(clock),
            };
            let due = |front| is_due(policy, partitions, leftovers, front).unwrap_or(true);
            stored.failures == 0 && !front.map_or(true, due)
        })
    };
    Ok(stored.into_iter().filter(|stored| !quiet(stored)).collect())
}

/// Runs policies within the caller's transaction. All creations come before the first expiry, whose lock on the parent
/// the transaction keeps.
fn run(stored: Vec<Stored>) -> Result<Vec<Line>, ErrorReport> {
    let mut lines = vec![];
    let mut expiring = vec![];
    for stored in due(stored)? {
        pgrx::check_for_interrupts!();
        let oid = stored.table.oid;
        if !try_lock(oid) {
            lines.push(skipped(oid));
            continue;
        }
        let (attempts, rest) = match prepare(&stored) {
            Ok((policy, steps)) => {
                let (later, first): (Vec<_>, Vec<_>) =
                    steps.into_iter().partition(|s| s.action.blocks_writers());
                (execute(&policy, first), Some((policy, later)))
            }
            Err(attempt) => (vec![attempt], None),
        };
        expiring.push((stored, attempts, rest));
    }
    for (stored, mut attempts, rest) in expiring {
        if let Some((policy, later)) = rest {
            attempts.extend(execute(&policy, later));
        }
        let table = &stored.table;
        record(Kind::Partition, table.oid, &table.qualified(), stored.failures, &attempts)?;
        lines.extend(attempts.into_iter().map(|a| line(table.oid, a)));
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
                let mut attempts = execute(&policy, steps);
                attempts.iter_mut().for_each(|attempt| attempt.took += took);
                attempts
            }
            (result, _) => vec![Attempt {
                action: action.name().into(),
                object: Some(partition),
                result: result.map_err(with_hint),
                took,
            }],
        };
        let name = table.qualified();
        record(Kind::Partition, table.oid, &name, stored.failures, &attempts)?;
        Ok(Run { name, failures: stored.failures, attempts })
    }
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
    let attempts = match prepare(&stored) {
        Ok((policy, mut steps)) => {
            let all = steps.len();
            choose(&mut steps);
            steps.retain(|step| !waiting || step.action == Action::Create);
            left_over = steps.len() < all;
            execute(&policy, steps)
        }
        Err(attempt) => vec![attempt],
    };
    let name = stored.table.qualified();
    // To do nothing is a success only if there was nothing to do: the step that failed before may be still to come.
    if attempts.is_empty() && (left_over || waiting) {
        return Ok(None);
    }
    if waiting && attempts.iter().all(|attempt| attempt.result.is_ok()) {
        // The expiry waits on, and has not succeeded with them.
        record_attempts(Kind::Partition, &name, &attempts)?;
        return Ok(Some(Run { name, failures: 0, attempts }));
    }
    record(Kind::Partition, parent, &name, stored.failures, &attempts)?;
    Ok(Some(Run { name, failures: stored.failures, attempts }))
}

/// The steps of a policy; one that no longer fits its table is an attempt that failed.
fn prepare(stored: &Stored) -> Result<(Policy, Vec<Step>), Attempt> {
    let started = Instant::now();
    let planned = subtransaction::run(|| {
        let policy = Policy::new(stored.table.clone(), &stored.settings)
            .map_err(ErrorReport::from)
            .unwrap_or_report();
        let steps = planned(&policy).unwrap_or_report();
        (policy, steps)
    });
    planned.map_err(|error| Attempt {
        action: "plan".into(),
        object: None,
        result: Err(error),
        took: started.elapsed(),
    })
}

/// Runs the steps, each in a subtransaction of its own, as the owner of the table.
fn execute(policy: &Policy, steps: Vec<Step>) -> Vec<Attempt> {
    let mut attempts = Vec::with_capacity(steps.len());
    let deadline = Deadline::start(policy.max_runtime_ms);
    for step in steps {
        pgrx::check_for_interrupts!();
        let started = Instant::now();
        let work = || {
            let _owner = RunAs::owner(policy.table.owner);
            set("lock_timeout", &policy.lock_timeout_ms.to_string());
            write(&step.ddl, &[]).unwrap_or_report();
            if step.replica_index {
                replica_index(policy.table.oid, &step.partition).unwrap_or_report();
            }
            if let Some(leftover) = step.leftover {
                registry::forget_expiring(leftover).unwrap_or_report();
            }
        };
        let result = deadline.watch(|| subtransaction::run_cancelable_if(work, Deadline::expired));
        let locked_out = matches!(&result, Err(error) if error.sqlstate == "55P03");
        attempts.push(Attempt {
            action: step.action.name().into(),
            object: Some(step.partition),
            result: result.map_err(with_hint),
            took: started.elapsed(),
        });
        // The next step would wait for the same lock just as long.
        if locked_out || Deadline::expired() {
            break;
        }
    }
    attempts
}

/// Gives a new partition the counterpart of the index that is its parent's replica identity.
fn replica_index(parent: Oid, partition: &str) -> Result<(), ErrorReport> {
    let index = latest(|| {
        select_first(
            "SELECT pg_catalog.quote_ident(c.relname)
             FROM pg_catalog.pg_index p
             JOIN pg_catalog.pg_inherits h ON h.inhparent = p.indexrelid
             JOIN pg_catalog.pg_index i ON i.indexrelid = h.inhrelid
             JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
             WHERE p.indrelid = $1 AND p.indisreplident AND i.indrelid = $2::pg_catalog.regclass",
            &[parent.into(), partition.into()],
            |row| row.get::<String>(1),
        )
    })?;
    match index.flatten() {
        Some(index) => {
            let sql = format!("ALTER TABLE {partition} REPLICA IDENTITY USING INDEX {index}");
            write(&sql, &[]).map(drop)
        }
        None => Ok(()),
    }
}

/// What to do about the errors that a table's state may cause, where the server gives no hint of its own.
fn with_hint(mut error: Caught) -> Caught {
    if error.hint.is_none() {
        error.hint = match error.sqlstate.as_str() {
            "55P03" => Some("It is tried again; a long transaction holds the table."),
            "23514" => Some("The default partition holds rows of this range. Move them out of it."),
            "23503" | "2BP01" => {
                Some("Other objects refer to the partition. Remove the references or keep it.")
            }
            "42P07" => Some("Rename or drop the table of that name, or attach it."),
            _ => None,
        }
        .map(str::to_owned);
    }
    error
}

pub fn try_lock(relation: Oid) -> bool {
    // SAFETY: a built-in function called with the two arguments it takes.
    unsafe {
        pgrx::direct_function_call::<bool>(
            pg_sys::pg_try_advisory_xact_lock_int4,
            &lock_key(relation),
        )
    }
    .unwrap_or(false)
}

/// Takes the same lock for longer than a transaction, which this one has it for, or gives it back.
fn lock_session(relation: Oid, take: bool) {
    let key = lock_key(relation);
    // SAFETY: built-in functions called with the two arguments they take.
    unsafe {
        if take {
            pgrx::direct_function_call::<bool>(pg_sys::pg_try_advisory_lock_int4, &key);
        } else {
            pgrx::direct_function_call::<bool>(pg_sys::pg_advisory_unlock_int4, &key);
        }
    }
}

fn lock_key(relation: Oid) -> [Option<pg_sys::Datum>; 2] {
    [LOCK_CLASS.into_datum(), (relation.to_u32() as i32).into_datum()]
}
