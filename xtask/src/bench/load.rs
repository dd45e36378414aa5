//! Many sessions at once: pgbench runs one small transaction over and over, for a second or so, and everybody has their
//! turn in each round.

use super::figure::Target;
use super::report::{self, FigureReport, LeftOut, Measured};
use super::stats::{self, Spread};
use super::{DATABASE, Run, cpu};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::cluster::Cluster;
use xtask::command::{Progress, output};

/// A table of the report about throughput: who lets others write how many transactions in a second.
pub struct Load<'a, 'w> {
    pub name: String,
    pub note: String,
    pub clients: u32,
    /// Of one run, in seconds.
    pub seconds: u64,
    pub rounds: usize,
    pub writers: &'a mut [Writer<'w>],
    pub left_out: Vec<LeftOut>,
    /// The label of the writer that the others are compared with.
    pub reference: String,
    pub targets: Vec<Target>,
}

/// What pgbench runs, and what has to happen around it.
pub struct Writer<'w> {
    pub label: String,
    /// A script of pgbench.
    pub script: String,
    /// Starts what belongs to the contender, such as a reader; what it returns is called after the load with the number of
    /// transactions, and fails if they have not all been told of.
    pub around: Box<dyn FnMut() -> Result<Check<'w>> + 'w>,
}

pub type Check<'w> = Box<dyn FnOnce(u64) -> Result<()> + 'w>;

/// What pgbench reports.
#[derive(Debug, PartialEq)]
pub struct Pace {
    pub transactions: u64,
    pub per_second: f64,
}

impl Run<'_> {
    /// Measures the writers in turn and shows the table: transactions in a second, and the CPU of the whole server for
    /// each.
    pub fn load_with(&mut self, load: Load) -> Result<()> {
        let scripts = self.scripts(load.writers)?;
        let count = load.writers.len();
        let mut paces: Vec<Vec<f64>> = vec![Vec::new(); count];
        let mut costs: Vec<Vec<f64>> = vec![Vec::new(); count];
        let mut transactions = vec![0; count];
        let mut progress = Progress::start(&load.name);
        for round in 0..load.rounds {
            for place in stats::rotation(round, count) {
                let writer = &mut load.writers[place];
                progress.tick(|| format!("round {round} of {}: {}", load.rounds, writer.label));
                let (pace, nanos) =
                    one(self.cluster, writer, &scripts[place], load.clients, load.seconds)
                        .with_context(|| writer.label.clone())?;
                paces[place].push(pace.per_second);
                costs[place].push(nanos / 1000.0 / pace.transactions as f64);
                transactions[place] = pace.transactions;
            }
        }
        progress.finish(true);
        let measured = load
            .writers
            .iter()
            .zip(paces)
            .zip(&transactions)
            .map(|((writer, rounds), items)| Measured::new(&writer.label, *items, rounds))
            .collect::<Result<Vec<_>>>()?;
        let target = |label: &str| {
            load.targets.iter().find(|one| one.contender == label).map(|one| one.bound)
        };
        let mut contenders = report::compare(&measured, None, &load.reference, target)?;
        for (contender, cost) in contenders.iter_mut().zip(&costs) {
            contender.cpu = Spread::of(cost);
        }
        let report = FigureReport {
            name: load.name,
            note: load.note.split_whitespace().collect::<Vec<_>>().join(" "),
            unit: "transactions/s".into(),
            rounds: load.rounds,
            baseline: None,
            contenders,
            reference: load.reference,
            left_out: load.left_out,
        };
        report.show();
        self.report.figures.push(report);
        Ok(())
    }

    /// The writers' scripts as files, beside the cluster.
    fn scripts(&self, writers: &[Writer]) -> Result<Vec<PathBuf>> {
        writers
            .iter()
            .enumerate()
            .map(|(place, writer)| {
                let path = self.cluster.dir().join(format!("writer-{place}.pgbench"));
                std::fs::write(&path, &writer.script)?;
                Ok(path)
            })
            .collect()
    }

    /// One run of a script alone.
    pub fn pace_of(&self, script: &str, clients: u32, seconds: u64) -> Result<Pace> {
        let path = self.cluster.dir().join("script.pgbench");
        std::fs::write(&path, script)?;
        pgbench(self.cluster, &path, clients, seconds)
    }
}

/// One run, and the CPU of the server in nanoseconds.
fn one(
    cluster: &Cluster,
    writer: &mut Writer,
    script: &Path,
    clients: u32,
    seconds: u64,
) -> Result<(Pace, f64)> {
    let before = cpu::of_server(cluster)?;
    let check = (writer.around)()?;
    let pace = pgbench(cluster, script, clients, seconds)?;
    // What is still on its way is part of the cost.
    check(pace.transactions)?;
    let after = cpu::of_server(cluster)?;
    Ok((pace, after.saturating_sub(before) as f64))
}

fn pgbench(cluster: &Cluster, script: &Path, clients: u32, seconds: u64) -> Result<Pace> {
    let mut command: Command = cluster.client("pgbench");
    command
        .args(["--no-vacuum", "--protocol", "prepared", "--define", "n=0"])
        .args(["--client", &clients.to_string(), "--jobs", &clients.min(2).to_string()])
        .args(["--time", &seconds.to_string(), "--file"])
        .arg(script)
        .arg(DATABASE);
    let pace = Pace::parse(&output(&mut command)?)?;
    ensure!(pace.transactions > 0, "pgbench made no transaction");
    Ok(pace)
}

impl Pace {
    fn parse(text: &str) -> Result<Pace> {
        let after = |prefix: &str| -> Result<&str> {
            text.lines()
                .find_map(|line| line.strip_prefix(prefix))
                .and_then(|rest| rest.split([' ', '/']).next())
                .with_context(|| format!("pgbench does not say {prefix:?}:\n{text}"))
        };
        // A session that is thrown out is a line of its own, and pgbench goes on without it.
        ensure!(!text.contains("Run was aborted"), "pgbench was aborted:\n{text}");
        Ok(Pace {
            transactions: after("number of transactions actually processed: ")?.parse()?,
            per_second: after("tps = ")?.parse()?,
        })
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn reads_what_pgbench_writes() {
        let text = "pgbench (15.20)\ntransaction type: f\nnumber of clients: 8\n\
                    number of transactions actually processed: 12345\nnumber of failed transactions: 0 (0.000%)\n\
                    latency average = 0.6 ms\ninitial connection time = 20.1 ms\n\
                    tps = 6172.500000 (without initial connection time)\n";
        assert_eq!(Pace::parse(text).unwrap(), Pace { transactions: 12345, per_second: 6172.5 });
        assert!(Pace::parse("tps = 1.0 (without initial connection time)").is_err());
        assert!(
            Pace::parse(&format!("{text}Run was aborted; the above results are incomplete.\n"))
                .is_err()
        );
    }
}
