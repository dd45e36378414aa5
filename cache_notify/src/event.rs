//! `cache_notify.publish_event`.

use crate::error::Error;
use crate::payload::{self, LIMIT};
use crate::{guc, options, transaction};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// NOTIFY with an event: sent at commit, once however often the transaction publishes it.
#[pg_extern(sql = false)]
fn publish_event(
    event_type: &str,
    collection: &str,
    id: &str,
    channel: &str,
) -> Result<(), ErrorReport> {
    options::check_channel(channel.as_bytes())?;
    let event = payload::event(
        event_type.as_bytes(),
        collection.as_bytes(),
        id.as_bytes(),
        &guc::node_id(),
    );
    if event.len() > LIMIT {
        return Err(Error::EventTooLong { length: event.len(), limit: LIMIT }.into());
    }
    transaction::notify(channel.as_bytes(), &event);
    Ok(())
}
