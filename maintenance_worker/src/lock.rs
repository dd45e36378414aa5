//! The lock under which the policy of a relation runs: nobody else is at it meanwhile.
//!
//! Kept like an advisory lock, but on a tag that no function of SQL can name: with a real one, anybody could keep the
//! tables of others from being maintained.

use pgrx::pg_sys::{self, Oid};

/// Marks the lock among those on objects of pg_class, which the server itself locks as relations.
const MARK: u16 = 0x6d61;
const MODE: pg_sys::LOCKMODE = pg_sys::ExclusiveLock as pg_sys::LOCKMODE;

/// Takes the lock up to the end of the transaction, unless another session has it.
pub fn try_lock(relation: Oid) -> bool {
    acquire(relation, false)
}

/// Takes it for the session, or gives it back.
pub fn lock_session(relation: Oid, take: bool) {
    if take {
        acquire(relation, true);
    } else {
        // SAFETY: the tag is copied; to release a lock that is not held raises a warning.
        unsafe { pg_sys::LockRelease(&tag(relation), MODE, true) };
    }
}

fn acquire(relation: Oid, session: bool) -> bool {
    // SAFETY: in a transaction; the tag is copied.
    let result = unsafe { pg_sys::LockAcquire(&tag(relation), MODE, session, true) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

fn tag(relation: Oid) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        // SAFETY: set once when the session begins.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: pg_sys::RelationRelationId.to_u32(),
        locktag_field3: relation.to_u32(),
        locktag_field4: MARK,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}
