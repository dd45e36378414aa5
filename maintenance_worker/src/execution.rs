//! Runs the steps of policies, so that one that fails takes no other along.

use crate::deadline::Deadline;
use crate::default_rows;
use crate::history::Attempt;
use crate::partition::partitions_of;
use crate::plan::Step;
use crate::registry::{self, Policy, latest};
use pg_ext_core::identity::{RunAs, set};
use pg_ext_core::spi::{select_kept, write};
use pg_ext_core::subtransaction::{self, Caught};
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How many steps share a subtransaction.
///
/// The end of a subtransaction looks at every lock and every new file of its transaction: with one for each step, ten
/// thousand partitions in one transaction would take minutes for that alone.
const TOGETHER: usize = 256;

/// A step, and which of the jobs it belongs to.
struct Task<'a> {
    job: usize,
    policy: &'a Policy,
    step: Step,
}

/// What became of the steps of a policy.
#[derive(Default)]
pub struct Done {
    pub attempts: Vec<Attempt>,
    /// The creations that rows of the default partition are in the way of: see [`execute_pending`].
    pub pending: Vec<Step>,
}

/// Runs the steps of one policy.
pub fn execute(policy: &Policy, steps: Vec<Step>) -> Done {
    execute_all(vec![(Some(policy), steps)]).pop().unwrap_or_default()
}

/// Runs the steps of several policies, each as the owner of its table. What became of them, policy by policy.
///
/// After a step that could not get a lock, the rest of that policy is left for later: it would wait for the same lock
/// just as long.
pub fn execute_all(jobs: Vec<(Option<&Policy>, Vec<Step>)>) -> Vec<Done> {
    let mut done: Vec<Done> = jobs.iter().map(|_| Done::default()).collect();
    let mut tasks = vec![];
    for (job, (policy, steps)) in jobs.into_iter().enumerate() {
        let Some(policy) = policy else { continue };
        if policy.max_runtime_ms.is_some() {
            done[job] = execute_limited(policy, steps);
        } else {
            tasks.extend(steps.into_iter().map(|step| Task { job, policy, step }));
        }
    }
    let mut locked_out = HashSet::new();
    for some in tasks.chunks(TOGETHER) {
        run(&some.iter().collect::<Vec<_>>(), &mut locked_out, &mut done);
    }
    done
}

/// Runs tasks in as few subtransactions as possible: all in one, and where one fails, those before it again in another.
/// No task is done more than twice for the failure of another.
fn run(tasks: &[&Task], locked_out: &mut HashSet<usize>, done: &mut [Done]) {
    let mut tasks = tasks.to_vec();
    loop {
        tasks.retain(|task| !locked_out.contains(&task.job));
        let Err((failed, error, took)) = together(&tasks, done) else { return };
        run(&tasks[..failed], locked_out, done);
        let Task { job, step, .. } = tasks[failed];
        if error.sqlstate == "55P03" {
            locked_out.insert(*job);
        }
        if default_rows::in_the_way(step, &error.sqlstate) {
            done[*job].pending.push(step.clone());
        } else {
            done[*job].attempts.push(attempt(step, Err(error), took));
        }
        tasks.drain(..=failed);
    }
}

/// Runs the steps of a policy with a `max_runtime`: each in a subtransaction of its own, so that what was done before the
/// time was over stays.
fn execute_limited(policy: &Policy, steps: Vec<Step>) -> Done {
    let deadline = Deadline::start(policy.max_runtime_ms);
    let mut done = Done::default();
    for step in steps {
        pgrx::check_for_interrupts!();
        let started = Instant::now();
        let work = || {
            let _owner = RunAs::owner(policy.table.owner);
            set("lock_timeout", &policy.lock_timeout_ms.to_string());
            carry_out(policy, &step).unwrap_or_report();
        };
        let result = deadline.watch(|| subtransaction::run_cancelable_if(work, Deadline::expired));
        let enough =
            Deadline::expired() || matches!(&result, Err(error) if error.sqlstate == "55P03");
        match result {
            Err(error) if default_rows::in_the_way(&step, &error.sqlstate) => {
                done.pending.push(step);
            }
            result => {
                let result = result.map(|()| None);
                done.attempts.push(attempt(&step, result, started.elapsed()));
            }
        }
        if enough {
            break;
        }
    }
    done
}

