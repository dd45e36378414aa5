#![doc = include_str!("../../docs/cache_notify.md")]

use pgrx::prelude::*;

mod attach;
mod closing;
mod durable;
mod error;
mod event;
mod guc;
mod keyset;
mod launcher;
mod options;
mod outbox;
mod payload;
mod pending;
mod plan;
mod publisher;
mod ring;
mod rows;
mod shared;
mod snapshot;
mod stats;
mod template;
mod transaction;
mod trigger;

pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../sql/bootstrap.sql", name = "bootstrap", bootstrap);
pgrx::extension_sql_file!("../sql/consumers.sql", name = "consumers", requires = ["bootstrap"]);
pgrx::extension_sql_file!("../sql/views.sql", name = "views", requires = ["consumers"]);
pgrx::extension_sql_file!("../sql/finalize.sql", name = "finalize", finalize);

#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    // SAFETY: reads a flag that the postmaster sets while it loads shared_preload_libraries.
    let is_preloading = unsafe { pgrx::pg_sys::process_shared_preload_libraries_in_progress };
    guc::register(is_preloading);
    if is_preloading {
        shared::register();
        launcher::register();
        closing::register();
    }
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
