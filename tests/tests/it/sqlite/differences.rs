//! What differs from SQLite on purpose. docs/sqlite.md says the same; a difference that no call meets is an error.

use super::call::Answer;
use super::report::Difference;

/// PostgreSQL's text holds no zero byte.
pub const NUL: Difference = Difference {
    reason: "a text with a zero byte is refused (22P05)",
    is: |pair| {
        pair.ours.sqlstate() == Some("22P05")
            && match &pair.theirs {
                Answer::Text(text) => text.contains('\0'),
                // A surrogate beside it.
                Answer::Garbled(bytes) => bytes.contains(&0),
                _ => false,
            }
    },
};

/// SQLite lets half a character pass, and what is none at all.
pub const GARBLED: Difference = Difference {
    reason: "what is not valid UTF-8 comes out as U+FFFD",
    is: |pair| match (&pair.theirs, &pair.ours) {
        (Answer::Garbled(bytes), Answer::Text(ours)) => {
            let without = |text: &str| text.replace(char::REPLACEMENT_CHARACTER, "");
            ours.contains(char::REPLACEMENT_CHARACTER)
                && without(&String::from_utf8_lossy(bytes)) == without(ours)
        }
        _ => false,
    },
};

pub const JSON: &[Difference] = &[NUL, GARBLED];
