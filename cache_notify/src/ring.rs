//! The ring: messages of committed transactions, waiting for the publishers of their databases. Bytes and numbers only; where
//! they lie and who holds the lock is the business of `shared`.
//!
//! Positions count bytes since the start and never come back; a byte lies at its position modulo the capacity. Records of all
//! databases stand in the order of their commits, from `tail` to `write`. Each database has a position of its own up to which
//! its records have been published, so that the records in between need no mark. What has no room pushes the oldest
//! records out; their channels then owe their listeners a message that says drop everything.

/// Databases and channels that the ring knows at the same time. Those beyond fall back to NOTIFY.
pub const DATABASES: usize = 128;
pub const CHANNELS: usize = 1024;
/// The longest channel name that NOTIFY takes: NAMEDATALEN - 1.
const NAME: usize = 63;
/// Length, channel and database of a record, as one number.
const HEADER: usize = 8;
/// Records looked at in one go, while the lock is held.
const STRIDE: usize = 1024;

/// A process, by what it takes to wake it. Of no meaning here.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Process {
    /// 0: there is none.
    pub pid: i32,
    /// The address of its latch.
    pub latch: usize,
}

#[repr(C)]
#[derive(Debug, Default)]
pub struct Head {
    /// Where the next record goes.
    write: u64,
    /// Where the oldest one begins.
    tail: u64,
    /// When the ring was made, in the server's microseconds: what was in an earlier one is gone.
    pub epoch: i64,
    pub launcher: Process,
    /// Since when the launcher finds no free worker slot; 0: it finds them.
    pub no_worker_since: i64,
    /// Every database that was there when the server started has been visited by a publisher.
    pub visited: bool,
}

/// What has happened in a database since the server started.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that transactions put into the ring.
    pub keys: u64,
    /// Messages that the publisher sent.
    pub messages: u64,
    /// Messages that it did not send since an equal one went out in the same batch.
    pub coalesced: u64,
    /// Messages that had no room.
    pub overflows: u64,
    pub batches: u64,
    pub errors: u64,
    /// Messages of delivery `notify`.
    pub notified: u64,
    /// In the server's microseconds; 0: never.
    pub last_publish: i64,
    pub last_overflow: i64,
    pub last_error: i64,
}

#[repr(C)]
#[derive(Debug, Default)]
pub struct Database {
    /// 0: this place is free.
    pub oid: u32,
    pub publisher: Process,
    /// The publisher waits to be woken.
    pub sleeping: bool,
    /// The launcher has been asked for a publisher.
    pub requested: bool,
    /// The listeners have been told that what was in an earlier ring is gone.
    pub greeted: bool,
    /// Something other than a record waits for the publisher.
    pub called: bool,
    /// Until when no publisher may run here, so that others can have the database to themselves.
    pub closed_until: i64,
    /// Up to here everything has been published.
    read: u64,
    /// Not yet published.
    records: u64,
    bytes: u64,
    /// Since when there is something to publish.
    since: i64,
    pub counters: Counters,
}

impl Database {
    pub fn records(&self) -> u64 {
        self.records
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Since when the oldest message waits.
    pub fn since(&self) -> Option<i64> {
        (self.records > 0).then_some(self.since)
    }
}

#[repr(C)]
#[derive(Debug)]
pub struct Channel {
    name: [u8; NAME],
    /// 0: this place is free.
    length: u8,
    database: u16,
    /// Sessions that hold on to the number of this channel.
    pins: u32,
    /// Where its last record began.
    last: u64,
    /// How many of its messages had no room, how many of them listeners were told of, and where the ring stood at the last.
    losses: u64,
    told: u64,
    lost_at: u64,
}

impl Channel {
    fn name(&self) -> &[u8] {
        &self.name[..usize::from(self.length).min(NAME)]
    }

    fn owes(&self) -> bool {
        self.losses != self.told
    }
}

/// The parts of the shared memory, for as long as the lock is held.
pub struct Ring<'a> {
    pub head: &'a mut Head,
    pub databases: &'a mut [Database],
    channels: &'a mut [Channel],
    bytes: &'a mut [u8],
}

