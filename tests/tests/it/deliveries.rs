//! The ways in which cache_notify delivers, for tests that hold each of them to the same promises.

pub struct Delivery {
    /// As `attach` takes it.
    pub name: &'static str,
    /// What the server needs for it.
    pub settings: &'static [&'static str],
    /// Whether a transaction that wrote an attached table can be prepared.
    pub prepares: bool,
    /// Whether a background process takes part.
    pub publishes: bool,
    /// Where a client takes its messages from.
    pub source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// Notifications: what is sent while it is away is lost.
    Listen,
    /// `changes_since`: nothing is.
    Changes,
}

pub const NOTIFY: Delivery = Delivery {
    name: "notify",
    settings: &[],
    prepares: false,
    publishes: false,
    source: Source::Listen,
};

pub const ASYNC: Delivery = Delivery {
    name: "async",
    settings: &["shared_preload_libraries = 'cache_notify'"],
    prepares: false,
    publishes: true,
    source: Source::Listen,
};

/// For consumers.
pub const DURABLE: Delivery = Delivery {
    name: "durable",
    settings: &["wal_level = logical", "max_prepared_transactions = 20"],
    prepares: true,
    publishes: false,
    source: Source::Changes,
};

/// For consumers that are woken.
pub const DURABLE_PRELOADED: Delivery = Delivery {
    settings: &[
        "wal_level = logical",
        "max_prepared_transactions = 20",
        "shared_preload_libraries = 'cache_notify'",
    ],
    publishes: true,
    ..DURABLE
};

/// For those who only listen.
pub const DURABLE_HEARD: Delivery = Delivery { source: Source::Listen, ..DURABLE_PRELOADED };
