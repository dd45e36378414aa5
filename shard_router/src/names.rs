//! Names of what is generated for a table. Free of the server.

/// The longest identifier, in bytes (`NAMEDATALEN - 1`).
pub const MAX_NAME: usize = 63;

/// The names of a table's generated functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionNames {
    /// `get_<entity>_table`
    pub table: String,
    /// `insert_<entity>`
    pub insert: String,
    /// `get_<table>_by_<owner>`
    pub select: String,
}

impl FunctionNames {
    #[must_use]
    pub fn new(table: &str, entity: &str, owner: &str) -> Self {
        Self {
            table: format!("get_{entity}_table"),
            insert: format!("insert_{entity}"),
            select: format!("get_{table}_by_{owner}"),
        }
    }
}

/// What one row of `table` is: its name's singular by the regular rules of English. Whoever has an irregular plural gives
/// the entity by name.
#[must_use]
pub fn entity(table: &str) -> String {
    let singular = |ending: &str, replacement: &str| {
        let stem = table.strip_suffix(ending)?;
        (!stem.is_empty()).then(|| format!("{stem}{replacement}"))
    };
    for (ending, replacement) in [
        ("ies", "y"),   // categories
        ("sses", "ss"), // classes, addresses
        ("shes", "sh"), // wishes
        ("ches", "ch"), // branches
        ("xes", "x"),   // boxes
        ("ss", "ss"),   // address: singular already
        ("us", "us"),   // status
        ("is", "is"),   // analysis
        ("s", ""),      // orders
    ] {
        if let Some(name) = singular(ending, replacement) {
            return name;
        }
    }
    table.to_owned()
}

/// Whom a row belongs to: the names of the shard key's columns, each without `_id`.
#[must_use]
pub fn owner<T: AsRef<str>>(key: &[T]) -> String {
    let stem = |column: &T| match column.as_ref().strip_suffix("_id") {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => column.as_ref().to_owned(),
    };
    key.iter().map(stem).collect::<Vec<_>>().join("_and_")
}

/// The parameter that stands for a column.
#[must_use]
pub fn parameter(column: &str) -> String {
    format!("p_{column}")
}

/// The column that a parameter stands for.
#[must_use]
pub fn column_of(parameter: &str) -> Option<&str> {
    parameter.strip_prefix("p_")
}

/// The name of a table's shard.
#[must_use]
pub fn shard(prefix: &str, remainder: usize) -> String {
    format!("{prefix}_{remainder}")
}

/// Adds columns to the first column list of a constraint's or index's definition as the server prints it
/// (`PRIMARY KEY (id)`, `CREATE UNIQUE INDEX .. USING btree (lower(a)) WHERE ..`): the key columns, which every unique index
/// of a partitioned table must have. `column` is quoted already.
///
/// The list is the first parenthesis outside of quotes, and ends where that one closes.
#[must_use]
pub fn widen(definition: &str, column: &str) -> Option<String> {
    let mut depth = 0_u32;
    let mut quote = None;
    for (at, character) in definition.char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') if depth == 1 => {
                let (before, after) = definition.split_at(at);
                return Some(format!("{before}, {column}{after}"));
            }
            (None, ')') => depth = depth.checked_sub(1)?,
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn the_classic_orders() {
        assert_eq!(
            FunctionNames::new("orders", &entity("orders"), &owner(&["user_id"])),
            FunctionNames {
                table: "get_order_table".into(),
                insert: "insert_order".into(),
                select: "get_orders_by_user".into(),
            }
        );
    }

    #[test]
    fn singulars() {
        for (plural, singular) in [
            ("orders", "order"),
            ("categories", "category"),
            ("classes", "class"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("branches", "branch"),
            ("wishes", "wish"),
            ("houses", "house"),
            ("address", "address"),
            ("status", "status"),
            ("data", "data"),
            ("s", "s"),
            ("ies", "ie"),
        ] {
            assert_eq!(entity(plural), singular, "{plural}");
        }
    }

    #[test]
    fn owners() {
        assert_eq!(owner(&["user_id"]), "user");
        assert_eq!(owner(&["_id"]), "_id");
        assert_eq!(owner(&["tenant"]), "tenant");
        assert_eq!(owner(&["tenant_id", "room"]), "tenant_and_room");
    }

    #[test]
    fn parameters_name_their_columns() {
        assert_eq!(column_of(&parameter("Total (€)")), Some("Total (€)"));
        assert_eq!(column_of("total"), None);
    }

    #[test]
    fn column_lists_grow_at_their_end() {
        for (definition, widened) in [
            ("PRIMARY KEY (id)", "PRIMARY KEY (id, k)"),
            ("UNIQUE (a, b) INCLUDE (c) DEFERRABLE", "UNIQUE (a, b, k) INCLUDE (c) DEFERRABLE"),
            (r#"UNIQUE ("a)(", b)"#, r#"UNIQUE ("a)(", b, k)"#),
            (r#"UNIQUE ("a"")")"#, r#"UNIQUE ("a"")", k)"#),
            (
                "CREATE UNIQUE INDEX i ON s.t USING btree (lower(a), ((b || ')'::text))) WHERE (c > 0)",
                "CREATE UNIQUE INDEX i ON s.t USING btree (lower(a), ((b || ')'::text)), k) WHERE (c > 0)",
            ),
        ] {
            assert_eq!(widen(definition, "k").as_deref(), Some(widened));
        }
        assert_eq!(widen("no list", "k"), None);
    }
}
