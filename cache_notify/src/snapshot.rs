//! `cache_notify.read_snapshot`: which transactions the values that a statement reads come from.
//!
//! `pg_current_snapshot` says that on a primary. On a standby it leaves out the transactions that are in progress: there the
//! server keeps them where it keeps subtransactions (GetSnapshotData in procarray.c), and the function does not look there.

use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CString;
use std::fmt::Write;

/// What PG_FUNCTION_INFO_V1 declares in C.
#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_read_snapshot() -> &'static pg_sys::Pg_finfo_record {
    const RECORD: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &RECORD
}

/// Written by hand, since pgrx has no type for pg_snapshot.
///
/// # Safety
/// Called by the server, as a function without arguments that returns pg_snapshot.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn read_snapshot(_call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: a statement that calls functions has a snapshot, whose lists have the lengths it says.
    let (xmin, xmax, mut running, next) = unsafe {
        let snapshot = &*pg_sys::GetActiveSnapshot();
        let (list, count) = if snapshot.takenDuringRecovery {
            (snapshot.subxip, usize::try_from(snapshot.subxcnt).unwrap_or(0))
        } else {
            (snapshot.xip, snapshot.xcnt as usize)
        };
        let running = if count == 0 { &[] } else { std::slice::from_raw_parts(list, count) };
        let next = pg_sys::ReadNextFullTransactionId().value;
        (snapshot.xmin, snapshot.xmax, running.to_vec(), next)
    };
    let (xmin, xmax) = (widen(xmin.into_inner(), next), widen(xmax.into_inner(), next));
    let mut running: Vec<u64> =
        running.drain(..).map(|xid| widen(xid.into_inner(), next)).collect();
    running.retain(|xid| (xmin..xmax).contains(xid));
    running.sort_unstable();
    running.dedup();
    let text = CString::new(text(xmin, xmax, &running)).unwrap_or_default();
    // SAFETY: the input function of the type that is returned, with the text it takes.
    unsafe {
        pgrx::direct_function_call_as_datum(
            pg_sys::pg_snapshot_in,
            &[Some(pg_sys::Datum::from(text.as_ptr()))],
        )
    }
    .unwrap_or(pg_sys::Datum::from(0_usize))
}

/// A transaction id with its epoch, known that it is not beyond the next one to be given.
fn widen(xid: u32, next: u64) -> u64 {
    let same_epoch = next & !0xFFFF_FFFF | u64::from(xid);
    if same_epoch > next { same_epoch.saturating_sub(1 << 32) } else { same_epoch }
}

/// As pg_snapshot is written: `xmin:xmax:running,..`.
fn text(xmin: u64, xmax: u64, running: &[u64]) -> String {
    let mut text = format!("{xmin}:{xmax}:");
    for (i, xid) in running.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{xid}");
    }
    text
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn an_id_gets_the_epoch_it_can_have() {
        assert_eq!(widen(5, 7), 5);
        assert_eq!(widen(7, 7), 7);
        assert_eq!(widen(5, 3 << 32 | 7), 3 << 32 | 5);
        assert_eq!(widen(0xFFFF_FFFE, 3 << 32 | 7), 2 << 32 | 0xFFFF_FFFE);
    }

    #[test]
    fn snapshots_are_written_as_the_type_reads_them() {
        assert_eq!(text(3, 3, &[]), "3:3:");
        assert_eq!(text(3, 9, &[3, 7]), "3:9:3,7");
    }
}

#[cfg(feature = "pg_test")]
#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn on_a_primary_it_is_the_current_snapshot() {
        // Tests run side by side, so there are transactions in progress.
        assert_eq!(
            Spi::get_one(
                "SELECT cache_notify.read_snapshot()::text = pg_current_snapshot()::text
                    AND NOT pg_visible_in_snapshot(pg_current_xact_id(), cache_notify.read_snapshot())"
            ),
            Ok(Some(true))
        );
    }
}
