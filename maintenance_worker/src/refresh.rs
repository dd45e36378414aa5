//! Refresh of materialized views: the functions of refresh policies and the run itself.

use crate::deadline::Deadline;
use crate::dependencies::{by_dependency, counters};
use crate::error::Error;
use crate::history::{Attempt, Kind, describe, record};
use crate::lock::try_lock;
use crate::partition::{replace, required};
use crate::period::{position, timestamp};
use crate::registry::{self, latest, qualified};
use crate::schedule::{CatchUp, Planned, Schedule, Verdict};
use crate::worker::Run;
use crate::zone;
use jiff::{SignedDuration, Timestamp};
use pg_ext_core::identity::{RunAs, set};
use pg_ext_core::spi::{select_first, write};
use pg_ext_core::subtransaction;
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pgrx::spi::{SpiHeapTupleData, SpiResult};
use std::time::{Duration, Instant};

/// How long the worker waits for the lock that a refresh needs. Queries of the view queue up behind it for that long.
const LOCK_TIMEOUT: &str = "1s";

/// A materialized view as the catalog knows it.
#[derive(Debug, Clone)]
struct View {
    oid: Oid,
    schema: String,
    name: String,
    owner: Oid,
    relkind: String,
    populated: bool,
    /// Has a unique index that REFRESH CONCURRENTLY can use.
    unique: bool,
}

const VIEW_COLUMNS: &str =
    "c.oid, n.nspname::text, c.relname::text, c.relowner, c.relkind::text, c.relispopulated,
    EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
              AND i.indpred IS NULL AND i.indexprs IS NULL)";
const VIEW_JOINS: &str = "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";
/// How many columns VIEW_COLUMNS has.
const AFTER_VIEW: usize = 7;

fn view_of(row: &SpiHeapTupleData) -> SpiResult<View> {
    Ok(View {
        oid: row.get(1)?.unwrap_or(pg_sys::InvalidOid),
        schema: row.get(2)?.unwrap_or_default(),
        name: row.get(3)?.unwrap_or_default(),
        owner: row.get(4)?.unwrap_or(pg_sys::InvalidOid),
        relkind: row.get(5)?.unwrap_or_default(),
        populated: row.get(6)?.unwrap_or(false),
        unique: row.get(7)?.unwrap_or(false),
    })
}

/// A materialized view that the caller may maintain.
fn owned_view(oid: Oid) -> Result<View, ErrorReport> {
    let sql =
        format!("SELECT {VIEW_COLUMNS} FROM pg_catalog.pg_class c {VIEW_JOINS} WHERE c.oid = $1");
    let view = latest(|| select_first(&sql, &[oid.into()], |row| view_of(&row)))?
        .ok_or(Error::NoRelation(oid.to_u32()))?;
    if !pg_ext_core::identity::may_act_for(view.owner) {
        return Err(Error::NotOwner(view.name).into());
    }
    if view.relkind != "m" {
        return Err(Error::NotMaterializedView(view.name).into());
    }
    Ok(view)
}

/// The columns of a policy as they are stored.
#[derive(Debug, Clone)]
struct Settings {
    schedule: String,
    concurrently: Option<bool>,
    only_if_changed: bool,
    time_zone: String,
    catch_up: String,
    max_runtime: Option<Interval>,
}

impl Settings {
    fn check(&self) -> Result<(Schedule, CatchUp), ErrorReport> {
        let catch_up = match self.catch_up.as_str() {
            "once" => CatchUp::Once,
            "skip" => CatchUp::Skip,
            other => return Err(Error::CatchUp(other.to_owned()).into()),
        };
        self.max_runtime_ms()?;
        Ok((parse_schedule(&self.schedule, zone::load(&self.time_zone)?)?, catch_up))
    }
}

impl Settings {
    fn max_runtime_ms(&self) -> Result<Option<i32>, Error> {
        self.max_runtime.as_ref().map(registry::max_runtime).transpose()
    }
}

