//! What a bench asks for: contenders that do the same work, to be measured side by side.

use anyhow::{Result, ensure};
use postgres::Client;
use serde::{Deserialize, Serialize};

/// A table of the report: who does how much of the same thing in how much time.
pub struct Figure {
    pub name: String,
    /// What is compared and how to read it, for the report.
    pub note: String,
    /// What the numbers are per: "id", "document".
    pub item: &'static str,
    /// The work around what is measured (an empty scan), which is subtracted from every contender.
    pub baseline: Option<Contender>,
    pub contenders: Vec<Contender>,
    /// The label of the contender that the others are compared with.
    pub reference: String,
    /// Which ratio to the reference a contender is to reach.
    pub targets: Vec<Target>,
}

pub struct Target {
    pub contender: String,
    pub bound: Bound,
}

impl Target {
    pub fn at_most(limit: f64, contender: &str) -> Target {
        Target { contender: contender.to_owned(), bound: Bound::AtMost(limit) }
    }

    pub fn at_least(limit: f64, contender: &str) -> Target {
        Target { contender: contender.to_owned(), bound: Bound::AtLeast(limit) }
    }
}

/// What a number is to reach: costs stay below it, speeds above it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    pub fn is_reached_by(self, value: f64) -> bool {
        match self {
            Bound::AtMost(limit) => value <= limit,
            Bound::AtLeast(limit) => value >= limit,
        }
    }

    pub fn describe(self) -> String {
        match self {
            Bound::AtMost(limit) => format!("at most {limit}"),
            Bound::AtLeast(limit) => format!("at least {limit}"),
        }
    }
}

/// Does the measured work once for all its items, over a session that serves every contender of the figure.
type Work = Box<dyn FnMut(&mut Client) -> Result<()>>;

pub struct Contender {
    pub label: String,
    /// How many items one run works on. It may differ between contenders: a slow one need not take minutes.
    pub items: u64,
    /// Run before the first round.
    pub prepare: String,
    /// The first version of PostgreSQL that has it.
    pub since: Option<u32>,
    /// An extension of PostgreSQL's own that not every server comes with.
    pub needs: Option<&'static str>,
    /// Why it cannot take part, whatever the server has.
    pub left_out: Option<String>,
    /// Other backends work for it. Then everybody in the figure is measured by all backends of the server.
    pub calls_others: bool,
    pub work: Work,
}

impl Contender {
    pub fn new(
        label: &str,
        items: u64,
        work: impl FnMut(&mut Client) -> Result<()> + 'static,
    ) -> Contender {
        Contender {
            label: label.to_owned(),
            items,
            prepare: String::new(),
            since: None,
            needs: None,
            left_out: None,
            calls_others: false,
            work: Box::new(work),
        }
    }

    /// A query that returns a count, which is checked each time: who does less than all of the work is no contender.
    pub fn counting(label: &str, items: u64, query: impl Into<String>) -> Contender {
        let query = query.into();
        Contender::new(label, items, move |client| {
            let found: i64 = client.query_one(query.as_str(), &[])?.get(0);
            ensure!(u64::try_from(found) == Ok(items), "{query}: {found} instead of {items}");
            Ok(())
        })
    }

    pub fn prepared_by(mut self, sql: impl Into<String>) -> Contender {
        self.prepare = sql.into();
        self
    }

    pub fn since(mut self, major: u32) -> Contender {
        self.since = Some(major);
        self
    }

    pub fn needing(mut self, extension: &'static str) -> Contender {
        self.needs = Some(extension);
        self
    }

    pub fn unless(mut self, why: Option<String>) -> Contender {
        self.left_out = why;
        self
    }

    pub fn calling_others(mut self) -> Contender {
        self.calls_others = true;
        self
    }
}
