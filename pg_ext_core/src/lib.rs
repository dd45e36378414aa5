//! What the four extensions share. No `#[pg_extern]` may stand here: pgrx would export it from every extension that links this crate.

pub mod databases;
pub mod error;
pub mod guc;
pub mod identity;
pub mod spi;
pub mod subtransaction;
pub mod toplevel;
pub mod trigger;
pub mod worker;

pub use error::SqlError;
