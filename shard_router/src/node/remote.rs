//! A connection to a node over dblink. It is the session's, not the transaction's: what is done over it is committed at once.

use crate::operation::Problem;
use crate::session::{literal, quote};
use pg_ext_core::spi;
use pgrx::pg_sys::panic::ErrorReport;

pub struct Remote {
    name: String,
    node: String,
    /// dblink's schema, quoted.
    pub dblink: String,
}

/// dblink's schema, quoted; 55000 if it is not installed.
pub fn dblink() -> Result<String, ErrorReport> {
    spi::select_first(
        "SELECT pg_catalog.quote_ident(n.nspname)
           FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
          WHERE e.extname OPERATOR(pg_catalog.=) 'dblink'",
        &[],
        |row| row.get::<String>(1),
    )?
    .flatten()
    .ok_or_else(|| Problem::NoExtension { extension: "dblink".into(), place: String::new() }.into())
}

impl Remote {
    /// A connection that is not made yet.
    pub fn new(node: &str, purpose: &str) -> Result<Self, ErrorReport> {
        Ok(Self {
            name: format!("shard_router_{purpose}_{node}"),
            node: node.to_owned(),
            dblink: dblink()?,
        })
    }

    /// The session's connection to the node for this purpose, made if there is none.
    pub fn open(node: &str, purpose: &str) -> Result<Self, ErrorReport> {
        let remote = Self::new(node, purpose)?;
        if !remote.is_open()? {
            remote.call("dblink_connect", &[&remote.name, &remote.node])?;
        }
        Ok(remote)
    }

    fn is_open(&self) -> Result<bool, ErrorReport> {
        Ok(spi::select_first(
            &format!(
                "SELECT coalesce({} OPERATOR(pg_catalog.=) ANY ({}.dblink_get_connections()), false)",
                literal(&self.name),
                self.dblink
            ),
            &[],
            |row| row.get::<bool>(1),
        )?
        .flatten()
        .unwrap_or_default())
    }

    /// dblink's name of the connection, as SQL text.
    pub fn connection(&self) -> String {
        literal(&self.name)
    }

    pub fn close(&self) -> Result<(), ErrorReport> {
        if self.is_open()? {
            self.call("dblink_disconnect", &[&self.name])?;
        }
        Ok(())
    }

    /// Sends a query without waiting for its result.
    pub fn send(&self, sql: &str) -> Result<(), ErrorReport> {
        self.call("dblink_send_query", &[&self.name, sql])
    }

    /// Whether the result is still to come.
    pub fn is_busy(&self) -> Result<bool, ErrorReport> {
        Ok(spi::select_first(
            &format!("SELECT {}.dblink_is_busy({})", self.dblink, self.connection()),
            &[],
            |row| row.get::<i32>(1),
        )?
        .flatten()
            == Some(1))
    }

    /// Ends what was sent, and the connection.
    pub fn give_up(&self) -> Result<(), ErrorReport> {
        if self.is_open()? {
            self.call("dblink_cancel_query", &[&self.name])?;
            self.call("dblink_disconnect", &[&self.name])?;
        }
        Ok(())
    }

    /// Runs statements that return nothing.
    pub fn execute(&self, sql: &str) -> Result<(), ErrorReport> {
        self.call("dblink_exec", &[&self.name, sql])
    }

    /// Whether a query that returns one boolean returns true.
    pub fn ask(&self, sql: &str) -> Result<bool, ErrorReport> {
        Ok(spi::select_first(
            &format!(
                "SELECT r.answer FROM {}.dblink({}, {}) AS r (answer pg_catalog.bool)",
                self.dblink,
                literal(&self.name),
                literal(sql)
            ),
            &[],
            |row| row.get::<bool>(1),
        )?
        .flatten()
        .unwrap_or_default())
    }

    fn call(&self, function: &str, arguments: &[&str]) -> Result<(), ErrorReport> {
        let arguments: Vec<_> = arguments.iter().map(|text| literal(text)).collect();
        spi::select_first(
            &format!("SELECT {}.{}({})", self.dblink, quote(function), arguments.join(", ")),
            &[],
            |_| Ok(()),
        )
        .map(drop)
    }
}
