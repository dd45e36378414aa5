//! What the calls are made of, from a seeded random source.

pub mod any;
pub mod json;
pub mod pattern;
pub mod printf;
pub mod time;
