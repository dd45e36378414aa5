//! Arithmetic of hash bounds: from a key's hash to the partition that takes it. Free of the server.

/// What PostgreSQL adds when it combines the hash of a partition key column with those of the columns before it
/// (`hash_combine64` in `common/hashfn.h`).
const COMBINE: u64 = 0x49a0_f4dd_15e5_a8e3;

/// The seed of every partition hash (`HASH_PARTITION_SEED` in `catalog/partition.h`).
pub const PARTITION_SEED: u64 = 0x7A5B_2236_7996_DCFD;

/// The row hash that PostgreSQL divides by the modulus, after one more key column whose extended hash is `key_hash`. The
/// first column is combined with 0.
#[must_use]
pub fn combine(row: u64, key_hash: u64) -> u64 {
    row ^ key_hash.wrapping_add(COMBINE).wrapping_add(row << 54).wrapping_add(row >> 7)
}

/// The key hash that PostgreSQL turns into the row hash `row` of a key of one column.
#[must_use]
pub fn key_hash_for(row: u64) -> u64 {
    row.wrapping_sub(COMBINE)
}

/// One `FOR VALUES WITH (modulus, remainder)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub modulus: u32,
    pub remainder: u32,
}

impl Bound {
    /// Reads a bound as `pg_get_expr(relpartbound, ..)` writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("FOR VALUES WITH (modulus ")?.strip_suffix(')')?;
        let (modulus, remainder) = inner.split_once(", remainder ")?;
        let bound = Self { modulus: modulus.parse().ok()?, remainder: remainder.parse().ok()? };
        (bound.remainder < bound.modulus).then_some(bound)
    }
}

/// Which of a table's partitions takes which row hash.
///
/// PostgreSQL lets moduli differ as long as each divides the next larger one, so the largest is a multiple of all: one
/// table of that size, indexed by the row hash modulo its size, answers for every partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    slots: Vec<Option<usize>>,
}

impl Layout {
    /// The layout of partitions with these bounds. An empty list has one slot that nothing fills.
    #[must_use]
    pub fn new(bounds: &[Bound]) -> Self {
        let largest = bounds.iter().map(|bound| bound.modulus).max().unwrap_or(1);
        let mut slots = vec![None; largest as usize];
        for (partition, bound) in bounds.iter().enumerate() {
            for slot in (bound.remainder..largest).step_by(bound.modulus as usize) {
                slots[slot as usize] = Some(partition);
            }
        }
        Self { slots }
    }

    /// The largest modulus.
    #[must_use]
    pub fn modulus(&self) -> u64 {
        self.slots.len() as u64
    }

    /// The slot of a row hash, and the partition that fills it (its index in the list given to [`Layout::new`]).
    #[must_use]
    pub fn locate(&self, row_hash: u64) -> (usize, Option<usize>) {
        // The remainder is smaller than a Vec's length, so it fits.
        let slot = (row_hash % self.modulus()) as usize;
        (slot, self.slots[slot])
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn bound(modulus: u32, remainder: u32) -> Bound {
        Bound { modulus, remainder }
    }

    #[test]
    fn inverse_of_the_row_hash() {
        for row in [0, 1, 9, 10, COMBINE, u64::MAX] {
            assert_eq!(combine(0, key_hash_for(row)), row);
        }
    }

    /// Step by step by the server's formula; the regression test `keys` asks the server itself.
    #[test]
    fn several_columns_are_combined_in_order() {
        let first = 1 + COMBINE;
        let second = first ^ (2 + COMBINE).wrapping_add(first << 54).wrapping_add(first >> 7);
        assert_eq!(combine(combine(0, 1), 2), second);
        assert_ne!(combine(combine(0, 2), 1), second);
        assert_eq!(combine(0, u64::MAX), COMBINE - 1);
    }

    #[test]
    fn bounds_are_read_as_the_server_writes_them() {
        assert_eq!(Bound::parse("FOR VALUES WITH (modulus 10, remainder 3)"), Some(bound(10, 3)));
        for other in [
            "DEFAULT",
            "FOR VALUES IN (1)",
            "FOR VALUES WITH (modulus 10, remainder 10)",
            "FOR VALUES WITH (modulus , remainder 1)",
        ] {
            assert_eq!(Bound::parse(other), None, "{other}");
        }
    }

    #[test]
    fn equal_moduli() {
        let layout = Layout::new(&(0..10).map(|r| bound(10, r)).collect::<Vec<_>>());
        for hash in 0..100 {
            let remainder = (hash % 10) as usize;
            assert_eq!(layout.locate(hash), (remainder, Some(remainder)));
        }
    }

    #[test]
    fn mixed_moduli_and_a_gap() {
        let layout = Layout::new(&[bound(2, 0), bound(4, 1)]);
        assert_eq!(layout.locate(0), (0, Some(0)));
        assert_eq!(layout.locate(1), (1, Some(1)));
        assert_eq!(layout.locate(6), (2, Some(0)));
        assert_eq!(layout.locate(7), (3, None));
    }

    #[test]
    fn no_partition_at_all() {
        assert_eq!(Layout::new(&[]).locate(u64::MAX), (0, None));
    }
}
