//! What a message looks like. Bytes in the server's encoding throughout: a key may hold anything the server can store.

use crate::error::Error;

/// The longest payload that NOTIFY takes (NOTIFY_PAYLOAD_MAX_LENGTH - 1 in async.c).
pub const LIMIT: usize = 7999;

/// What [`with_version`] adds at most: `,"xid":"18446744073709551615","position":"FFFFFFFF/FFFFFFFF"`.
pub const VERSION_LENGTH: usize = 60;

/// The kind of payload a table sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Payload {
    /// `orders:42`
    Key,
    /// `{"type":"update","collection":"orders","id":"42","node_id":"n1"}`
    Event,
    /// `{"schema":"public","table":"orders","op":"UPDATE","keys":["orders:42"]}`
    Json,
}

impl Payload {
    pub fn parse(name: &str) -> Result<Payload, Error> {
        match name {
            "key" => Ok(Payload::Key),
            "event" => Ok(Payload::Event),
            "json" => Ok(Payload::Json),
            _ => Err(Error::InvalidValue {
                name: "payload",
                value: name.to_owned(),
                allowed: "key, event, json",
            }),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Payload::Key => "key",
            Payload::Event => "event",
            Payload::Json => "json",
        }
    }
}

/// What was done to the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    Insert,
    Update,
    Delete,
    Truncate,
    /// More than one of them, where keys were given up for `*`.
    Any,
}

impl Op {
    /// As the `json` payload names it: the trigger's TG_OP, `*` for [`Op::Any`].
    pub fn name(self) -> &'static str {
        match self {
            Op::Insert => "INSERT",
            Op::Update => "UPDATE",
            Op::Delete => "DELETE",
            Op::Truncate => "TRUNCATE",
            Op::Any => "*",
        }
    }

    /// As an event names it.
    pub fn event_type(self) -> &'static str {
        match self {
            Op::Insert => "create",
            Op::Update | Op::Any => "update",
            Op::Delete | Op::Truncate => "delete",
        }
    }
}

/// An integer as text: what Display writes, without the machinery around it, once for each row.
pub fn push_integer(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        begin -= 1;
        digits[begin] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[begin..]);
}

