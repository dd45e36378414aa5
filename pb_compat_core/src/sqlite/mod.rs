//! The functions of SQLite 3.53, as they answer there.
//!
//! Text is UTF-8, as SQLite's is; `pb_compat` converts where a database has another encoding.

pub mod datetime;
mod decimal;
mod error;
pub mod json;
pub mod number;
mod value;

pub use error::Error;
pub use value::Value;
