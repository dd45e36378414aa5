//! Who the server runs our statements for, and how names in them resolve.

use pg_ext_core::identity::{RunAs, Settings};
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;

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
    let _settings = Settings::pinned();
    // SAFETY: an active snapshot, pushed and popped in pairs.
    unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetCatalogSnapshot(pg_sys::RelationRelationId));
        let value = work();
        pg_sys::PopActiveSnapshot();
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
    let _owner = RunAs::role(owner);
    work()
}

/// Runs statements of ours that return nothing we need.
pub fn run(sql: &str) -> Result<(), ErrorReport> {
    spi::write(sql, &[]).map(drop)
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
