//! A call that both sides can be asked, and what a side answers.

use std::fmt;

/// An argument. Its text has no NUL byte: PostgreSQL's text cannot hold one.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
    /// The result of a JSON function: the subtype there, the domain `sqlite.json_text` here.
    Json(String),
}

impl Arg {
    pub fn text(text: &str) -> Arg {
        Arg::Text(text.to_owned())
    }

    /// As SQLite's SQL, to be shown.
    fn lite(&self) -> String {
        match self {
            Arg::Null => "NULL".to_owned(),
            Arg::Integer(value) => value.to_string(),
            Arg::Real(f64::INFINITY) => "9e999".to_owned(),
            Arg::Real(f64::NEG_INFINITY) => "-9e999".to_owned(),
            Arg::Real(value) => format!("{value:?}"),
            Arg::Text(text) => quoted(text),
            Arg::Blob(bytes) => format!("x'{}'", hex(bytes)),
            Arg::Json(text) => format!("json({})", quoted(text)),
        }
    }

    /// As PostgreSQL's SQL: every type said.
    fn pg(&self) -> String {
        match self {
            Arg::Null => "NULL".to_owned(),
            Arg::Integer(value) => format!("'{value}'::bigint"),
            Arg::Real(value) => format!("'{value:?}'::float8"),
            Arg::Text(text) => format!("{}::text", quoted(text)),
            Arg::Blob(bytes) => format!("'\\x{}'::bytea", hex(bytes)),
            Arg::Json(text) => format!("sqlite.json({})", quoted(text)),
        }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A literal of text that both sides read alike (`standard_conforming_strings` is on).
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// How a function or operator is written on each side. In a template `@` is the list of all arguments, `@1` to `@9` one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    /// What reports count it under.
    pub name: &'static str,
    lite: Option<&'static str>,
    pg: Option<&'static str>,
}

impl Form {
    /// A function of this name that has the type there that it has here.
    pub const fn same(name: &'static str) -> Form {
        Form { name, lite: None, pg: None }
    }

    /// The same, but the result is compared as that expression of it: `lite` is SQLite's side.
    pub const fn lite(name: &'static str, lite: &'static str) -> Form {
        Form { name, lite: Some(lite), pg: None }
    }

    pub const fn new(name: &'static str, lite: &'static str, pg: &'static str) -> Form {
        Form { name, lite: Some(lite), pg: Some(pg) }
    }

    pub fn call(self, args: Vec<Arg>) -> Call {
        Call { form: self, args }
    }
}

/// A question to both sides.
#[derive(Debug, Clone)]
pub struct Call {
    pub form: Form,
    pub args: Vec<Arg>,
}

impl Call {
    /// SQLite's SQL with parameters in place of the arguments.
    pub fn lite_with_parameters(&self) -> String {
        self.lite_with(|index, arg| match arg {
            Arg::Json(_) => format!("json(?{})", index + 1),
            _ => format!("?{}", index + 1),
        })
    }

    /// SQLite's SQL, to be shown.
    pub fn lite(&self) -> String {
        self.lite_with(|_, arg| arg.lite())
    }

    fn lite_with(&self, render: impl Fn(usize, &Arg) -> String) -> String {
        let args: Vec<_> = self.args.iter().enumerate().map(|(n, arg)| render(n, arg)).collect();
        match self.form.lite {
            Some(template) => fill(template, &args),
            None => format!("{}({})", self.form.name, args.join(", ")),
        }
    }

    pub fn pg(&self) -> String {
        let args: Vec<_> = self.args.iter().map(Arg::pg).collect();
        match self.form.pg {
            Some(template) => fill(template, &args),
            None => format!("sqlite.{}({})", self.form.name, args.join(", ")),
        }
    }
}

fn fill(template: &str, args: &[String]) -> String {
    let mut filled = String::new();
    let mut letters = template.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek().and_then(|next| next.to_digit(10))) {
            ('@', Some(number)) => {
                letters.next();
                filled.push_str(&args[number as usize - 1]);
            }
            ('@', None) => filled.push_str(&args.join(", ")),
            _ => filled.push(letter),
        }
    }
    filled
}

/// What a side answers: a value by SQLite's types, or an error.
#[derive(Debug, Clone)]
pub enum Answer {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
    /// A text that is not valid UTF-8: only SQLite can answer that.
    Garbled(Vec<u8>),
    /// `sqlstate` is empty on SQLite's side.
    Error {
        sqlstate: String,
        message: String,
    },
}

impl Answer {
    /// Whether SQLite's answer and PostgreSQL's say the same: reals by their bits, errors by SQLite's words.
    pub fn agrees_with(&self, ours: &Answer) -> bool {
        match (self, ours) {
            (Answer::Null, Answer::Null) => true,
            (Answer::Integer(a), Answer::Integer(b)) => a == b,
            (Answer::Real(a), Answer::Real(b)) => a.to_bits() == b.to_bits(),
            (Answer::Text(a), Answer::Text(b)) => a == b,
            (Answer::Blob(a), Answer::Blob(b)) => a == b,
            (Answer::Error { message: theirs, .. }, Answer::Error { sqlstate, message }) => {
                // XX is an internal error, a panic for one: nothing to agree with.
                !sqlstate.starts_with("XX") && message.contains(theirs.as_str())
            }
            _ => false,
        }
    }

    /// The SQLSTATE of an error.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Answer::Error { sqlstate, .. } => Some(sqlstate),
            _ => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Answer::Null => write!(f, "null"),
            Answer::Integer(value) => write!(f, "integer {value}"),
            Answer::Real(value) => write!(f, "real {value:?} (bits {:016x})", value.to_bits()),
            Answer::Text(value) => write!(f, "text {value:?}"),
            Answer::Blob(value) => write!(f, "blob x'{}'", hex(value)),
            Answer::Garbled(value) => write!(f, "text of bytes x'{}'", hex(value)),
            Answer::Error { sqlstate, message } if sqlstate.is_empty() => {
                write!(f, "error: {message}")
            }
            Answer::Error { sqlstate, message } => write!(f, "error {sqlstate}: {message}"),
        }
    }
}
