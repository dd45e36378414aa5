//! `cache_notify.changes_since`: what a consumer has not confirmed, read from its slot without moving it.

use super::consumer::{self, Consumer};
use super::pgoutput::{self, Output};
use super::{publication, wire};
use crate::error::Error;
use crate::payload;
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::ffi::c_int;

/// Rows of decoder output that are fetched at a time.
const ROWS_PER_FETCH: i64 = 1000;
/// A small transaction is three rows of output: its begin, one message, its commit.
const OUTPUT_PER_CHANGE: i32 = 3;
/// A consumer that finds nothing is moved on once it is this far behind: what it has no interest in shall not keep the
/// write-ahead log, and shall not be read again and again.
const IDLE_ADVANCE: u64 = 1024 * 1024;
const COLUMNS: usize = 5;

/// What PG_FUNCTION_INFO_V1 declares in C.
#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_changes_since() -> &'static pg_sys::Pg_finfo_record {
    const RECORD: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &RECORD
}

/// Written by hand, since the rows go into a tuplestore, which spills to disk, and not into memory.
///
/// # Safety
/// Called by the server, as `changes_since(text, integer)` that returns a set of five columns.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn changes_since(call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as the caller promises.
    if let Err(report) = unsafe { run(call) } {
        report.report(PgLogLevel::ERROR);
    }
    pg_sys::Datum::from(0_usize)
}

/// # Safety
/// As for [`changes_since`].
unsafe fn run(call: pg_sys::FunctionCallInfo) -> Result<(), ErrorReport> {
    // SAFETY: the declaration has two parameters, which are read as what they are.
    let (name, up_to) = unsafe {
        let arguments = std::slice::from_raw_parts((*call).args.as_ptr(), 2);
        (
            String::from_datum(arguments[0].value, arguments[0].isnull),
            i32::from_datum(arguments[1].value, arguments[1].isnull),
        )
    };
    let name = name.ok_or(Error::NullValue { name: "consumer" })?;
    if up_to.is_some_and(|up_to| up_to < 1) {
        return Err(Error::InvalidValue {
            name: "up_to",
            value: up_to.unwrap_or_default().to_string(),
            allowed: "1 to 2147483647, or null for no bound",
        }
        .into());
    }
    // SAFETY: raises or returns; the name is NUL-terminated.
    unsafe { pg_sys::PreventCommandDuringRecovery(c"cache_notify.changes_since()".as_ptr()) };
    // SAFETY: as the caller promises.
    let answer = unsafe { Answer::begin(call) }?;
    consumer::enforce_max_lag()?;
    let mut consumer = consumer::find(&name)?;
    loop {
        let flushed = consumer::flushed();
        if consumer.confirmed >= flushed {
            break;
        }
        let read = read(&consumer, up_to, &answer)?;
        if read.changes > 0 || read.held_back {
            break;
        }
        match read.end {
            // Other transactions than those we look for filled the bound: past them, and on.
            Some(end) => consumer.advance(end.max(consumer.confirmed))?,
            None if flushed - consumer.confirmed < IDLE_ADVANCE => break,
            None => {
                consumer.advance(flushed)?;
                break;
            }
        }
        pgrx::check_for_interrupts!();
    }
    consumer.note_alive()
}

struct Read {
    changes: usize,
    /// Where the last transaction in the output ends.
    end: Option<u64>,
    /// The next transaction is not visible yet.
    held_back: bool,
}

/// Reads transactions until `up_to` changes are found, and never a part of one.
fn read(consumer: &Consumer, up_to: Option<i32>, answer: &Answer) -> Result<Read, ErrorReport> {
    let bound = up_to.map(|up_to| up_to.saturating_mul(OUTPUT_PER_CHANGE));
    let enough = up_to.map_or(usize::MAX, |up_to| usize::try_from(up_to).unwrap_or(usize::MAX));
    consumer.guarded(|| {
        Spi::connect(|client| {
            let mut read = Read { changes: 0, end: None, held_back: false };
            // The messages of the transaction at hand.
            let mut transaction = pg_sys::InvalidTransactionId;
            let mut contents: Vec<Vec<u8>> = Vec::new();
            let mut cursor = client.open_cursor(
                "SELECT data FROM pg_catalog.pg_logical_slot_peek_binary_changes($1, NULL, $2,
                     'proto_version', '1', 'publication_names', $3, 'messages', 'true')",
                &[consumer.slot.as_str().into(), bound.into(), publication::NAME.into()],
            );
            loop {
                let rows = cursor.fetch(ROWS_PER_FETCH).map_err(spi::report)?;
                if rows.is_empty() {
                    return Ok(read);
                }
                for row in rows {
                    let Some(row) = row.get::<&[u8]>(1).map_err(spi::report)? else { continue };
                    match pgoutput::decode(row) {
                        Ok(Output::Begin { xid }) => {
                            transaction = pg_sys::TransactionId::from(xid);
                            contents.clear();
                        }
                        Ok(Output::Message { prefix, content }) => {
                            if prefix == wire::PREFIX.as_bytes() {
                                contents.push(content.to_vec());
                            }
                        }
                        Ok(Output::Commit { .. })
                            if !contents.is_empty() && is_in_progress(transaction) =>
                        {
                            read.held_back = true;
                            return Ok(read);
                        }
                        Ok(Output::Commit { end, at }) => {
                            for content in contents.drain(..) {
                                read.changes += answer.put(end, at, &content);
                            }
                            read.end = Some(end);
                            if read.changes >= enough {
                                return Ok(read);
                            }
                        }
                        Ok(Output::Other) => {}
                        Err(pgoutput::Malformed) => return Err(Error::UnknownOutput.into()),
                    }
                }
                pgrx::check_for_interrupts!();
            }
        })
    })
}

