//! The trigger function.

use crate::error::Error;
use crate::payload::Op;
use crate::plan;
use crate::rows::{Recorder, Row};
use crate::transaction;
use pg_ext_core::SqlError;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CStr;

/// What PG_FUNCTION_INFO_V1 declares in C. Written out, since a trigger that reads no tuple needs no tuple of pgrx's.
#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_invalidate_cache() -> &'static pg_sys::Pg_finfo_record {
    const RECORD: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &RECORD
}

/// `cache_notify.invalidate_cache()`: collects the keys of the rows that a statement or a row-level trigger has seen.
///
/// # Safety
/// Called by the server, as a function without arguments that returns `trigger`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn invalidate_cache(call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the server passes a valid call; its context is NULL or a node.
    let context = unsafe { (*call).context };
    // SAFETY: a node begins with its tag, and this tag says what the node is.
    let outcome = unsafe {
        if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
            Err(Error::NotTrigger)
        } else {
            fire(&*context.cast::<pg_sys::TriggerData>())
        }
    };
    if let Err(error) = outcome {
        error.report().report(PgLogLevel::ERROR);
    }
    // What an AFTER trigger returns is ignored. A null pointer, not an SQL null, is the way to return no row.
    pg_sys::Datum::from(0_usize)
}

/// # Safety
/// `trigger` must be the `TriggerData` of the present call.
unsafe fn fire(trigger: &pg_sys::TriggerData) -> Result<(), Error> {
    if trigger.tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK != pg_sys::TRIGGER_EVENT_AFTER {
        // As a BEFORE trigger it would tell of rows that are not written in the end, and might cancel a DELETE.
        return Err(Error::NotAfter { trigger: name(trigger) });
    }
    // SAFETY: as the caller promises.
    let plan = unsafe { plan::of_trigger(trigger) }?;
    let for_each_row = trigger.tg_event & pg_sys::TRIGGER_EVENT_ROW != 0;
    let op = match trigger.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
        pg_sys::TRIGGER_EVENT_INSERT => Op::Insert,
        pg_sys::TRIGGER_EVENT_UPDATE => Op::Update,
        pg_sys::TRIGGER_EVENT_DELETE => Op::Delete,
        _ => Op::Truncate,
    };
    let (old, new) = (trigger.tg_oldtable, trigger.tg_newtable);
    let missing = match op {
        Op::Insert => new.is_null(),
        Op::Delete => old.is_null(),
        Op::Update => old.is_null() || new.is_null(),
        Op::Truncate | Op::Any => false,
    };
    if !for_each_row && missing {
        return Err(Error::NoTransitionTable { trigger: name(trigger), operation: op.name() });
    }
    // SAFETY: an AFTER ROW trigger has its row in tg_trigslot and an updated row's new version in tg_newslot; a statement's
    // transition tables have the row type of the trigger's relation, which is open.
    unsafe {
        let rows = (*trigger.tg_relation).rd_att;
        let count = |table| pg_sys::tuplestore_tuple_count(table);
        match (op, for_each_row) {
            (Op::Truncate | Op::Any, _) => Recorder::new(&plan).all(op),
            (Op::Insert | Op::Delete, true) => {
                Recorder::new(&plan).row(op, Row::new(trigger.tg_trigslot, &plan));
            }
            (Op::Update, true) => {
                let (old, new) =
                    (Row::new(trigger.tg_trigslot, &plan), Row::new(trigger.tg_newslot, &plan));
                Recorder::new(&plan).pair(old, new);
            }
            (Op::Insert, false) if count(new) > 0 => Recorder::new(&plan).table(op, new, rows),
            (Op::Delete, false) if count(old) > 0 => Recorder::new(&plan).table(op, old, rows),
            (Op::Update, false) if count(old) > 0 => Recorder::new(&plan).tables(old, new, rows),
            _ => {}
        }
    }
    transaction::after_trigger();
    Ok(())
}

fn name(trigger: &pg_sys::TriggerData) -> String {
    // SAFETY: the server fills in the definition and its name before it calls a trigger.
    unsafe { CStr::from_ptr((*trigger.tg_trigger).tgname) }.to_string_lossy().into_owned()
}
