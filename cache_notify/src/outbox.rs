//! Delivery `async`: the messages of a transaction, from just before its commit to just after it.

/// Whether the server has what this delivery needs: the library is preloaded.
pub fn is_available() -> bool {
    false
}

/// Takes one message of the present transaction, before its commit.
///
/// Without the library preloaded, where a dump was restored for example, NOTIFY stands in: the listener hears no less.
pub fn add(channel: &[u8], payload: &[u8]) {
    crate::transaction::notify(channel, payload);
}

/// The transaction is over: what was taken goes out if it committed. Nothing here raises an error or waits.
pub fn end(_committed: bool) {}
