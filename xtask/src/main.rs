//! `cargo xtask ..`: what the Makefile's targets do.

mod demo;
mod docs;
mod fetch;
mod setup;
mod suite;

use anyhow::Result;
use clap::{Parser, Subcommand};
use setup::Toolchain;
use std::path::Path;
use std::process::ExitCode;

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
        /// The PostgreSQL major version.
        #[arg(long)]
        pg: Option<u32>,
        /// Only these tiers.
        #[arg(long = "tier", value_parser = clap::builder::PossibleValuesParser::new(suite::TIERS))]
        tiers: Vec<String>,
    },
    /// Build the extensions and install them into the PostgreSQL that PG_CONFIG names.
    Install,
    /// Run the regression tests against a running server where the extensions are installed.
    Installcheck,
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
        Task::Test { pg, tiers } => suite::run(pg, &tiers),
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
