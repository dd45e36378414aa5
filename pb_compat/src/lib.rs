#![doc = include_str!("../../docs/pb_compat.md")]

mod error;
mod json;
mod lock;
mod server_jsonb;
mod server_text;
mod sqlite;
mod uuid;

pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../sql/core.sql", name = "core", finalize);
pgrx::extension_sql_file!("../sql/sqlite.sql", name = "sqlite");
pgrx::extension_sql_file!("../sql/sqlite_date.sql", name = "sqlite_date", requires = ["sqlite"]);
pgrx::extension_sql_file!("../sql/sqlite_json.sql", name = "sqlite_json", requires = ["sqlite"]);
pgrx::extension_sql_file!("../sql/sqlite_math.sql", name = "sqlite_math", requires = ["sqlite"]);
pgrx::extension_sql_file!(
    "../sql/sqlite_operators.sql",
    name = "sqlite_operators",
    requires = ["sqlite", "sqlite_text"]
);
pgrx::extension_sql_file!("../sql/sqlite_text.sql", name = "sqlite_text", requires = ["sqlite"]);
// PostgreSQL 18 has these itself. The C symbols behind them exist in every build, so that pg_upgrade to 18 finds them.
#[cfg(not(feature = "pg18"))]
pgrx::extension_sql_file!("../sql/uuidv7.sql", name = "uuidv7");

/// What `cargo pgrx test` asks of the crate root.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