/// Whether a transaction whose commit is in the write-ahead log is still unseen by new snapshots, as it is for a moment, or
/// for as long as it waits for a synchronous standby. Who hears of a change and reads the row must not get the old value.
fn is_in_progress(transaction: pg_sys::TransactionId) -> bool {
    // SAFETY: looks into the list of running transactions.
    unsafe { pg_sys::TransactionIdIsInProgress(transaction) }
}

/// The rows of the function's result.
struct Answer {
    store: *mut pg_sys::Tuplestorestate,
    columns: pg_sys::TupleDesc,
}

impl Answer {
    /// # Safety
    /// `call` must be the present call.
    unsafe fn begin(call: pg_sys::FunctionCallInfo) -> Result<Answer, ErrorReport> {
        // SAFETY: resultinfo is null or a node, and a ReturnSetInfo is what its tag says. Store and descriptor live as long as
        // the query, as the executor expects of what it is handed.
        unsafe {
            let node = (*call).resultinfo;
            if node.is_null() || (*node).type_ != pg_sys::NodeTag::T_ReturnSetInfo {
                return Err(Error::NoSet.into());
            }
            let result = node.cast::<pg_sys::ReturnSetInfo>();
            let modes = (*result).allowedModes;
            let expected = (*result).expectedDesc;
            if modes & pg_sys::SetFunctionReturnMode::SFRM_Materialize as c_int == 0
                || expected.is_null()
                || (*expected).natts as usize != COLUMNS
            {
                return Err(Error::NoSet.into());
            }
            let outside =
                pg_sys::MemoryContextSwitchTo((*(*result).econtext).ecxt_per_query_memory);
            let is_random =
                modes & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random as c_int != 0;
            let store = pg_sys::tuplestore_begin_heap(is_random, false, pg_sys::work_mem);
            let columns = pg_sys::CreateTupleDescCopy(expected);
            pg_sys::MemoryContextSwitchTo(outside);
            (*result).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            (*result).setResult = store;
            (*result).setDesc = columns;
            Ok(Answer { store, columns })
        }
    }

    /// Adds the changes of one logical message and returns how many they are.
    fn put(&self, end: u64, at: i64, content: &[u8]) -> usize {
        let Ok((xid, entries)) = wire::decode(content) else {
            return self.refuse(end);
        };
        // What the database cannot hold was not written by our triggers.
        let is_text = |bytes: &[u8]| {
            // SAFETY: looks at the bytes given and no others.
            unsafe { pg_sys::pg_verifymbstr(bytes.as_ptr().cast(), bytes.len() as c_int, true) }
        };
        if !entries.iter().all(|entry| is_text(entry.channel) && is_text(entry.payload)) {
            return self.refuse(end);
        }
        for entry in &entries {
            if entry.is_json {
                let versioned = payload::with_version(entry.payload, xid, Some(end));
                self.row(end, at, xid, entry.channel, &versioned);
            } else {
                self.row(end, at, xid, entry.channel, entry.payload);
            }
        }
        entries.len()
    }

    /// Anybody who may call pg_logical_emit_message can write anything under our prefix. That must not stop a consumer.
    fn refuse(&self, end: u64) -> usize {
        pgrx::warning!(
            "ignored a logical message with prefix \"{}\" that is not of this extension, in the transaction that ends at {}",
            wire::PREFIX,
            consumer::lsn(end)
        );
        0
    }

    fn row(&self, end: u64, at: i64, xid: u64, channel: &[u8], payload: &[u8]) {
        // SAFETY: the values have the types that the function declares (pg_lsn, timestamptz, xid8, text, text), and five of
        // each are read; the two texts are copied into the store before they are freed.
        unsafe {
            let text = |bytes: &[u8]| {
                pg_sys::cstring_to_text_with_len(bytes.as_ptr().cast(), bytes.len() as c_int)
            };
            let (channel, payload) = (text(channel), text(payload));
            let mut values = [
                pg_sys::Datum::from(end),
                pg_sys::Datum::from(at),
                pg_sys::Datum::from(xid),
                pg_sys::Datum::from(channel),
                pg_sys::Datum::from(payload),
            ];
            let mut nulls = [false; COLUMNS];
            pg_sys::tuplestore_putvalues(
                self.store,
                self.columns,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            pg_sys::pfree(channel.cast());
            pg_sys::pfree(payload.cast());
        }
    }
}
