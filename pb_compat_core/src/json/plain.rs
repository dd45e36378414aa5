//! How far a string goes before something has to be looked at: eight bytes at a time, which is what long documents
//! consist of mostly.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte that equals `byte`. Bytes above the lowest such one may be marked in error.
const fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    difference.wrapping_sub(ONES) & !difference & HIGHS
}

/// The high bit of each byte below a space. Bytes above the lowest such one may be marked in error.
const fn control(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGHS
}

/// How many bytes at the beginning stand for themselves in a string of RFC 8259.
#[inline]
pub fn rfc8259(bytes: &[u8]) -> usize {
    prefix(
        bytes,
        |word| equal(word, b'"') | equal(word, b'\\') | control(word),
        |byte| (byte >= 0x20) & (byte != b'"') & (byte != b'\\'),
    )
}

/// The same for JSON5 as SQLite reads it: control characters count as well, both quotes are looked at.
#[inline]
pub fn json5(bytes: &[u8]) -> usize {
    prefix(
        bytes,
        |word| equal(word, b'"') | equal(word, b'\'') | equal(word, b'\\') | equal(word, 0),
        |byte| (byte != b'"') & (byte != b'\'') & (byte != b'\\') & (byte != 0),
    )
}

/// Most strings are short: only one that is not gets the loop with the wide steps, which needs longer to begin.
#[inline]
fn prefix(bytes: &[u8], marks: impl Fn(u64) -> u64, plain: impl Fn(u8) -> bool) -> usize {
    const SHORT: usize = 32;
    let (short, long) = bytes.split_at(bytes.len().min(SHORT));
    let (words, rest) = short.as_chunks();
    let first = words_prefix(words, &marks);
    if first < words.len() * 8 {
        return first;
    }
    if let Some(at) = rest.iter().position(|byte| !plain(*byte)) {
        return first + at;
    }
    let (blocks, _) = long.as_chunks::<32>();
    // Without a way out of a block, the compiler compares its words side by side.
    let is_plain = |block: &&[u8; 32]| {
        let (words, _) = block.as_chunks();
        words.iter().fold(0, |all, word| all | marks(u64::from_le_bytes(*word))) == 0
    };
    let skipped = short.len() + 32 * blocks.iter().take_while(is_plain).count();
    let (words, rest) = bytes[skipped..].as_chunks();
    let last = words_prefix(words, &marks);
    if last < words.len() * 8 {
        return skipped + last;
    }
    let tail = rest.iter().position(|byte| !plain(*byte)).unwrap_or(rest.len());
    skipped + last + tail
}

#[inline]
fn words_prefix(words: &[[u8; 8]], marks: impl Fn(u64) -> u64) -> usize {
    for (index, word) in words.iter().enumerate() {
        // Little-endian puts the first byte lowest, where the marks are exact.
        let marks = marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8
}

#[cfg(test)]
mod unit {
    use super::*;

    /// Every byte at every place, before and behind every other byte: nothing that the marks get wrong can be used.
    #[test]
    fn words_and_bytes_agree() {
        for first in 0..=255 {
            for second in 0..=255 {
                for at in [0, 1, 6, 7, 31, 60, 73] {
                    let mut bytes = [b'a'; 75];
                    bytes[at] = first;
                    bytes[at + 1] = second;
                    let slow = |plain: fn(u8) -> bool| {
                        bytes.iter().position(|byte| !plain(*byte)).unwrap_or(bytes.len())
                    };
                    assert_eq!(rfc8259(&bytes), slow(|b| b >= 0x20 && b != b'"' && b != b'\\'));
                    assert_eq!(json5(&bytes), slow(|b| !matches!(b, b'"' | b'\'' | b'\\' | 0)));
                }
            }
        }
    }

    #[test]
    fn every_length_is_measured() {
        for length in 0..140 {
            let bytes = [&vec![b'x'; length][..], b"\""].concat();
            assert_eq!(rfc8259(&bytes), length);
            assert_eq!(rfc8259(&bytes[..length]), length);
            assert_eq!(json5(&bytes), length);
        }
    }
}
