use thiserror::Error;

/// What SQLite's functions raise, in SQLite's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    #[error("malformed JSON")]
    MalformedJson,
    #[error("bad JSON path: '{0}'")]
    BadPath(String),
}
