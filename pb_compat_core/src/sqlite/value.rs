//! A value of one of SQLite's storage classes.

use super::number::{self, Number};
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

impl<'a> Value<'a> {
    /// As [`Self::to_text`], and as long-lived as what the value borrows from.
    pub fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) | Self::Json(text) => Some(text),
            other => other.to_text().map(|text| Cow::Owned(text.into_owned())),
        }
    }
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

    /// As `CAST(.. AS INTEGER)` gives it, 0 for NULL: a real without its fraction, the integer that a text starts with.
    pub fn as_integer(&self) -> i64 {
        match self {
            Self::Null => 0,
            Self::Integer(integer) => *integer,
            Self::Boolean(boolean) => (*boolean).into(),
            Self::Real(real) => number::real_to_integer(*real),
            Self::Text(text) | Self::Json(text) => number::text_to_integer(text.as_bytes()),
            Self::Blob(bytes) => number::text_to_integer(bytes),
        }
    }

    /// As `CAST(.. AS REAL)` gives it, 0.0 for NULL: the number that a text starts with.
    pub fn as_real(&self) -> f64 {
        match self {
            Self::Real(real) => *real,
            Self::Text(text) | Self::Json(text) => number::text_to_real(text.as_bytes()),
            Self::Blob(bytes) => number::text_to_real(bytes),
            Self::Null | Self::Integer(_) | Self::Boolean(_) => self.as_integer() as f64,
        }
    }

    /// The number that this is: a text counts as one when it is one from end to end, a blob never does.
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Self::Null | Self::Blob(_) => None,
            Self::Integer(integer) => Some(Number::Integer(*integer)),
            Self::Boolean(boolean) => Some(Number::Integer((*boolean).into())),
            Self::Real(real) => Some(Number::Real(*real)),
            Self::Text(text) | Self::Json(text) => number::numeric(text.as_bytes()),
        }
    }

    /// As a condition; `None` for NULL.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Null => None,
            Self::Integer(integer) => Some(*integer != 0),
            Self::Boolean(boolean) => Some(*boolean),
            _ => Some(self.as_real() != 0.0),
        }
    }

    /// The bytes of a blob, or those of the text that the value is shown as; `None` for NULL.
    pub fn to_bytes(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Blob(bytes) => Some(Cow::Borrowed(bytes)),
            _ => self.to_text().map(|text| match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
        }
    }
}