/// Cron where it looks like cron: `@name`, or five fields of which the second is no word. An interval otherwise.
fn parse_schedule(text: &str, zone: jiff::tz::TimeZone) -> Result<Schedule, ErrorReport> {
    let invalid = |why: &dyn std::fmt::Display| Error::Schedule(text.to_owned(), why.to_string());
    let fields: Vec<&str> = text.split_whitespace().collect();
    let starts = |field: Option<&&str>, test: fn(char) -> bool| {
        field.and_then(|f| f.chars().next()).is_some_and(test)
    };
    let named = text
        .trim()
        .strip_prefix('@')
        .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    if named || fields.len() == 5 && starts(fields.get(1), |c| !c.is_alphabetic()) {
        return Schedule::cron(text, zone).map_err(|e| invalid(&e).into());
    }
    let interval = subtransaction::run(|| {
        select_first("SELECT $1::pg_catalog.interval", &[text.into()], |row| row.get::<Interval>(1))
            .unwrap_or_report()
            .flatten()
    })
    .map_err(|caught| invalid(&caught.message))?
    .ok_or_else(|| invalid(&"it is null"))?;
    if interval.months() != 0 {
        return Err(invalid(&"months have no fixed length, use '@monthly' or cron fields").into());
    }
    let every = SignedDuration::from_hours(24) * interval.days()
        + SignedDuration::from_micros(interval.micros());
    if every < SignedDuration::from_secs(1) {
        return Err(invalid(&"an interval must be at least one second").into());
    }
    Ok(Schedule::Every(every))
}

/// A stored policy with the state of its last run.
struct Stored {
    view: View,
    settings: Settings,
    failures: i32,
    waiting: bool,
    planned: Option<Planned>,
    counters: Option<String>,
}

fn stored(matview: Option<Oid>) -> Result<Vec<Stored>, ErrorReport> {
    let sql = format!(
        "SELECT {VIEW_COLUMNS}, p.schedule, p.\"concurrently\", p.only_if_changed, p.time_zone, p.catch_up, p.max_runtime,
             COALESCE(s.failures, 0), COALESCE(s.retry_at > pg_catalog.clock_timestamp() AND s.last_run <= pg_catalog.clock_timestamp(), false),
             s.scheduled_at, s.next_run, s.counters
         FROM maintenance.refresh_policies p
         JOIN pg_catalog.pg_class c ON c.oid = p.matview {VIEW_JOINS}
         LEFT JOIN maintenance.state s ON s.kind = 'refresh' AND s.relation = p.matview
         WHERE {}
         ORDER BY n.nspname, c.relname",
        // Two texts: a plan that is kept for both would read all policies for one.
        if matview.is_some() { "p.matview = $1" } else { "$1 IS NULL" }
    );
    let instant = |at: Option<TimestampWithTimeZone>| at.and_then(|at| timestamp(at.into()).ok());
    registry::read(&sql, &[matview.into()], |row| {
        const N: usize = AFTER_VIEW;
        let from = instant(row.get(N + 9)?);
        let next = instant(row.get(N + 10)?);
        Ok(Stored {
            view: view_of(&row)?,
            settings: Settings {
                schedule: row.get(N + 1)?.unwrap_or_default(),
                concurrently: row.get(N + 2)?,
                only_if_changed: row.get(N + 3)?.unwrap_or(true),
                time_zone: row.get(N + 4)?.unwrap_or_default(),
                catch_up: row.get(N + 5)?.unwrap_or_default(),
                max_runtime: row.get(N + 6)?,
            },
            failures: row.get(N + 7)?.unwrap_or(0),
            waiting: row.get(N + 8)?.unwrap_or(false),
            planned: from.zip(next).map(|(from, next)| Planned { from, next }),
            counters: row.get(N + 11)?,
        })
    })
}

