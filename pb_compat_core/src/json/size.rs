//! How large a document becomes as `jsonb`, without a server.
//!
//! The limits are those of PostgreSQL's `jsonb.h` and `jsonb_util.c`: 28 bits for the bytes in a container or string,
//! and as many members of one container as fit into its array while that doubles within an allocation of 1 GB.

/// `JENTRY_OFFLENMASK`.
const MAX_BYTES: usize = 0x0FFF_FFFF;
/// 32 bytes an element, and the array doubles.
const MAX_ELEMENTS: u32 = 1 << 24;
/// 72 bytes a pair.
const MAX_PAIRS: u32 = 1 << 23;
/// No shorter document can reach any limit: an element takes at least two bytes of text, a pair five, and `jsonb` at
/// most six times as many bytes as text (`0,` takes 4 for its entry and 8 for the number).
const SMALL: usize = 32 << 20;

/// The size so far. Only counted for documents that could get near a limit.
///
/// Members are counted exactly. Bytes are an upper bound: duplicate keys count although `jsonb` drops them, escapes
/// count as they are written, and numbers as if none of their digits were a trailing zero.
pub struct Size {
    bytes: usize,
    /// Members of the open containers; empty for a small document, which makes it free.
    members: Vec<u32>,
    counts: bool,
}

/// The entry that every key and value has in its container.
const ENTRY: usize = 4;
/// What numbers and containers are aligned to. Values are counted up to it, so that each begins aligned.
const ALIGNMENT: usize = 4;

impl Size {
    pub fn of_document(length: usize) -> Self {
        Self { bytes: 0, members: Vec::new(), counts: length > SMALL }
    }

    /// Whether the methods that follow need to be called.
    #[inline]
    pub fn matters(&self) -> bool {
        self.counts
    }

    pub fn open(&mut self) -> bool {
        self.members.push(0);
        // A header; keys stand together, so padding follows once behind them.
        self.add(ENTRY + 4 + ALIGNMENT - 1)
    }

    pub fn close(&mut self) {
        self.members.pop();
    }

    /// `length` includes the quotes.
    pub fn key(&mut self, length: usize) -> bool {
        self.member(MAX_PAIRS) && self.add(ENTRY + length - 2)
    }

    pub fn element(&mut self) -> bool {
        self.member(MAX_ELEMENTS)
    }

    /// `length` includes the quotes.
    pub fn string(&mut self, length: usize) -> bool {
        self.add(ENTRY + (length - 2).next_multiple_of(ALIGNMENT))
    }

    /// Digits before and after the point; an exponent shifts them within their groups of four.
    pub fn number(&mut self, integer: usize, fraction: usize, exponent: bool) -> bool {
        let header = if integer > 256 || fraction > 63 || exponent { 8 } else { 6 };
        let groups = integer.div_ceil(4) + fraction.div_ceil(4) + usize::from(exponent);
        self.add(ENTRY + (header + 2 * groups).next_multiple_of(ALIGNMENT))
    }

    pub fn literal(&mut self) -> bool {
        self.add(ENTRY)
    }

    fn member(&mut self, limit: u32) -> bool {
        self.members.last_mut().is_none_or(|members| {
            *members += 1;
            *members <= limit
        })
    }

    fn add(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        self.bytes <= MAX_BYTES
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_small_document_costs_nothing() {
        assert!(!Size::of_document(SMALL).matters());
        assert!(Size::of_document(SMALL + 1).matters());
    }

    #[test]
    fn members_count_per_container() {
        let mut size = Size::of_document(SMALL + 1);
        assert!(size.open());
        for _ in 0..MAX_ELEMENTS {
            assert!(size.element());
        }
        assert!(!size.element());
        size.close();
        size.open();
        assert!(size.element(), "another container starts from zero");
    }

    #[test]
    fn bytes_count_over_the_whole_document() {
        let mut size = Size::of_document(SMALL + 1);
        assert!(size.string(2 + MAX_BYTES - ENTRY - 3));
        assert!(!size.literal());
    }
}
