//! Kept plans, and how a statement on a shard may stand in for one on its table whoever calls.
//!
//! The server asks for rights on the relation that a statement names. Rights on the table are what counts here: nobody but
//! its owner has any on its shards. So [`stands_in`] asks the server's questions about the table before each execution, and
//! the statement on the shard is then checked as the shard's owner's: its range table entry gets `checkAsUser`, which is
//! how the server itself checks the tables below a view. Nothing else runs as the owner: triggers, defaults and checks run
//! as the caller, as they do below the table. Row security would be applied for `checkAsUser`, so wherever there is any, for
//! the caller or for the owner, the shard does not stand in.
//!
//! `checkAsUser` is set when the statement is analysed, which the server does again whenever it likes: a parser hook that
//! belongs to the plan marks the analysis as ours, and a hook at its end sees the mark. Without that second hook the
//! statement is refused (42501), not let through.

use crate::error::Error;
use crate::shard::{Shard, Table};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::{CString, c_int, c_void};

/// A statement as its parser sees it.
pub struct Parameters {
    /// Of `$1` and so on.
    pub types: Vec<pg_sys::Oid>,
    /// Of the parameters behind those: the next value of a sequence, as an identity column draws it.
    pub sequences: Vec<NextValue>,
    /// The relation that is checked as another user's, and that user.
    pub checked_as: Option<(pg_sys::Oid, pg_sys::Oid)>,
}

pub struct NextValue {
    pub sequence: pg_sys::Oid,
    pub type_oid: pg_sys::Oid,
}

/// A kept plan with what its parser hooks refer to.
pub struct Kept {
    pub plan: pg_sys::SPIPlanPtr,
    _parameters: Box<Parameters>,
}

impl Kept {
    pub fn new(sql: &str, parameters: Parameters) -> Result<Self, ErrorReport> {
        install();
        let failed =
            || -> ErrorReport { Error::Internal { what: format!("SPI's answer to {sql}") }.into() };
        let text = CString::new(sql).map_err(|_| failed())?;
        let mut parameters = Box::new(parameters);
        let options = pg_sys::SPIPrepareOptions {
            parserSetup: Some(set_up_parser),
            parserSetupArg: (&raw mut *parameters).cast(),
            parseMode: pg_sys::RawParseMode::RAW_PARSE_DEFAULT,
            cursorOptions: 0,
        };
        // SAFETY: SPI is connected around the calls. The server keeps the pointer to the parameters as long as the plan;
        // they are in a box of their own that `self` keeps as long.
        unsafe {
            if pg_sys::SPI_connect() != pg_sys::SPI_OK_CONNECT as c_int {
                return Err(failed());
            }
            let plan = pg_sys::SPI_prepare_extended(text.as_ptr(), &options);
            if plan.is_null() || pg_sys::SPI_keepplan(plan) != 0 {
                return Err(failed());
            }
            pg_sys::SPI_finish();
            Ok(Self { plan, _parameters: parameters })
        }
    }

    /// Frees the plan, which no call may be running. Not `Drop`: what the session still keeps when the backend exits is
    /// dropped after the server has shut down.
    pub fn free(self) {
        // SAFETY: a kept plan that nothing refers to any more.
        unsafe { pg_sys::SPI_freeplan(self.plan) };
    }
}

/// Whether a statement on the shard may stand in for one on the table that needs `rights`: the current user has all of them
/// on the table as a whole, and no row security is in the way. Asked for every call, since roles and rights change between
/// calls. Where the answer is no, the statement names the table instead, and the server decides.
pub fn stands_in(table: &Table, shard: &Shard, rights: u32) -> bool {
    // SAFETY: look-ups of catalog rows; the relations are locked, so they exist.
    unsafe {
        let user = pg_sys::GetUserId();
        let as_user = if shard.plain { shard.owner } else { user };
        may(table.oid, user, rights)
            && may(shard.oid, as_user, rights)
            && [(table.oid, user), (shard.oid, user), (shard.oid, as_user)].into_iter().all(
                |(relation, user)| {
                    pg_sys::check_enable_rls(relation, user, true)
                        != pg_sys::CheckEnableRlsResult::RLS_ENABLED as c_int
                },
            )
    }
}

