//! The SQL in the documentation is run, and what it shows is compared with what it prints.

use crate::suite::{Tally, files};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Stdio;
use xtask::cluster::Cluster;
use xtask::workspace::{EXTENSIONS, root};

/// One ```sql block and, where one follows directly, the ```text block with its output.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    line: usize,
    sql: String,
    output: Option<String>,
}

/// Runs README.md and docs/*.md, each in a database of its own where all four extensions are installed.
pub fn check(cluster: &Cluster) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut documents = vec![root().join("README.md")];
    documents.extend(files(&root().join("docs"), "md")?);
    for document in documents {
        tally.add(document_tally(cluster, &document)?);
    }
    Ok(tally)
}

fn document_tally(cluster: &Cluster, document: &PathBuf) -> Result<Tally> {
    let name = document.strip_prefix(root()).unwrap_or(document).display().to_string();
    let text = std::fs::read_to_string(document).with_context(|| name.clone())?;
    let examples = examples(&text);
    let mut tally = Tally::default();
    if examples.is_empty() {
        return Ok(tally);
    }
    let database =
        format!("docs_{}", name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
    let mut admin = cluster.connect("postgres")?;
    admin.batch_execute(&format!("DROP DATABASE IF EXISTS {database}"))?;
    admin.batch_execute(&format!("CREATE DATABASE {database}"))?;
    let mut client = cluster.connect(&database)?;
    for extension in EXTENSIONS {
        client.batch_execute(&format!("CREATE EXTENSION {extension}"))?;
    }
    drop(client);

    // One session for the whole document: later examples build on earlier ones. A marker separates their outputs.
    let mut script = String::new();
    for (number, example) in examples.iter().enumerate() {
        script.push_str(&format!("\\echo @@{number}\n{}\n", example.sql));
    }
    let path = std::env::temp_dir().join(format!("{database}-{}.sql", std::process::id()));
    std::fs::write(&path, script)?;
    let run = cluster
        .client("psql")
        .args(["-X", "-v", "ON_ERROR_STOP=0", "-d", &database, "-f"])
        .arg(&path)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()?;
    std::fs::remove_file(&path)?;
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&run.stderr).into_owned();
    for (number, example) in examples.iter().enumerate() {
        let actual = between_markers(&printed, number);
        let ok = match &example.output {
            Some(expected) => same(expected, &actual),
            None => true,
        };
        if !ok {
            println!(
                "{name}:{}: printed\n{actual}\ninstead of\n{}",
                example.line,
                example.output.as_deref().unwrap_or_default()
            );
        }
        tally.add(Tally::one(ok));
    }
    // An example that fails where the text does not say so fails the document.
    let silent =
        complaints.lines().all(|line| !line.contains("ERROR:") || text.contains(message_of(line)));
    if !silent {
        println!("{name}: {complaints}");
    }
    tally.add(Tally::one(silent));
    println!("{name}: {} examples, {} failed", examples.len(), tally.failed);
    Ok(tally)
}

fn message_of(line: &str) -> &str {
    line.split_once("ERROR:").map_or(line, |(_, message)| message.trim())
}

fn between_markers(printed: &str, number: usize) -> String {
    let start = format!("@@{number}\n");
    let Some((_, rest)) = printed.split_once(&start) else { return String::new() };
    let end = format!("@@{}\n", number + 1);
    rest.split_once(&end).map_or(rest, |(block, _)| block).to_owned()
}

/// Equal but for trailing blanks and empty lines at either end.
fn same(expected: &str, actual: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        text.trim_matches('\n').lines().map(|line| line.trim_end().to_owned()).collect()
    };
    lines(expected) == lines(actual)
}

fn examples(text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    // Whether only blank lines stand between here and the last ```sql block.
    let mut after_sql = false;
    while let Some((number, line)) = lines.next() {
        let fence = line.trim_start();
        let mut block = || {
            let mut block = String::new();
            for (_, line) in lines.by_ref() {
                if line.trim_start().starts_with("```") {
                    break;
                }
                block.push_str(line);
                block.push('\n');
            }
            block
        };
        if fence == "```sql" {
            examples.push(Example { line: number + 1, sql: block(), output: None });
            after_sql = true;
        } else if fence.starts_with("```") {
            let text = block();
            if fence == "```text"
                && after_sql
                && let Some(last) = examples.last_mut()
            {
                last.output = Some(text);
            }
            after_sql = false;
        } else if !line.trim().is_empty() {
            after_sql = false;
        }
    }
    examples
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn an_example_takes_the_text_block_that_follows_it_directly() {
        let text = "```sql\nSELECT 1;\n```\n\n```text\n 1\n```\nprose\n```sql\nSELECT 2;\n```\nprose\n```text\nno output\n```\n";
        assert_eq!(
            examples(text),
            [
                Example { line: 1, sql: "SELECT 1;\n".into(), output: Some(" 1\n".into()) },
                Example { line: 9, sql: "SELECT 2;\n".into(), output: None },
            ]
        );
    }

    #[test]
    fn outputs_are_cut_at_the_markers() {
        assert_eq!(between_markers("@@0\na\n@@1\nb\n", 0), "a\n");
        assert_eq!(between_markers("@@0\na\n@@1\nb\n", 1), "b\n");
    }
}
