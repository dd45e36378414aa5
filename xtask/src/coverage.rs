//! Which tier ran on which version: a table in the README, made from a run.

use crate::suite::{Row, Tally};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;
use xtask::workspace::{root, target};

const BEGIN: &str = "<!-- coverage: written by `cargo xtask coverage` after `make test PG=all` -->";
const END: &str = "<!-- end of coverage -->";
const TIERS: [&str; 9] =
    ["fmt", "clippy", "unit", "pgrx", "checks", "regress", "isolation", "docs", "clusters"];

fn saved() -> PathBuf {
    target().join("coverage.md")
}

/// Keeps the table of a run over several versions.
pub fn save(rows: &[Row]) -> Result<()> {
    let mut cells: BTreeMap<(u32, &str), Tally> = BTreeMap::new();
    for row in rows {
        let (major, tier, tally) = row.coverage();
        cells.entry((major, tier)).or_default().add(tally);
    }
    let mut majors: Vec<u32> = cells.keys().map(|(major, _)| *major).collect();
    majors.dedup();
    if majors.len() < 2 {
        return Ok(());
    }
    let mut table = String::from("| tier |");
    for major in &majors {
        table.push_str(&format!(" {major} |"));
    }
    table.push_str("\n| --- |");
    table.push_str(&" --- |".repeat(majors.len()));
    for tier in TIERS {
        table.push_str(&format!("\n| {tier} |"));
        for major in &majors {
            let cell = match cells.get(&(*major, tier)) {
                None => "not run".to_owned(),
                Some(Tally { passed, failed: 0, skipped: 0 }) => passed.to_string(),
                Some(Tally { passed, failed: 0, skipped }) => {
                    format!("{passed}, {skipped} left out")
                }
                Some(Tally { passed, failed, .. }) => format!("{passed}, **{failed} failed**"),
            };
            table.push_str(&format!(" {cell} |"));
        }
    }
    table.push('\n');
    std::fs::write(saved(), table)?;
    Ok(())
}

/// Puts the last run's table into the README.
pub fn write() -> Result<()> {
    let table = std::fs::read_to_string(saved()).with_context(|| {
        format!("{} is missing; run `make test PG=all` first", saved().display())
    })?;
    let path = root().join("README.md");
    let text = std::fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(BEGIN).context("README.md has no place for the table")?;
    let (_, after) = rest.split_once(END).context("README.md does not say where the table ends")?;
    std::fs::write(&path, format!("{before}{BEGIN}\n\n{table}\n{END}{after}"))?;
    Ok(())
}
