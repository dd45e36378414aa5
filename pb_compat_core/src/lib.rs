//! What pb_compat computes, without a server: `pb_compat` only carries arguments and results between SQL and this crate.
//! Clock, randomness and everything else that the host decides are handed in, so that tests and fuzzers can decide it.

#![forbid(unsafe_code)]

pub mod json;
pub mod sqlite;
pub mod uuid;
