//! What SQLite 3.53.2 answers, and what holds for any document.

use super::*;
use proptest::prelude::*;

fn document(text: &str) -> Result<Document<'static>, Error> {
    Document::of_text(text, || {})
}

fn json(text: &str) -> String {
    match document(text).and_then(|document| document.to_text()) {
        Ok(text) => text,
        Err(error) => error.to_string(),
    }
}

fn extract(text: &str, path: &str) -> String {
    match document(text).and_then(|document| Ok(format!("{:?}", document.extract(path)?))) {
        Ok(text) => text,
        Err(error) => error.to_string(),
    }
}

fn edit(text: &str, how: Edit, changes: &[(&str, Value)]) -> String {
    let edited = document(text).and_then(|mut document| {
        for (path, value) in changes {
            document.edit(path, how, value, || {})?;
        }
        document.to_text()
    });
    edited.unwrap_or_else(|error| error.to_string())
}

fn patch(target: &str, patch: &str) -> String {
    document(target).unwrap().patch(&document(patch).unwrap(), || {}).unwrap()
}

fn key_of(row: &Row) -> String {
    match row.key().unwrap() {
        Key::None => "-".to_owned(),
        Key::Index(index) => index.to_string(),
        Key::Label(label) => label.into_owned(),
    }
}

fn rows(text: &str, root: &str, is_tree: bool) -> Vec<String> {
    let document = document(text).unwrap();
    let mut rows = vec![];
    let Some(mut walk) = Walk::new(document.blob(), root, is_tree).unwrap() else { return rows };
    while let Some(mut row) = walk.next_row().unwrap() {
        let or_dash = |text: Option<Cow<str>>| text.map_or("-".to_owned(), Cow::into_owned);
        let (key, value) = (key_of(&row), or_dash(row.value().unwrap()));
        let parent = row.parent().map_or("-".to_owned(), |parent| parent.to_string());
        let full_key = row.with_full_key(str::to_owned);
        let (kind, id, path) = (row.kind().name(), row.id(), row.path().to_owned());
        rows.push([key, value, kind.into(), id.to_string(), parent, full_key, path].join(" "));
    }
    rows
}

