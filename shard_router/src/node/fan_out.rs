//! `shard_router.fan_out`: one query on every shard, where it is.

use super::remote::Remote;
use super::table::place;
use crate::entry::unguarded::SetTuplestoreDestReceiverParams;
use crate::error::Error;
use crate::operation::Problem;
use crate::operation::steps::{pause, raise};
use crate::session::{qualify, with_catalogs};
use crate::shard::{Table, relation_name};
use pg_ext_core::subtransaction::{self, Caught};
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_int};
use std::time::Duration;

const PLACEHOLDER: &str = "{shard}";
const PURPOSE: &str = "fan_out";
/// How often to look whether a node has answered.
const TICK: Duration = Duration::from_millis(1);

/// What PG_FUNCTION_INFO_V1 declares in C.
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_fan_out() -> &'static pg_sys::Pg_finfo_record {
    const VERSION_1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &VERSION_1
}

/// `shard_router.fan_out(tbl regclass, query text, partial boolean)`
///
/// # Safety
/// Called by the server, with these parameters.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fan_out(call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as the server promises.
    unsafe {
        run(call).unwrap_or_report();
        (*call).isnull = true;
    }
    pg_sys::Datum::from(0_usize)
}

/// Where rows go.
struct Answer {
    store: *mut pg_sys::Tuplestorestate,
    context: pg_sys::MemoryContext,
    desc: pg_sys::TupleDesc,
}

impl Answer {
    /// Runs a query here and keeps its rows.
    fn collect(&self, sql: &str) -> Result<(), ErrorReport> {
        let failed = |code: c_int| -> ErrorReport {
            Error::Internal { what: format!("SPI's code {code}") }.into()
        };
        let text = CString::new(sql).map_err(|_| failed(0))?;
        // SAFETY: SPI is connected around the calls; the receiver writes into the store, which lives in the query's context,
        // and turns each row into what the caller expects or raises.
        unsafe {
            pg_sys::SPI_connect();
            let plan = pg_sys::SPI_prepare(text.as_ptr(), 0, std::ptr::null_mut());
            if plan.is_null() {
                return Err(failed(pg_sys::SPI_result));
            }
            let receiver = pg_sys::CreateDestReceiver(pg_sys::CommandDest::DestTuplestore);
            pg_guard_ffi_boundary(|| {
                SetTuplestoreDestReceiverParams(
                    receiver,
                    self.store,
                    self.context,
                    false,
                    self.desc,
                    c"structure of query does not match function result type".as_ptr(),
                );
            });
            let mut options: pg_sys::SPIExecuteOptions = std::mem::zeroed();
            options.read_only = true;
            options.dest = receiver;
            let code = pg_sys::SPI_execute_plan_extended(plan, &options);
            if code < 0 {
                return Err(failed(code));
            }
            pg_sys::SPI_finish();
        }
        Ok(())
    }

    /// The expected columns as a column definition list.
    fn columns(&self) -> String {
        // SAFETY: the descriptor is the caller's, with natts columns.
        unsafe {
            (0..usize::try_from((*self.desc).natts).unwrap_or_default())
                .map(|i| {
                    let column = attribute(self.desc, i);
                    let name = pg_sys::format_type_extended(
                        (*column).atttypid,
                        (*column).atttypmod,
                        (pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY)
                            as pg_sys::bits16,
                    );
                    format!("c{i} {}", CStr::from_ptr(name).to_string_lossy())
                })
                .collect::<Vec<_>>()
                .join(", ")
        }
    }
}

/// # Safety
/// `desc` must be valid and have more than `index` columns.
unsafe fn attribute(desc: pg_sys::TupleDesc, index: usize) -> *const pg_sys::FormData_pg_attribute {
    // SAFETY: as the caller promises.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        {
            (*desc).attrs.as_ptr().add(index)
        }
        // From 18 on the full entries stand behind the compact ones (TupleDescAttrAddress in access/tupdesc.h).
        #[cfg(feature = "pg18")]
        {
            (*desc)
                .compact_attrs
                .as_ptr()
                .add((*desc).natts as usize)
                .cast::<pg_sys::FormData_pg_attribute>()
                .add(index)
        }
    }
}

