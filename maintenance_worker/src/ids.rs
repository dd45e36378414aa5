//! The signatures for ranges of ids, and those that take a bare literal and find out what it is meant to be.
//!
//! SQL cannot tell whether `'1 day'` without a type is an interval or a bigint. It takes it for text where there is a
//! function for that.

use crate::error::Error;
use crate::partition::{add, create, given, outcomes, owned, required};
use crate::registry::{Settings, table};
use pg_ext_core::spi::select_first;
use pgrx::datum::{FromDatum, Interval, IntoDatum, TimestampWithTimeZone};
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// `maintenance.add_partition_policy(regclass, bigint, ..)`
#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn add_partition_policy_ids(
    parent: Option<Oid>,
    period: Option<i64>,
    premake: Option<i32>,
    retention: Option<i64>,
    on_expiry: Option<String>,
    unlogged: Option<bool>,
    lock_timeout: Option<Interval>,
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
    let zone = Some(Settings::by_default().time_zone);
    let settings = Settings {
        id_period: Some(required(period, "period")?),
        id_retention: retention,
        ..given(premake, on_expiry, unlogged, zone, lock_timeout, max_runtime)?
    };
    Ok(outcomes(add(required(parent, "parent")?, &settings)?))
}

/// `maintenance.add_partition_policy(regclass, text, ..)`
#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn add_partition_policy_text(
    parent: Option<Oid>,
    period: Option<String>,
    premake: Option<i32>,
    retention: Option<String>,
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
    let parent = required(parent, "parent")?;
    let period = required(period, "period")?;
    let mut settings = given(premake, on_expiry, unlogged, time_zone, lock_timeout, max_runtime)?;
    // An integer is counted by a number of ids, unless it says that it holds a time.
    let ids = if table(parent)?.has_integer_key() && epoch.is_none() {
        period.trim().parse::<i64>().ok()
    } else {
        None
    };
    if ids.is_some() {
        settings.id_period = ids;
        settings.id_retention = retention.as_deref().map(|text| cast(text, "int8")).transpose()?;
    } else {
        settings.period = Some(cast(&period, "interval")?);
        settings.retention = retention.as_deref().map(|text| cast(text, "interval")).transpose()?;
    }
    settings.epoch = epoch;
    Ok(outcomes(add(parent, &settings)?))
}

/// `maintenance.create_partitions(regclass, bigint, bigint)`
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn create_partitions_ids(
    parent: Option<Oid>,
    range_start: Option<i64>,
    range_end: Option<i64>,
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
    let start = required(range_start, "range_start")?;
    let end = required(range_end, "range_end")?;
    Ok(outcomes(create(stored, start, end, true)?))
}

/// `maintenance.create_partitions(regclass, text, text)`
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn create_partitions_text(
    parent: Option<Oid>,
    range_start: Option<String>,
    range_end: Option<String>,
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
    let start = required(range_start, "range_start")?;
    let end = required(range_end, "range_end")?;
    let by_ids = stored.settings.id_period.is_some();
    let position = |text: &str| -> Result<i64, ErrorReport> {
        if by_ids {
            cast(text, "int8")
        } else {
            cast::<TimestampWithTimeZone>(text, "timestamptz").map(i64::from)
        }
    };
    let (start, end) = (position(&start)?, position(&end)?);
    Ok(outcomes(create(stored, start, end, by_ids)?))
}

/// A text as a value of one of the server's types, with the server's error where it is none.
pub fn cast<T: FromDatum + IntoDatum>(
    text: &str,
    type_name: &'static str,
) -> Result<T, ErrorReport> {
    let sql = format!("SELECT $1::pg_catalog.{type_name}");
    select_first(&sql, &[text.into()], |row| row.get::<T>(1))?
        .flatten()
        .ok_or_else(|| Error::NullArgument(type_name).into())
}
