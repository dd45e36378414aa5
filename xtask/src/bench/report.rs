//! What a bench found out: shown as tables, and kept as JSON for those who draw charts of it.

use super::figure::Bound;
use super::stats::{Spread, net, paired_ratio};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use xtask::workspace::target;

/// The file's contents: target/bench/<bench>-pg<major>.json.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub bench: String,
    pub machine: Machine,
    pub figures: Vec<FigureReport>,
    pub readings: Vec<Reading>,
}

/// Where and when it was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    /// Load average over a minute when it began: above the number of cores, others were at work as well.
    pub load: String,
    pub postgresql: String,
    pub major: u32,
    pub commit: String,
    pub date: String,
    /// What the time is.
    pub clock: String,
    /// Fewer items and rounds than a result to rely on takes.
    pub quick: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct FigureReport {
    pub name: String,
    pub note: String,
    /// What the numbers are: "ns per document", "transactions/s".
    pub unit: String,
    pub rounds: usize,
    /// What was subtracted.
    pub baseline: Option<Measured>,
    pub contenders: Vec<ContenderReport>,
    pub reference: String,
    pub left_out: Vec<LeftOut>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    pub label: String,
    /// Items in each round.
    pub items: u64,
    /// In the figure's unit, round by round.
    pub rounds: Vec<f64>,
    pub spread: Spread,
}