/// Adds a message to `out`, in the form in which [`Ring::push`] takes it.
pub fn append(out: &mut Vec<u8>, database: u16, channel: u16, payload: &[u8]) {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let payload = &payload[..usize::from(length)];
    out.extend_from_slice(&Header { length, channel, database }.bytes());
    out.extend_from_slice(payload);
    out.resize(out.len().next_multiple_of(HEADER), 0);
}

#[derive(Clone, Copy)]
struct Header {
    length: u16,
    channel: u16,
    database: u16,
}

impl Header {
    fn bytes(self) -> [u8; HEADER] {
        let [a, b] = self.length.to_ne_bytes();
        let [c, d] = self.channel.to_ne_bytes();
        let [e, f] = self.database.to_ne_bytes();
        [a, b, c, d, e, f, 0, 0]
    }

    /// The header at the start of `bytes`; None where they are too few.
    fn read(bytes: &[u8]) -> Option<Header> {
        let [a, b, c, d, e, f, ..] = *bytes else { return None };
        Some(Header {
            length: u16::from_ne_bytes([a, b]),
            channel: u16::from_ne_bytes([c, d]),
            database: u16::from_ne_bytes([e, f]),
        })
    }

    /// Of the whole record, which ends where a next header may begin.
    fn size(self) -> usize {
        HEADER + usize::from(self.length).next_multiple_of(HEADER)
    }
}

/// The headers in a sequence of records, each with where it begins.
fn headers(records: &[u8]) -> impl Iterator<Item = (usize, Header)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let header = Header::read(records.get(at..)?)?;
        let start = at;
        at += header.size();
        Some((start, header))
    })
}

/// What a publisher has taken out to send, and gives back once it is sent.
#[derive(Debug, Default)]
pub struct Batch {
    database: u16,
    records: Vec<u8>,
    names: Vec<(u16, Vec<u8>)>,
    /// Channels that must be told to drop everything, with the losses that this covers.
    lost: Vec<(u16, u64)>,
    /// Where the database's records were and how long they are, those included that `lost` covers.
    taken: Vec<(u64, u32)>,
    from: u64,
    next: u64,
    /// There may be more.
    pub has_more: bool,
}

impl Batch {
    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.lost.is_empty()
    }

    /// Whether the ring need not hear of it.
    pub fn is_nothing(&self) -> bool {
        self.is_empty() && self.taken.is_empty() && self.from == self.next
    }

    /// Each distinct message once, in order of arrival, channels that must drop everything first. Returns how many
    /// there were.
    pub fn messages(&self, star: &[u8], mut emit: impl FnMut(&[u8], &[u8])) -> (u64, u64) {
        let (mut sent, mut all) = (0, 0);
        let name = |channel| {
            self.names.iter().find(|(known, _)| *known == channel).map(|(_, name)| name.as_slice())
        };
        for (channel, _) in &self.lost {
            if let Some(name) = name(*channel) {
                emit(name, star);
                sent += 1;
                all += 1;
            }
        }
        let mut seen = std::collections::HashSet::new();
        for (start, header) in headers(&self.records) {
            let start = start + HEADER;
            let payload = self.records.get(start..start + usize::from(header.length));
            if let (Some(payload), Some(name)) = (payload, name(header.channel)) {
                all += 1;
                if seen.insert((header.channel, payload)) {
                    sent += 1;
                    emit(name, payload);
                }
            }
        }
        (sent, all - sent)
    }
}