/// # Safety
/// As for [`fan_out`].
unsafe fn run(call: pg_sys::FunctionCallInfo) -> Result<(), ErrorReport> {
    // SAFETY: the declaration has three parameters; each is read only if it is not null, as a datum of its type.
    let (table, query, partial) = unsafe {
        let arguments = std::slice::from_raw_parts((*call).args.as_ptr(), 3);
        let given = |i: usize, argument| {
            let value: &pg_sys::NullableDatum = &arguments[i];
            if value.isnull { Err(Error::NullArgument { argument }) } else { Ok(value.value) }
        };
        let table = pg_sys::Oid::from_datum(given(0, "tbl")?, false);
        let query = String::from_datum(given(1, "query")?, false);
        let partial = bool::from_datum(given(2, "partial")?, false);
        (
            table.unwrap_or(pg_sys::InvalidOid),
            query.unwrap_or_default(),
            partial.unwrap_or_default(),
        )
    };
    // SAFETY: resultinfo is null or a node; a ReturnSetInfo is what its tag says.
    let answer = unsafe {
        let node = (*call).resultinfo;
        if node.is_null() || (*node).type_ != pg_sys::NodeTag::T_ReturnSetInfo {
            return Err(Problem::NoColumns.into());
        }
        let result = node.cast::<pg_sys::ReturnSetInfo>();
        let materialize = pg_sys::SetFunctionReturnMode::SFRM_Materialize as c_int;
        if (*result).allowedModes & materialize == 0 || (*result).expectedDesc.is_null() {
            return Err(Problem::NoColumns.into());
        }
        let context = (*(*result).econtext).ecxt_per_query_memory;
        let outside = pg_sys::MemoryContextSwitchTo(context);
        let random = (*result).allowedModes
            & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random as c_int
            != 0;
        let store = pg_sys::tuplestore_begin_heap(random, false, pg_sys::work_mem);
        let desc = pg_sys::CreateTupleDescCopy((*result).expectedDesc);
        pg_sys::MemoryContextSwitchTo(outside);
        (*result).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
        (*result).setResult = store;
        (*result).setDesc = desc;
        Answer { store, context, desc }
    };
    if !query.contains(PLACEHOLDER) {
        return Err(Problem::NoPlaceholder.into());
    }
    let on_shard =
        |name: &str| format!("SELECT * FROM ({}) AS answer", query.replace(PLACEHOLDER, name));

    // SAFETY: takes a lock until the transaction ends, as a query on the table would.
    unsafe { pg_sys::LockRelationOid(table, pg_sys::AccessShareLock as pg_sys::LOCKMODE) };
    let loaded = with_catalogs(|| Table::load(table))?;
    let mut here = Vec::new();
    let mut nodes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for shard in &loaded.shards {
        match place(shard.oid)? {
            None => here.push(on_shard(&shard.name)),
            Some((node, schema, name)) => {
                // On the node the mapped user's rights count; here the caller's.
                // SAFETY: a look-up of a catalog row.
                let allowed = unsafe {
                    pg_sys::pg_class_aclcheck(
                        shard.oid,
                        pg_sys::GetUserId(),
                        pg_sys::AclMode::from(pg_sys::ACL_SELECT),
                    ) == pg_sys::AclResult::ACLCHECK_OK
                };
                if !allowed {
                    return Err(Problem::NoSelect { table: relation_name(shard.oid)? }.into());
                }
                nodes.entry(node).or_default().push(on_shard(&qualify(&schema, &name)));
            }
        }
    }
    let remotes = nodes
        .into_iter()
        .map(|(node, queries)| {
            Ok((Remote::new(&node, PURPOSE)?, node, queries.join(" UNION ALL ")))
        })
        .collect::<Result<Vec<_>, ErrorReport>>()?;
    // A cancel request must reach the nodes, so nothing goes past here.
    let outcome = subtransaction::run_cancelable(|| {
        ask(&answer, &here, &remotes, partial).unwrap_or_report();
    });
    if let Err(caught) = outcome {
        for (remote, ..) in &remotes {
            // The first error is the one to tell.
            let _ = subtransaction::run(|| remote.give_up().unwrap_or_report());
        }
        return Err(raise(caught));
    }
    Ok(())
}

fn ask(
    answer: &Answer,
    here: &[String],
    remotes: &[(Remote, String, String)],
    partial: bool,
) -> Result<(), ErrorReport> {
    let mut failed: Vec<(&str, Caught)> = Vec::new();
    let mut waiting = Vec::new();
    for (remote, node, query) in remotes {
        let sent = subtransaction::run(|| {
            let send = || {
                remote.give_up()?;
                let open = Remote::open(node, PURPOSE)?;
                // For reading alone: what a node writes is not undone with this transaction.
                open.execute("SET default_transaction_read_only = on")?;
                open.send(query)
            };
            send().unwrap_or_report();
        });
        match sent {
            Ok(()) => waiting.push((remote, node)),
            Err(caught) => failed.push((node, caught)),
        }
        if !partial && !failed.is_empty() {
            break;
        }
    }
    if partial || failed.is_empty() {
        here.iter().try_for_each(|query| answer.collect(query))?;
        for (remote, node) in waiting {
            while remote.is_busy()? {
                pause(TICK);
            }
            let collected = subtransaction::run(|| {
                let collect = || {
                    answer.collect(&format!(
                        "SELECT * FROM {}.dblink_get_result({}) AS answer ({})",
                        remote.dblink,
                        remote.connection(),
                        answer.columns()
                    ))?;
                    remote.close()
                };
                collect().unwrap_or_report();
            });
            if let Err(caught) = collected {
                // What the query is at fault for would be so on every shard.
                if !is_connection(&caught) {
                    return Err(raise(caught));
                }
                failed.push((node, caught));
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = failed.iter().map(|(node, _)| format!("node \"{node}\"")).collect();
    let reasons: Vec<_> = failed
        .iter()
        .map(|(node, caught)| {
            let detail = caught.detail.as_deref().unwrap_or(&caught.message).trim();
            format!("{node}: {detail}")
        })
        .collect();
    if partial {
        warning!("no answer from {}", names.join(", "));
        return Ok(());
    }
    if let Some((_, caught)) = failed.iter().find(|(_, caught)| !is_connection(caught)) {
        return Err(raise(caught.clone()));
    }
    Err(Problem::Unreachable { nodes: names.join(", "), why: reasons.join("\n") }.into())
}

/// Whether a connection failed, rather than what was sent over it. A connection that breaks while a result is awaited has no
/// SQLSTATE of its own in dblink, which then says that of a connection's failure.
fn is_connection(caught: &Caught) -> bool {
    caught.sqlstate.starts_with("08") || caught.sqlstate.starts_with("57P")
}
