use thiserror::Error;

/// What SQLite's functions raise, in SQLite's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    #[error("bad JSON path: '{0}'")]
    BadPath(String),
    #[error("JSON cannot hold BLOB values")]
    BlobInJson,
    #[error("ESCAPE expression must be a single character")]
    EscapeNotOneCharacter,
    #[error("json_{0}() needs an odd number of arguments")]
    EvenArguments(&'static str),
    #[error("integer overflow")]
    IntegerOverflow,
    #[error("invalid Unicode escape")]
    InvalidUnicodeEscape,
    #[error("json_object() labels must be TEXT")]
    LabelNotText,
    #[error("malformed JSON")]
    MalformedJson,
    #[error("local time unavailable")]
    NoLocalTime,
    #[error("non-deterministic use of {0}() in an index")]
    NonDeterministic(&'static str),
    #[error("not an array element: '{0}'")]
    NotAnArrayElement(String),
    /// SQLite's text can hold it.
    #[error("text cannot hold a zero byte")]
    NulInText,
    #[error("json_object() requires an even number of arguments")]
    OddArguments,
    #[error("JSON path too deep")]
    PathTooDeep,
    #[error("LIKE or GLOB pattern too complex")]
    PatternTooComplex,
    #[error("string or blob too big")]
    TooBig,
    #[error("JSON nested too deep")]
    TooDeep,
}
