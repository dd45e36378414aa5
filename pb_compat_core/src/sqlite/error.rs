use thiserror::Error;

/// What SQLite's functions raise, in SQLite's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    #[error("bad JSON path: '{0}'")]
    BadPath(String),
    #[error("ESCAPE expression must be a single character")]
    EscapeNotOneCharacter,
    #[error("integer overflow")]
    IntegerOverflow,
    #[error("invalid Unicode escape")]
    InvalidUnicodeEscape,
    #[error("malformed JSON")]
    MalformedJson,
    #[error("LIKE or GLOB pattern too complex")]
    PatternTooComplex,
    #[error("string or blob too big")]
    TooBig,
}
