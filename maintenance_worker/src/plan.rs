//! What a policy wants done, as DDL.

use crate::coverage::{Range, uncovered};
use crate::error::Error;
use crate::front::Front;
use crate::key::{Bound, Key, MAXVALUE, uuid_text};
use crate::naming::partition_name;
use crate::registry::{Leftover, OnExpiry, Partition, Policy, Template, qualified};
use pgrx::pg_sys::Oid;
use std::collections::HashSet;

/// The most partitions that one call creates for one table.
pub const MAX_PARTITIONS: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Drop,
    Detach,
    /// Ends a DETACH CONCURRENTLY that was interrupted.
    Finalize,
}

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Drop => "drop",
            Self::Detach => "detach",
            Self::Finalize => "finalize",
        }
    }

    /// Whether it makes writers wait while it runs.
    pub fn blocks_writers(self) -> bool {
        matches!(self, Self::Drop | Self::Detach)
    }
}

/// One thing to do for one table.
#[derive(Debug, Clone)]
pub struct Step {
    pub action: Action,
    /// Schema-qualified and quoted.
    pub partition: String,
    pub lower: Option<String>,
    pub upper: Option<String>,
    pub ddl: String,
    /// The end of `ddl` that attaches a new partition.
    pub attach: Option<String>,
    pub replica_index: bool,
    /// What to forget when the step is done.
    pub leftover: Option<Oid>,
    pub concurrent: Option<Concurrent>,
}

/// How an expiry can be done without making writers wait.
#[derive(Debug, Clone)]
pub struct Concurrent {
    pub partition: Oid,
    pub detach: String,
    /// What comes after it, if anything.
    pub drop: Option<String>,
}

/// A partition that is to be made.
pub struct Wanted {
    pub range: Range,
    pub name: String,
}

/// Whether a policy has anything to do: cheaper than [`steps`], for a pass over many tables.
pub fn is_due(
    policy: &Policy,
    partitions: &[Partition],
    leftovers: &[Leftover],
    front: Front,
) -> Result<bool, Error> {
    let window = horizon(policy, front)?;
    Ok(!uncovered(window, &covered(partitions)).is_empty()
        || partitions.iter().any(|p| p.detach_pending)
        || leftovers.iter().any(|l| l.detached)
        || !expired(policy, partitions, front)?.is_empty())
}

/// Everything a run would do now: creations first, since a missing partition hurts and an old one does not.
pub fn steps(
    policy: &Policy,
    partitions: &[Partition],
    leftovers: &[Leftover],
    template: &Template,
    front: Front,
) -> Result<Vec<Step>, Error> {
    let parent = policy.table.qualified();
    let mut steps: Vec<Step> = partitions
        .iter()
        .filter(|p| p.detach_pending)
        .map(|p| {
            let name = p.qualified();
            let ddl = format!("ALTER TABLE {parent} DETACH PARTITION {name} FINALIZE");
            step(policy, Action::Finalize, name, p.range(), ddl)
        })
        .collect::<Result<_, _>>()?;
    for leftover in leftovers.iter().filter(|l| l.detached) {
        let ddl = drop_table(&leftover.name, leftover.foreign);
        let mut step = step(policy, Action::Drop, leftover.name.clone(), None, ddl)?;
        step.leftover = Some(leftover.oid);
        steps.push(step);
    }
    steps.extend(creations(policy, partitions, template, horizon(policy, front)?)?);
    // PostgreSQL refuses DETACH CONCURRENTLY with either of them.
    let concurrently =
        partitions.iter().all(|p| p.bound != Some(Bound::Default) && !p.detach_pending);
    for partition in expired(policy, partitions, front)? {
        let name = partition.qualified();
        let mut ddl = format!("ALTER TABLE {parent} DETACH PARTITION {name}");
        let detach = format!("{ddl} CONCURRENTLY");
        let (action, drop) = match policy.on_expiry {
            OnExpiry::Detach => (Action::Detach, None),
            OnExpiry::Drop => (Action::Drop, Some(drop_table(&name, partition.foreign))),
        };
        if let Some(drop) = &drop {
            ddl += &format!(";\n{drop}");
        }
        let mut step = step(policy, action, name, partition.range(), ddl)?;
        step.concurrent =
            concurrently.then_some(Concurrent { partition: partition.oid, detach, drop });
        steps.push(step);
    }
    Ok(steps)
}

fn drop_table(name: &str, foreign: bool) -> String {
    format!("DROP {} {name}", if foreign { "FOREIGN TABLE" } else { "TABLE" })
}

/// The steps that cover every period which `window` touches, as far as no partition does yet.
pub fn creations(
    policy: &Policy,
    partitions: &[Partition],
    template: &Template,
    window: Range,
) -> Result<Vec<Step>, Error> {
    let parent = policy.table.qualified();
    wanted(policy, partitions, window)?
        .into_iter()
        .map(|Wanted { range, name }| {
            let name = qualified(&policy.table.schema, &name);
            let unlogged = if policy.unlogged { "UNLOGGED " } else { "" };
            // An identity column of the partition would count on its own; the parent's numbers the rows.
            let mut ddl = format!(
                "CREATE {unlogged}TABLE {name} (LIKE {parent} INCLUDING ALL EXCLUDING IDENTITY){}",
                template.options
            );
            for statement in &template.after_create {
                ddl += ";\n";
                ddl += &statement.replacen("%s", &name, 1);
            }
            let (lower, upper) = bounds(policy, partitions, range)?;
            let attach = format!(
                "ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ({}) TO ({})",
                quoted(&lower),
                quoted(&upper)
            );
            ddl += &format!(";\n{attach}");
            let mut step = step(policy, Action::Create, name, Some(range), ddl)?;
            step.attach = Some(attach);
            (step.lower, step.upper) = (Some(lower), Some(upper));
            step.replica_index = template.replica_index;
            Ok(step)
        })
        .collect()
}