/// `maintenance.add_refresh_policy`
#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn add_refresh_policy(
    matview: Option<Oid>,
    schedule: Option<String>,
    concurrently: Option<bool>,
    only_if_changed: Option<bool>,
    time_zone: Option<String>,
    catch_up: Option<String>,
    max_runtime: Option<Interval>,
) -> Result<(), ErrorReport> {
    let view = owned_view(required(matview, "matview")?)?;
    let settings = Settings {
        schedule: required(schedule, "schedule")?,
        concurrently,
        only_if_changed: required(only_if_changed, "only_if_changed")?,
        time_zone: required(time_zone, "time_zone")?,
        catch_up: required(catch_up, "catch_up")?,
        max_runtime,
    };
    let (schedule, _) = check(&view, &settings)?;
    let added = registry::write(
        "INSERT INTO maintenance.refresh_policies
             (matview, schedule, \"concurrently\", only_if_changed, time_zone, catch_up, max_runtime)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (matview) DO NOTHING RETURNING true",
        &arguments(view.oid, &settings),
    )?;
    if added == 0 {
        return Err(Error::PolicyExists(view.name, "refresh").into());
    }
    store_plan(view.oid, schedule.plan(now()), None)
}

/// `maintenance.alter_refresh_policy`: what is NULL stays.
#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn alter_refresh_policy(
    matview: Option<Oid>,
    schedule: Option<String>,
    concurrently: Option<bool>,
    only_if_changed: Option<bool>,
    time_zone: Option<String>,
    catch_up: Option<String>,
    max_runtime: Option<Interval>,
    reset: Option<Vec<Option<String>>>,
) -> Result<(), ErrorReport> {
    let view = owned_view(required(matview, "matview")?)?;
    let mut old = existing(&view)?.settings;
    for name in reset.unwrap_or_default() {
        let name = required(name, "reset")?;
        let given = match name.as_str() {
            "concurrently" => replace(&mut old.concurrently, None, concurrently.is_some()),
            "only_if_changed" => replace(&mut old.only_if_changed, true, only_if_changed.is_some()),
            "time_zone" => replace(&mut old.time_zone, "UTC".into(), time_zone.is_some()),
            "catch_up" => replace(&mut old.catch_up, "once".into(), catch_up.is_some()),
            "max_runtime" => replace(&mut old.max_runtime, None, max_runtime.is_some()),
            _ => return Err(Error::Reset(name).into()),
        };
        if given {
            return Err(Error::ResetAndGiven(name).into());
        }
    }
    let settings = Settings {
        schedule: schedule.unwrap_or(old.schedule),
        concurrently: concurrently.or(old.concurrently),
        only_if_changed: only_if_changed.unwrap_or(old.only_if_changed),
        time_zone: time_zone.unwrap_or(old.time_zone),
        catch_up: catch_up.unwrap_or(old.catch_up),
        max_runtime: max_runtime.or(old.max_runtime),
    };
    let (schedule, _) = check(&view, &settings)?;
    registry::write(
        "UPDATE maintenance.refresh_policies SET schedule = $2, \"concurrently\" = $3, only_if_changed = $4,
             time_zone = $5, catch_up = $6, max_runtime = $7
         WHERE matview = $1",
        &arguments(view.oid, &settings),
    )?;
    store_plan(view.oid, schedule.plan(now()), None)
}

/// `maintenance.remove_refresh_policy`
#[pg_extern(sql = false)]
fn remove_refresh_policy(matview: Option<Oid>) -> Result<(), ErrorReport> {
    let view = owned_view(required(matview, "matview")?)?;
    existing(&view)?;
    registry::write(
        "DELETE FROM maintenance.refresh_policies WHERE matview = $1",
        &[view.oid.into()],
    )?;
    registry::write(
        "DELETE FROM maintenance.state WHERE kind = 'refresh' AND relation = $1",
        &[view.oid.into()],
    )?;
    Ok(())
}

fn existing(view: &View) -> Result<Stored, ErrorReport> {
    let stored = stored(Some(view.oid))?.into_iter().next();
    stored.ok_or_else(|| Error::NoPolicy(view.name.clone(), "refresh").into())
}

fn check(view: &View, settings: &Settings) -> Result<(Schedule, CatchUp), ErrorReport> {
    let parsed = settings.check()?;
    if settings.concurrently == Some(true) && !view.unique {
        return Err(Error::NotConcurrent(view.name.clone()).into());
    }
    Ok(parsed)
}

fn arguments(matview: Oid, settings: &Settings) -> [pgrx::datum::DatumWithOid<'_>; 7] {
    [
        matview.into(),
        settings.schedule.as_str().into(),
        settings.concurrently.into(),
        settings.only_if_changed.into(),
        settings.time_zone.as_str().into(),
        settings.catch_up.as_str().into(),
        settings.max_runtime.into(),
    ]
}

fn now() -> Timestamp {
    timestamp(crate::key::now()).unwrap_or(Timestamp::MAX)
}

/// Stores when a policy runs next, and the write counters that its view was last refreshed at where they are new.
fn store_plan(matview: Oid, planned: Planned, counters: Option<&str>) -> Result<(), ErrorReport> {
    let at = |instant| TimestampWithTimeZone::try_from(position(instant)).ok();
    registry::write(
        "INSERT INTO maintenance.state AS s (kind, relation, scheduled_at, next_run, counters)
         VALUES ('refresh', $1, $2, $3, $4)
         ON CONFLICT (kind, relation) DO UPDATE
             SET scheduled_at = excluded.scheduled_at, next_run = excluded.next_run,
                 counters = COALESCE(excluded.counters, s.counters)",
        &[matview.into(), at(planned.from).into(), at(planned.next).into(), counters.into()],
    )?;
    Ok(())
}

