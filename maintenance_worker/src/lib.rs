#![doc = include_str!("../../docs/maintenance_worker.md")]

mod coverage;
mod deadline;
mod default_rows;
mod dependencies;
mod error;
mod execution;
mod front;
mod guc;
mod history;
mod ids;
mod key;
mod launcher;
mod lock;
mod naming;
mod partition;
mod partman;
mod period;
mod plan;
#[cfg(test)]
mod properties;
mod refresh;
mod registry;
mod schedule;
mod shared;
mod status;
mod worker;
mod zone;

pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../sql/bootstrap.sql", name = "bootstrap", bootstrap);
pgrx::extension_sql_file!("../sql/functions.sql", name = "functions", requires = ["bootstrap"]);
pgrx::extension_sql_file!("../sql/views.sql", name = "views", requires = ["functions"]);
pgrx::extension_sql_file!("../sql/finalize.sql", name = "finalize", finalize);

#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    guc::define();
    // SAFETY: reads a flag that the postmaster sets while it loads shared_preload_libraries.
    if unsafe { pgrx::pg_sys::process_shared_preload_libraries_in_progress } {
        shared::request();
        launcher::register();
    }
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
