//! Advisory locks by name: the key. Taking and releasing is left to the server's own functions (`sql/core.sql`).

use crate::server_text::ServerText;
use fnv::FnvHasher;
use pgrx::prelude::*;
use std::hash::Hasher;

/// FNV-1a of 64 bits, as the signed number that `int64` of Go's `fnv.New64a().Sum64()` is.
fn key(name: &[u8]) -> i64 {
    let mut hasher = FnvHasher::default();
    hasher.write(name);
    hasher.finish().cast_signed()
}

/// The advisory lock key of a name: FNV-1a over its UTF-8 bytes, whatever the database's encoding; SQL_ASCII does not know what
/// its bytes mean, so they count as they are.
#[pg_extern(immutable, strict, parallel_safe)]
fn pb_lock_key(name: ServerText) -> i64 {
    key(name.to_utf8_bytes())
}

#[cfg(test)]
mod unit {
    use super::key;

    /// From the test vectors that accompany the hash's definition (draft-eastlake-fnv, test suite of FNV).
    #[test]
    fn agrees_with_the_published_vectors() {
        for (name, hash) in [
            ("", 0xcbf2_9ce4_8422_2325_u64),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("b", 0xaf63_df4c_8601_f1a5),
            ("c", 0xaf63_de4c_8601_eff2),
            ("fo", 0x0898_5907_b541_d342),
            ("foo", 0xdcb2_7518_fed9_d577),
            ("foob", 0xdd12_0e79_0c25_12af),
            ("fooba", 0xcac1_65af_a2fe_f40a),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(key(name.as_bytes()), hash as i64, "{name:?}");
        }
    }
}
