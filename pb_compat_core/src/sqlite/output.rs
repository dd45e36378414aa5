//! Text that grows up to SQLite's limit.

use super::Error;

/// SQLite's default limit for the length of a text or blob, in bytes. PostgreSQL's is a little higher.
pub const LIMIT: usize = 1_000_000_000;

#[derive(Default)]
pub struct Output(Vec<u8>);

impl Output {
    /// Makes room, so that what follows cannot fail for want of memory.
    pub fn reserve(&mut self, length: usize) -> Result<(), Error> {
        if length > LIMIT - self.0.len() {
            return Err(Error::TooBig);
        }
        self.0.try_reserve(length).map_err(|_| Error::TooBig)
    }

    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.reserve(bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    pub fn fill(&mut self, byte: u8, count: usize) -> Result<(), Error> {
        self.reserve(count)?;
        self.0.resize(self.0.len() + count, byte);
        Ok(())
    }

    /// Writes the same again and again, in pieces that are worth a copy.
    pub fn repeat(&mut self, bytes: &[u8], count: usize) -> Result<(), Error> {
        const PIECE: usize = 4096;
        self.reserve(bytes.len().saturating_mul(count))?;
        let piece = bytes.repeat(PIECE.min(count));
        for _ in 0..count / PIECE {
            self.0.extend_from_slice(&piece);
        }
        self.0.extend_from_slice(
            &piece[..bytes.len() * if count < PIECE { count } else { count % PIECE }],
        );
        Ok(())
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// What is no UTF-8 becomes U+FFFD.
    pub fn into_text(self) -> String {
        String::from_utf8(self.0)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}