/// How the refresh of one view ended.
struct Line {
    matview: Oid,
    outcome: &'static str,
    took: Option<Duration>,
    rows: Option<i64>,
    error: Option<String>,
}

impl Line {
    fn bare(matview: Oid, outcome: &'static str) -> Self {
        Self { matview, outcome, took: None, rows: None, error: None }
    }

    #[allow(clippy::type_complexity)]
    fn columns(self) -> (Oid, String, Option<Interval>, Option<i64>, Option<String>) {
        let took = self.took.map(|took| Interval::from_micros(took.as_micros() as i64));
        (self.matview, self.outcome.to_owned(), took, self.rows, self.error)
    }
}

/// `maintenance.refresh_materialized_views`
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn refresh_materialized_views(
    only_due: Option<bool>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(matview, Oid),
            name!(outcome, String),
            name!(duration, Option<Interval>),
            name!(rows, Option<i64>),
            name!(error, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let only_due = required(only_due, "only_due")?;
    registry::forget_dropped()?;
    let mut policies = stored(None)?;
    policies.retain(|s| pg_ext_core::identity::may_act_for(s.view.owner));
    let mut lines = vec![];
    for matview in by_dependency(&policies.iter().map(|s| s.view.oid).collect::<Vec<_>>())? {
        pgrx::check_for_interrupts!();
        lines.extend(run_one(matview, only_due, None)?.0);
    }
    Ok(TableIterator::new(lines.into_iter().map(Line::columns)))
}

/// `maintenance.refresh_all_materialized_views`
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn refresh_all_materialized_views() -> Result<
    TableIterator<
        'static,
        (
            name!(matview, Oid),
            name!(outcome, String),
            name!(duration, Option<Interval>),
            name!(rows, Option<i64>),
            name!(error, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let sql = format!(
        "SELECT {VIEW_COLUMNS} FROM pg_catalog.pg_class c {VIEW_JOINS}
         WHERE c.relkind = 'm' AND c.relispopulated ORDER BY n.nspname, c.relname"
    );
    let mut views = latest(|| pg_ext_core::spi::select(&sql, &[], |row| view_of(&row)))?;
    views.retain(|view| pg_ext_core::identity::may_act_for(view.owner));
    let mut lines = vec![];
    for matview in by_dependency(&views.iter().map(|view| view.oid).collect::<Vec<_>>())? {
        pgrx::check_for_interrupts!();
        let Some(view) = views.iter().find(|view| view.oid == matview) else { continue };
        let (attempt, rows) = refresh(view, view.unique, None, None);
        lines.push(line(matview, &attempt, rows));
    }
    Ok(TableIterator::new(lines.into_iter().map(Line::columns)))
}

fn line(matview: Oid, attempt: &Attempt, rows: Option<i64>) -> Line {
    Line {
        matview,
        outcome: attempt.outcome(),
        took: Some(attempt.took),
        rows,
        error: attempt.result.as_ref().err().map(describe),
    }
}

/// The views that the worker has to look at now, in the order in which they depend on each other.
pub fn due() -> Result<Vec<Oid>, ErrorReport> {
    let now = now();
    let due: Vec<Oid> = stored(None)?
        .into_iter()
        .filter(|stored| {
            if stored.failures > 0 {
                return !stored.waiting;
            }
            // A policy that cannot be read fails in its run, which reports it.
            let parsed = subtransaction::run(|| stored.settings.check().unwrap_or_report());
            let Ok((schedule, catch_up)) = parsed else {
                return true;
            };
            schedule.verdict(stored.planned, catch_up, now) != Verdict::Wait
        })
        .map(|stored| stored.view.oid)
        .collect();
    by_dependency(&due)
}

/// Runs the policy of one view, if it has one: with `only_due`, when it is due and only if its tables changed.
/// What to tell the caller, and what was tried.
fn run_one(
    matview: Oid,
    only_due: bool,
    lock_timeout: Option<&str>,
) -> Result<(Option<Line>, Option<Run>), ErrorReport> {
    if !try_lock(matview) {
        let error = Some("another session is refreshing this view".into());
        return Ok((Some(Line { error, ..Line::bare(matview, "skipped") }), None));
    }
    let Some(stored) = stored(Some(matview))?.into_iter().next() else { return Ok((None, None)) };
    let Stored { view, settings, failures, waiting, planned, counters: before } = stored;
    if only_due && failures > 0 && waiting {
        return Ok((None, None));
    }
    let started = Instant::now();
    let parsed = subtransaction::run(|| settings.check().unwrap_or_report());
    let (schedule, catch_up) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let took = started.elapsed();
            let attempt = Attempt {
                action: "plan".into(),
                object: None,
                result: Err(error),
                took,
                rows: None,
            };
            return finish(&view, failures, attempt, None);
        }
    };
    if only_due && failures == 0 {
        match schedule.verdict(planned, catch_up, now()) {
            Verdict::Wait => return Ok((None, None)),
            Verdict::Replan(planned) => {
                store_plan(matview, planned, None)?;
                return Ok((None, None));
            }
            Verdict::Run => {}
        }
    }
    // Read before the refresh takes its snapshot: what it does not see is counted later, and refreshed again.
    let counted = counters(matview)?;
    if only_due
        && settings.only_if_changed
        && failures == 0
        && view.populated
        && counted.is_some()
        && counted == before
    {
        store_plan(matview, schedule.after_run(planned, now()), None)?;
        return Ok((Some(Line::bare(matview, "unchanged")), None));
    }
    let concurrently = settings.concurrently.unwrap_or(view.unique) && view.populated;
    let (attempt, rows) = refresh(&view, concurrently, lock_timeout, settings.max_runtime_ms()?);
    // An empty text is equal to no counters, so that what is unknown counts as changed.
    let counted = if attempt.result.is_ok() { counted.unwrap_or_default() } else { String::new() };
    store_plan(matview, schedule.after_run(planned, now()), Some(&counted))?;
    finish(&view, failures, attempt, rows)
}

