//! What a trigger was told: the arguments of `invalidate_cache`.
//!
//! All of it stands in `pg_trigger.tgargs`, so that pg_dump carries it along with the table and no second place can disagree.
//! The arguments are `channel, key column.., '--', option..`, an option being `name=value` with the names of [`Options::parse`].

use crate::error::Error;
use crate::payload::{LIMIT, Payload, VERSION_LENGTH};

/// The longest channel name that NOTIFY takes: NAMEDATALEN - 1.
const CHANNEL_LIMIT: usize = 63;
/// Ends the key columns and begins the options.
const SEPARATOR: &[u8] = b"--";

pub const DEFAULT_CHANNEL: &str = "cache_invalidate";
pub const DEFAULT_TEMPLATE: &str = "{table}:{id}";
pub const DEFAULT_MAX_KEYS: usize = 1000;

/// How a transaction's messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// NOTIFY by the transaction itself, when it commits.
    Notify,
    /// Through shared memory, after the commit; the publisher notifies.
    Async,
    /// In the write-ahead log, together with the commit.
    Durable,
}

impl Delivery {
    pub fn parse(name: &str) -> Result<Delivery, Error> {
        match name {
            "notify" => Ok(Delivery::Notify),
            "async" => Ok(Delivery::Async),
            "durable" => Ok(Delivery::Durable),
            _ => Err(Error::InvalidValue {
                name: "delivery",
                value: name.to_owned(),
                allowed: "notify, async, durable",
            }),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Delivery::Notify => "notify",
            Delivery::Async => "async",
            Delivery::Durable => "durable",
        }
    }

    /// How long a `json` message may be when it is made: one that is durable gets its version when it is read.
    pub fn json_limit(self) -> usize {
        match self {
            Delivery::Notify | Delivery::Async => LIMIT,
            Delivery::Durable => LIMIT - VERSION_LENGTH,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub channel: Vec<u8>,
    /// `None`: the primary key as it is when the trigger fires, else the replica identity.
    pub key_columns: Option<Vec<Vec<u8>>>,
    pub payload: Payload,
    /// `None`: [`DEFAULT_TEMPLATE`].
    pub keys: Option<Vec<Vec<u8>>>,
    pub only_columns: Option<Vec<Vec<u8>>>,
    pub delivery: Delivery,
    pub max_keys: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            channel: DEFAULT_CHANNEL.into(),
            key_columns: None,
            payload: Payload::Key,
            keys: None,
            only_columns: None,
            // Of a trigger that does not say: the same on every server, so that a dump means the same everywhere.
            delivery: Delivery::Notify,
            max_keys: DEFAULT_MAX_KEYS,
        }
    }
}

impl Options {
    /// Reads a trigger's arguments.
    pub fn parse<'a>(arguments: impl IntoIterator<Item = &'a [u8]>) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut arguments = arguments.into_iter();
        match arguments.next() {
            None => {}
            Some(channel) => options.channel = channel.to_vec(),
        }
        for argument in arguments.by_ref() {
            if argument == SEPARATOR {
                break;
            }
            options.key_columns.get_or_insert_default().push(argument.to_vec());
        }
        for argument in arguments {
            let unknown =
                || Error::UnknownArgument { argument: String::from_utf8_lossy(argument).into() };
            let equals = argument.iter().position(|&byte| byte == b'=').ok_or_else(unknown)?;
            let (name, value) = (&argument[..equals], &argument[equals + 1..]);
            match name {
                b"key" => options.key_columns.get_or_insert_default().push(value.to_vec()),
                b"keys" => options.keys.get_or_insert_default().push(value.to_vec()),
                b"only" => options.only_columns.get_or_insert_default().push(value.to_vec()),
                b"payload" => options.payload = Payload::parse(&String::from_utf8_lossy(value))?,
                b"max_keys" => options.max_keys = parse_max_keys(&String::from_utf8_lossy(value))?,
                b"delivery" => {
                    options.delivery = Delivery::parse(&String::from_utf8_lossy(value))?;
                }
                _ => return Err(unknown()),
            }
        }
        options.validate()?;
        Ok(options)
    }

    /// Reads `pg_trigger.tgargs`, where each argument ends with a NUL byte.
    pub fn parse_stored(arguments: &[u8]) -> Result<Options, Error> {
        Options::parse(
            arguments
                .split_inclusive(|&byte| byte == 0)
                .map(|argument| argument.strip_suffix(&[0]).unwrap_or(argument)),
        )
    }

    /// The arguments that [`Options::parse`] turns back into `self`.
    pub fn arguments(&self) -> Vec<Vec<u8>> {
        let mut arguments = vec![self.channel.clone()];
        let mut options: Vec<Vec<u8>> = Vec::new();
        let mut list = |name: &str, values: &Option<Vec<Vec<u8>>>| {
            for value in values.iter().flatten() {
                options.push([name.as_bytes(), b"=", value].concat());
            }
        };
        list("key", &self.key_columns);
        list("keys", &self.keys);
        list("only", &self.only_columns);
        if self.payload != Payload::Key {
            options.push(format!("payload={}", self.payload.name()).into_bytes());
        }
        if self.delivery != Delivery::Notify {
            options.push(format!("delivery={}", self.delivery.name()).into_bytes());
        }
        if self.max_keys != DEFAULT_MAX_KEYS {
            options.push(format!("max_keys={}", self.max_keys).into_bytes());
        }
        if !options.is_empty() {
            arguments.push(SEPARATOR.to_vec());
            arguments.append(&mut options);
        }
        arguments
    }

    /// The key templates.
    pub fn templates(&self) -> Vec<Vec<u8>> {
        self.keys.clone().unwrap_or_else(|| vec![DEFAULT_TEMPLATE.into()])
    }

    /// What can be told without looking at the table.
    pub fn validate(&self) -> Result<(), Error> {
        check_channel(&self.channel)?;
        distinct("key_columns", &self.key_columns)?;
        distinct("only_columns", &self.only_columns)?;
        if self.keys.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::EmptyList { name: "keys" });
        }
        if self.payload == Payload::Event && self.keys.is_some() {
            return Err(Error::KeysWithEvent);
        }
        for template in self.keys.iter().flatten() {
            crate::template::parse(template)?;
        }
        Ok(())
    }
}