/// One column of a composite key, so that the listener can split it again: `\` before `,` `:` `\`.
pub fn push_key_part(out: &mut Vec<u8>, part: &[u8]) {
    for &byte in part {
        if matches!(byte, b',' | b':' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

/// An event, as `publish_event` and the payload `event` send it.
pub fn event(event_type: &[u8], collection: &[u8], id: &[u8], node_id: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + collection.len() + id.len() + node_id.len());
    out.extend_from_slice(b"{\"type\":");
    push_json_string(&mut out, event_type);
    out.extend_from_slice(b",\"collection\":");
    push_json_string(&mut out, collection);
    out.extend_from_slice(b",\"id\":");
    push_json_string(&mut out, id);
    out.extend_from_slice(b",\"node_id\":");
    push_json_string(&mut out, node_id);
    out.push(b'}');
    out
}

/// A `json` message with the transaction it is of: its id, and where that is known its position in the write-ahead log.
pub fn with_version(json: &[u8], xid: u64, position: Option<u64>) -> Vec<u8> {
    let object = json.strip_suffix(b"}").unwrap_or(json);
    let position = position.map_or_else(String::new, |position| {
        let (high, low) = (position >> 32, position & 0xFFFF_FFFF);
        format!(",\"position\":\"{high:X}/{low:X}\"")
    });
    let version = format!(",\"xid\":\"{xid}\"{position}}}");
    [object, version.as_bytes()].concat()
}

/// The messages that carry `keys`: as few as `limit` bytes for each allow, no key in two of them.
///
/// A key that does not fit into a message of its own must have been left out: see [`json_fits`].
pub fn json<'a>(
    schema: &[u8],
    table: &[u8],
    op: Op,
    keys: impl IntoIterator<Item = &'a [u8]>,
    limit: usize,
    mut emit: impl FnMut(&[u8]),
) {
    let head = json_head(schema, table, op);
    let mut message = head.clone();
    let mut key_text = Vec::new();
    for key in keys {
        key_text.clear();
        push_json_string(&mut key_text, key);
        let comma = usize::from(message.len() > head.len());
        if comma == 1 && message.len() + comma + key_text.len() + JSON_TAIL.len() > limit {
            message.extend_from_slice(JSON_TAIL);
            emit(&message);
            message.truncate(head.len());
        } else if comma == 1 {
            message.push(b',');
        }
        message.extend_from_slice(&key_text);
    }
    if message.len() > head.len() {
        message.extend_from_slice(JSON_TAIL);
        emit(&message);
    }
}

/// The bytes that a `json` message of this table has for its keys, whatever the operation.
pub fn json_budget(schema: &[u8], table: &[u8], limit: usize) -> usize {
    limit.saturating_sub(json_head(schema, table, Op::Truncate).len() + JSON_TAIL.len())
}

/// Whether a message with this key alone stays within the limit.
pub fn json_fits(budget: usize, key: &[u8]) -> bool {
    // No byte takes more than six in JSON, so that most keys need no exact count.
    if 6 * key.len() + 2 <= budget {
        return true;
    }
    let mut text = Vec::new();
    push_json_string(&mut text, key);
    text.len() <= budget
}

const JSON_TAIL: &[u8] = b"]}";

fn json_head(schema: &[u8], table: &[u8], op: Op) -> Vec<u8> {
    let mut head = Vec::with_capacity(128);
    head.extend_from_slice(b"{\"schema\":");
    push_json_string(&mut head, schema);
    head.extend_from_slice(b",\"table\":");
    push_json_string(&mut head, table);
    head.extend_from_slice(b",\"op\":\"");
    head.extend_from_slice(op.name().as_bytes());
    head.extend_from_slice(b"\",\"keys\":[");
    head
}

/// A JSON string (RFC 8259): quotes, backslashes and control characters escaped, all else as it is.
fn push_json_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1F => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod unit {
    use super::*;

    fn messages(keys: &[Vec<u8>]) -> Vec<String> {
        let mut sent = Vec::new();
        let keys = keys.iter().map(Vec::as_slice);
        json(b"public", b"orders", Op::Update, keys, LIMIT, |message| {
            sent.push(String::from_utf8(message.to_vec()).unwrap());
        });
        sent
    }

    #[test]
    fn integers_are_written_as_display_writes_them() {
        let values = [0, 1, -1, 9, 10, -10, 99, 100, i64::MAX, i64::MIN, i64::MIN + 1];
        for value in values.into_iter().chain((0..63).map(|bit| 1 << bit)) {
            let mut out = b"x".to_vec();
            push_integer(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x{value}"));
        }
    }

    #[test]
    fn composite_keys_can_be_split_again() {
        let mut out = Vec::new();
        push_key_part(&mut out, br"a,b:c\d");
        assert_eq!(out, br"a\,b\:c\\d");
    }

    #[test]
    fn events() {
        assert_eq!(
            event(b"create", b"posts", b"a\"b\\c\n\x01", "né".as_bytes()),
            "{\"type\":\"create\",\"collection\":\"posts\",\"id\":\"a\\\"b\\\\c\\n\\u0001\",\"node_id\":\"né\"}".as_bytes()
        );
    }

    #[test]
    fn json_messages() {
        assert_eq!(messages(&[]), Vec::<String>::new());
        assert_eq!(
            messages(&[b"orders:1".to_vec(), b"orders:\"2".to_vec()]),
            [
                r#"{"schema":"public","table":"orders","op":"UPDATE","keys":["orders:1","orders:\"2"]}"#
            ]
        );
    }

    #[test]
    fn a_version_fits_into_what_is_kept_for_it() {
        assert_eq!(
            with_version(b"{\"keys\":[]}", 7, Some(0x16_0000_00AB)),
            b"{\"keys\":[],\"xid\":\"7\",\"position\":\"16/AB\"}"
        );
        assert_eq!(with_version(b"{\"keys\":[]}", 7, None), b"{\"keys\":[],\"xid\":\"7\"}");
        let longest = with_version(b"{\"a\":1}", u64::MAX, Some(u64::MAX));
        assert_eq!(longest.len(), b"{\"a\":1}".len() + VERSION_LENGTH);
    }

    #[test]
    fn json_is_split_and_never_too_long() {
        // Lengths around the point where one more key no longer fits.
        for length in 1..40 {
            let keys: Vec<Vec<u8>> =
                (0..3000).map(|i| format!("{i:0length$}").into_bytes()).collect();
            let sent = messages(&keys);
            assert!(sent.len() > 1);
            let mut found = Vec::new();
            for message in &sent {
                assert!(message.len() <= LIMIT);
                let list = message.split("\"keys\":[").nth(1).unwrap().strip_suffix("]}").unwrap();
                found.extend(list.split(',').map(|key| key.trim_matches('"').as_bytes().to_vec()));
            }
            assert_eq!(found, keys);
            // No message was closed early: the next one's first key would not have fitted.
            for pair in sent.windows(2) {
                let next = pair[1].split("\"keys\":[").nth(1).unwrap().split([',', ']']).next();
                assert!(pair[0].len() + 1 + next.unwrap().len() > LIMIT);
            }
        }
    }

    #[test]
    fn a_key_fits_exactly_when_its_own_message_does() {
        for fill in [b'a', b'"', 1] {
            for length in 1200..LIMIT + 2 {
                let key = vec![fill; length];
                let mut longest = 0;
                json(b"s", b"t", Op::Truncate, [key.as_slice()], LIMIT, |m| {
                    longest = longest.max(m.len())
                });
                let fits = json_fits(json_budget(b"s", b"t", LIMIT), &key);
                assert_eq!(fits, longest <= LIMIT, "{fill} {length}");
                if longest > LIMIT {
                    break;
                }
            }
        }
    }
}
