//! What other routers want to be told of a layout: configuration files, as text. Free of the server.

/// Where a shard is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The node's name, if it is not this server.
    pub node: Option<String>,
    pub host: String,
    pub port: String,
    pub database: String,
    /// The relation there.
    pub relation: String,
}

/// A table whose shards all have the same modulus; `places` is in the order of their remainders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub database: String,
    pub schema: String,
    pub table: String,
    pub column: String,
    pub user: String,
    pub places: Vec<Place>,
}

/// PgDog's `pgdog.toml`. It has a database for each shard, and in each the table by its own name; the hash is the server's,
/// so remainder r is its shard r. `data_type` is what PgDog calls the key's type.
#[must_use]
pub fn pgdog(layout: &Layout, data_type: &str) -> String {
    let mut text = format!(
        "# PgDog wants a database for each shard, with the shard's rows in a table {}.{}.\n",
        one_line(&layout.schema),
        one_line(&layout.table)
    );
    for (shard, place) in layout.places.iter().enumerate() {
        text += &format!(
            "\n# takes the rows of {}\n[[databases]]\nname = {}\nhost = {}\nport = {}\ndatabase_name = {}\nshard = {shard}\n",
            one_line(&place.relation),
            toml(&layout.database),
            toml(&place.host),
            place.port,
            toml(&format!("{}_{shard}", place.database)),
        );
    }
    text += &format!(
        "\n[[sharded_tables]]\ndatabase = {}\nschema = {}\nname = {}\ncolumn = {}\ndata_type = {}\nhasher = \"postgres\"\n",
        toml(&layout.database),
        toml(&layout.schema),
        toml(&layout.table),
        toml(&layout.column),
        toml(data_type)
    );
    text
}

/// ShardingSphere's YAML for a table with the strategy modulo, whose shards are named `<prefix>_<remainder>`.
#[must_use]
pub fn shardingsphere(layout: &Layout, prefix: &str) -> String {
    let mut sources: Vec<(String, &Place)> = Vec::new();
    let mut nodes = Vec::new();
    for place in &layout.places {
        let source = place.node.clone().unwrap_or_else(|| "local".into());
        nodes.push(format!("{source}.{}", place.relation));
        if !sources.iter().any(|(known, _)| *known == source) {
            sources.push((source, place));
        }
    }
    let mut text = format!("databaseName: {}\n\ndataSources:\n", yaml(&layout.database));
    for (source, place) in &sources {
        text += &format!(
            "  {}:\n    url: {}\n    username: {}\n    password: \"\"\n",
            yaml(source),
            yaml(&format!("jdbc:postgresql://{}:{}/{}", place.host, place.port, place.database)),
            yaml(&layout.user)
        );
    }
    let algorithm = format!("{}_modulo", layout.table);
    text += &format!(
        "\nrules:\n  - !SHARDING\n    tables:\n      {}:\n        actualDataNodes: {}\n        tableStrategy:\n          standard:\n            shardingColumn: {}\n            shardingAlgorithmName: {}\n",
        yaml(&layout.table),
        yaml(&nodes.join(",")),
        yaml(&layout.column),
        yaml(&algorithm)
    );
    text += &format!(
        "    shardingAlgorithms:\n      {}:\n        type: INLINE\n        props:\n          algorithm-expression: {}\n",
        yaml(&algorithm),
        yaml(&format!("{prefix}_${{{} % {}}}", layout.column, layout.places.len()))
    );
    text
}

/// A name in a comment, which ends with its line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A TOML basic string. Its escapes are those of YAML's double-quoted strings as well.
fn toml(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c.is_control() => quoted += &format!("\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn yaml(text: &str) -> String {
    toml(text)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(toml("a\"b\\c\nd é"), "\"a\\\"b\\\\c\\u000Ad é\"");
        assert_eq!(one_line("a\nb"), "a b");
    }
}
