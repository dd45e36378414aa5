//! Taking over a partition set from pg_partman.

use crate::error::Error;
use crate::front::front;
use crate::ids::cast;
use crate::partition::{partitions_of, planned, register, required};
use crate::registry::{Partition, Policy, Settings, Table, latest, table};
use pg_ext_core::identity::RunAs;
use pg_ext_core::spi::{select, select_first, write};
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;

/// What pg_partman knows about a set. Read by name from the row's JSON form: its versions have different columns.
struct Config {
    partition_type: String,
    control: String,
    interval: String,
    premake: i32,
    epoch: Option<String>,
    retention: Option<String>,
    retention_schema: Option<String>,
    keep_table: bool,
    keep_index: bool,
    constraint_cols: bool,
    publications: bool,
    encoder: Option<String>,
    undo: bool,
    sub_partitioned: bool,
    /// What the template table of the set adds to new partitions.
    template_unlogged: bool,
    template_indexes: bool,
}

/// `maintenance.adopt_partman`: registers the policy, removes the set from pg_partman, and returns what the first run
/// will do. Touches no partition.
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn adopt_partman(
    parent: Option<Oid>,
    time_zone: Option<String>,
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
    let parent = required(parent, "parent")?;
    let table = table(parent)?;
    table.check_owner()?;
    let schema = latest(|| {
        select_first(
            "SELECT n.nspname::text FROM pg_catalog.pg_extension e
             JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_partman'",
            &[],
            |row| row.get::<String>(1),
        )
    })?;
    let schema = quote_identifier(schema.flatten().ok_or(Error::NoPartman)?);
    // The lock of pg_partman's maintenance: a run that is under way ends first, and none begins before we have.
    select_first(
        "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('pg_partman run_maintenance'))",
        &[],
        |_| Ok(()),
    )?;
    let keeper = keeper(&schema)?;
    let config = {
        let _keeper = RunAs::owner(keeper);
        config(&schema, &table)?.ok_or_else(|| Error::NotPartman(table.name.clone()))?
    };
    let policy = translate(&table, &config, time_zone)?;
    {
        let _keeper = RunAs::owner(keeper);
        write(
            &format!("DELETE FROM {schema}.part_config WHERE parent_table = $1"),
            &[partman_name(&table).into()],
        )?;
    }
    let rows = planned(&policy)?;
    Ok(TableIterator::new(
        rows.into_iter().map(move |s| {
            (parent, s.action.name().to_owned(), s.partition, s.lower, s.upper, s.ddl)
        }),
    ))
}

/// The owner of pg_partman's tables, as whom they are read and written: he need not be a superuser, and code that he has
/// put on them is not to run with the caller's rights. The caller must be allowed to do it himself.
fn keeper(schema: &str) -> Result<Oid, ErrorReport> {
    let found = latest(|| {
        select_first(
            "SELECT c.relowner, pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
             FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)",
            &[format!("{schema}.part_config").into()],
            |row| Ok((row.get::<Oid>(1)?, row.get::<bool>(2)?)),
        )
    })?;
    match found {
        Some((Some(owner), Some(true))) => Ok(owner),
        Some(_) => Err(Error::PartmanRights.into()),
        None => Err(Error::NoPartman.into()),
    }
}

/// How pg_partman writes a table's name: nothing is quoted.
fn partman_name(table: &Table) -> String {
    format!("{}.{}", table.schema, table.name)
}