/// Records what was tried.
fn finish(
    view: &View,
    failures: i32,
    attempt: Attempt,
    rows: Option<i64>,
) -> Result<(Option<Line>, Option<Run>), ErrorReport> {
    let name = qualified(&view.schema, &view.name);
    record(Kind::Refresh, view.oid, &name, failures, std::slice::from_ref(&attempt))?;
    let line = line(view.oid, &attempt, rows);
    Ok((Some(line), Some(Run { name, failures, attempts: vec![attempt], pending: vec![] })))
}

/// Runs the policy of one view the way the worker does: when it is due, and giving up soon on a lock.
/// None if nothing was tried.
pub fn run_due(matview: Oid) -> Result<Option<Run>, ErrorReport> {
    run_one(matview, true, Some(LOCK_TIMEOUT)).map(|(_, run)| run)
}

/// Refreshes a view as its owner. The rows that were written: all of the view's, or those that changed if concurrently.
fn refresh(
    view: &View,
    concurrently: bool,
    lock_timeout: Option<&str>,
    max_runtime_ms: Option<i32>,
) -> (Attempt, Option<i64>) {
    let name = qualified(&view.schema, &view.name);
    let how = if concurrently { "CONCURRENTLY " } else { "" };
    let started = Instant::now();
    let work = || {
        // Not a restricted operation as a whole, since REFRESH CONCURRENTLY makes a temporary table; REFRESH runs
        // the view's query in one by itself.
        let _owner = RunAs::role(view.owner);
        if let Some(timeout) = lock_timeout {
            set("lock_timeout", timeout);
        }
        let before = written(view.oid);
        write(&format!("REFRESH MATERIALIZED VIEW {how}{name}"), &[]).unwrap_or_report();
        written(view.oid) - before
    };
    // Who cancels the worker's query means this refresh; who cancels his own means all of it.
    let means_refresh = || lock_timeout.is_some() || Deadline::expired();
    let deadline = Deadline::start(max_runtime_ms);
    let result = deadline.watch(|| subtransaction::run_cancelable_if(work, means_refresh));
    drop(deadline);
    let rows = result.as_ref().ok().copied();
    let attempt = Attempt {
        action: if concurrently { "refresh concurrently" } else { "refresh" }.into(),
        object: Some(name),
        result: result.map(|_| ()),
        took: started.elapsed(),
        rows,
    };
    (attempt, rows)
}

/// Rows that this session has written to a relation and not yet reported to the statistics: to be read twice and compared.
fn written(relation: Oid) -> i64 {
    select_first(
        "SELECT pg_catalog.pg_stat_get_xact_tuples_inserted($1) + pg_catalog.pg_stat_get_xact_tuples_deleted($1)",
        &[relation.into()],
        |row| row.get::<i64>(1),
    )
    .unwrap_or_report()
    .flatten()
    .unwrap_or(0)
}
