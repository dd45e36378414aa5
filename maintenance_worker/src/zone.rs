//! Time zones, from the same files that the server itself reads.
//!
//! A partition of a day must hold exactly the rows that the server's own `AT TIME ZONE` puts on that day, so a second,
//! bundled copy of the rules would be wrong whenever the two are of different age.

use crate::error::Error;
use jiff::tz::TimeZone;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Where builds with `--with-system-tzdata` (every Linux package) find the zones.
const SYSTEM_ZONES: &str = "/usr/share/zoneinfo";

/// How long a zone that was read is used again: long enough for a pass over thousands of policies, short enough that a
/// session sees a new release of the rules.
const FRESH: Duration = Duration::from_secs(60);

thread_local! {
    static ZONES: RefCell<HashMap<String, (Instant, TimeZone)>> = RefCell::default();
}

/// The zone of that exact name.
pub fn load(name: &str) -> Result<TimeZone, Error> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    let known = ZONES.with_borrow(|zones| match zones.get(name) {
        Some((read, zone)) if read.elapsed() < FRESH => Some(zone.clone()),
        _ => None,
    });
    if let Some(zone) = known {
        return Ok(zone);
    }
    let zone = read(name)?;
    ZONES.with_borrow_mut(|zones| zones.insert(name.to_owned(), (Instant::now(), zone.clone())));
    Ok(zone)
}

fn read(name: &str) -> Result<TimeZone, Error> {
    let unknown = || Error::TimeZone(name.to_owned());
    // The name becomes a path below the directory of zones and must not lead out of it.
    let plain = name.len() <= 100
        && name.split('/').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-'))
        });
    if !plain {
        return Err(unknown());
    }
    [share_directory().join("timezone"), PathBuf::from(SYSTEM_ZONES)]
        .iter()
        .find_map(|directory| std::fs::read(directory.join(name)).ok())
        .and_then(|data| TimeZone::tzif(name, &data).ok())
        .ok_or_else(unknown)
}

fn share_directory() -> PathBuf {
    let mut path = [0 as c_char; pg_sys::MAXPGPATH as usize];
    // SAFETY: `my_exec_path` is a NUL-terminated array that the postmaster filled in before any backend started, and
    // get_share_path writes at most MAXPGPATH bytes with the NUL.
    let path = unsafe {
        pg_sys::get_share_path((&raw const pg_sys::my_exec_path).cast(), path.as_mut_ptr());
        CStr::from_ptr(path.as_ptr())
    };
    PathBuf::from(path.to_string_lossy().into_owned())
}
