//! Which tier ran on which version: a table in the README, made from the runs.

use crate::suite::{Row, Tally};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::PathBuf;
use xtask::workspace::{root, target};

const BEGIN: &str = "<!-- coverage: written by `cargo xtask coverage` after `make test PG=all` -->";
const END: &str = "<!-- end of coverage -->";
const TIERS: [&str; 9] =
    ["fmt", "clippy", "unit", "pgrx", "checks", "regress", "isolation", "docs", "clusters"];

/// What the last run of each tier on each version counted.
type Cells = BTreeMap<u32, BTreeMap<String, Tally>>;

fn saved() -> PathBuf {
    target().join("coverage.json")
}

fn load() -> Result<Cells> {
    let path = saved();
    if !path.exists() {
        return Ok(Cells::new());
    }
    let text = std::fs::read_to_string(&path)?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} cannot be read; remove it", path.display()))
}

/// Keeps what a run counted. Versions and tiers that it left out keep what the run before gave them, so that `PG=all` need
/// not be one run.
pub fn save(rows: &[Row]) -> Result<()> {
    let mut run = Cells::new();
    for row in rows {
        let (major, tier, tally) = row.coverage();
        run.entry(major).or_default().entry(tier.to_owned()).or_default().add(tally);
    }
    let mut cells = load()?;
    for (major, tiers) in run {
        cells.entry(major).or_default().extend(tiers);
    }
    std::fs::write(saved(), serde_json::to_string_pretty(&cells)?)?;
    Ok(())
}

fn table(cells: &Cells) -> String {
    let mut table = String::from("| tier |");
    for major in cells.keys() {
        table.push_str(&format!(" {major} |"));
    }
    table.push_str("\n| --- |");
    table.push_str(&" --- |".repeat(cells.len()));
    for tier in TIERS {
        table.push_str(&format!("\n| {tier} |"));
        for tiers in cells.values() {
            let cell = match tiers.get(tier) {
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
    table
}

/// Puts the table of the last runs into the README.
pub fn write() -> Result<()> {
    let cells = load()?;
    ensure!(!cells.is_empty(), "nothing was run yet: `make test PG=all`");
    let table = table(&cells);
    let path = root().join("README.md");
    let text = std::fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(BEGIN).context("README.md has no place for the table")?;
    let (_, after) = rest.split_once(END).context("README.md does not say where the table ends")?;
    std::fs::write(&path, format!("{before}{BEGIN}\n\n{table}\n{END}{after}"))?;
    Ok(())
}
