//! What a logical message of ours holds, whose prefix is [`PREFIX`].
//!
//! A version byte, the id of the transaction (eight bytes, as all numbers here in network order), then entries: a head byte;
//! if it says so a new channel, one byte of length and the name; two bytes of length and the payload. An entry without a
//! channel is for the channel of the one before. A transaction writes as many such messages as their bounded size asks for,
//! and each stands alone.

/// By which a reader of the write-ahead log tells our messages from others.
pub const PREFIX: &str = "cache_notify";
/// The size from which on a message is written and the next one begun.
pub const CHUNK: usize = 64 * 1024;

const VERSION: u8 = 1;
/// Head byte: a channel follows.
const NEW_CHANNEL: u8 = 1;
/// Head byte: the payload is a JSON object that takes the transaction's id and position.
const JSON: u8 = 2;
const HEADER: usize = 9;

/// A message in the making.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
    /// Where the channel of the last entry stands in `bytes`.
    channel: std::ops::Range<usize>,
}

impl Encoder {
    /// Adds an entry of the transaction `xid`. A channel has at most 63 bytes, a payload less than 8,000.
    pub fn push(&mut self, xid: u64, channel: &[u8], payload: &[u8], is_json: bool) {
        let (Ok(channel_length), Ok(payload_length)) =
            (u8::try_from(channel.len()), u16::try_from(payload.len()))
        else {
            unreachable!("a channel or payload longer than NOTIFY takes");
        };
        if self.bytes.is_empty() {
            self.bytes.push(VERSION);
            self.bytes.extend_from_slice(&xid.to_be_bytes());
        }
        let is_new = self.bytes[self.channel.clone()] != *channel || self.channel.is_empty();
        self.bytes.push(if is_new { NEW_CHANNEL } else { 0 } | if is_json { JSON } else { 0 });
        if is_new {
            self.bytes.push(channel_length);
            let start = self.bytes.len();
            self.bytes.extend_from_slice(channel);
            self.channel = start..self.bytes.len();
        }
        self.bytes.extend_from_slice(&payload_length.to_be_bytes());
        self.bytes.extend_from_slice(payload);
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.bytes.len() >= CHUNK
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Begins the next message. The memory stays, for the transactions to come.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.channel = 0..0;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    pub channel: &'a [u8],
    pub payload: &'a [u8],
    pub is_json: bool,
}

/// Bytes that no [`Encoder`] wrote: anybody may emit a logical message under our prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Reads a message: the transaction's id and the entries.
pub fn decode(message: &[u8]) -> Result<(u64, Vec<Entry<'_>>), Malformed> {
    let (header, mut rest) = message.split_at_checked(HEADER).ok_or(Malformed)?;
    let (version, xid) = header.split_first().ok_or(Malformed)?;
    if *version != VERSION {
        return Err(Malformed);
    }
    let xid = u64::from_be_bytes(xid.try_into().map_err(|_| Malformed)?);
    let mut channel: &[u8] = &[];
    let mut entries = Vec::new();
    while let Some((&head, after)) = rest.split_first() {
        rest = after;
        if head & !(NEW_CHANNEL | JSON) != 0 {
            return Err(Malformed);
        }
        if head & NEW_CHANNEL != 0 {
            let (&length, after) = rest.split_first().ok_or(Malformed)?;
            (channel, rest) = after.split_at_checked(usize::from(length)).ok_or(Malformed)?;
        }
        if channel.is_empty() {
            return Err(Malformed);
        }
        let (length, after) = rest.split_first_chunk::<2>().ok_or(Malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let payload;
        (payload, rest) = after.split_at_checked(length).ok_or(Malformed)?;
        entries.push(Entry { channel, payload, is_json: head & JSON != 0 });
    }
    Ok((xid, entries))
}

#[cfg(test)]
mod unit {
    use super::*;

    fn random(seed: &mut u64, below: usize) -> usize {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as usize % below
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut seed = 7;
        for _ in 0..2000 {
            let xid = (random(&mut seed, 1 << 30) as u64) << random(&mut seed, 34);
            let entries: Vec<(Vec<u8>, Vec<u8>, bool)> = (0..1 + random(&mut seed, 20))
                .map(|_| {
                    let channel =
                        vec![b'a' + random(&mut seed, 2) as u8; 1 + random(&mut seed, 63)];
                    let size = [0, 10, 7999][random(&mut seed, 3)];
                    let payload = (0..size).map(|_| random(&mut seed, 256) as u8).collect();
                    (channel, payload, random(&mut seed, 2) == 0)
                })
                .collect();
            let mut encoder = Encoder::default();
            for round in 0..2 {
                for (channel, payload, is_json) in &entries {
                    encoder.push(xid, channel, payload, *is_json);
                }
                let (found, read) = decode(encoder.bytes()).unwrap();
                assert_eq!(found, xid);
                let expected: Vec<Entry> = entries
                    .iter()
                    .map(|(channel, payload, is_json)| Entry {
                        channel,
                        payload,
                        is_json: *is_json,
                    })
                    .collect();
                assert_eq!(read, expected, "round {round}");
                // Nothing of the last message is left in the next one.
                encoder.clear();
                assert!(encoder.is_empty());
            }
        }
    }

    #[test]
    fn a_channel_is_written_once_for_those_in_a_row() {
        let mut encoder = Encoder::default();
        for payload in [b"aaaa", b"bbbb", b"cccc"] {
            encoder.push(1, b"cache_invalidate", payload, false);
        }
        assert_eq!(encoder.bytes().len(), HEADER + 3 * (1 + 2 + 4) + 1 + 16);
    }

    /// Whoever may call pg_logical_emit_message may write anything.
    #[test]
    fn any_bytes_are_read_or_refused() {
        let mut encoder = Encoder::default();
        encoder.push(42, b"chan", b"orders:1", false);
        encoder.push(42, b"other", b"{}", true);
        encoder.push(42, b"other", b"{\"a\":1}", true);
        let whole = encoder.bytes().to_vec();
        let ends: Vec<usize> =
            (0..=whole.len()).filter(|&end| decode(&whole[..end]).is_ok()).collect();
        // After the header, and after each entry.
        assert_eq!(ends.len(), 4);
        assert_eq!((ends[0], ends[3]), (HEADER, whole.len()));
        let mut seed = 11;
        for _ in 0..200_000 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random(&mut seed, 4) {
                let at = random(&mut seed, bytes.len());
                match random(&mut seed, 3) {
                    0 => bytes[at] = random(&mut seed, 256) as u8,
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, random(&mut seed, 256) as u8),
                }
            }
            let _ = decode(&bytes);
        }
        for unknown in [0, 2, 255] {
            let mut bytes = whole.clone();
            bytes[0] = unknown;
            assert_eq!(decode(&bytes), Err(Malformed));
        }
        assert_eq!(decode(&[]), Err(Malformed));
    }
}
