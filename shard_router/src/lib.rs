#![doc = include_str!("../../docs/shard_router.md")]

pub mod adopt;
pub mod bounds;
pub mod config;
pub mod create;
pub mod entry;
pub mod error;
pub mod export;
pub mod functions;
pub mod key;
pub mod many;
pub mod names;
pub mod plan;
pub mod register;
pub mod registry;
pub mod route;
pub mod session;
pub mod shard;
pub mod template;

pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../sql/bootstrap.sql", name = "bootstrap", bootstrap);
pgrx::extension_sql_file!("../sql/tables.sql", name = "tables", requires = ["bootstrap"]);
pgrx::extension_sql_file!("../sql/many.sql", name = "many", requires = ["bootstrap"]);
pgrx::extension_sql_file!("../sql/monitoring.sql", name = "monitoring", requires = ["bootstrap"]);
pgrx::extension_sql_file!("../sql/finalize.sql", name = "finalize", finalize);

/// What `cargo pgrx test` asks of the crate root.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
