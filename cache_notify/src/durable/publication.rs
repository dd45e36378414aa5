//! The publication that pgoutput asks for. It publishes no table: what is read are logical messages alone.
//!
//! It must exist before a slot is made, since pgoutput looks it up as it was at the place that is being read. So the
//! extension brings it. CREATE PUBLICATION does not make it a member of the extension as other commands do; being one, it is
//! left out of dumps as the rest of the extension, goes with DROP EXTENSION and cannot be dropped alone.

use crate::error::Error;
use pgrx::pg_sys;
use pgrx::prelude::*;

pub const NAME: &str = "cache_notify";

/// Makes the publication a member of the extension. Also after pg_upgrade, which carries it over as one of its own.
pub fn adopt() -> Result<(), Error> {
    let depends_on_us = |publication: pg_sys::Oid| {
        // SAFETY: reads pg_depend.
        unsafe {
            pg_sys::getExtensionOfObject(pg_sys::PublicationRelationId, publication)
                != pg_sys::InvalidOid
        }
    };
    // SAFETY: both names are NUL-terminated; the functions return 0 for one that does not exist. Both objects exist when
    // the dependency is written.
    unsafe {
        let publication = pg_sys::get_publication_oid(c"cache_notify".as_ptr(), true);
        let extension = pg_sys::get_extension_oid(c"cache_notify".as_ptr(), true);
        if publication == pg_sys::InvalidOid || extension == pg_sys::InvalidOid {
            return Err(Error::NoPublication);
        }
        if !depends_on_us(publication) {
            let address = |class, object| pg_sys::ObjectAddress {
                classId: class,
                objectId: object,
                objectSubId: 0,
            };
            pg_sys::recordDependencyOn(
                &address(pg_sys::PublicationRelationId, publication),
                &address(pg_sys::ExtensionRelationId, extension),
                pg_sys::DependencyType::DEPENDENCY_EXTENSION,
            );
        }
    }
    Ok(())
}

/// For the extension's script.
#[pg_extern(sql = false)]
fn adopt_publication() -> Result<(), pg_sys::panic::ErrorReport> {
    Ok(adopt()?)
}
