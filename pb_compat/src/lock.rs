//! Advisory locks by name: the key. Taking and releasing is left to the server's own functions (`sql/core.sql`).

use crate::server_text::ServerText;
use fnv::FnvHasher;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::hash::Hasher;

/// FNV-1a of 64 bits, as the signed number that `int64` of Go's `fnv.New64a().Sum64()` is.
fn key(name: &[u8]) -> i64 {
    let mut hasher = FnvHasher::default();
    hasher.write(name);
    hasher.finish().cast_signed()
}

/// The advisory lock key of a name: FNV-1a over its UTF-8 bytes, whatever the database's encoding.
#[pg_extern(immutable, strict, parallel_safe)]
fn pb_lock_key(name: ServerText) -> i64 {
    // SAFETY: no argument, no side effect.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() }.cast_unsigned();
    if encoding == pg_sys::pg_enc::PG_UTF8 || encoding == pg_sys::pg_enc::PG_SQL_ASCII {
        // SQL_ASCII does not know what its bytes mean, so they count as they are.
        return key(name.0);
    }
    let length = i32::try_from(name.0.len()).expect("text is below 1 GB");
    // SAFETY: pointer and length belong to one slice, and text is valid in the database's encoding. The result is
    // either the argument itself or a palloc'd, null-terminated copy, which the end of the call frees.
    let utf8 = unsafe {
        let converted = pg_sys::pg_server_to_any(
            name.0.as_ptr().cast(),
            length,
            pg_sys::pg_enc::PG_UTF8.cast_signed(),
        );
        if converted.cast_const().cast() == name.0.as_ptr() {
            name.0
        } else {
            std::ffi::CStr::from_ptr(converted).to_bytes()
        }
    };
    key(utf8)
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
