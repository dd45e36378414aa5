//! The output of PostgreSQL's plugin pgoutput, protocol version 1, as far as we ask for it: transactions and the logical
//! messages in them. What else a publication could make it send is passed over.

/// One row of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output<'a> {
    Begin {
        /// Without its epoch.
        xid: u32,
    },
    /// A logical message of a transaction.
    Message { prefix: &'a [u8], content: &'a [u8] },
    Commit {
        /// Where the commit record ends: everything before it has been sent.
        end: u64,
        /// In microseconds since 2000-01-01 UTC, as timestamptz counts.
        at: i64,
    },
    /// A relation, a row, a message that belongs to no transaction.
    Other,
}

/// What is no output of pgoutput.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// "B", the place of the commit record, its time, the transaction's id.
const BEGIN: usize = 1 + 8 + 8 + 4;
/// "C", flags, the place of the commit record and its end, its time.
const COMMIT: usize = 1 + 1 + 8 + 8 + 8;
/// The flag of a message that belongs to a transaction.
const TRANSACTIONAL: u8 = 1;

pub fn decode(row: &[u8]) -> Result<Output<'_>, Malformed> {
    match row.first().ok_or(Malformed)? {
        b'B' if row.len() == BEGIN => {
            Ok(Output::Begin { xid: u32::from_be_bytes(number(row, 17)?) })
        }
        b'C' if row.len() == COMMIT => Ok(Output::Commit {
            end: u64::from_be_bytes(number(row, 10)?),
            at: i64::from_be_bytes(number(row, 18)?),
        }),
        b'M' => message(row),
        // Origin, relation, type, insert, update, delete, truncate.
        b'O' | b'R' | b'Y' | b'I' | b'U' | b'D' | b'T' => Ok(Output::Other),
        _ => Err(Malformed),
    }
}

/// "M", flags, the place of the message, its prefix up to a NUL byte, the length of the content, the content.
fn message(row: &[u8]) -> Result<Output<'_>, Malformed> {
    let flags = row.get(1).ok_or(Malformed)?;
    let text = row.get(10..).ok_or(Malformed)?;
    let end = text.iter().position(|&byte| byte == 0).ok_or(Malformed)?;
    let (prefix, rest) = text.split_at(end);
    let content = rest.get(5..).ok_or(Malformed)?;
    let length = u32::from_be_bytes(number(rest, 1)?);
    if usize::try_from(length) != Ok(content.len()) {
        return Err(Malformed);
    }
    if flags & TRANSACTIONAL == 0 {
        return Ok(Output::Other);
    }
    Ok(Output::Message { prefix, content })
}

fn number<const N: usize>(row: &[u8], at: usize) -> Result<[u8; N], Malformed> {
    row.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(Malformed)
}

#[cfg(test)]
mod unit {
    use super::*;

    fn bytes(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn message_row(flags: u8) -> Vec<u8> {
        bytes(&[b"M", &[flags], &77_u64.to_be_bytes(), b"pre\0", &3_u32.to_be_bytes(), b"a\0b"])
    }

    /// The layouts are those of the documentation's chapter "Logical Replication Message Formats"; that a server sends them
    /// so is seen where a consumer reads.
    #[test]
    fn rows_of_a_transaction() {
        let begin =
            bytes(&[b"B", &5_u64.to_be_bytes(), &6_i64.to_be_bytes(), &7_u32.to_be_bytes()]);
        assert_eq!(decode(&begin), Ok(Output::Begin { xid: 7 }));
        assert_eq!(
            decode(&message_row(1)),
            Ok(Output::Message { prefix: b"pre", content: b"a\0b" })
        );
        assert_eq!(decode(&message_row(0)), Ok(Output::Other));
        let commit = bytes(&[
            b"C\0",
            &5_u64.to_be_bytes(),
            &0xF000_0000_0000_0001_u64.to_be_bytes(),
            &(-3_i64).to_be_bytes(),
        ]);
        assert_eq!(decode(&commit), Ok(Output::Commit { end: 0xF000_0000_0000_0001, at: -3 }));
        assert_eq!(decode(b"R anything"), Ok(Output::Other));
        for length in 1..begin.len() {
            assert_eq!(decode(&begin[..length]), Err(Malformed));
        }
        for length in 1..commit.len() {
            assert_eq!(decode(&commit[..length]), Err(Malformed));
        }
        for length in 1..message_row(1).len() {
            assert_eq!(decode(&message_row(1)[..length]), Err(Malformed));
        }
        assert_eq!(decode(&[message_row(1), vec![0]].concat()), Err(Malformed));
        assert_eq!(decode(b""), Err(Malformed));
        assert_eq!(decode(b"Z"), Err(Malformed));
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        let mut seed = 3_u64;
        let mut random = |below: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for _ in 0..200_000 {
            let mut row: Vec<u8> = (0..random(40)).map(|_| random(256) as u8).collect();
            if let Some(first) = row.first_mut() {
                *first = *b"BCMORYIUDTS".get(random(12)).unwrap_or(first);
            }
            let _ = decode(&row);
        }
    }
}
