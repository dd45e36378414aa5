//! What only a real server shows. One binary, so that it links once.

mod cache_notify;
mod crash;
mod dump_restore;
mod json_flags;
mod json_limits;
mod ledger;
mod maintenance_default_rows;
mod maintenance_expiry;
mod maintenance_faults;
mod maintenance_limits;
mod maintenance_many;
mod maintenance_partman;
mod maintenance_worker;
mod pb_compat;
mod request_logs;
mod rights;
mod row_security;
mod search_path;
mod shard_nodes;
mod shard_router;
mod shard_split;
mod shard_tables;
mod sqlite;
mod standby;
mod uuid_clock;
mod without_icu;
