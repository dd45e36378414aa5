//! Whether a text is JSON.

use crate::error::Error;
use crate::server_jsonb::ServerJsonb;
use crate::server_text::ServerText;
use pb_compat_core::json::{self, Flags, Wide, WideKind};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::ffi::CStr;

/// Whether the text is JSON (RFC 8259), nested at most 1,000 deep.
#[pg_extern(immutable, strict, parallel_safe)]
fn json_valid(document: ServerText) -> bool {
    json::is_json(document.0, &mut Server)
}

/// Whether a cast of the text to `jsonb` succeeds; nested at most 1,000 deep.
#[pg_extern(immutable, strict, parallel_safe)]
fn jsonb_valid(document: ServerText) -> bool {
    json::is_jsonb(document.0, &mut Server)
}

/// As SQLite's function with its flags. A `json` value is asked through this symbol as well: it is stored as text.
#[pg_extern(name = "json_valid", immutable, strict, parallel_safe)]
fn json_valid_flags(document: ServerText, flags: i32) -> Result<bool, ErrorReport> {
    let flags = Flags::new(flags).ok_or(Error::JsonFlags)?;
    Ok(flags.accept(document.0, &mut Server))
}

/// Whether the value is nested at most 1,000 deep, as its text would have to be; nothing else can be wrong with it.
#[pg_extern(name = "json_valid", immutable, strict, parallel_safe)]
fn json_valid_jsonb(document: ServerJsonb) -> bool {
    document.is_nested_at_most(json::MAX_DEPTH)
}

/// `jsonb` takes the place of SQLite's binary form, and is text to whoever reads it: every flag accepts it.
#[pg_extern(name = "json_valid", immutable, strict, parallel_safe)]
fn json_valid_jsonb_flags(document: ServerJsonb, flags: i32) -> Result<bool, ErrorReport> {
    Flags::new(flags).ok_or(Error::JsonFlags)?;
    Ok(document.is_nested_at_most(json::MAX_DEPTH))
}

fn encoding() -> u32 {
    // SAFETY: no argument, no side effect.
    unsafe { pg_sys::GetDatabaseEncoding() }.cast_unsigned()
}

struct Server;

impl json::Host for Server {
    /// Up to 15 the limit itself is refused, since 16 it is accepted (which only zero survives).
    const MAX_EXPONENT: i64 =
        i32::MAX as i64 / 2 - cfg!(any(feature = "pg14", feature = "pg15")) as i64;

    fn pause(&mut self) {
        pgrx::check_for_interrupts!();
    }

    fn has(&mut self, character: char) -> bool {
        match encoding() {
            pg_sys::pg_enc::PG_UTF8 => true,
            // The server has no conversion for it, and refuses any such escape.
            pg_sys::pg_enc::PG_SQL_ASCII => false,
            encoding => {
                let mut utf8 = [0; 4];
                let utf8 = character.encode_utf8(&mut utf8).as_bytes();
                convert(utf8, pg_sys::pg_enc::PG_UTF8, encoding).is_some()
            }
        }
    }

    fn wide(&mut self, text: &[u8]) -> Wide {
        let encoding = encoding();
        if matches!(encoding, pg_sys::pg_enc::PG_UTF8 | pg_sys::pg_enc::PG_SQL_ASCII) {
            return Wide::in_utf8(text);
        }
        // SAFETY: the function looks at the first byte, of single-byte and EUC encodings, or at the first two, of
        // those that a server cannot have; the text is not empty, and its end is minded below.
        let length =
            unsafe { pg_sys::pg_encoding_mblen(encoding.cast_signed(), text.as_ptr().cast()) };
        let length = usize::try_from(length).unwrap_or(1).clamp(1, text.len().max(1));
        let converted =
            text.get(..length).and_then(|bytes| convert(bytes, encoding, pg_sys::pg_enc::PG_UTF8));
        let kind = converted.and_then(|utf8| {
            let utf8 = CStr::from_bytes_until_nul(&utf8).ok()?.to_str().ok()?;
            utf8.chars().next().map(WideKind::of)
        });
        Wide { length, kind: kind.unwrap_or(WideKind::Other) }
    }
}

