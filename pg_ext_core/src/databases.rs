//! The databases of the server, for workers that are connected to none.

use pgrx::pg_sys;
use std::ffi::CStr;

/// OID and name of the databases that allow connections. Templates are left out: a session in one would make CREATE DATABASE
/// wait. In a transaction; needs no database.
pub fn connectable() -> Vec<(pg_sys::Oid, String)> {
    all(|row| row.datallowconn && !row.datistemplate && row.datconnlimit != INTERRUPTED_DROP)
}

/// Whether there is a database of this OID. In a transaction; needs no database.
pub fn exists(database: pg_sys::Oid) -> bool {
    !all(|row| row.oid == database).is_empty()
}

/// The connection limit of a database whose DROP was interrupted: nobody can connect to it.
const INTERRUPTED_DROP: i32 = -2;

fn all(wanted: impl Fn(&pg_sys::FormData_pg_database) -> bool) -> Vec<(pg_sys::Oid, String)> {
    let mut found = vec![];
    // SAFETY: in a transaction with a snapshot; a scan of a shared catalog, which needs no database, the way the autovacuum
    // launcher does it. The tuple is copied from before the next one is fetched.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, lock);
        let scan = pg_sys::systable_beginscan(
            relation,
            pg_sys::InvalidOid,
            false,
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
        );
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let header = (*tuple).t_data;
            let row = &*header
                .cast::<u8>()
                .add((*header).t_hoff.into())
                .cast::<pg_sys::FormData_pg_database>();
            if wanted(row) {
                let name = CStr::from_ptr(row.datname.data.as_ptr());
                found.push((row.oid, name.to_string_lossy().into_owned()));
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, lock);
    }
    found
}
