//! Settings.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static ALLOW_MULTI_NODE_WRITES: GucSetting<bool> = GucSetting::<bool>::new(false);

/// Defines every setting. Called from _PG_init.
pub fn define() {
    GucRegistry::define_bool_guc(
        c"shard_router.allow_multi_node_writes",
        c"Lets a transaction write to shards on several nodes.",
        c"The nodes commit one after the other, so a failure in between leaves a part of the transaction.",
        &ALLOW_MULTI_NODE_WRITES,
        GucContext::Userset,
        GucFlags::default(),
    );
    pg_ext_core::guc::reserve_prefix(c"shard_router");
}

pub fn allow_multi_node_writes() -> bool {
    ALLOW_MULTI_NODE_WRITES.get()
}
