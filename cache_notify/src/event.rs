//! `cache_notify.publish_event`.

use crate::error::Error;
use crate::options::{self, Delivery};
use crate::payload::{self, LIMIT, Payload};
use crate::pending::Target;
use crate::transaction::{self, with_pending};
use crate::{attach, guc};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::rc::Rc;

pub const DEFAULT_CHANNEL: &[u8] = b"pb_events";

/// An event: sent at commit, once however often the transaction publishes it.
#[pg_extern(sql = false)]
fn publish_event(
    event_type: Option<&str>,
    collection: Option<&str>,
    id: Option<&str>,
    channel: Option<&str>,
    delivery: Option<&str>,
) -> Result<(), ErrorReport> {
    let (Some(event_type), Some(collection), Some(id), Some(channel)) =
        (event_type, collection, id, channel)
    else {
        return Ok(());
    };
    let delivery = attach::choose_delivery(delivery)?;
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
    // SAFETY: raises an error on a standby, where nobody would send the event.
    unsafe { pg_sys::PreventCommandDuringRecovery(c"publish_event()".as_ptr()) };
    match delivery {
        Delivery::Notify => transaction::notify(channel.as_bytes(), &event),
        Delivery::Async | Delivery::Durable => keep(channel.as_bytes(), &event, delivery),
    }
    Ok(())
}

/// Puts an event to the transaction's keys: as a key that is a message already, of a table without a name.
fn keep(channel: &[u8], event: &[u8], delivery: Delivery) {
    let target = Rc::new(Target {
        delivery,
        channel: channel.to_vec(),
        payload: Payload::Key,
        schema: vec![],
        table: vec![],
        // Never needed: the event fits into a message, and there is no limit to their number.
        patterns: vec![],
        json_budget: 0,
    });
    // SAFETY: reads a counter.
    let level = unsafe { pg_sys::GetCurrentTransactionNestLevel() };
    with_pending(|pending| {
        let slot = pending.slot(&target, level);
        pending.add(slot, level, payload::Op::Any, event, usize::MAX);
    });
    transaction::after_trigger();
}
