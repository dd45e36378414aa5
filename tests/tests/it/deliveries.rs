//! The ways in which cache_notify delivers, for tests that hold each of them to the same promises.

pub struct Delivery {
    /// As `attach` takes it.
    pub name: &'static str,
    /// What the server needs for it.
    pub settings: &'static [&'static str],
    /// Whether a transaction that wrote an attached table can be prepared.
    pub prepares: bool,
}

pub const NOTIFY: Delivery = Delivery { name: "notify", settings: &[], prepares: false };
