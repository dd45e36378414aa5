use super::*;

#[derive(Default)]
struct Ascii {
    pauses: usize,
}

impl Host for Ascii {
    const MAX_EXPONENT: i64 = i32::MAX as i64 / 2;

    fn pause(&mut self) {
        self.pauses += 1;
    }

    fn has(&mut self, character: char) -> bool {
        character == 'é'
    }
}

fn json(text: &str) -> bool {
    is_json(text.as_bytes(), &mut Ascii::default())
}

fn json5(text: &str) -> bool {
    is_json5(text.as_bytes(), &mut Ascii::default())
}

fn jsonb(text: &str) -> bool {
    is_jsonb(text.as_bytes(), &mut Ascii::default())
}

#[test]
fn every_prefix_of_a_document_is_invalid() {
    let document = r#" {"a":[1.5e-7,true,false,null,{"\u00e9\"":""}],"b":[[],{}]}"#;
    assert!(json(document) && jsonb(document) && json5(document));
    for end in 0..document.len() {
        assert!(!json(&document[..end]), "{}", &document[..end]);
        assert!(!jsonb(&document[..end]) && !json5(&document[..end]), "{}", &document[..end]);
    }
}

#[test]
fn any_byte_may_follow_any_other_without_a_panic() {
    for first in 0..=255 {
        for second in 0..=255 {
            for context in [&b""[..], b"[", b"\"", b"\"\\u00", b"{\"a\":", b"-1e"] {
                let text = [context, &[first, second]].concat();
                let (a, b) = (&mut Ascii::default(), &mut Ascii::default());
                assert!(is_json(&text, a) || !is_jsonb(&text, b), "{text:?}");
            }
        }
    }
}

