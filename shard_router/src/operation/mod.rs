//! Splitting and moving shards while they are in use.
//!
//! Both are the same work: new tables are filled from a shard and then take its place. A trigger notes the keys of the rows
//! that change meanwhile, the rows are copied in batches, the noted keys are copied again in rounds until few are left, and
//! one short transaction copies the last ones and exchanges the partitions.
//!
//! An operation is a row of `shard_router.operations`. Each step is one transaction that changes the row together with what
//! it does, so that after a crash the operation can be taken up at that step or undone.

mod capture;
mod definition;
mod movement;
mod problem;
pub mod snapshot;
mod split;
mod state;
pub mod steps;

pub use problem::Problem;
pub use state::{Command, Operation, Step};
