//! The trigger of a shard that is being copied: it notes the keys of the rows that change meanwhile.
//!
//! It runs inside every write to the shard, with the writer's rights, which end at the shard. So it puts its rows into the log
//! without a statement of its own: nobody needs rights on the log for that, and it costs a heap insert. The log is made by
//! the extension and belongs to it; it has no index, constraint or trigger that would have to be served.

use super::Problem;
use pg_ext_core::SqlError;
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::prelude::*;
use std::ffi::{CStr, c_int};

unsafe extern "C-unwind" {
    // Not among pgrx's bindings (utils/datum.h).
    fn datum_image_eq(
        one: pg_sys::Datum,
        other: pg_sys::Datum,
        by_value: bool,
        length: c_int,
    ) -> bool;
}

/// What PG_FUNCTION_INFO_V1 declares in C; a trigger that copies datums needs no tuple of pgrx's.
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_log_change() -> &'static pg_sys::Pg_finfo_record {
    const VERSION_1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &VERSION_1
}

/// `shard_router.log_change()`
///
/// # Safety
/// Called by the server, as a function without arguments that returns `trigger`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn log_change(call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the server passes a valid call; its context is NULL or a node, which begins with its tag, and this tag says
    // what the node is.
    let outcome = unsafe {
        let context = (*call).context;
        if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
            Err(Problem::NotTrigger)
        } else {
            fire(&*context.cast::<pg_sys::TriggerData>())
        }
    };
    if let Err(problem) = outcome {
        problem.report().report(PgLogLevel::ERROR);
    }
    // What an AFTER trigger returns is ignored. A null pointer, not an SQL null, is the way to return no row.
    pg_sys::Datum::from(0_usize)
}

/// # Safety
/// `trigger` must be the `TriggerData` of the present call.
unsafe fn fire(trigger: &pg_sys::TriggerData) -> Result<(), Problem> {
    let event = trigger.tg_event & pg_sys::TRIGGER_EVENT_OPMASK;
    // SAFETY: a trigger's relation is open while it runs, and its name NUL-terminated.
    let (shard, shard_name) = unsafe {
        let relation = trigger.tg_relation;
        let name = CStr::from_ptr((*(*relation).rd_rel).relname.data.as_ptr());
        ((*relation).rd_att, name.to_string_lossy().into_owned())
    };
    if event == pg_sys::TRIGGER_EVENT_TRUNCATE {
        return Err(Problem::Truncate { shard: shard_name });
    }
    // SAFETY: the arguments are NUL-terminated and as many as tgnargs says.
    let log = unsafe {
        let definition = &*trigger.tg_trigger;
        if definition.tgnargs != 1 {
            return Err(Problem::NotTrigger);
        }
        pg_sys::get_relname_relid(
            *definition.tgargs,
            pg_sys::get_namespace_oid(c"shard_router".as_ptr(), true),
        )
    };
    if log == pg_sys::InvalidOid {
        // In a database restored from a dump made meanwhile, where nobody waits for the changes.
        return Ok(());
    }
    // SAFETY: the log exists: it is dropped together with this trigger or after it. An AFTER ROW trigger has its row in
    // tg_trigtuple and an updated row's new version in tg_newtuple, both of the relation's row type.
    unsafe {
        let relation = pg_sys::table_open(log, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE);
        let desc = (*relation).rd_att;
        let columns = columns(desc, shard, &shard_name)?;
        let old = key_of(trigger.tg_trigtuple, shard, &columns);
        insert(relation, desc, &old);
        if event == pg_sys::TRIGGER_EVENT_UPDATE {
            let new = key_of(trigger.tg_newtuple, shard, &columns);
            // Compared byte by byte: keys that differ in form alone cost a row more in the log and nothing else.
            let same = (0..columns.len()).all(|i| {
                let Column { by_value, length, .. } = columns[i];
                pg_guard_ffi_boundary(|| {
                    datum_image_eq(old[i].value, new[i].value, by_value, length.into())
                })
            });
            if !same {
                insert(relation, desc, &new);
            }
        }
        // The lock stays until the transaction ends, as with any write.
        pg_sys::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
    }
    Ok(())
}

/// One column of the key.
struct Column {
    /// Its number in the shard.
    number: i32,
    by_value: bool,
    length: i16,
}

/// The shard's columns of which the log has one each, found by name and checked by type.
///
/// # Safety
/// Both descriptors must be of open relations.
unsafe fn columns(
    log: pg_sys::TupleDesc,
    shard: pg_sys::TupleDesc,
    shard_name: &str,
) -> Result<Vec<Column>, Problem> {
    // SAFETY: as the caller promises; the log's columns are numbered from 1 to natts, and none was ever dropped.
    unsafe {
        (1..=(*log).natts)
            .map(|i| {
                let number = pg_sys::SPI_fnumber(shard, pg_sys::SPI_fname(log, i));
                let type_oid = pg_sys::SPI_gettypeid(log, i);
                if number <= 0 || pg_sys::SPI_gettypeid(shard, number) != type_oid {
                    return Err(Problem::Changed {
                        table: shard_name.to_owned(),
                        what: "a column of its key was renamed or has another type".into(),
                    });
                }
                let (mut length, mut by_value) = (0, false);
                pg_sys::get_typlenbyval(type_oid, &mut length, &mut by_value);
                Ok(Column { number, by_value, length })
            })
            .collect()
    }
}

/// # Safety
/// `tuple` must be of the row type `desc`, which has the columns.
unsafe fn key_of(
    tuple: pg_sys::HeapTuple,
    desc: pg_sys::TupleDesc,
    columns: &[Column],
) -> Vec<pg_sys::NullableDatum> {
    columns
        .iter()
        .map(|column| {
            let mut isnull = false;
            // SAFETY: as the caller promises.
            let value = unsafe { pg_sys::heap_getattr(tuple, column.number, desc, &mut isnull) };
            pg_sys::NullableDatum { value, isnull }
        })
        .collect()
}

/// # Safety
/// `relation` must be open with a lock for writing, and have the columns that `desc` says and no index.
unsafe fn insert(
    relation: pg_sys::Relation,
    desc: pg_sys::TupleDesc,
    key: &[pg_sys::NullableDatum],
) {
    let mut values: Vec<_> = key.iter().map(|datum| datum.value).collect();
    let mut nulls: Vec<_> = key.iter().map(|datum| datum.isnull).collect();
    // SAFETY: as the caller promises; both arrays have a value for each column.
    unsafe {
        let tuple = pg_sys::heap_form_tuple(desc, values.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::simple_heap_insert(relation, tuple);
        pg_sys::heap_freetuple(tuple);
    }
}
