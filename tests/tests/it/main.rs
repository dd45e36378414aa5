//! What only a real server shows. One binary, so that it links once.

mod cache_notify;
mod crash;
mod dump_restore;
mod maintenance_worker;
mod pb_compat;
mod request_logs;
mod rights;
mod shard_router;
mod shard_tables;
mod standby;
mod without_icu;