#[test]
fn characters_above_ascii_are_the_hosts_to_judge() {
    assert!(jsonb(r#""\u00e9""#));
    assert!(!jsonb(r#""\u20ac""#) && json(r#""\u20ac""#));
    assert!(!jsonb(r#""\ud83d\ude00""#) && json(r#""\ud83d\ude00""#));
}

#[test]
fn every_kind_of_long_text_can_be_cancelled() {
    const MEGABYTES: usize = 8;
    let fill = |before: &str, unit: &str, after: &str| {
        [before, &unit.repeat((MEGABYTES << 20) / unit.len()), after].concat()
    };
    for text in [
        fill("", "\u{b}", "1"),
        fill("", "\u{3000}", "1"),
        fill("/*", "*", "*/1"),
        fill("/*", "é", "*/1"),
        fill("", "/**/", "1"),
        fill("//", " ", "\n1"),
        fill("//", "é", "\n1"),
        fill("'", "\"", "'"),
        fill("'", "\\\r\n", "'"),
        fill("0x", "a", ""),
        fill("{", "a", ":1}"),
        fill("{", "é", ":1}"),
        fill("{", "\\u0041", ":1}"),
    ] {
        let host = &mut Ascii::default();
        assert!(is_json5(text.as_bytes(), host), "{}", &text[..8]);
        assert!(host.pauses >= MEGABYTES - 1, "{} pauses in {}", host.pauses, &text[..8]);
    }
    for text in [
        fill("", " ", "1"),
        fill("\"", "a", "\""),
        fill("\"", "\\n", "\""),
        fill("\"", "\\u0041", "\""),
        fill("", "1", ""),
        fill("1.", "0", ""),
        fill("1e", "1", ""),
        fill("[", "1,", "1]"),
        fill("[", "[],", "1]"),
        fill("{", "\"a\":{},", "\"b\":0}"),
    ] {
        let host = &mut Ascii::default();
        assert!(is_json(text.as_bytes(), host), "{}", &text[..20]);
        let expected = MEGABYTES - 1..=MEGABYTES;
        assert!(expected.contains(&host.pauses), "{} pauses in {}", host.pauses, &text[..20]);
    }
}

#[test]
fn an_array_holds_as_many_elements_as_jsonb_can() {
    let array = |elements: usize| ["[", &"0,".repeat(elements - 1), "0]"].concat();
    assert!(jsonb(&array(1 << 24)));
    assert!(!jsonb(&array((1 << 24) + 1)));
    // Small ones within a large document do not add up.
    assert!(jsonb(&["[", &"[0],".repeat(7_000_000), "0]"].concat()));
}

/// Every form that only JSON5 has, and what SQLite refuses of it. The differential test beside the server's tests asks
/// SQLite itself.
#[test]
fn json5_is_that_of_sqlite() {
    for document in [
        "{a:1}",
        "{$_a9:1}",
        "{é:1}",
        "{\\u0061b:1}",
        "{a\\u0030:1}",
        "{truex:1}",
        "{nulls:1}",
        "{nanx:1}",
        "{'a':1}",
        "{Null:1}",
        "{a:1,}",
        "[1,]",
        "[[],{},]",
        "+1",
        "-.5",
        ".5",
        "5.",
        "5.e3",
        "+.5e-3",
        "0x1F",
        "-0Xab",
        "+0x0",
        "Infinity",
        "-infinity",
        "+INF",
        "inf",
        "NaN",
        "nan",
        "qnan",
        "SNAN",
        "'a\"b'",
        "\"\\x41\"",
        "'\\''",
        "\"\\'\"",
        "'\\v\\0\\x41'",
        "'\\\n'",
        "'\\\r\n'",
        "'\\\u{2028}'",
        "'\u{1}\t'",
        "/**/1",
        "/*/*/1",
        "/***/1",
        "1//",
        "// \u{2029}1",
        "//\r1",
        "\u{feff}1\u{b}\u{c}\u{a0}\u{1680}\u{2000}\u{200a}\u{202f}\u{205f}\u{3000}",
        "{a/**/:/**/1/**/,/**/}",
    ] {
        assert!(json5(document), "{document:?}");
        assert!(!json(document), "{document:?}");
    }
    for document in [
        "",
        " ",
        "//1",
        "{true:1}",
        "{true_:1}",
        "{null:1}",
        "{false$:1}",
        "{NaN:1}",
        "{inf:1}",
        "{INFINITYé:1}",
        "{1:1}",
        "{-a:1}",
        "{a b:1}",
        "{a\\x41:1}",
        "{\\u12:1}",
        "{,}",
        "[,]",
        "[1,,]",
        "{a}",
        "{a:}",
        "01",
        "+01",
        "-00x1",
        "0x",
        "0xg",
        ".",
        "+",
        "-",
        "-.",
        "+.e1",
        "-e.5",
        ".e1",
        "1e",
        "1e+",
        "1.2.3",
        "1e5.",
        "5..",
        "--1",
        "+-1",
        "1_",
        "0x1.5",
        "infx",
        "True",
        "NULL",
        "tru",
        "'a",
        "'a\"",
        "'\\a'",
        "'\\1'",
        "'\\00'",
        "'\\x4'",
        "'\\xgg'",
        "'\\u004'",
        "'\\é'",
        "/*",
        "/*/",
        "/* *1",
        "1/",
        "1/ /",
        "\u{180e}1",
        "\u{200b}1",
        "\u{85}1",
        "\u{a1}",
        "'\0'",
        "1\0",
        "`a`",
        "undefined",
    ] {
        assert!(!json5(document), "{document:?}");
        assert!(!json(document), "{document:?}");
    }
}

#[test]
fn flags_choose_the_form() {
    for bits in [i32::MIN, -1, 0, 16, 17, 256 + 1, i32::MAX] {
        assert_eq!(Flags::new(bits), None);
    }
    for bits in 1..=15 {
        let accept =
            |text: &str| Flags::new(bits).unwrap().accept(text.as_bytes(), &mut Ascii::default());
        assert_eq!(accept("[1]"), bits & 3 != 0, "{bits}");
        assert_eq!(accept("[1,]"), bits & 2 != 0, "{bits}");
        assert!(!accept("[1"), "{bits}");
    }
}

#[test]
fn nesting_is_limited_in_every_form() {
    let nested = |open: &str, inner: &str, close: &str, depth| {
        [&open.repeat(depth), inner, &close.repeat(depth)].concat()
    };
    for (open, inner, close) in [("[", "", "]"), ("{\"a\":", "1", "}"), ("[", "{}", "]")] {
        let more = usize::from(inner == "{}");
        let (last, over) = (MAX_DEPTH - more, MAX_DEPTH - more + 1);
        for (depth, expected) in [(last, true), (over, false)] {
            let text = nested(open, inner, close, depth);
            assert_eq!((json(&text), jsonb(&text), json5(&text)), (expected, expected, expected));
        }
    }
}