impl<'a> Ring<'a> {
    pub fn new(
        head: &'a mut Head,
        databases: &'a mut [Database],
        channels: &'a mut [Channel],
        bytes: &'a mut [u8],
    ) -> Ring<'a> {
        debug_assert!(bytes.len().is_multiple_of(HEADER));
        Ring { head, databases, channels, bytes }
    }

    /// Makes memory that was all zero an empty ring.
    pub fn start(&mut self, epoch: i64) {
        // Not 0, so that 0 lies before every record.
        self.head.write = HEADER as u64;
        self.head.tail = HEADER as u64;
        self.head.epoch = epoch;
    }

    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// The place of a database, where it has one.
    pub fn database(&self, oid: u32) -> Option<u16> {
        let index = self.databases.iter().position(|database| database.oid == oid)?;
        u16::try_from(index).ok()
    }

    /// The place of a database, a new one if need be; None where every place is in use.
    pub fn enroll(&mut self, oid: u32) -> Option<u16> {
        if let Some(known) = self.database(oid) {
            return Some(known);
        }
        let free = self.databases.iter().position(|database| database.oid == 0);
        let index = match free {
            Some(free) => free,
            None => (0..self.databases.len()).find(|&index| self.is_idle(index))?,
        };
        let place = u16::try_from(index).ok()?;
        self.forget(place);
        let write = self.head.write;
        // Where every database has been visited since the start, what this one had in an earlier ring was told then.
        let greeted = self.head.visited;
        *self.databases.get_mut(index)? =
            Database { oid, greeted, read: write, ..Database::default() };
        Some(place)
    }

    /// Whether nobody would miss a database's place.
    fn is_idle(&self, index: usize) -> bool {
        let database = &self.databases[index];
        database.publisher.pid == 0
            && database.records == 0
            && !database.called
            && !self.channels_of(index).any(|channel| channel.pins > 0 || channel.owes())
    }

    fn channels_of(&self, index: usize) -> impl Iterator<Item = &Channel> {
        self.channels
            .iter()
            .filter(move |channel| channel.length > 0 && usize::from(channel.database) == index)
    }

    /// The database is gone, and with it what it had to send.
    pub fn forget(&mut self, place: u16) {
        for channel in self.channels.iter_mut() {
            if channel.database == place {
                channel.length = 0;
            }
        }
        if let Some(database) = self.databases.get_mut(usize::from(place)) {
            *database = Database::default();
        }
        self.release();
    }

    /// The number of a channel, which it keeps until it is unpinned as often; None where every number is in use.
    pub fn pin(&mut self, place: u16, name: &[u8]) -> Option<u16> {
        if name.is_empty() || name.len() > NAME {
            return None;
        }
        let known = self.channels.iter().position(|channel| {
            channel.length > 0 && channel.database == place && channel.name() == name
        });
        let index = match known {
            Some(known) => known,
            None => {
                let free = self.channels.iter().position(|channel| channel.length == 0);
                let index = match free {
                    Some(free) => free,
                    None => (0..self.channels.len()).find(|&index| self.is_unused(index))?,
                };
                let mut text = [0; NAME];
                text[..name.len()].copy_from_slice(name);
                self.channels[index] = Channel {
                    name: text,
                    length: name.len() as u8,
                    database: place,
                    pins: 0,
                    last: 0,
                    losses: 0,
                    told: 0,
                    lost_at: 0,
                };
                index
            }
        };
        let number = u16::try_from(index).ok()?;
        self.channels[index].pins += 1;
        Some(number)
    }

    pub fn unpin(&mut self, number: u16) {
        if let Some(channel) = self.channels.get_mut(usize::from(number)) {
            channel.pins = channel.pins.saturating_sub(1);
        }
    }

    /// Whether no session holds the channel and none of its messages still has to be sent.
    fn is_unused(&self, index: usize) -> bool {
        let channel = &self.channels[index];
        let read = self.databases.get(usize::from(channel.database)).map_or(0, |d| d.read);
        channel.pins == 0 && !channel.owes() && channel.last < read.max(self.head.tail)
    }

    /// Adds the messages of a transaction that has committed, made by [`append`] for channels of this database. Never
    /// fails: what has no room is owed to its channel as a message that says drop everything. Returns whom to wake.
    pub fn push(&mut self, place: u16, records: &[u8], now: i64) -> Option<Process> {
        let index = usize::from(place);
        if records.len() > self.bytes.len() {
            for (_, header) in headers(records) {
                self.lose(header, self.head.write, now);
                self.databases.get_mut(index)?.counters.keys += 1;
            }
        } else {
            self.make_room(records.len(), now);
            let write = self.head.write;
            self.copy_in(write, records);
            self.head.write += records.len() as u64;
            let database = self.databases.get_mut(index)?;
            if database.records == 0 {
                database.read = write;
                database.since = now;
            }
            for (start, header) in headers(records) {
                database.records += 1;
                database.counters.keys += 1;
                if let Some(channel) = self.channels.get_mut(usize::from(header.channel)) {
                    channel.last = write + start as u64;
                }
            }
            database.bytes += records.len() as u64;
        }
        self.wake(place)
    }

    /// Whom to wake so that the database's publisher looks for work, unless it is awake or on its way.
    pub fn wake(&mut self, place: u16) -> Option<Process> {
        let launcher = self.head.launcher;
        let database = self.databases.get_mut(usize::from(place))?;
        let process = if database.publisher.pid != 0 {
            std::mem::take(&mut database.sleeping).then_some(database.publisher)
        } else {
            (!std::mem::replace(&mut database.requested, true)).then_some(launcher)
        };
        process.filter(|process| process.pid != 0)
    }

    /// Whether the database's publisher has something to do.
    pub fn has_work(&self, place: u16) -> bool {
        let index = usize::from(place);
        self.databases.get(index).is_some_and(|d| d.records > 0 || d.called)
            || self.channels_of(index).any(Channel::owes)
    }

    /// Counts what transactions of a database notified themselves. A database without a place goes uncounted where there
    /// is none to have.
    pub fn count_notified(&mut self, oid: u32, messages: u64) {
        if let Some(database) =
            self.enroll(oid).and_then(|place| self.databases.get_mut(usize::from(place)))
        {
            database.counters.notified += messages;
        }
    }

    pub fn is_greeted(&self, place: u16) -> bool {
        self.databases.get(usize::from(place)).is_some_and(|database| database.greeted)
    }

    /// Notes that a record, which was to be at `position`, has no room. A loss of its channel that came after the record
    /// covers it.
    fn lose(&mut self, header: Header, position: u64, now: i64) {
        if let Some(channel) = self.channels.get_mut(usize::from(header.channel))
            && position >= channel.lost_at
        {
            channel.losses += 1;
            channel.lost_at = self.head.write;
        }
        if let Some(database) = self.databases.get_mut(usize::from(header.database)) {
            database.counters.overflows += 1;
            database.counters.last_overflow = now;
        }
    }

    /// Pushes the oldest records out until `needed` bytes are free.
    fn make_room(&mut self, needed: usize, now: i64) {
        while self.bytes.len() - ((self.head.write - self.head.tail) as usize) < needed {
            let tail = self.head.tail;
            let Some(header) = self.header(tail) else {
                // Cannot be: records end where the next one begins. Give the place up rather than look on for ever.
                self.head.tail = self.head.write;
                return;
            };
            let waits = self.databases.get_mut(usize::from(header.database)).is_some_and(|d| {
                let waits = d.records > 0 && d.read <= tail;
                if waits {
                    d.records -= 1;
                    d.bytes = d.bytes.saturating_sub(header.size() as u64);
                }
                waits
            });
            if waits {
                self.lose(header, tail, now);
            }
            self.head.tail += header.size() as u64;
        }
    }

    fn header(&self, position: u64) -> Option<Header> {
        // A header never lies across the end: capacity and positions are multiples of its size.
        Header::read(self.bytes.get(self.offset(position)..)?)
    }

    fn offset(&self, position: u64) -> usize {
        (position % self.bytes.len() as u64) as usize
    }

    fn copy_in(&mut self, position: u64, records: &[u8]) {
        let offset = self.offset(position);
        let (first, rest) = records.split_at(records.len().min(self.bytes.len() - offset));
        self.bytes[offset..offset + first.len()].copy_from_slice(first);
        self.bytes[..rest.len()].copy_from_slice(rest);
    }

    fn copy_out(&self, position: u64, length: usize, out: &mut Vec<u8>) {
        let offset = self.offset(position);
        let first = length.min(self.bytes.len() - offset);
        out.extend_from_slice(&self.bytes[offset..offset + first]);
        out.extend_from_slice(&self.bytes[..length - first]);
    }

    /// The next messages of a database, some `limit` bytes of them. They stay in the ring until [`Ring::confirm`].
    pub fn take(&self, place: u16, limit: usize, batch: &mut Batch) {
        let index = usize::from(place);
        let Some(database) = self.databases.get(index) else { return };
        batch.database = place;
        batch.records.clear();
        batch.names.clear();
        batch.lost.clear();
        batch.taken.clear();
        batch.has_more = false;
        for (number, channel) in self.channels.iter().enumerate() {
            if channel.length > 0 && usize::from(channel.database) == index && channel.owes() {
                let number = number as u16;
                batch.lost.push((number, channel.losses));
                batch.names.push((number, channel.name().to_vec()));
            }
        }
        batch.from = database.read.max(self.head.tail);
        batch.next = batch.from;
        if database.records == 0 {
            return;
        }
        for _ in 0..STRIDE {
            if batch.next >= self.head.write || batch.records.len() >= limit {
                break;
            }
            let Some(header) = self.header(batch.next) else { return };
            if header.database == place
                && let Some(channel) = self.channels.get(usize::from(header.channel))
            {
                batch.taken.push((batch.next, header.size() as u32));
                // What came before a loss, drop everything says as well.
                if batch.next >= channel.lost_at {
                    self.copy_out(batch.next, header.size(), &mut batch.records);
                    if !batch.names.iter().any(|(known, _)| *known == header.channel) {
                        batch.names.push((header.channel, channel.name().to_vec()));
                    }
                }
            }
            batch.next += header.size() as u64;
        }
        batch.has_more = batch.next < self.head.write;
    }

    /// What was taken has been sent. Of records that were pushed out meanwhile nothing is left to do; the loss stands.
    pub fn confirm(&mut self, batch: &Batch) {
        let Some(database) = self.databases.get_mut(usize::from(batch.database)) else { return };
        for (position, size) in &batch.taken {
            if *position >= self.head.tail {
                database.records = database.records.saturating_sub(1);
                database.bytes = database.bytes.saturating_sub(u64::from(*size));
            }
        }
        database.read = database.read.max(batch.next);
        for (number, losses) in &batch.lost {
            if let Some(channel) = self.channels.get_mut(usize::from(*number)) {
                channel.told = *losses;
            }
        }
        self.release();
    }

    /// Frees what every database has published.
    fn release(&mut self) {
        let needed = self.databases.iter().filter(|d| d.oid != 0 && d.records > 0).map(|d| d.read);
        let oldest = needed.min().unwrap_or(self.head.write);
        self.head.tail = self.head.tail.max(oldest);
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Memory for a ring, all zero at first as the server's is.
    struct Memory {
        head: Head,
        databases: Vec<Database>,
        channels: Vec<Channel>,
        bytes: Vec<u8>,
    }

    impl Memory {
        fn new(capacity: usize, databases: usize, channels: usize) -> Memory {
            let mut memory = Memory {
                head: Head::default(),
                databases: (0..databases).map(|_| Database::default()).collect(),
                channels: (0..channels)
                    .map(|_| Channel {
                        name: [0; NAME],
                        length: 0,
                        database: 0,
                        pins: 0,
                        last: 0,
                        losses: 0,
                        told: 0,
                        lost_at: 0,
                    })
                    .collect(),
                bytes: vec![0; capacity],
            };
            memory.ring().start(1);
            memory
        }

        fn ring(&mut self) -> Ring<'_> {
            Ring::new(&mut self.head, &mut self.databases, &mut self.channels, &mut self.bytes)
        }
    }

    fn one(database: u16, channel: u16, payload: &str) -> Vec<u8> {
        let mut records = Vec::new();
        append(&mut records, database, channel, payload.as_bytes());
        records
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn sent(batch: &Batch) -> Vec<String> {
        let mut sent = Vec::new();
        batch.messages(b"*", |channel, payload| {
            sent.push(format!("{} {}", text(channel), text(payload)));
        });
        sent
    }

    fn publish(ring: &mut Ring<'_>, database: u16) -> Vec<String> {
        let mut batch = Batch::default();
        ring.take(database, usize::MAX, &mut batch);
        ring.confirm(&batch);
        sent(&batch)
    }

    #[test]
    fn messages_come_out_as_they_went_in_each_once_a_batch() {
        let mut memory = Memory::new(4096, 2, 4);
        let mut ring = memory.ring();
        let (a, b) = (ring.enroll(1).unwrap(), ring.enroll(2).unwrap());
        let (ca, cb) = (ring.pin(a, b"c").unwrap(), ring.pin(b, b"c").unwrap());
        assert_ne!(ca, cb);
        assert_eq!(ring.pin(a, b"c"), Some(ca));
        for payload in ["x", "", "x", "12345678"] {
            ring.push(a, &one(a, ca, payload), 5);
        }
        ring.push(b, &one(b, cb, "other"), 6);
        ring.push(a, &one(a, ca, "x"), 7);
        assert_eq!((ring.databases[0].records(), ring.databases[0].since()), (5, Some(5)));
        assert_eq!(publish(&mut ring, a), ["c x", "c ", "c 12345678"]);
        assert_eq!(publish(&mut ring, a), [""; 0]);
        assert!(!ring.has_work(a) && ring.has_work(b));
        assert_eq!(publish(&mut ring, b), ["c other"]);
        assert_eq!(ring.head.tail, ring.head.write);
    }

    #[test]
    fn what_is_not_confirmed_comes_again() {
        let mut memory = Memory::new(4096, 1, 1);
        let mut ring = memory.ring();
        let d = ring.enroll(1).unwrap();
        let c = ring.pin(d, b"c").unwrap();
        ring.push(d, &one(d, c, "1"), 0);
        let mut lost = Batch::default();
        ring.take(d, 1000, &mut lost);
        ring.push(d, &one(d, c, "2"), 0);
        assert_eq!(publish(&mut ring, d), ["c 1", "c 2"]);
    }

    #[test]
    fn the_oldest_make_room_and_are_owed_for() {
        let mut memory = Memory::new(64, 2, 4);
        let mut ring = memory.ring();
        let (a, b) = (ring.enroll(1).unwrap(), ring.enroll(2).unwrap());
        let (ca, cb) = (ring.pin(a, b"a").unwrap(), ring.pin(b, b"b").unwrap());
        ring.push(b, &one(b, cb, "old"), 3);
        for i in 0..4 {
            ring.push(a, &one(a, ca, &i.to_string()), 4);
        }
        // The other database's record was the oldest: this one lost nothing.
        assert_eq!(publish(&mut ring, a), ["a 0", "a 1", "a 2", "a 3"]);
        assert_eq!(publish(&mut ring, b), ["b *"]);
        assert_eq!(publish(&mut ring, b), [""; 0]);
        assert_eq!(ring.databases[1].counters.overflows, 1);
        for i in 0..6 {
            ring.push(a, &one(a, ca, &i.to_string()), 5);
        }
        // The first loss was when 4 came; what was before it is covered by it, and 1 was no loss of its own.
        assert_eq!(publish(&mut ring, a), ["a *", "a 4", "a 5"]);
        assert_eq!(ring.databases[0].counters.overflows, 2);
    }

    #[test]
    fn a_transaction_larger_than_the_ring_is_a_loss_and_nothing_else_is() {
        let mut memory = Memory::new(64, 1, 2);
        let mut ring = memory.ring();
        let d = ring.enroll(1).unwrap();
        let (c, e) = (ring.pin(d, b"c").unwrap(), ring.pin(d, b"e").unwrap());
        ring.push(d, &one(d, e, "kept"), 0);
        let large: Vec<u8> = (0..5).flat_map(|i| one(d, c, &i.to_string())).collect();
        ring.push(d, &large, 0);
        assert_eq!(publish(&mut ring, d), ["c *", "e kept"]);
        // A loss while the message about an earlier one is on its way is owed again, though nothing was written between.
        ring.push(d, &large, 0);
        let mut batch = Batch::default();
        ring.take(d, 1000, &mut batch);
        ring.push(d, &large, 0);
        ring.confirm(&batch);
        assert_eq!(sent(&batch), ["c *"]);
        assert_eq!(publish(&mut ring, d), ["c *"]);
        assert_eq!(publish(&mut ring, d), [""; 0]);
    }

    #[test]
    fn places_and_numbers_are_given_anew_only_when_nobody_misses_them() {
        let mut memory = Memory::new(1024, 2, 2);
        let mut ring = memory.ring();
        let (a, b) = (ring.enroll(1).unwrap(), ring.enroll(2).unwrap());
        let c = ring.pin(a, b"c").unwrap();
        assert_eq!(ring.pin(a, &[b'x'; 64]), None);
        assert_eq!(ring.pin(a, b""), None);
        ring.push(a, &one(a, c, "1"), 0);
        let e = ring.pin(b, b"e").unwrap();
        assert_eq!(ring.pin(b, b"f"), None);
        ring.unpin(c);
        // Its message still has to be sent.
        assert_eq!(ring.pin(b, b"f"), None);
        assert_eq!(ring.enroll(3), None);
        publish(&mut ring, a);
        assert_eq!(ring.enroll(3), Some(a));
        assert_eq!(ring.pin(b, b"f"), Some(c));
        // b has a channel in use.
        assert_eq!(ring.enroll(4), Some(a));
        ring.unpin(e);
        ring.unpin(c);
        ring.databases[usize::from(a)].publisher.pid = 7;
        assert_eq!(ring.enroll(5), Some(b));
        assert_eq!(ring.enroll(6), Some(b));
    }

    #[test]
    fn whom_to_wake() {
        let mut memory = Memory::new(1024, 1, 1);
        let mut ring = memory.ring();
        ring.head.launcher = Process { pid: 1, latch: 11 };
        let d = ring.enroll(1).unwrap();
        let c = ring.pin(d, b"c").unwrap();
        let record = one(d, c, "1");
        assert_eq!(ring.push(d, &record, 0).map(|p| p.latch), Some(11));
        assert_eq!(ring.push(d, &record, 0), None);
        let database = &mut ring.databases[0];
        (database.publisher, database.requested) = (Process { pid: 2, latch: 22 }, false);
        assert_eq!(ring.push(d, &record, 0), None);
        ring.databases[0].sleeping = true;
        assert_eq!(ring.push(d, &record, 0).map(|p| p.latch), Some(22));
        assert_eq!(ring.push(d, &record, 0), None);
    }

    type Pairs = Vec<(String, String)>;

    /// Any order of writing, publishing, dying publishers and dropped databases: a message that was pushed is sent, or its
    /// channel is told to drop everything, by a batch that was taken after the push; nothing else is sent.
    #[test]
    fn nothing_is_lost_and_nothing_is_made_up() {
        for seed in 1..60_u64 {
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut random = |below: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) % below
            };
            let capacity = (8 << random(8)) as usize;
            let mut memory = Memory::new(capacity, 3, 6);
            let mut ring = memory.ring();
            // By database and channel: what was pushed and is not covered yet, and how many losses there were.
            let mut waiting: BTreeMap<(u16, String), BTreeSet<String>> = BTreeMap::new();
            // What may be sent: it was pushed, and has not been sent and confirmed.
            let mut unsent: BTreeSet<(u16, String, String)> = BTreeSet::new();
            let mut pins: BTreeMap<(u16, String), u16> = BTreeMap::new();
            let mut overflows = BTreeMap::new();
            let mut number = 0;
            // Taken and not confirmed: with it, what it covers.
            let mut taken: [Option<(Batch, Pairs, Pairs)>; 3] = [None, None, None];
            for _ in 0..2000 {
                let oid = 1 + random(3) as u32;
                let Some(d) = ring.enroll(oid) else { panic!("three places for three databases") };
                match random(12) {
                    0 => {
                        let mut batch = Batch::default();
                        ring.take(d, random(300) as usize + 1, &mut batch);
                        let mut messages = Pairs::new();
                        batch.messages(b"*", |c, m| messages.push((text(c), text(m))));
                        for (channel, message) in &messages {
                            if message == "*" {
                                assert!(overflows[&d] > 0, "seed {seed}");
                            } else {
                                let known = (d, channel.clone(), message.clone());
                                assert!(unsent.contains(&known), "seed {seed}");
                            }
                        }
                        // What a star covers is what was pushed by now.
                        let covers = messages
                            .iter()
                            .flat_map(|(channel, message)| match message.as_str() {
                                "*" => waiting[&(d, channel.clone())]
                                    .iter()
                                    .map(|m| (channel.clone(), m.clone()))
                                    .collect(),
                                message => vec![(channel.clone(), message.to_owned())],
                            })
                            .collect();
                        taken[usize::from(d)] = Some((batch, messages, covers));
                    }
                    1 => {
                        if let Some((batch, messages, covers)) = taken[usize::from(d)].take() {
                            ring.confirm(&batch);
                            for (channel, message) in messages {
                                unsent.remove(&(d, channel, message));
                            }
                            for (channel, message) in covers {
                                waiting.get_mut(&(d, channel)).unwrap().remove(&message);
                            }
                        }
                    }
                    2 if random(30) == 0 => {
                        pins.retain(|(database, _), _| *database != d);
                        waiting.retain(|(database, _), _| *database != d);
                        taken[usize::from(d)] = None;
                        ring.forget(d);
                    }
                    3 if random(4) == 0 => {
                        let name = format!("c{}", random(2));
                        if let Some(pin) = pins.remove(&(d, name)) {
                            ring.unpin(pin);
                        }
                    }
                    _ => {
                        let mut records = Vec::new();
                        for _ in 0..=random(4) {
                            let name = format!("c{}", random(2));
                            let key = (d, name.clone());
                            let Some(channel) =
                                pins.get(&key).copied().or_else(|| ring.pin(d, name.as_bytes()))
                            else {
                                continue;
                            };
                            pins.insert(key.clone(), channel);
                            number += 1;
                            let payload = format!("{number}{}", "x".repeat(random(30) as usize));
                            append(&mut records, d, channel, payload.as_bytes());
                            unsent.insert((d, name, payload.clone()));
                            waiting.entry(key).or_default().insert(payload);
                        }
                        ring.push(d, &records, 0);
                    }
                }
                for place in 0..3 {
                    let database = &ring.databases[usize::from(place)];
                    overflows.insert(place, database.counters.overflows);
                    assert_eq!(database.records == 0, database.bytes == 0, "seed {seed}");
                }
                let used = ring.head.write - ring.head.tail;
                assert!(used <= capacity as u64, "seed {seed}");
                assert!(ring.databases.iter().map(|d| d.bytes).sum::<u64>() <= used, "seed {seed}");
            }
            for d in 0..3 {
                for _ in 0..10 {
                    for message in publish(&mut ring, d) {
                        let (channel, message) = message.split_once(' ').unwrap();
                        let waiting = waiting.get_mut(&(d, channel.to_owned())).unwrap();
                        waiting.retain(|known| message != "*" && known != message);
                    }
                }
                assert!(!ring.has_work(d), "seed {seed}");
            }
            for ((database, channel), waiting) in waiting {
                assert!(waiting.is_empty(), "seed {seed}: {database} {channel} {waiting:?}");
            }
            assert_eq!(ring.head.tail, ring.head.write, "seed {seed}");
        }
    }
}
