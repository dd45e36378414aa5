//! `cargo xtask ..`: what the Makefile's targets do.

mod bench;
mod coverage;
mod demo;
mod docs;
mod fetch;
mod setup;
mod suite;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use setup::Toolchain;
use std::path::Path;
use std::process::ExitCode;
use xtask::server::SUPPORTED;

/// Set up, build, test and ship the extensions.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up, start a private PostgreSQL with the four extensions and show what they do.
    Demo {
        /// Leave the server running.
        #[arg(long)]
        keep: bool,
    },
    /// Run every tier of tests.
    Test {
        /// PostgreSQL major versions, or `all`.
        #[arg(long, value_delimiter = ' ')]
        pg: Vec<String>,
        /// Only these tiers.
        #[arg(long = "tier", value_delimiter = ' ', value_parser = clap::builder::PossibleValuesParser::new(suite::TIERS))]
        tiers: Vec<String>,
    },
    /// Measure what the extensions cost beside what else does the same work.
    Bench {
        /// Only these benches.
        names: Vec<String>,
        /// PostgreSQL major versions, or `all`.
        #[arg(long, value_delimiter = ' ')]
        pg: Vec<String>,
        /// Fewer items and rounds.
        #[arg(long)]
        quick: bool,
    },
    /// Build the extensions and install them into the PostgreSQL that PG_CONFIG names.
    Install,
    /// Run the regression tests against a running server where the extensions are installed.
    Installcheck,
    /// Write the README's table of tiers and versions from the last `test` over several versions.
    Coverage,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // As a person reads it: the causes, no backtrace.
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    match Arguments::parse().task {
        Task::Demo { keep } => demo::run(keep),
        Task::Test { pg, tiers } => suite::run(&majors(&pg)?, &tiers),
        Task::Bench { names, pg, quick } => bench::run(&names, &majors(&pg)?, quick),
        Task::Coverage => coverage::write(),
        Task::Install => {
            let toolchain = Toolchain::prepare(None)?;
            match std::env::var_os("DESTDIR").filter(|path| !path.is_empty()) {
                Some(destdir) => toolchain.package(Path::new(&destdir)),
                None => toolchain.install(&toolchain.server),
            }
        }
        Task::Installcheck => suite::installcheck(),
    }
}

fn majors(asked: &[String]) -> Result<Vec<u32>> {
    match asked {
        [] => Ok(vec![setup::default_major()?]),
        [all] if all == "all" => Ok(SUPPORTED.collect()),
        list => list
            .iter()
            .map(|major| {
                major
                    .parse()
                    .ok()
                    .filter(|major| SUPPORTED.contains(major))
                    .with_context(|| format!("PG={major}: 14 to 18 or all, please"))
            })
            .collect(),
    }
}