fn config(schema: &str, table: &Table) -> Result<Option<Config>, ErrorReport> {
    let sql = format!(
        "SELECT c.j ->> 'partition_type', c.j ->> 'control', c.j ->> 'partition_interval',
             (c.j ->> 'premake')::pg_catalog.int4, NULLIF(c.j ->> 'epoch', 'none'), c.j ->> 'retention',
             c.j ->> 'retention_schema', (c.j ->> 'retention_keep_table')::pg_catalog.bool,
             (c.j ->> 'retention_keep_index')::pg_catalog.bool, c.j ->> 'constraint_cols' IS NOT NULL,
             c.j ->> 'publications' IS NOT NULL, c.j ->> 'time_encoder', (c.j ->> 'undo_in_progress')::pg_catalog.bool,
             EXISTS (SELECT FROM {schema}.part_config_sub s WHERE s.sub_parent = $1)
                 OR (SELECT p.relispartition FROM pg_catalog.pg_class p WHERE p.oid = $2)
                 OR EXISTS (SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhrelid
                            WHERE i.inhparent = $2 AND p.relkind = 'p'),
             COALESCE(t.relpersistence = 'u', false),
             EXISTS (SELECT FROM pg_catalog.pg_index i
                     WHERE i.indrelid = t.oid AND i.indisvalid AND NOT EXISTS (
                         SELECT FROM pg_catalog.pg_index o
                         WHERE o.indrelid = $2 AND o.indisunique = i.indisunique
                           AND pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(o.indexrelid), '^.*? USING ', '')
                             = pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.*? USING ', '')))
         FROM (SELECT pg_catalog.to_jsonb(c) AS j FROM {schema}.part_config c WHERE c.parent_table = $1) c
         LEFT JOIN (pg_catalog.pg_class t JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace)
             ON pg_catalog.concat(n.nspname, '.', t.relname) = c.j ->> 'template_table'"
    );
    latest(|| {
        select_first(&sql, &[partman_name(table).into(), table.oid.into()], |row| {
            let text = |at| row.get::<String>(at);
            let flag = |at| row.get::<bool>(at).map(|flag| flag.unwrap_or(false));
            Ok(Config {
                partition_type: text(1)?.unwrap_or_default(),
                control: text(2)?.unwrap_or_default(),
                interval: text(3)?.unwrap_or_default(),
                premake: row.get::<i32>(4)?.unwrap_or(4),
                epoch: text(5)?,
                retention: text(6)?,
                retention_schema: text(7)?,
                keep_table: row.get::<bool>(8)?.unwrap_or(true),
                keep_index: row.get::<bool>(9)?.unwrap_or(true),
                constraint_cols: flag(10)?,
                publications: flag(11)?,
                encoder: text(12)?,
                undo: flag(13)?,
                sub_partitioned: flag(14)?,
                template_unlogged: flag(15)?,
                template_indexes: flag(16)?,
            })
        })
    })
}

/// Registers what `config` says as a policy, if a policy can say it.
fn translate(
    table: &Table,
    config: &Config,
    time_zone: Option<String>,
) -> Result<Policy, ErrorReport> {
    let refused = |reason: &str, hint: &str| -> ErrorReport {
        Error::Partman { table: table.name.clone(), reason: reason.into(), hint: hint.into() }
            .into()
    };
    // Version 4 calls declarative partitioning native, version 5 has no other and says range or list.
    if !matches!(config.partition_type.as_str(), "native" | "range") {
        return Err(refused(
            &format!("its type is \"{}\"", config.partition_type),
            "Only sets that are PARTITION BY RANGE can be taken over. Move one that is kept by triggers to a \
             partitioned table first.",
        ));
    }
    if config.sub_partitioned {
        return Err(refused(
            "it is part of a set with sub-partitions",
            "Only sets of one level can be taken over. Leave this one to pg_partman.",
        ));
    }
    if config.undo {
        return Err(refused(
            "pg_partman is undoing its partitioning",
            "Let undo_partition() come to its end, or reset undo_in_progress in part_config.",
        ));
    }
    if config.constraint_cols {
        return Err(refused(
            "constraint_cols is set",
            "Old partitions would get no further constraints. Set it to NULL in part_config if that is all right.",
        ));
    }
    if config.publications {
        return Err(refused(
            "publications is set",
            "Publish the partitioned table itself, with publish_via_partition_root, and set it to NULL in part_config.",
        ));
    }
    if config.template_indexes {
        return Err(refused(
            "its template table has indexes which the table itself has not",
            "New partitions get the indexes of the table. Create them there, or drop them from the template table.",
        ));
    }
    if config.retention.is_some() && config.retention_schema.is_some() {
        return Err(refused(
            "retention_schema is set",
            "Expired partitions are dropped or stay where they are. Set it to NULL in part_config if that is all right.",
        ));
    }
    if config.retention.is_some() && config.keep_table && !config.keep_index {
        return Err(refused(
            "retention_keep_index is off",
            "Detached partitions keep their indexes. Set it to true in part_config if that is all right.",
        ));
    }
    if let Some(encoder) = &config.encoder
        && !encoder.ends_with(".uuid7_time_encoder")
        && encoder != "uuid7_time_encoder"
    {
        return Err(refused(
            &format!("its keys are encoded by \"{encoder}\""),
            "Only keys of type uuid with pg_partman's uuid7_time_encoder can be taken over.",
        ));
    }
    let epoch = match config.epoch.as_deref() {
        None => None,
        Some("seconds") => Some("s".to_owned()),
        Some("milliseconds") => Some("ms".to_owned()),
        Some(other) => {
            return Err(refused(
                &format!("its epoch is \"{other}\""),
                "Keys that hold seconds or milliseconds can be taken over.",
            ));
        }
    };
    if table.key_reference("") != quote_identifier(&config.control) {
        return Err(refused(
            &format!("its control column \"{}\" is not the partition key", config.control),
            "Only sets whose partition key is the control column itself can be taken over.",
        ));
    }
    let mut settings = Settings {
        premake: config.premake,
        on_expiry: if config.keep_table { "detach" } else { "drop" }.into(),
        // pg_partman takes that from the template, not from the table.
        unlogged: if config.template_unlogged {
            Some(true)
        } else {
            table.is_unlogged().then_some(false)
        },
        ..Settings::by_default()
    };
    let retention = config.retention.as_deref();
    if table.has_integer_key() && epoch.is_none() {
        settings.id_period = Some(cast(&config.interval, "int8")?);
        settings.id_retention = retention.map(|text| cast(text, "int8")).transpose()?;
    } else {
        settings.period = Some(cast(&config.interval, "interval")?);
        settings.retention = retention.map(|text| cast(text, "interval")).transpose()?;
    }
    settings.epoch = epoch;
    let zones = match time_zone {
        Some(zone) => vec![zone],
        None => zones()?,
    };
    let (last, others) = zones.split_last().map_or((None, &[][..]), |(l, o)| (Some(l), o));
    for zone in others.iter().chain(last) {
        settings.time_zone.clone_from(zone);
        let policy = match Policy::new(table.clone(), &settings) {
            Ok(policy) => policy,
            // The session's zone may be one without a name in the files; the others are still to be tried.
            Err(Error::TimeZone(_)) if Some(zone) != last => continue,
            Err(error) => return Err(error.into()),
        };
        if fits(&policy)? {
            register(table.oid, &settings)?;
            return Ok(policy);
        }
    }
    Err(refused(
        &format!("its bounds do not lie on whole periods in time zone {}", zones.join(" or ")),
        "Pass time_zone if its partitions were made in another one. Periods begin where the calendar has them: weeks on \
         Monday, quarters in January, ids at multiples of the period.",
    ))
}

/// The time zones in which pg_partman may have made the partitions: it takes that of the session that runs it.
fn zones() -> Result<Vec<String>, ErrorReport> {
    let mut zones = select(
        "SELECT unnest(ARRAY[setting, reset_val]) FROM pg_catalog.pg_settings WHERE name = 'TimeZone'",
        &[],
        |row| row.get::<String>(1),
    )?
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    // Names of UTC that the files of zones do not all have.
    for zone in &mut zones {
        if matches!(zone.to_ascii_uppercase().as_str(), "UTC" | "ETC/UTC" | "GMT" | "ETC/GMT") {
            *zone = "UTC".into();
        }
    }
    zones.push("UTC".into());
    zones.dedup();
    Ok(zones)
}

/// Whether the partitions from now on begin and end where those of the policy would.
fn fits(policy: &Policy) -> Result<bool, ErrorReport> {
    let partitions = partitions_of(policy)?;
    let here = front(policy, &partitions)?.create;
    let here = policy.key.locate(here, &policy.zone).map_err(Error::from)?;
    let ranges: Vec<_> = partitions.iter().filter_map(Partition::range).collect();
    let coming = ranges.partition_point(|range| range.upper <= here);
    // Of a set that was left alone for long, at least the last one.
    let coming = coming.min(ranges.len().saturating_sub(1));
    for bound in ranges[coming..].iter().flat_map(|range| [range.lower, range.upper]) {
        let open = bound == i64::MIN || bound == i64::MAX;
        if !open && policy.grid.floor(bound).map_err(Error::from)? != bound {
            return Ok(false);
        }
    }
    Ok(true)
}
