//! The functions of SQLite 3.53, as they answer there.
//!
//! Text is UTF-8, as SQLite's is; `pb_compat` converts where a database has another encoding.

pub mod datetime;
mod decimal;
mod error;
pub mod json;
pub mod like;
pub mod math;
pub mod number;
mod output;
pub mod printf;
mod sum;
pub mod text;
mod value;

pub use error::Error;
pub use output::LIMIT;
pub use sum::Sum;
pub use value::Value;