/// One character in another encoding, with a zero behind it; nothing if that encoding does not have it.
fn convert(character: &[u8], from: u32, to: u32) -> Option<[u8; 64]> {
    // SAFETY: a catalog lookup by two encoding numbers.
    let conversion =
        unsafe { pg_sys::FindDefaultConversionProc(from.cast_signed(), to.cast_signed()) };
    if conversion == pg_sys::InvalidOid {
        return None;
    }
    let mut source = [0; 8];
    source.get_mut(..character.len())?.copy_from_slice(character);
    let length = character.len() as i32;
    let mut target = [0_u8; 64];
    // SAFETY: `source` holds `length` bytes, and `target` has room for as much as any of them can become (at most
    // MAX_CONVERSION_GROWTH = 4 bytes per byte, and a zero). With noError set, the function returns how many bytes it
    // could convert, rather than raising.
    let converted = unsafe {
        pg_sys::pg_do_encoding_conversion_buf(
            conversion,
            from.cast_signed(),
            to.cast_signed(),
            source.as_mut_ptr(),
            length,
            target.as_mut_ptr(),
            target.len() as i32,
            true,
        )
    };
    (converted == length).then_some(target)
}

#[cfg(feature = "pg_test")]
#[pg_schema]
mod tests {
    use pgrx::prelude::*;
    use rand::rngs::StdRng;
    use rand::seq::IndexedRandom;
    use rand::{RngExt, SeedableRng, TryRng};

    const SAMPLES: [&str; 24] = [
        r#"{"id":"r5xyj2k9","created":"2024-05-01 12:00:00.123Z","tags":["a","b"],"n":12.5e3,"ok":true,"x":null}"#,
        r#"[]"#,
        r#"{}"#,
        r#"[[[[[]]]]]"#,
        r#"{"a":{"b":{"c":[1,2,{"d":-0.0}]}}}"#,
        r#"  [ 1 , 2.0 , -3e-7 , 4E+5 ]  "#,
        r#""h\u00e9llo \ud83d\ude00""#,
        r#""\ud800""#,
        r#""\u0000""#,
        r#""\udc00\ud800""#,
        r#"0"#,
        r#"-0"#,
        r#"1e131071"#,
        r#"1e131072"#,
        r#"1e-16383"#,
        r#"1e-16384"#,
        r#"0.000e16390"#,
        r#""\"\\\/\b\f\n\r\t""#,
        r#"true"#,
        r#"null"#,
        "\"é漢😀\"",
        r#"{"a":1,"a":2}"#,
        r#"["\ud83d","\u20ac"]"#,
        r#"[false,true,null,"",0]"#,
    ];
    const PIECES: [&str; 48] = [
        "{", "}", "[", "]", ":", ",", "\"", "\\", "/", "u", "\\u", "\\u00e9", "\\uD834", "\\uDD1E",
        "\\u0000", "\\u007f", "0", "1", "9", "-", "+", ".", "e", "E", "e5", "e-5", "e131071",
        "e131072", "e-16384", "00", "0.0", "true", "false", "null", "nul", "NaN", " ", "\t", "\n",
        "\r", "\u{b}", "\u{7f}", "\u{1f}", "\u{a0}", "\u{feff}", "é", "'", "//",
    ];

    /// A document by the grammar, now and then with a piece that makes it invalid or special.
    fn value(rng: &mut StdRng, depth: u32, out: &mut String) {
        let space = |rng: &mut StdRng, out: &mut String| {
            if rng.random_ratio(1, 8) {
                out.push_str([" ", "\n", "\t", "\r", "  "].choose(rng).unwrap());
            }
        };
        space(rng, out);
        match rng.random_range(0..if depth == 0 { 5 } else { 8 }) {
            0 => out.push_str(["true", "false", "null"].choose(rng).unwrap()),
            1 | 2 => {
                out.push_str(["", "-", "-", ""].choose(rng).unwrap());
                out.push_str(&rng.random_range(0..100_000).to_string());
                if rng.random_ratio(1, 3) {
                    out.push_str(&format!(".{:03}", rng.random_range(0..1000)));
                }
                if rng.random_ratio(1, 4) {
                    out.push_str(["e", "E", "e+", "e-", "E-"].choose(rng).unwrap());
                    let exponents = [
                        0, 1, 7, 300, 16_379, 16_380, 16_383, 16_384, 131_066, 131_068, 131_071,
                        131_072,
                    ];
                    out.push_str(&exponents.choose(rng).unwrap().to_string());
                }
            }
            3 | 4 => string(rng, out),
            5 | 6 => {
                out.push('[');
                for i in 0..rng.random_range(0..4) {
                    if i > 0 {
                        out.push(',');
                    }
                    value(rng, depth - 1, out);
                }
                out.push(']');
            }
            _ => {
                out.push('{');
                for i in 0..rng.random_range(0..4) {
                    if i > 0 {
                        out.push(',');
                    }
                    space(rng, out);
                    string(rng, out);
                    space(rng, out);
                    out.push(':');
                    value(rng, depth - 1, out);
                }
                out.push('}');
            }
        }
        space(rng, out);
    }

