//! What can go wrong with an operation, with its SQLSTATE.

use pg_ext_core::SqlError;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    #[error("shard_router.log_change is a trigger function of the extension's own")]
    NotTrigger,
    #[error("cannot truncate shard \"{shard}\" while it is being split or moved")]
    Truncate { shard: String },
    #[error("table {table} has changed since its shard was first copied: {what}")]
    Changed { table: String, what: String },
    #[error("shard {shard} cannot be split or moved: {what}")]
    Unsupported { shard: String, what: String, hint: String },
    #[error("shard {shard} has no primary key")]
    NoKey { shard: String },
    #[error("a {command} of table {table} is running in backend {pid}")]
    Running { command: String, table: String, pid: i32 },
    #[error("table {table} has an unfinished {what}")]
    Unfinished { what: String, table: String, call: String },
    #[error("no split or move of table {table} is unfinished")]
    Nothing { table: String },
    #[error("this step belongs to another backend or statement")]
    NotDriver,
    #[error("shards can only be split or moved in transactions of isolation level read committed")]
    Isolation,
    #[error("{relation} already exists")]
    NameTaken { relation: String },
    #[error(
        "could not serialize access: {shard} has become a shard of {table} since the transaction's snapshot was taken"
    )]
    TooNew { shard: String, table: String },
    #[error("node \"{node}\" does not exist")]
    NoNode { node: String },
    #[error("shard {shard} is there already")]
    There { shard: String },
    #[error("extension {extension} is not installed{place}")]
    NoExtension { extension: String, place: String },
    #[error(
        "cannot write to node \"{second}\" in a transaction that has written to node \"{first}\""
    )]
    TwoNodes { first: String, second: String },
    #[error("the query must contain {{shard}}")]
    NoPlaceholder,
    #[error("fan_out must be called in FROM with a column definition list")]
    NoColumns,
    #[error("could not reach {nodes}")]
    Unreachable { nodes: String, why: String },
    #[error("permission denied for table {table}")]
    NoSelect { table: String },
    #[error("could not lock table {table} within {seconds} seconds")]
    Locked { table: String, seconds: u32 },
}

impl SqlError for Problem {
    fn sqlstate(&self) -> PgSqlErrorCode {
        use PgSqlErrorCode::*;
        match self {
            Self::NotTrigger => ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            Self::Truncate { .. } | Self::Running { .. } => ERRCODE_OBJECT_IN_USE,
            Self::Changed { .. }
            | Self::NoKey { .. }
            | Self::Unfinished { .. }
            | Self::Nothing { .. }
            | Self::NotDriver => ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Self::Unsupported { .. } => ERRCODE_FEATURE_NOT_SUPPORTED,
            Self::Isolation => ERRCODE_INVALID_TRANSACTION_STATE,
            Self::NameTaken { .. } => ERRCODE_DUPLICATE_TABLE,
            Self::TooNew { .. } => ERRCODE_T_R_SERIALIZATION_FAILURE,
            Self::NoNode { .. } => ERRCODE_UNDEFINED_OBJECT,
            Self::There { .. } | Self::NoExtension { .. } => {
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Self::TwoNodes { .. } => ERRCODE_FEATURE_NOT_SUPPORTED,
            Self::NoPlaceholder => ERRCODE_INVALID_PARAMETER_VALUE,
            Self::NoColumns => ERRCODE_SYNTAX_ERROR,
            Self::Unreachable { .. } => ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
            Self::NoSelect { .. } => ERRCODE_INSUFFICIENT_PRIVILEGE,
            Self::Locked { .. } => ERRCODE_LOCK_NOT_AVAILABLE,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Unreachable { why, .. } => Some(why.clone()),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Truncate { .. } => {
                "Wait until it is done, or call shard_router.cancel_operation for the table.".into()
            }
            Self::Changed { .. } => {
                "Call shard_router.cancel_operation for the table, and begin anew.".into()
            }
            Self::Unsupported { hint, .. } => hint.clone(),
            Self::NoKey { .. } => {
                "Give the table a primary key, or a unique index of NOT NULL columns: changed rows are found by it.".into()
            }
            Self::Running { .. } => {
                "Wait for it, see shard_router.progress, or stop it with pg_cancel_backend.".into()
            }
            Self::Unfinished { call, .. } => {
                format!("Finish it with {call}, or undo it with shard_router.cancel_operation.")
            }
            Self::NotDriver => "Call shard_router.split_shards or shard_router.move_shard.".into(),
            Self::NameTaken { .. } => "A new shard needs that name; drop or rename what has it.".into(),
            Self::TooNew { .. } => "The transaction might succeed if retried.".into(),
            Self::Locked { .. } => "A long transaction uses the table; call again later.".into(),
            Self::NoNode { .. } => "Enter it with shard_router.add_node.".into(),
            Self::NoExtension { extension, place } => format!("Use CREATE EXTENSION {extension}{place}."),
            Self::TwoNodes { .. } => {
                "Use a transaction for each node, or set shard_router.allow_multi_node_writes if a part of it may be left.".into()
            }
            Self::NoPlaceholder => "It stands for the name of the shard, as in SELECT count(*) FROM {shard}.".into(),
            Self::NoColumns => "Use SELECT .. FROM shard_router.fan_out(..) AS t (a int, b text).".into(),
            Self::Unreachable { .. } => "With partial => true the others answer.".into(),
            Self::There { .. } | Self::NoSelect { .. } => return None,
            Self::NotTrigger | Self::Nothing { .. } | Self::Isolation => return None,
        })
    }
}

impl From<Problem> for ErrorReport {
    #[track_caller]
    fn from(problem: Problem) -> Self {
        problem.report()
    }
}
