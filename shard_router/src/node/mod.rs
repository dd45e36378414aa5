//! Shards on other servers: foreign tables of postgres_fdw as partitions, and dblink for what a foreign table cannot do.

pub mod fan_out;
mod guard;
pub mod keys;
pub mod remote;
pub mod table;
