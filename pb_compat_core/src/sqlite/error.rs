use thiserror::Error;

/// What SQLite's functions raise, in SQLite's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    #[error("malformed JSON")]
    MalformedJson,
    #[error("bad JSON path: '{0}'")]
    BadPath(String),
    #[error("local time unavailable")]
    NoLocalTime,
    #[error("non-deterministic use of {0}() in an index")]
    NonDeterministic(&'static str),
    #[error("string or blob too big")]
    TooBig,
}