/// From the start of the current period to the end of the last one that is kept ready, or that of the key's type.
pub fn horizon(policy: &Policy, front: Front) -> Result<Range, Error> {
    let end = policy.key.span().upper;
    let lower = policy.grid.floor(policy.key.locate(front.create, &policy.zone)?)?;
    let mut upper = lower;
    for _ in 0..=policy.premake {
        if upper >= end {
            break;
        }
        upper = policy.grid.next(upper)?;
    }
    Ok(Range { lower, upper: upper.min(end) })
}

/// Whether the key's type ends before the horizon does: soon nothing can be written any more.
pub fn key_ends(policy: &Policy, front: Front) -> Result<bool, Error> {
    Ok(horizon(policy, front)?.upper >= policy.key.span().upper)
}

/// The parts of the horizon that no partition covers.
pub fn missing(
    policy: &Policy,
    partitions: &[Partition],
    front: Front,
) -> Result<Vec<Range>, Error> {
    Ok(uncovered(horizon(policy, front)?, &covered(partitions)))
}

pub fn wanted(
    policy: &Policy,
    partitions: &[Partition],
    window: Range,
) -> Result<Vec<Wanted>, Error> {
    let (grid, span) = (&policy.grid, policy.key.span());
    let mut taken: HashSet<String> = partitions
        .iter()
        .filter(|p| p.schema == policy.table.schema)
        .map(|p| p.name.clone())
        .collect();
    let mut wanted = vec![];
    // Whole periods, as far as the key's type goes.
    let lower = window.lower.clamp(span.lower, span.upper);
    let upper = window.upper.clamp(span.lower, span.upper);
    if lower >= upper {
        return Ok(wanted);
    }
    let whole = Range {
        lower: grid.floor(lower)?.max(span.lower),
        upper: if grid.floor(upper)? == upper { upper } else { grid.next(upper)?.min(span.upper) },
    };
    for gap in uncovered(whole, &covered(partitions)) {
        let mut lower = gap.lower;
        while lower < gap.upper {
            if wanted.len() == MAX_PARTITIONS {
                return Err(Error::RangeTooLong(MAX_PARTITIONS));
            }
            let range = Range { lower, upper: grid.next(lower)?.min(gap.upper) };
            let name = partition_name(&policy.table.name, grid.period, lower, &grid.zone, &taken)?;
            taken.insert(name.clone());
            wanted.push(Wanted { range, name });
            lower = range.upper;
        }
    }
    Ok(wanted)
}

/// The ranges of the partitions, sorted as [`uncovered`] wants them. One that is being detached still holds its range.
fn covered(partitions: &[Partition]) -> Vec<Range> {
    // An unreadable bound may cover anything.
    if partitions.iter().any(|p| p.bound.is_none()) {
        return vec![Range { lower: i64::MIN, upper: i64::MAX }];
    }
    partitions.iter().filter_map(Partition::range).collect()
}

/// The partitions that are wholly older than the retention.
pub fn expired<'a>(
    policy: &Policy,
    partitions: &'a [Partition],
    front: Front,
) -> Result<Vec<&'a Partition>, Error> {
    let Some(retention) = policy.retention else { return Ok(vec![]) };
    let now = policy.key.locate(front.expire, &policy.zone)?;
    // A retention that reaches back beyond the calendar keeps everything.
    let Ok(cutoff) = policy.grid.before(now, retention) else { return Ok(vec![]) };
    Ok(partitions.iter().filter(|p| !p.detach_pending && p.is_before(cutoff)).collect())
}

fn step(
    policy: &Policy,
    action: Action,
    partition: String,
    range: Option<Range>,
    ddl: String,
) -> Result<Step, Error> {
    // Bounds of adopted partitions may lie outside of the calendar; the text is for people then.
    let text = |at: i64| match at {
        i64::MIN => "MINVALUE".to_owned(),
        i64::MAX => MAXVALUE.to_owned(),
        at => policy.key.literal(at, &policy.grid).unwrap_or_else(|_| at.to_string()),
    };
    Ok(Step {
        action,
        partition,
        lower: range.map(|r| text(r.lower)),
        upper: range.map(|r| text(r.upper)),
        ddl,
        attach: None,
        replica_index: false,
        leftover: None,
        concurrent: None,
    })
}

/// A range as it is written after FROM and TO, but for the quotes. Beside a partition whose bound is a UUID within the
/// millisecond, it is that UUID.
fn bounds(
    policy: &Policy,
    partitions: &[Partition],
    range: Range,
) -> Result<(String, String), Error> {
    let text = |at| policy.key.bound(at, &policy.grid);
    let (mut lower, mut upper) = (text(range.lower)?, text(range.upper)?);
    if policy.key == Key::Uuid {
        for partition in partitions {
            let Some(there) = partition.range() else { continue };
            if let Some(exact) = partition.exact.upper.filter(|_| there.upper == range.lower) {
                lower = uuid_text(exact);
            }
            if let Some(exact) = partition.exact.lower.filter(|_| there.lower == range.upper) {
                upper = uuid_text(exact);
            }
        }
    }
    Ok((lower, upper))
}

fn quoted(bound: &str) -> String {
    if bound == MAXVALUE { bound.into() } else { format!("'{bound}'") }
}
