//! Statements that need a database without anybody in it: the publisher leaves before they look.
//!
//! DROP DATABASE, CREATE DATABASE with it as template, ALTER DATABASE .. RENAME and .. SET TABLESPACE wait some seconds for
//! others to go and then fail; DROP DATABASE .. WITH (FORCE) fails at once for those who may not end a superuser's session.

use crate::{publisher, shared};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// How long no publisher starts in a database that is to be left, should the statement not come to its end.
const CLOSED: i64 = 10_000_000;
/// How long to wait for a publisher; the statement itself waits on.
const PATIENCE: Duration = Duration::from_secs(2);

// tcop/utility.h, the same in every supported version; pgrx wraps it in a Rust function, which cannot stand for a hook.
unsafe extern "C-unwind" {
    fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const std::ffi::c_char,
        read_only: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        parameters: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        destination: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}

static mut PREVIOUS: pg_sys::ProcessUtility_hook_type = None;

/// From _PG_init, while preloaded libraries are loaded.
pub fn register() {
    // SAFETY: set by the postmaster before there is any other process; the hook that was there is called by ours.
    unsafe {
        PREVIOUS = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(at_utility);
    }
}

#[expect(clippy::too_many_arguments, reason = "the arguments of the hook")]
#[pg_guard]
unsafe extern "C-unwind" fn at_utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const std::ffi::c_char,
    read_only: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: the server passes a utility statement, whose nodes begin with their tags. The guard lets the statement's
    // errors through; nothing in the closure needs dropping.
    unsafe {
        let is_dropped = (*(*statement).utilityStmt).type_ == pg_sys::NodeTag::T_DropdbStmt;
        let is_committed = commits_prepared((*statement).utilityStmt);
        let database = named_database((*statement).utilityStmt).filter(|oid| may_close(*oid));
        if let Some(database) = database {
            close(database.to_u32());
        }
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            let run = PREVIOUS.unwrap_or(standard_ProcessUtility);
            run(
                statement,
                text,
                read_only,
                context,
                parameters,
                environment,
                destination,
                completion,
            );
        });
        if let Some(database) = database {
            open(database.to_u32(), is_dropped);
        }
        if is_committed {
            publisher::call();
        }
    }
}

/// Whether the statement commits a prepared transaction, whose messages wait for the publisher then.
///
/// # Safety
/// `node` must be a utility statement.
unsafe fn commits_prepared(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the tag says of what type a node is.
    unsafe {
        (*node).type_ == pg_sys::NodeTag::T_TransactionStmt
            && (*node.cast::<pg_sys::TransactionStmt>()).kind
                == pg_sys::TransactionStmtKind::TRANS_STMT_COMMIT_PREPARED
    }
}

/// The database that a statement needs for itself.
///
/// # Safety
/// `node` must be a utility statement.
unsafe fn named_database(node: *mut pg_sys::Node) -> Option<pg_sys::Oid> {
    // SAFETY: the tag says of what type a node is; names are NUL-terminated and live as long as the statement.
    unsafe {
        let name = match (*node).type_ {
            pg_sys::NodeTag::T_DropdbStmt => (*node.cast::<pg_sys::DropdbStmt>()).dbname,
            pg_sys::NodeTag::T_RenameStmt => {
                let rename = node.cast::<pg_sys::RenameStmt>();
                if (*rename).renameType != pg_sys::ObjectType::OBJECT_DATABASE {
                    return None;
                }
                (*rename).subname
            }
            pg_sys::NodeTag::T_AlterDatabaseStmt => {
                let alter = node.cast::<pg_sys::AlterDatabaseStmt>();
                option((*alter).options, c"tablespace")?;
                (*alter).dbname
            }
            pg_sys::NodeTag::T_CreatedbStmt => {
                let create = node.cast::<pg_sys::CreatedbStmt>();
                pg_sys::defGetString(option((*create).options, c"template")?)
            }
            _ => return None,
        };
        if name.is_null() {
            return None;
        }
        let oid = pg_sys::get_database_oid(name, true);
        (oid != pg_sys::InvalidOid).then_some(oid)
    }
}

/// # Safety
/// `options` must be a list of `DefElem`, or NIL.
unsafe fn option(options: *mut pg_sys::List, name: &CStr) -> Option<*mut pg_sys::DefElem> {
    if options.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    unsafe {
        let length = usize::try_from((*options).length).unwrap_or(0);
        (0..length)
            .map(|i| (*(*options).elements.add(i)).ptr_value.cast::<pg_sys::DefElem>())
            .find(|element| CStr::from_ptr((**element).defname) == name)
    }
}

/// Whether the user may have the publisher leave: only for statements that may succeed.
fn may_close(database: pg_sys::Oid) -> bool {
    // SAFETY: looks up ownership in a transaction.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        return pg_sys::pg_database_ownercheck(database, pg_sys::GetUserId());
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        return pg_sys::object_ownercheck(
            pg_sys::DatabaseRelationId,
            database,
            pg_sys::GetUserId(),
        );
    }
}

/// Has the publisher leave, and waits for it to be gone.
fn close(oid: u32) {
    let Some(publisher) = shared::lock().and_then(|mut ring| {
        let place = ring.database(oid)?;
        let database = ring.databases.get_mut(usize::from(place))?;
        database.closed_until = shared::now() + CLOSED;
        Some(database.publisher)
    }) else {
        return;
    };
    shared::wake(Some(publisher));
    let began = Instant::now();
    // SAFETY: looks a process id up.
    let is_there = |pid| pid != 0 && unsafe { !pg_sys::BackendPidGetProc(pid).is_null() };
    while is_there(publisher.pid) && began.elapsed() < PATIENCE {
        pgrx::check_for_interrupts!();
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The statement has succeeded.
fn open(oid: u32, is_dropped: bool) {
    let woken = shared::lock().and_then(|mut ring| {
        let place = ring.database(oid)?;
        if is_dropped {
            ring.forget(place);
            return None;
        }
        ring.databases.get_mut(usize::from(place))?.closed_until = 0;
        ring.has_work(place).then_some(ring.head.launcher)
    });
    shared::wake(woken);
}
