//! A value of one of SQLite's storage classes.

use super::number;
use std::borrow::Cow;

/// What a function of SQLite's takes and gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
    /// Text that is known to be JSON, as the result of a JSON function is: SQLite's subtype 'J'.
    Json(Cow<'a, str>),
    /// PostgreSQL's. SQLite has 0 and 1; JSON tells them apart, so they stay what they are until it has been asked.
    Boolean(bool),
}

impl Value<'_> {
    /// The storage class, by the name that `typeof()` gives it.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Integer(_) | Self::Boolean(_) => "integer",
            Self::Real(_) => "real",
            Self::Text(_) | Self::Json(_) => "text",
            Self::Blob(_) => "blob",
        }
    }

    /// As `CAST(.. AS TEXT)` gives it; `None` for NULL. A blob's bytes that are no UTF-8 are replaced.
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Integer(integer) => integer.to_string().into(),
            Self::Boolean(boolean) => if *boolean { "1" } else { "0" }.into(),
            Self::Real(real) => number::real_text(*real).into(),
            Self::Text(text) | Self::Json(text) => Cow::Borrowed(text),
            Self::Blob(bytes) => String::from_utf8_lossy(bytes),
        })
    }
}
