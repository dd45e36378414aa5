//! Schema `sqlite`: the functions of SQLite, as they answer there. What they compute is in `pb_compat_core::sqlite`; the
//! functions themselves are declared in `sql/sqlite_*.sql`, since most take arguments of any type.

mod aggregate;
mod arguments;
mod datetime;
mod datetime_support;
mod instant;
mod json;
mod json_aggregate;
mod json_each;
mod math;
mod operator;
mod text;
