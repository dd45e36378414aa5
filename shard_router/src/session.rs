//! Who the server runs our statements for, and how names in them resolve.

use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::ffi::c_int;

/// Runs `work`, which reads catalogs, with `search_path` pinned to the system catalogs and the snapshot that the
/// server itself would read them with.
///
/// The path makes the server print every other name with its schema and lets no user's operator or function stand in for
/// one of its own. The snapshot is for whoever has waited for a lock: the statement's own is older than what was committed
/// meanwhile, and this one is as new as the invalidations that came with the lock. (A parallel worker has it, too; the
/// latest snapshot of all is not to be had there.)
///
/// An error inside ends the transaction or subtransaction, which puts both back by itself.
pub fn with_catalogs<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: a nested level of settings and an active snapshot, opened and closed in pairs; both strings are
    // NUL-terminated and copied.
    unsafe {
        let level = pg_sys::NewGUCNestLevel();
        pg_sys::set_config_option(
            c"search_path".as_ptr(),
            c"pg_catalog, pg_temp".as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
        pg_sys::PushActiveSnapshot(pg_sys::GetCatalogSnapshot(pg_sys::RelationRelationId));
        let value = work();
        pg_sys::PopActiveSnapshot();
        pg_sys::AtEOXact_GUC(true, level);
        value
    }
}

/// Runs `work` as the owner of this extension, a superuser, for the two things that a table's owner may not do: write the
/// registry and create a function in language C. The caller has checked that the session may ask for them, and nothing
/// inside runs anybody else's code.
///
/// An error inside ends the transaction or subtransaction, which puts the user back by itself.
pub fn as_extension_owner<T>(
    work: impl FnOnce() -> Result<T, ErrorReport>,
) -> Result<T, ErrorReport> {
    let owner = spi::select_first(
        "SELECT extowner FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'shard_router'",
        &[],
        |row| row.get::<pg_sys::Oid>(1),
    )?
    .flatten()
    .ok_or_else(|| crate::error::Error::Internal { what: "the extension's owner".into() })?;
    let (mut user, mut context) = (pg_sys::InvalidOid, 0 as c_int);
    // SAFETY: the pair that SetUserIdAndSecContext asks for: what was current is put back below.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        pg_sys::SetUserIdAndSecContext(
            owner,
            context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as c_int,
        );
    }
    let value = work()?;
    // SAFETY: as above.
    unsafe { pg_sys::SetUserIdAndSecContext(user, context) };
    Ok(value)
}

/// Runs statements of ours that return nothing we need.
pub fn run(sql: &str) -> Result<(), ErrorReport> {
    Spi::run(sql).map_err(spi::report)
}

/// An identifier as SQL text.
#[must_use]
pub fn quote(name: &str) -> String {
    pgrx::spi::quote_identifier(name)
}

/// A schema-qualified name as SQL text.
#[must_use]
pub fn qualify(schema: &str, name: &str) -> String {
    pgrx::spi::quote_qualified_identifier(schema, name)
}

/// A string as SQL text.
#[must_use]
pub fn literal(text: &str) -> String {
    pgrx::spi::quote_literal(text)
}
