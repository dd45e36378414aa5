#![no_main]
//! The scanner on any bytes: no panic, each form within the next, the same answer wherever it pauses, and that of
//! serde_json where that is exact.

use libfuzzer_sys::fuzz_target;
use pb_compat_core::json::{Flags, Host, MAX_DEPTH, is_json, is_json5, is_jsonb};

/// Pauses every `WINDOW` bytes, and counts how often.
#[derive(Default)]
struct Counting<const WINDOW: usize>(usize);

impl<const WINDOW: usize> Host for Counting<WINDOW> {
    const MAX_EXPONENT: i64 = i32::MAX as i64 / 2;
    const WINDOW: usize = WINDOW;

    fn pause(&mut self) {
        self.0 += 1;
    }

    fn has(&mut self, _: char) -> bool {
        true
    }
}

/// The deepest nesting of a text that is known to be JSON.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => string = !string,
            _ if string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    deepest
}

/// What a scan answers; the number of its pauses has to fit the length of what it has read.
fn judge<const WINDOW: usize>(
    text: &[u8],
    scan: impl Fn(&[u8], &mut Counting<WINDOW>) -> bool,
) -> bool {
    let mut host = Counting::<WINDOW>::default();
    let accepted = scan(text, &mut host);
    // A comment without an end is read once more at most. A token may reach a few bytes beyond a window.
    assert!(host.0 <= 2 * text.len() / WINDOW + 1, "{} pauses in {} bytes", host.0, text.len());
    if accepted {
        assert!(host.0 >= text.len() / (WINDOW + 16), "{} pauses in {} bytes", host.0, text.len());
    }
    accepted
}

fuzz_target!(|text: &[u8]| {
    let json = judge::<64>(text, is_json);
    let jsonb = judge::<64>(text, is_jsonb);
    let json5 = judge::<64>(text, is_json5);
    assert!(json || !jsonb);
    assert!(json5 || !json);
    assert_eq!(json, judge::<1>(text, is_json));
    assert_eq!(jsonb, judge::<1>(text, is_jsonb));
    assert_eq!(json5, judge::<1>(text, is_json5));
    for bits in 1..=15 {
        let flags = Flags::new(bits).expect("flags");
        let expected = (bits & 1 != 0 && json) || (bits & 2 != 0 && json5);
        assert_eq!(flags.accept(text, &mut Counting::<64>::default()), expected);
    }
    if str::from_utf8(text).is_ok() {
        let theirs = serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
        assert_eq!(json, theirs && depth(text) <= MAX_DEPTH);
        if jsonb {
            // What jsonb can store, everybody can read: numbers that overflow a float are the exception.
            let value = serde_json::from_slice::<serde_json::Value>(text);
            assert!(value.is_ok() || depth(text) > 127 || text.iter().any(u8::is_ascii_digit));
        }
    }
});
