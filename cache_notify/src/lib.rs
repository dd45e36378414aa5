#![doc = include_str!("../../docs/cache_notify.md")]

use pgrx::prelude::*;

mod attach;
mod durable;
mod error;
mod event;
mod guc;
mod keyset;
mod options;
mod outbox;
mod payload;
mod pending;
mod plan;
mod rows;
mod template;
mod transaction;
mod trigger;

pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../sql/bootstrap.sql", name = "bootstrap", bootstrap);
pgrx::extension_sql_file!("../sql/finalize.sql", name = "finalize", finalize);

#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    guc::register();
    plan::register();
    transaction::register();
}

/// What `cargo pgrx test` asks of the crate root.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