fn attempt(step: &Step, result: Result<Option<i64>, Caught>, took: Duration) -> Attempt {
    Attempt {
        action: step.action.name().into(),
        object: Some(step.partition.clone()),
        rows: result.as_ref().ok().copied().flatten(),
        result: result.map(drop).map_err(with_hint),
        took,
    }
}

/// Runs tasks in one subtransaction. On an error nothing is done: which task it was, and how long that took.
fn together(tasks: &[&Task], done: &mut [Done]) -> Result<(), (usize, Caught, Duration)> {
    if tasks.is_empty() {
        return Ok(());
    }
    let took = RefCell::new(Vec::with_capacity(tasks.len()));
    let started = Cell::new(Instant::now());
    let result = subtransaction::run(|| {
        for job in tasks.chunk_by(|a, b| a.job == b.job) {
            let policy = job[0].policy;
            let _owner = RunAs::owner(policy.table.owner);
            set("lock_timeout", &policy.lock_timeout_ms.to_string());
            for task in job {
                pgrx::check_for_interrupts!();
                started.set(Instant::now());
                carry_out(policy, &task.step).unwrap_or_report();
                took.borrow_mut().push(started.get().elapsed());
            }
        }
    });
    let took = took.into_inner();
    if let Err(error) = result {
        return Err((took.len(), error, started.get().elapsed()));
    }
    for (task, took) in tasks.iter().zip(took) {
        done[task.job].attempts.push(attempt(&task.step, Ok(None), took));
    }
    Ok(())
}

/// Creates partitions together with the rows that the default partition holds of them, each in a subtransaction of its own.
/// Each locks the table for a moment, in a caller's transaction up to its end.
pub fn execute_pending(policy: &Policy, steps: Vec<Step>) -> Vec<Attempt> {
    let mut attempts = Vec::with_capacity(steps.len());
    let deadline = Deadline::start(policy.max_runtime_ms);
    for step in steps {
        pgrx::check_for_interrupts!();
        let started = Instant::now();
        let work = || {
            let partitions = partitions_of(policy).unwrap_or_report();
            let _owner = RunAs::owner(policy.table.owner);
            set("lock_timeout", &policy.lock_timeout_ms.to_string());
            let rows = default_rows::create(policy, &step, &partitions).unwrap_or_report();
            if step.replica_index {
                replica_index(policy.table.oid, &step.partition).unwrap_or_report();
            }
            rows
        };
        let result = deadline.watch(|| subtransaction::run_cancelable_if(work, Deadline::expired));
        let locked_out = matches!(&result, Err(error) if error.sqlstate == "55P03");
        attempts.push(attempt(&step, result.map(Some), started.elapsed()));
        if locked_out || Deadline::expired() {
            break;
        }
    }
    attempts
}

fn carry_out(policy: &Policy, step: &Step) -> Result<(), ErrorReport> {
    write(&step.ddl, &[])?;
    if step.replica_index {
        replica_index(policy.table.oid, &step.partition)?;
    }
    match step.leftover {
        Some(leftover) => registry::forget_expiring(leftover),
        None => Ok(()),
    }
}

/// Gives a new partition the counterpart of the index that is its parent's replica identity.
fn replica_index(parent: Oid, partition: &str) -> Result<(), ErrorReport> {
    let index = latest(|| {
        select_kept(
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
    match index.into_iter().flatten().next() {
        Some(index) => {
            let sql = format!("ALTER TABLE {partition} REPLICA IDENTITY USING INDEX {index}");
            write(&sql, &[]).map(drop)
        }
        None => Ok(()),
    }
}

/// What to do about the errors that a table's state may cause, where the server gives no hint of its own.
pub fn with_hint(mut error: Caught) -> Caught {
    if error.hint.is_none() {
        error.hint = match error.sqlstate.as_str() {
            "55P03" => Some("It is tried again; a long transaction holds the table."),
            "23514" => Some("Rows of this range break a CHECK constraint, or lie in a default partition that they cannot be moved out of."),
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
