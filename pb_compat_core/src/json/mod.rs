//! Whether a text is JSON.

mod numeric;
mod scanner;
mod size;

pub use scanner::{Host, MAX_DEPTH, is_json, is_jsonb};