/// Whom a statement on the shard is checked as. A foreign table's owner would also lend its user mapping, and a partitioned
/// one's its rights on what is below; those are checked as the caller's.
#[must_use]
pub fn checked_as(shard: &Shard) -> Option<(pg_sys::Oid, pg_sys::Oid)> {
    shard.plain.then_some((shard.oid, shard.owner))
}

/// 42501 with a hint for a caller without any of the rights on the table, whom the server is going to refuse; somebody with
/// rights on single columns is left to the server.
pub fn require_some_right(table: &Table, rights: &[u32]) -> Result<(), Error> {
    // SAFETY: look-ups of catalog rows; the table is locked, so it exists.
    let refused = unsafe {
        let user = pg_sys::GetUserId();
        rights.iter().any(|&right| {
            !may(table.oid, user, right)
                && pg_sys::pg_attribute_aclcheck_all(
                    table.oid,
                    user,
                    pg_sys::AclMode::from(right),
                    pg_sys::AclMaskHow::ACLMASK_ANY,
                ) != pg_sys::AclResult::ACLCHECK_OK
        })
    };
    if !refused {
        return Ok(());
    }
    let names = rights.iter().map(|&right| match right {
        pg_sys::ACL_INSERT => "INSERT",
        _ => "SELECT",
    });
    Err(Error::NoRight {
        table: table.relname.clone(),
        rights: names.collect::<Vec<_>>().join(" and "),
    })
}

/// # Safety
/// Needs a running transaction and a relation that exists.
unsafe fn may(relation: pg_sys::Oid, user: pg_sys::Oid, rights: u32) -> bool {
    let rights = pg_sys::AclMode::from(rights);
    // SAFETY: a look-up of a catalog row.
    unsafe {
        pg_sys::pg_class_aclmask(relation, user, rights, pg_sys::AclMaskHow::ACLMASK_ALL) == rights
    }
}

/// Called by the server before it analyses a statement of ours.
///
/// # Safety
/// `parameters` must be those of the plan, which outlive it.
#[pg_guard]
unsafe extern "C-unwind" fn set_up_parser(state: *mut pg_sys::ParseState, parameters: *mut c_void) {
    // SAFETY: the server hands in the state of the analysis that it begins.
    unsafe {
        (*state).p_ref_hook_state = parameters;
        (*state).p_paramref_hook = Some(parameter);
    }
}

/// What `$n` is. Its address marks an analysis as one of ours.
///
/// # Safety
/// Called by the server for a state that `set_up_parser` has prepared.
#[inline(never)]
#[pg_guard]
unsafe extern "C-unwind" fn parameter(
    state: *mut pg_sys::ParseState,
    reference: *mut pg_sys::ParamRef,
) -> *mut pg_sys::Node {
    // SAFETY: as for `set_up_parser`, whose pointer this is.
    let (parameters, number) =
        unsafe { (&*(*state).p_ref_hook_state.cast::<Parameters>(), (*reference).number) };
    let Some(at) = usize::try_from(number).ok().and_then(|number| number.checked_sub(1)) else {
        return std::ptr::null_mut();
    };
    if let Some(&type_oid) = parameters.types.get(at) {
        // SAFETY: a new node of its kind; a look-up of a catalog row; the reference is the server's.
        unsafe {
            let mut node = PgBox::<pg_sys::Param>::alloc_node(pg_sys::NodeTag::T_Param);
            node.paramkind = pg_sys::ParamKind::PARAM_EXTERN;
            node.paramid = number;
            node.paramtype = type_oid;
            node.paramtypmod = -1;
            node.paramcollid = pg_sys::get_typcollation(type_oid);
            node.location = (*reference).location;
            return node.into_pg().cast();
        }
    }
    match parameters.sequences.get(at - parameters.types.len()) {
        // SAFETY: a new node of its kind.
        Some(next) => unsafe {
            let mut node =
                PgBox::<pg_sys::NextValueExpr>::alloc_node(pg_sys::NodeTag::T_NextValueExpr);
            node.seqid = next.sequence;
            node.typeId = next.type_oid;
            node.into_pg().cast()
        },
        None => std::ptr::null_mut(),
    }
}