#[test]
fn json5_becomes_json() {
    for (text, expected) in [
        (r#"{a:1,"b":[1,2,],}"#, r#"{"a":1,"b":[1,2]}"#),
        (
            "[+1,.5,5.,-.5,0x1F,-0x1f,Infinity,-inf,NaN]",
            "[1,0.5,5.0,-0.5,31,-31,9e999,-9e999,null]",
        ),
        (r#""\x41\v\0\'""#, r#""\u0041\u000b\u0000'""#),
        (" /*c*/ [1 /* x */] // end", "[1]"),
        (r#"'a"b'"#, r#""a\"b""#),
        ("0x10000000000000000", "9.0e999"),
        ("-0xFFFFFFFFFFFFFFFF", "-18446744073709551615"),
        ("\u{feff}{\u{2028}$\u{a0}:\u{3000}1}", r#"{"$":1}"#),
        ("{null:1}", "malformed JSON"),
        ("{\\u0061:1}", r#"{"\u0061":1}"#),
        ("[1,,2]", "malformed JSON"),
        ("01", "malformed JSON"),
        ("", "malformed JSON"),
        ("/*", "malformed JSON"),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
    assert!(!document("[1.5e3, \"a\"]").unwrap().is_json5());
    assert!(document("[1,]").unwrap().is_json5());
}

#[test]
fn errors_have_a_place() {
    for (text, expected) in [
        (r#"{"a":1"#, 7),
        ("[1,2] x", 1),
        (r#"{"é":x}"#, 6),
        ("01", 2),
        (r#""\q""#, 3),
        ("1.e", 3),
        ("[,]", 2),
        (r#"{"a" 1}"#, 6),
        ("", 1),
        ("[1]", 0),
    ] {
        assert_eq!(error_position(&Value::Text(text.into()), || {}), Some(expected), "{text}");
    }
}

#[test]
fn nesting_ends_at_a_thousand() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(json(&deep(1000)), deep(1000));
    assert_eq!(json(&deep(1001)), "malformed JSON");
    let path = |steps: usize| "$".to_owned() + &"[0]".repeat(steps);
    assert_eq!(extract(&deep(1000), &path(998)), r#"Json("[[]]")"#);
    let one = deep(1000).replace("[]", "[1]");
    assert_eq!(extract(&one, &path(999)), r#"Json("[1]")"#);
    assert_eq!(extract(&one, &path(1000)), "JSON path too deep");
    let inner = Value::Json(deep(999).into());
    assert_eq!(edit("[1]", Edit::Set, &[("$[0]", inner)]), deep(1000));
    let inner = Value::Json(deep(1000).into());
    assert_eq!(edit("[1]", Edit::Set, &[("$[0]", inner)]), "JSON nested too deep");
}

#[test]
fn paths_lead_to_values() {
    for (text, path, expected) in [
        (r#"{"a":1,"a":2}"#, "$.a", "Integer(1)"),
        (r#"{"\u0061":1}"#, "$.a", "Integer(1)"),
        (r#"{"a":1}"#, r#"$."\u0061""#, "Integer(1)"),
        (r#"{"a.b":1}"#, r#"$."a.b""#, "Integer(1)"),
        ("[1,[2,3]]", "$[1][#-1]", "Integer(3)"),
        ("[1]", "$[#]", "Null"),
        ("[1]", "$[#-2]", "Null"),
        (r#"{"":5}"#, r#"$."""#, "Integer(5)"),
        ("[1]", "$.a[", "Null"),
        ("[1]", "$[a]", "bad JSON path: '$[a]'"),
        ("{}", "it's", "bad JSON path: 'it''s'"),
        ("1e3", "$", "Real(1000.0)"),
        ("-0", "$", "Integer(0)"),
        ("9223372036854775807", "$", "Integer(9223372036854775807)"),
        ("9223372036854775808", "$", "Real(9.223372036854776e18)"),
        ("-9223372036854775808", "$", "Integer(-9223372036854775808)"),
        ("0xFFFFFFFFFFFFFFFF", "$", "Real(1.8446744073709552e19)"),
        ("-0x8000000000000000", "$", "Real(-9.223372036854776e18)"),
        ("0x12345678901234567", "$", "malformed JSON"),
        ("true", "$", "Integer(1)"),
        ("null", "$", "Null"),
        (r#""\ud83d\ude00 \u00e9\/\b""#, "$", "Text(\"😀 é/\\u{8}\")"),
        (r#""\u0000""#, "$", "text cannot hold a zero byte"),
        (r#""\ud800""#, "$", "Text(\"\u{fffd}\")"),
        ("[ 1 , {\"a\" : 2 } ]", "$", r#"Json("[1,{\"a\":2}]")"#),
    ] {
        assert_eq!(extract(text, path), expected, "{text} {path}");
    }
}

#[test]
fn integers_are_written_as_numbers_are() {
    for text in ["0", "-0", "7", "-7", "123456789012345678", "9223372036854775807", "1e2", "0x1f"] {
        let value = document(text).unwrap().extract("$").unwrap().into_text().unwrap().into_owned();
        assert_eq!(rows(text, "$", false), [format!("- {value} {} 0 - $ $", kind(text))]);
    }
    for integer in [0, 9, -10, 1234567890, i64::MAX, i64::MIN] {
        with_decimal("", integer, "", |digits| assert_eq!(digits, integer.to_string()));
        with_decimal("[", integer, "]", |step| assert_eq!(step, format!("[{integer}]")));
    }
}

fn kind(text: &str) -> &'static str {
    document(text).unwrap().kind(None).unwrap().unwrap()
}

#[test]
fn arrows_take_labels_and_indexes() {
    let nested = document(r#"{"a":{"b":[1]},"a.b":7,"1":8}"#).unwrap();
    let array = document(r#"["x"]"#).unwrap();
    assert_eq!(nested.arrow(&Operand::Text("a")).unwrap().as_deref(), Some(r#"{"b":[1]}"#));
    assert_eq!(nested.double_arrow(&Operand::Text("$.a.b[0]")), Ok(Value::Integer(1)));
    assert_eq!(nested.double_arrow(&Operand::Text("a.b")), Ok(Value::Integer(7)));
    assert_eq!(nested.double_arrow(&Operand::Text("1")), Ok(Value::Integer(8)));
    assert_eq!(nested.double_arrow(&Operand::Integer(1)), Ok(Value::Null));
    assert_eq!(array.arrow(&Operand::Integer(0)).unwrap().as_deref(), Some(r#""x""#));
    assert_eq!(array.double_arrow(&Operand::Integer(-1)), Ok(Value::Text("x".into())));
    assert_eq!(array.double_arrow(&Operand::Text("[0]")), Ok(Value::Text("x".into())));
    let error = array.arrow(&Operand::Text("")).unwrap_err();
    assert_eq!(error.to_string(), "bad JSON path: ''");
}

#[test]
fn edits_reach_what_paths_lead_to() {
    use Value::Integer;
    let number = |number| Integer(number);
    for (text, how, changes, expected) in [
        (
            r#"{"a":1}"#,
            Edit::Set,
            &[("$.a", number(2)), ("$.b.c[0]", number(3)), ("$.d[1]", number(4))][..],
            r#"{"a":2,"b":{"c":[3]}}"#,
        ),
        (r#"{"a":1}"#, Edit::Insert, &[("$.a", number(2)), ("$.b", number(3))], r#"{"a":1,"b":3}"#),
        (r#"{"a":1}"#, Edit::Replace, &[("$.a", number(2)), ("$.b", number(3))], r#"{"a":2}"#),
        ("[1]", Edit::Set, &[("$", Value::Json("{ }".into()))], "{}"),
        ("[1]", Edit::Insert, &[("$", number(2))], "[1]"),
        ("[1,2]", Edit::Insert, &[("$[#]", number(3))], "[1,2,3]"),
        ("[1,2]", Edit::ArrayInsert, &[("$[1]", number(9))], "[1,9,2]"),
        ("[1,2]", Edit::ArrayInsert, &[("$[#]", number(9))], "[1,2,9]"),
        ("{}", Edit::ArrayInsert, &[("$.a[0]", number(9))], r#"{"a":[9]}"#),
        ("{}", Edit::Set, &[(r#"$."a\u0062""#, number(1))], r#"{"a\u0062":1}"#),
        ("{}", Edit::Set, &[("$.a", Value::Text("[1]".into()))], r#"{"a":"[1]"}"#),
        ("{}", Edit::Set, &[("$.a", Value::Real(f64::INFINITY))], r#"{"a":9e999}"#),
        ("{}", Edit::Set, &[("$.a", Value::Boolean(true))], r#"{"a":true}"#),
        (r#"{"x":1}"#, Edit::ArrayInsert, &[("$.x", number(5))], "not an array element: '$.x'"),
        (r#"{"x]":1}"#, Edit::ArrayInsert, &[("$.x]", number(5))], "malformed JSON"),
        ("{}", Edit::Set, &[("$.a.", number(5))], "bad JSON path: '$.a.'"),
        (
            "{}",
            Edit::Set,
            &[("$.a", Value::Blob(Cow::Borrowed(b"\0\xff")))],
            "JSON cannot hold BLOB values",
        ),
    ] {
        assert_eq!(edit(text, how, changes), expected, "{text} {changes:?}");
    }
}

/// The sizes in the headers around a change need one, two, three or five bytes.
#[test]
fn headers_grow_and_shrink() {
    for length in [0, 5, 11, 12, 200, 255, 256, 65_535, 65_536, 70_000] {
        let long = "x".repeat(length);
        let set = [("$.a[0].b", Value::Text(long.clone().into()))];
        let text = edit(r#"{"a":[{"b":1},2],"c":3}"#, Edit::Set, &set);
        assert_eq!(text, format!(r#"{{"a":[{{"b":"{long}"}},2],"c":3}}"#));
        let mut document = document(&text).unwrap();
        assert_eq!(document.remove("$.a[0].b"), Ok(true));
        assert_eq!(document.to_text().unwrap(), r#"{"a":[{},2],"c":3}"#);
        assert_eq!(check::error_position(document.blob()), 0);
    }
}

#[test]
fn removal_goes_from_path_to_path() {
    let mut array = document("[0,1,2,3]").unwrap();
    assert_eq!(array.remove("$[2]"), Ok(true));
    assert_eq!(array.remove("$[0]"), Ok(true));
    assert_eq!(array.remove("$[9]"), Ok(true));
    assert_eq!(array.to_text().unwrap(), "[1,3]");
    assert_eq!(array.remove("$"), Ok(false));
    assert_eq!(array.remove("").unwrap_err().to_string(), "bad JSON path: ''");
}

#[test]
fn patches_merge() {
    for (target, with, expected) in [
        (
            r#"{"a":1,"b":{"c":2,"d":3},"e":[1]}"#,
            r#"{"a":null,"b":{"c":null,"x":{"y":null,"z":1}},"e":{"f":null},"g":[null]}"#,
            r#"{"b":{"d":3,"x":{"z":1}},"e":{},"g":[null]}"#,
        ),
        ("[1]", r#"{"a":{"b":null}}"#, r#"{"a":{}}"#),
        (r#"{"a":1}"#, "5", "5"),
        (r#"{"a":1,"a":2}"#, r#"{"a":null}"#, r#"{"a":2}"#),
        (r#"{"\u0061":1}"#, r#"{"a":2}"#, r#"{"\u0061":2}"#),
    ] {
        assert_eq!(patch(target, with), expected, "{target} {with}");
    }
}

/// With many members a map finds labels; what it finds is what looking at each would find.
#[test]
fn patches_of_many_members_merge_alike() {
    let members = |values: &[&str], step: usize| -> String {
        let members: Vec<_> = (0..60)
            .step_by(step)
            .map(|i| format!(r#""k{}":{}"#, i % 40, values[i % values.len()]))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    let target = members(&["1", "{\"x\":1}", "[2]"], 1);
    let with = members(&["null", "2", "{\"x\":null,\"y\":3}", "null"], 3);
    // Patching member by member never has a map for the patch, and small targets have none either.
    let mut expected: Vec<(String, String)> = vec![];
    let object = document(&target).unwrap();
    let mut walk = Walk::new(object.blob(), "$", false).unwrap().unwrap();
    while let Some(row) = walk.next_row().unwrap() {
        let pair = (key_of(&row), row.value().unwrap().unwrap().into());
        expected.push(pair);
    }
    let changes = document(&with).unwrap();
    let mut walk = Walk::new(changes.blob(), "$", false).unwrap().unwrap();
    while let Some(row) = walk.next_row().unwrap() {
        let key = key_of(&row);
        let value = row.value().unwrap().map(Cow::into_owned);
        let position = expected.iter().position(|(label, _)| *label == key);
        match (position, value) {
            (Some(position), None) => drop(expected.remove(position)),
            (Some(position), Some(value)) => {
                expected[position].1 = patch(&expected[position].1, &value);
            }
            (None, Some(value)) => expected.push((key, patch("{}", &value))),
            (None, None) => {}
        }
    }
    let expected: Vec<_> =
        expected.iter().map(|(label, value)| format!("\"{label}\":{value}")).collect();
    assert_eq!(patch(&target, &with), format!("{{{}}}", expected.join(",")));
}

#[test]
fn rows_are_numbered_by_their_offsets() {
    assert_eq!(
        rows(r#"{"a b":[1,null],"c":{"d":"x\ty"}}"#, "$", false),
        [r#"a b [1,null] array 2 - $."a b" $"#, r#"c {"d":"x\ty"} object 10 - $.c $"#,]
    );
    assert_eq!(
        rows(r#"{"a b":[1,null],"c":{"d":"x\ty"}}"#, "$", true),
        [
            r#"- {"a b":[1,null],"c":{"d":"x\ty"}} object 0 - $ $"#,
            r#"a b [1,null] array 2 0 $."a b" $"#,
            r#"0 1 integer 7 2 $."a b"[0] $."a b""#,
            r#"1 - null 9 2 $."a b"[1] $."a b""#,
            r#"c {"d":"x\ty"} object 10 0 $.c $"#,
            "d x\ty text 13 10 $.c.d $.c",
        ]
    );
    assert_eq!(
        rows(r#"{"a b":[1,null],"c":{"d":"x"}}"#, "$.c.d", false),
        ["- x text 13 - $.c.d $.c.d"]
    );
    assert_eq!(
        rows(r#"{"a b":[1,null],"c":{"d":"x"}}"#, "$.c.d", true),
        ["d x text 13 - $.c.d $.c"]
    );
    assert_eq!(rows("[[10,20]]", "$[0][1]", true), ["0 20 integer 5 - $[0][1] $"]);
    assert!(rows("[1]", "$.a", true).is_empty());
    assert!(rows("[]", "$", false).is_empty());
    assert!(Walk::new(b"\x0b", "a", true).is_err());
}

#[test]
fn jsonb_counts_as_json() {
    let text = |bytes: &'static [u8]| {
        let value = Value::Blob(Cow::Borrowed(bytes));
        Document::of_value(&value, || {}).unwrap().unwrap().to_text()
    };
    let place = |bytes: &'static [u8]| error_position(&Value::Blob(Cow::Borrowed(bytes)), || {});
    assert_eq!(text(b"\xcb\x08\x131\x132\x133\x134").unwrap(), "[1,2,3,4]");
    assert_eq!(text(b"\x4c\x17a\x131").unwrap(), r#"{"a":1}"#);
    // Text in a blob is text.
    assert_eq!(text(b"[1 ]").unwrap(), "[1]");
    assert_eq!(place(b"\x2b\x13:"), Some(3));
    assert_eq!(place(b"\x4b\x131\x131"), Some(0));
}

#[test]
fn values_become_json() {
    let items = [
        (Value::Null, "null"),
        (Value::Boolean(false), "false"),
        (Value::Integer(-7), "-7"),
        (Value::Real(1e100), "1.0e+100"),
        (Value::Real(f64::NEG_INFINITY), "-9.0e+999"),
        (Value::Text("a\"\\\n\u{1}'".into()), r#""a\"\\\n\u0001'""#),
        (Value::Json("[1 ]".into()), "[1]"),
        (Value::Blob(Cow::Borrowed(b"\x2b\x131")), "[1]"),
    ];
    let mut array = Builder::array();
    let mut object = Builder::object();
    for (value, expected) in &items {
        assert_eq!(quote(value, || {}).unwrap(), *expected);
        array.item(value, || {}).unwrap();
        object.member("é\"", value, || {}).unwrap();
    }
    let expected = items.each_ref().map(|(_, expected)| *expected);
    assert_eq!(array.finish(), format!("[{}]", expected.join(",")));
    let members = expected.map(|expected| format!(r#""é\"":{expected}"#));
    assert_eq!(object.finish(), format!("{{{}}}", members.join(",")));
    assert_eq!(quote(&Value::Blob(Cow::Borrowed(b"\x01\x02")), || {}), Err(Error::BlobInJson));
}

#[test]
fn pretty_text_is_indented() {
    let text = document(r#"{"a":[],"b":{},"c":[1,{"d":2}]}"#).unwrap();
    assert_eq!(
        text.to_pretty_text(Some("-")).unwrap(),
        "{\n-\"a\": [],\n-\"b\": {},\n-\"c\": [\n--1,\n--{\n---\"d\": 2\n--}\n-]\n}"
    );
    assert_eq!(document("[1]").unwrap().to_pretty_text(None).unwrap(), "[\n    1\n]");
}

/// What would be larger than any text is refused before it takes the memory.
#[test]
fn results_are_bounded() {
    let many = document(&format!("[{}]", vec!["[]"; 20_000].join(","))).unwrap();
    assert_eq!(many.to_pretty_text(Some(&" ".repeat(1 << 10))), Err(Error::TooBig));
}

/// A host is asked now and then whether to go on.
#[test]
fn long_documents_can_be_interrupted() {
    let mut asked = 0;
    let text = format!("[{}]", vec!["1"; 20_000].join(","));
    Document::of_text(&text, || asked += 1).unwrap();
    assert!(asked > 3, "{asked}");
}

/// JSON5, now and then with a piece that makes it malformed.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("\""),
        Just("'"),
        Just("a"),
        Just("\"a\":"),
        Just("\\u0061"),
        Just("\\x41"),
        Just("\\"),
        Just("1"),
        Just("-0.5e3"),
        Just("0x1f"),
        Just(".5"),
        Just("Infinity"),
        Just("NaN"),
        Just("true"),
        Just("null"),
        Just(" "),
        Just("\n"),
        Just("/* */"),
        Just("// x\n"),
        Just("é"),
        Just("\u{2028}"),
        Just("[1,2]"),
        Just("{\"b\":[]}"),
        Just("\"x\""),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn text_without_spaces_stays_as_it_is(text in any_text()) {
        if let Ok(document) = document(&text) {
            let text = document.to_text().unwrap();
            let again = super::unit::document(&text).unwrap();
            prop_assert!(!again.is_json5());
            prop_assert_eq!(again.to_text().unwrap(), text);
            prop_assert_eq!(check::error_position(document.blob()), 0);
        }
    }

    /// Whatever bytes come as JSONB: an answer or an error, and no panic.
    #[test]
    fn any_blob_is_survived(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..80),
        at in 0_usize..80,
        text in any_text(),
    ) {
        if let Ok(document) = document(&text) && !document.blob().is_empty() {
            bytes.splice(..at.min(bytes.len()), document.blob().iter().copied());
        }
        let document = Document { blob: bytes.clone().into(), is_json5: false };
        check::is_jsonb(&bytes);
        let _ = document.to_text();
        let _ = document.to_pretty_text(None);
        let _ = document.extract("$.a[0]");
        let _ = document.array_length(Some("$[#-1]"));
        let _ = document.patch(&document, || {});
        for how in [Edit::Remove, Edit::Replace, Edit::Insert, Edit::Set, Edit::ArrayInsert] {
            for path in ["$[0]", "$.a", "$[#]", "$.a[#-1].b"] {
                let _ = document.clone().edit(path, how, &Value::Integer(1), || {});
            }
        }
        if let Ok(Some(mut walk)) = Walk::new(&bytes, "$", true) {
            while let Ok(Some(mut row)) = walk.next_row() {
                let _ = (row.key(), row.value(), row.id(), row.parent());
                let _ = row.with_full_key(str::len);
            }
        }
    }
}