impl Measured {
    pub fn new(label: &str, items: u64, rounds: Vec<f64>) -> Result<Measured> {
        let spread = Spread::of(&rounds).with_context(|| format!("{label} was not measured"))?;
        Ok(Measured { label: label.to_owned(), items, rounds, spread })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ContenderReport {
    /// Net of the baseline.
    pub net: Measured,
    /// How many times the reference, paired by rounds.
    pub ratio: Option<Spread>,
    /// What the server spent on an item, in microseconds of CPU, where the figure is about something else.
    pub cpu: Option<Spread>,
    /// The ratio to reach.
    pub target: Option<Bound>,
    pub reached: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LeftOut {
    pub label: String,
    pub why: String,
}

/// A number that stands alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reading {
    pub name: String,
    pub unit: String,
    pub value: f64,
    /// The value to reach.
    pub target: Option<Bound>,
    pub reached: Option<bool>,
}

/// The contenders as measured, net of the baseline and compared with the reference.
pub fn compare(
    measured: &[Measured],
    baseline: Option<&Measured>,
    reference: &str,
    target: impl Fn(&str) -> Option<Bound>,
) -> Result<Vec<ContenderReport>> {
    let nets: Vec<Measured> = measured
        .iter()
        .map(|one| {
            let rounds =
                baseline.map_or_else(|| one.rounds.clone(), |base| net(&one.rounds, &base.rounds));
            Measured::new(&one.label, one.items, rounds)
        })
        .collect::<Result<_>>()?;
    let reference = nets.iter().find(|one| one.label == reference).cloned();
    Ok(nets
        .into_iter()
        .map(|net| {
            let ratio =
                reference.as_ref().and_then(|other| paired_ratio(&net.rounds, &other.rounds));
            let target = target(&net.label);
            let reached = target.zip(ratio).map(|(bound, ratio)| bound.is_reached_by(ratio.median));
            ContenderReport { net, ratio, cpu: None, target, reached }
        })
        .collect())
}

impl Machine {
    pub fn show(&self) {
        println!("\n  machine     {}, {} cores, load {}", self.cpu, self.cores, self.load);
        println!("  kernel      {}", self.kernel);
        println!("  PostgreSQL  {}", self.postgresql);
        println!("  commit      {}", self.commit);
        println!("  date        {}", self.date);
        println!("  measured    {}", self.clock);
        if self.quick {
            println!("  quick       few items and rounds: to see that it works, not to be quoted");
        }
    }
}

impl FigureReport {
    /// How many times the one is of the other, in the median of the rounds: for a second reference beside the figure's.
    pub fn ratio(&self, one: &str, other: &str) -> Result<f64> {
        let rounds = |label: &str| -> Result<&[f64]> {
            let one = self.contenders.iter().find(|one| one.net.label == label);
            Ok(&one.with_context(|| format!("{label} was not measured"))?.net.rounds)
        };
        let ratio = paired_ratio(rounds(one)?, rounds(other)?)
            .with_context(|| format!("{one} has no ratio to {other}"))?;
        Ok((ratio.median * 1000.0).round() / 1000.0)
    }

    pub fn show(&self) {
        println!("\n{} ({} rounds)", self.name, self.rounds);
        for line in wrapped(&self.note, 96) {
            println!("  {line}");
        }
        let width = self
            .contenders
            .iter()
            .map(|one| one.net.label.chars().count())
            .chain([self.reference.chars().count() + 5, 20])
            .max()
            .unwrap_or_default();
        let with_cpu = self.contenders.iter().any(|one| one.cpu.is_some());
        println!(
            "\n  {:<width$} {:>9} {:>16} {:>9} {:>9}  {:<26} {}target",
            "",
            "items",
            self.unit,
            "min",
            "max",
            format!("x {}", self.reference),
            if with_cpu { "CPU us  " } else { "" },
        );
        for one in &self.contenders {
            let ratio = one.ratio.map_or("-".to_owned(), |ratio| ratio_text(&ratio));
            let target =
                one.target.map_or(String::new(), |target| verdict(target, "", one.reached));
            let cpu = match &one.cpu {
                Some(cpu) => format!("{:>6.1}  ", cpu.median),
                None if with_cpu => " ".repeat(8),
                None => String::new(),
            };
            row(&one.net, width, &ratio, &format!("{cpu}{target}"));
        }
        if let Some(baseline) = &self.baseline {
            row(baseline, width, "(subtracted)", "");
        }
        for one in &self.left_out {
            println!("  left out: {}: {}", one.label, one.why);
        }
    }
}

fn row(measured: &Measured, width: usize, ratio: &str, target: &str) {
    let Measured { label, items, spread: Spread { median, min, max }, .. } = measured;
    let line = format!(
        "  {label:<width$} {items:>9} {median:>16.1} {min:>9.1} {max:>9.1}  {ratio:<26} {target}"
    );
    println!("{}", line.trim_end());
}

/// Three digits that mean something, be the ratio 0.0123 or 123.
fn ratio_text(ratio: &Spread) -> String {
    let digits = match ratio.median.abs() {
        below if below < 0.1 => 4,
        below if below < 10.0 => 3,
        _ => 1,
    };
    format!("{:.digits$} ({:.digits$}..{:.digits$})", ratio.median, ratio.min, ratio.max)
}

fn verdict(target: Bound, unit: &str, reached: Option<bool>) -> String {
    let word = match reached {
        Some(true) => "reached",
        Some(false) => "NOT reached",
        None => "not measured",
    };
    format!("{}{unit}: {word}", target.describe())
}

impl Reading {
    /// A number that is to be at most `at_most`.
    pub fn new(name: &str, unit: &str, value: f64, at_most: Option<f64>) -> Reading {
        Reading::bounded(name, unit, value, at_most.map(Bound::AtMost))
    }

    pub fn bounded(name: &str, unit: &str, value: f64, target: Option<Bound>) -> Reading {
        let reached = target.map(|bound| bound.is_reached_by(value));
        Reading { name: name.to_owned(), unit: unit.to_owned(), value, target, reached }
    }

    pub fn show(&self) {
        let Reading { name, unit, value, .. } = self;
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let target = self
            .target
            .map_or(String::new(), |target| format!("   {}", verdict(target, &unit, self.reached)));
        println!("\n{name}: {value}{unit}{target}");
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

impl Report {
    fn path(bench: &str, major: u32) -> PathBuf {
        target().join("bench").join(format!("{bench}-pg{major}.json"))
    }

    pub fn save(&self) -> Result<PathBuf> {
        let path = Report::path(&self.bench, self.machine.major);
        std::fs::create_dir_all(path.parent().context("results stand in a folder")?)?;
        std::fs::write(&path, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("could not write {}", path.display()))?;
        Ok(path)
    }

    /// One line for each target: what a reader wants to know first.
    pub fn targets(&self) -> Vec<String> {
        let contenders = self.figures.iter().flat_map(|figure| {
            figure.contenders.iter().filter_map(|one| {
                let ratio = one.ratio.map_or("-".to_owned(), |ratio| ratio_text(&ratio));
                Some(format!(
                    "{}: {} is {ratio} x {}, {}",
                    figure.name,
                    one.net.label,
                    figure.reference,
                    verdict(one.target?, "", one.reached)
                ))
            })
        });
        let readings = self.readings.iter().filter_map(|one| {
            let verdict = verdict(one.target?, "", one.reached);
            Some(format!("{}: {} {}, {verdict}", one.name, one.value, one.unit).replace(" ,", ","))
        });
        contenders.chain(readings).collect()
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn measured(label: &str, rounds: &[f64]) -> Measured {
        Measured::new(label, 10, rounds.to_vec()).unwrap()
    }

    #[test]
    fn the_baseline_is_subtracted_from_both_sides_of_a_ratio() {
        let all = [measured("ours", &[12.0, 13.0, 12.0]), measured("peer", &[30.0, 30.0, 110.0])];
        let empty = measured("empty", &[10.0, 10.0, 10.0]);
        let target = |limit| move |label: &str| (label == "ours").then_some(Bound::AtMost(limit));
        let rows = compare(&all, Some(&empty), "peer", target(0.1)).unwrap();
        assert_eq!(rows[0].net.rounds, [2.0, 3.0, 2.0]);
        assert_eq!(rows[0].ratio, Some(Spread { median: 0.1, min: 0.02, max: 0.15 }));
        assert_eq!((rows[0].target, rows[0].reached), (Some(Bound::AtMost(0.1)), Some(true)));
        assert_eq!(rows[1].ratio.unwrap().median, 1.0);
        assert_eq!((rows[1].target, rows[1].reached), (None, None));
        let rows = compare(&all, Some(&empty), "peer", target(0.09)).unwrap();
        assert_eq!(rows[0].reached, Some(false));
        // Without the baseline they are closer to each other.
        let rows = compare(&all, None, "peer", target(0.1)).unwrap();
        assert_eq!(rows[0].ratio.unwrap().median, 0.4);
        let at_least = |limit| move |_: &str| Some(Bound::AtLeast(limit));
        for (limit, reached) in [(0.4, true), (0.41, false)] {
            let rows = compare(&all, None, "peer", at_least(limit)).unwrap();
            assert_eq!(rows[0].reached, Some(reached));
        }
    }

    #[test]
    fn a_target_without_its_reference_is_neither_reached_nor_missed() {
        let all = [measured("ours", &[12.0])];
        let rows = compare(&all, None, "peer", |_| Some(Bound::AtMost(0.1))).unwrap();
        assert_eq!((rows[0].ratio, rows[0].reached), (None, None));
        assert_eq!(verdict(Bound::AtMost(0.1), "", rows[0].reached), "at most 0.1: not measured");
    }

    #[test]
    fn a_reading_is_held_against_its_target() {
        assert_eq!(Reading::new("ahead", "us", -3.5, Some(1000.0)).reached, Some(true));
        assert_eq!(Reading::new("inversions", "", 1.0, Some(0.0)).reached, Some(false));
        let at_least = Some(Bound::AtLeast(10.0));
        assert_eq!(Reading::bounded("events", "1/s", 9.0, at_least).reached, Some(false));
        assert_eq!(Reading::new("size", "MB", 1.0, None).reached, None);
    }

    #[test]
    fn what_is_kept_can_be_read_again() {
        let kept = FigureReport {
            name: "a \"figure\"".into(),
            note: String::new(),
            unit: "ns per id".into(),
            rounds: 2,
            baseline: None,
            contenders: compare(&[measured("ours", &[1.5, 2.5])], None, "peer", |_| None).unwrap(),
            reference: "peer".into(),
            left_out: vec![LeftOut { label: "peer".into(), why: "not here".into() }],
        };
        let text = serde_json::to_string(&kept).unwrap();
        let read: FigureReport = serde_json::from_str(&text).unwrap();
        assert_eq!(read.name, kept.name);
        assert_eq!(read.contenders[0].net.rounds, [1.5, 2.5]);
        assert_eq!(read.contenders[0].ratio, None);
        assert_eq!(read.left_out[0].why, "not here");
    }

    #[test]
    fn notes_are_wrapped_between_words() {
        assert_eq!(wrapped("aa bb\n cc  dd", 5), ["aa bb", "cc dd"]);
        assert_eq!(wrapped("", 5), Vec::<String>::new());
    }
}
