//! Comparing the answers, and what is allowed to differ.

use super::call::Answer;
use std::collections::BTreeMap;
use std::fmt::Write;

/// At most this many disagreements are printed, but for what `SQLITE_SHOW` says.
const SHOWN: usize = 20;

/// One question as both sides were asked it, and their answers.
pub struct Pair {
    /// What it is counted under.
    pub name: String,
    pub lite: String,
    pub pg: String,
    pub theirs: Answer,
    pub ours: Answer,
}

/// A deliberate difference. docs/sqlite.md says it as well.
pub struct Difference {
    pub reason: &'static str,
    pub is: fn(&Pair) -> bool,
}

/// Fails when a pair disagrees and no difference explains it, or when a difference explains nothing any more.
pub fn judge(pairs: &[Pair], differences: &[Difference]) {
    let mut used = vec![0; differences.len()];
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
    for pair in pairs {
        *asked.entry(&pair.name).or_default() += 1;
        if pair.theirs.agrees_with(&pair.ours) {
            continue;
        }
        match differences.iter().position(|difference| (difference.is)(pair)) {
            Some(index) => used[index] += 1,
            None => wrong.entry(&pair.name).or_default().push(pair),
        }
    }
    let mut text = String::new();
    for (name, count) in &asked {
        let disagree = wrong.get(name).map_or(0, Vec::len);
        let _ = writeln!(text, "{name}: {count} asked, {disagree} disagree");
    }
    for (difference, count) in differences.iter().zip(&used) {
        let _ = writeln!(text, "deliberate, {count} times: {}", difference.reason);
    }
    println!("{text}{} calls", pairs.len());
    let total: usize = wrong.values().map(Vec::len).sum();
    // In turn from every function, so that one does not hide the others.
    let shown = super::number("SQLITE_SHOW").map_or(SHOWN, |shown| shown as usize);
    let in_turn = (0..shown).flat_map(|n| wrong.values().filter_map(move |pairs| pairs.get(n)));
    for pair in in_turn.take(shown) {
        println!("SQLite:     {}", pair.lite);
        println!("            {}", pair.theirs);
        println!("PostgreSQL: {}", pair.pg);
        println!("            {}\n", pair.ours);
    }
    assert_eq!(total, 0, "disagreements with SQLite");
    let stale: Vec<_> = differences.iter().zip(&used).filter(|(_, used)| **used == 0).collect();
    for (difference, _) in &stale {
        println!("met by no call: {}", difference.reason);
    }
    assert!(stale.is_empty(), "a deliberate difference that no call meets");
}