    fn string(rng: &mut StdRng, out: &mut String) {
        out.push('"');
        for _ in 0..rng.random_range(0..8) {
            match rng.random_range(0..12) {
                0 => out.push_str(["\\n", "\\\"", "\\\\", "\\/", "\\t"].choose(rng).unwrap()),
                1 => out.push_str(&format!("\\u{:04x}", rng.random::<u16>())),
                2 => out.push_str(
                    ["\\ud83d\\ude00", "\\uD834\\uDD1E", "\\udbff\\udfff"].choose(rng).unwrap(),
                ),
                3 => {
                    out.push(['é', '漢', '😀', '\u{7f}', '\u{2028}'].choose(rng).copied().unwrap())
                }
                _ => out.push(char::from(rng.random_range(b'a'..=b'z'))),
            }
        }
        out.push('"');
    }

    fn document(rng: &mut StdRng) -> String {
        let mut text = String::new();
        if rng.random_ratio(1, 3) {
            text.push_str(SAMPLES.choose(rng).unwrap());
        } else {
            value(rng, 4, &mut text);
        }
        for _ in 0..[0, 0, 1, 1, 2, 5].choose(rng).copied().unwrap() {
            let mut characters: Vec<char> = text.chars().collect();
            let at = rng.random_range(0..=characters.len());
            match rng.random_range(0..4) {
                0 => characters.truncate(at),
                1 if at < characters.len() => drop(characters.remove(at)),
                2 if at < characters.len() => {
                    let other = rng.random_range(0..characters.len());
                    characters.swap(at, other);
                }
                _ => {
                    let piece = PIECES.choose(rng).unwrap();
                    characters.splice(at..at, piece.chars());
                }
            }
            text = characters.into_iter().collect();
        }
        text
    }

    /// 100,000 documents, about half of them broken: the casts are the reference.
    #[pg_test]
    fn agrees_with_the_casts() {
        let seed = rand::rngs::SysRng.try_next_u64().unwrap();
        // In the server's log, so that a failure can be repeated.
        log!("agrees_with_the_casts: seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        Spi::run(
            "CREATE TEMP TABLE documents (document text);
             CREATE FUNCTION pg_temp.casts(document text, type regtype) RETURNS bool LANGUAGE plpgsql AS $$
             BEGIN
                 IF type = 'json'::regtype THEN PERFORM document::json; ELSE PERFORM document::jsonb; END IF;
                 RETURN true;
             EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
                 RETURN false;
             END $$;",
        )
        .unwrap();
        for _ in 0..10 {
            let documents: Vec<String> = (0..10_000).map(|_| document(&mut rng)).collect();
            Spi::run_with_args(
                "INSERT INTO documents SELECT pg_catalog.unnest($1)",
                &[documents.into()],
            )
            .unwrap();
        }
        let wrong = Spi::get_one::<String>(
            "SELECT pg_catalog.string_agg(pg_catalog.quote_literal(document), ', ')
             FROM (SELECT document FROM documents
                   WHERE json_valid(document) <> pg_temp.casts(document, 'json')
                      OR jsonb_valid(document) <> pg_temp.casts(document, 'jsonb') LIMIT 10) AS wrong",
        )
        .unwrap();
        assert_eq!(wrong, None, "seed {seed}");
        // The comparison means something only if every outcome is frequent.
        let (json, jsonb, only_json) = Spi::get_three::<i64, i64, i64>(
            "SELECT count(*) FILTER (WHERE json_valid(document)), count(*) FILTER (WHERE jsonb_valid(document)),
                    count(*) FILTER (WHERE json_valid(document) AND NOT jsonb_valid(document)) FROM documents",
        )
        .unwrap();
        assert!((20_000..90_000).contains(&json.unwrap()), "{json:?} of 100,000 are JSON");
        assert!((10_000..90_000).contains(&jsonb.unwrap()), "{jsonb:?} of 100,000 are jsonb");
        assert!(only_json.unwrap() > 1_000, "{only_json:?} are JSON, but not jsonb");
    }
}