/// Refuses what NOTIFY would refuse, but when it is said rather than when the first row is written.
pub fn check_channel(channel: &[u8]) -> Result<(), Error> {
    if channel.is_empty() || channel.len() > CHANNEL_LIMIT {
        return Err(Error::InvalidChannel { channel: String::from_utf8_lossy(channel).into() });
    }
    Ok(())
}

fn parse_max_keys(value: &str) -> Result<usize, Error> {
    value
        .parse::<i32>()
        .ok()
        .and_then(|keys| usize::try_from(keys).ok())
        .filter(|&keys| keys > 0)
        .ok_or_else(|| Error::InvalidValue {
            name: "max_keys",
            value: value.to_owned(),
            allowed: "1 to 2147483647",
        })
}

/// `max_keys` as SQL gives it.
pub fn check_max_keys(value: i32) -> Result<usize, Error> {
    parse_max_keys(&value.to_string())
}

fn distinct(list: &'static str, columns: &Option<Vec<Vec<u8>>>) -> Result<(), Error> {
    let Some(columns) = columns else { return Ok(()) };
    if columns.is_empty() {
        return Err(Error::EmptyList { name: list });
    }
    for (i, column) in columns.iter().enumerate() {
        if columns[..i].contains(column) {
            return Err(Error::DuplicateColumn {
                list,
                column: String::from_utf8_lossy(column).into(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod unit {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, Error> {
        Options::parse(arguments.iter().map(|argument| argument.as_bytes()))
    }

    #[test]
    fn the_classic_arguments() {
        assert_eq!(parse(&[]).unwrap(), Options::default());
        let options = parse(&["chan", "a", "b"]).unwrap();
        assert_eq!(options.channel, b"chan");
        assert_eq!(options.key_columns, Some(vec![b"a".to_vec(), b"b".to_vec()]));
    }

    #[test]
    fn arguments_survive_the_way_there_and_back() {
        let all = Options {
            channel: "Größe".into(),
            key_columns: Some(vec!["--".into(), "a=b".into(), "".into()]),
            payload: Payload::Json,
            keys: Some(vec!["{table}={a=b}".into(), "\\'".into()]),
            only_columns: Some(vec!["x".into()]),
            delivery: Delivery::Durable,
            max_keys: 7,
        };
        for options in [Options::default(), all] {
            let arguments = options.arguments();
            assert_eq!(Options::parse(arguments.iter().map(Vec::as_slice)).unwrap(), options);
        }
        assert_eq!(Options::default().arguments(), [b"cache_invalidate".to_vec()]);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(matches!(parse(&[""]), Err(Error::InvalidChannel { .. })));
        assert!(parse(&[&"c".repeat(63)]).is_ok());
        assert!(matches!(parse(&[&"c".repeat(64)]), Err(Error::InvalidChannel { .. })));
        assert!(matches!(parse(&["c", "--", "color=red"]), Err(Error::UnknownArgument { .. })));
        assert!(matches!(parse(&["c", "--", "x"]), Err(Error::UnknownArgument { .. })));
        assert!(matches!(parse(&["c", "a", "a"]), Err(Error::DuplicateColumn { .. })));
        for value in ["0", "-1", "x", "2147483648", ""] {
            assert!(
                matches!(
                    parse(&["c", "--", &format!("max_keys={value}")]),
                    Err(Error::InvalidValue { name: "max_keys", .. })
                ),
                "{value}"
            );
        }
        assert!(matches!(
            parse(&["c", "--", "payload=xml"]),
            Err(Error::InvalidValue { name: "payload", .. })
        ));
        assert!(matches!(
            parse(&["c", "--", "payload=event", "keys=x"]),
            Err(Error::KeysWithEvent)
        ));
        assert!(matches!(
            parse(&["c", "--", "delivery=pigeon"]),
            Err(Error::InvalidValue { name: "delivery", .. })
        ));
        for delivery in [Delivery::Notify, Delivery::Async, Delivery::Durable] {
            let named = format!("delivery={}", delivery.name());
            assert_eq!(parse(&["c", "--", &named]).map(|options| options.delivery), Ok(delivery));
        }
    }
}