thread_local! {
    static INSTALLED: Cell<bool> = const { Cell::new(false) };
    static PREVIOUS: Cell<pg_sys::post_parse_analyze_hook_type> = const { Cell::new(None) };
}

/// Hooks into the end of the server's analysis, once a session.
fn install() {
    if INSTALLED.replace(true) {
        return;
    }
    // SAFETY: a backend has one thread; the hook lives in this library, which is never unloaded.
    unsafe {
        PREVIOUS.set(pg_sys::post_parse_analyze_hook);
        pg_sys::post_parse_analyze_hook = Some(analysed);
    }
}

/// Called by the server when it has analysed any statement. Without pgrx's guard: the previous hook may raise, and a
/// longjmp over this frame, which has nothing to drop, is sound.
///
/// # Safety
/// Called by the server only.
unsafe extern "C-unwind" fn analysed(
    state: *mut pg_sys::ParseState,
    query: *mut pg_sys::Query,
    jumble: *mut pg_sys::JumbleState,
) {
    // SAFETY: the server's own pointers. A state with our hook has our parameters (see `set_up_parser`); lists of a Query
    // hold nodes of the kinds that their names say.
    unsafe {
        if let Some(previous) = PREVIOUS.get() {
            previous(state, query, jumble);
        }
        let Some(hook) = (*state).p_paramref_hook else { return };
        if !std::ptr::fn_addr_eq(
            hook,
            parameter
                as unsafe extern "C-unwind" fn(
                    *mut pg_sys::ParseState,
                    *mut pg_sys::ParamRef,
                ) -> *mut pg_sys::Node,
        ) {
            return;
        }
        let parameters: *const Parameters = (*state).p_ref_hook_state.cast();
        let Some((relation, user)) = (*parameters).checked_as else { return };
        check_as(query, relation, user);
    }
}

/// Has the query's accesses of the relation checked as the user's.
///
/// # Safety
/// `query` must be an analysed query.
#[cfg(any(feature = "pg14", feature = "pg15"))]
unsafe fn check_as(query: *mut pg_sys::Query, relation: pg_sys::Oid, user: pg_sys::Oid) {
    // SAFETY: a range table holds RangeTblEntry nodes.
    unsafe {
        let list = (*query).rtable;
        for at in 0..if list.is_null() { 0 } else { (*list).length } {
            let entry: *mut pg_sys::RangeTblEntry =
                (*(*list).elements.add(at as usize)).ptr_value.cast();
            if (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION && (*entry).relid == relation {
                (*entry).checkAsUser = user;
            }
        }
    }
}

/// The same since 16, which keeps what is to be checked in a list of its own.
///
/// # Safety
/// `query` must be an analysed query.
#[cfg(not(any(feature = "pg14", feature = "pg15")))]
unsafe fn check_as(query: *mut pg_sys::Query, relation: pg_sys::Oid, user: pg_sys::Oid) {
    // SAFETY: this list holds RTEPermissionInfo nodes.
    unsafe {
        let list = (*query).rteperminfos;
        for at in 0..if list.is_null() { 0 } else { (*list).length } {
            let entry: *mut pg_sys::RTEPermissionInfo =
                (*(*list).elements.add(at as usize)).ptr_value.cast();
            if (*entry).relid == relation {
                (*entry).checkAsUser = user;
            }
        }
    }
}
