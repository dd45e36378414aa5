//! Key templates: `{table}:{id}`, `user:{user_id}:orders`.

use crate::error::Error;

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it stands.
    Literal(Vec<u8>),
    /// `{table}`: the table's name, of a partition the name of the partitioned table at the top.
    Table,
    /// `{schema}`: that table's schema.
    Schema,
    /// `{id}`: the key columns.
    Id,
    /// `{column}`, or `{"column"}` for one that is called like a placeholder.
    Column(Vec<u8>),
}

/// Splits a template into its parts. `{{` and `}}` stand for the braces themselves, `""` in a quoted name for `"`.
///
/// Works on bytes, since the server's encoding need not be UTF-8; in every server encoding an ASCII byte is that character.
pub fn parse(template: &[u8]) -> Result<Vec<Part>, Error> {
    let shown = || String::from_utf8_lossy(template).into_owned();
    if template.is_empty() {
        return Err(Error::EmptyTemplate);
    }
    let mut parts = Vec::new();
    let mut literal = Vec::new();
    let mut rest = template;
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b'{' | b'}' if tail.first() == Some(&byte) => {
                literal.push(byte);
                rest = &tail[1..];
            }
            b'}' => return Err(Error::UnmatchedBrace { template: shown() }),
            b'{' => {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                let (part, after) = placeholder(tail, &shown)?;
                parts.push(part);
                rest = after;
            }
            _ => {
                literal.push(byte);
                rest = tail;
            }
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

/// Reads what follows an opening brace, up to and with the closing one.
fn placeholder<'a>(text: &'a [u8], shown: &dyn Fn() -> String) -> Result<(Part, &'a [u8]), Error> {
    if text.first() == Some(&b'"') {
        let mut name = Vec::new();
        let mut rest = &text[1..];
        loop {
            match rest {
                [b'"', b'"', tail @ ..] => {
                    name.push(b'"');
                    rest = tail;
                }
                [b'"', b'}', tail @ ..] if !name.is_empty() => {
                    return Ok((Part::Column(name), tail));
                }
                [b'"', ..] => return Err(Error::BadPlaceholder { template: shown() }),
                [byte, tail @ ..] => {
                    name.push(*byte);
                    rest = tail;
                }
                [] => return Err(Error::UnclosedBrace { template: shown() }),
            }
        }
    }
    let end = text
        .iter()
        .position(|&byte| byte == b'}' || byte == b'{')
        .filter(|&end| text[end] == b'}')
        .ok_or_else(|| Error::UnclosedBrace { template: shown() })?;
    let part = match &text[..end] {
        b"" => return Err(Error::BadPlaceholder { template: shown() }),
        b"table" => Part::Table,
        b"schema" => Part::Schema,
        b"id" => Part::Id,
        name => Part::Column(name.to_vec()),
    };
    Ok((part, &text[end + 1..]))
}

#[cfg(test)]
mod unit {
    use super::*;

    fn literal(text: &str) -> Part {
        Part::Literal(text.into())
    }

    fn column(text: &str) -> Part {
        Part::Column(text.into())
    }

    #[test]
    fn placeholders_and_literals() {
        assert_eq!(parse(b"{table}:{id}").unwrap(), [Part::Table, literal(":"), Part::Id]);
        assert_eq!(
            parse(b"user:{user_id}:orders").unwrap(),
            [literal("user:"), column("user_id"), literal(":orders")]
        );
        assert_eq!(parse(b"{schema}.{table}").unwrap(), [Part::Schema, literal("."), Part::Table]);
        assert_eq!(parse(b"all").unwrap(), [literal("all")]);
    }

    #[test]
    fn doubled_braces_are_braces() {
        assert_eq!(parse(b"{{{a}}}").unwrap(), [literal("{"), column("a"), literal("}")]);
        assert_eq!(parse(b"{{}}").unwrap(), [literal("{}")]);
    }

    #[test]
    fn a_quoted_name_is_always_a_column() {
        assert_eq!(parse(br#"{"id"}"#).unwrap(), [column("id")]);
        assert_eq!(parse(br#"{"a""}{b"}x"#).unwrap(), [column("a\"}{b"), literal("x")]);
        assert_eq!(parse(b"{Two Words}").unwrap(), [column("Two Words")]);
    }

    #[test]
    fn bytes_that_are_no_utf8_pass() {
        assert_eq!(
            parse(b"\xE9{\xE8}").unwrap(),
            [Part::Literal(vec![0xE9]), Part::Column(vec![0xE8])]
        );
    }

    #[test]
    fn mistakes_are_named() {
        for unclosed in ["{", "a{b", "{a{b}", "{{{", "{\"a", "{\"a}", "{\"a\"\""] {
            assert!(
                matches!(parse(unclosed.as_bytes()), Err(Error::UnclosedBrace { template }) if template == unclosed),
                "{unclosed}"
            );
        }
        for unmatched in ["}", "a}b", "{a}}"] {
            assert!(
                matches!(parse(unmatched.as_bytes()), Err(Error::UnmatchedBrace { .. })),
                "{unmatched}"
            );
        }
        for bad in ["{}", "{\"\"x}", "{\"a\"b}", "{\"a\""] {
            assert!(
                matches!(
                    parse(bad.as_bytes()),
                    Err(Error::BadPlaceholder { .. } | Error::UnclosedBrace { .. })
                ),
                "{bad}"
            );
        }
        assert_eq!(parse(b""), Err(Error::EmptyTemplate));
    }
}
