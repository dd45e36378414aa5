//! Running other programs: with a line of progress for the long ones, and an error that shows what they said.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::workspace::Account;

/// A command that runs as `account`, in a folder it can enter, without what a developer's shell adds to a server
/// (backtraces would end up in error details).
pub fn command_as(account: Account, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_remove("RUST_BACKTRACE");
    if account.is_other() {
        command.uid(account.uid).gid(account.gid).current_dir("/");
    }
    command
}

/// Runs a short command and returns what it wrote to its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not run {}", shown(command)))?;
    if !out.status.success() {
        bail!(
            "{} failed with {}\n{}{}",
            shown(command),
            out.status,
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Runs a long command: says what it is for, keeps its output in `log`, shows that time passes, and on failure shows
/// the end of the log.
pub fn step(title: &str, log: &Path, command: &mut Command) -> Result<()> {
    std::fs::create_dir_all(log.parent().context("a log file stands in a folder")?)?;
    let file = File::create(log).with_context(|| format!("could not write {}", log.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("could not run {}", shown(command)))?;
    let mut progress = Progress::start(title);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        progress.tick(|| last_line(log));
        std::thread::sleep(Duration::from_millis(100));
    };
    progress.finish(status.success());
    if !status.success() {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(40)..].join("\n");
        bail!(
            "{tail}\n{} failed with {status}; its whole output is in {}",
            shown(command),
            log.display()
        );
    }
    Ok(())
}

/// Runs a command whose output the user wants to see, passing each line on and also to `line`.
pub fn stream(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool> {
    // One pipe for both outputs keeps the lines in order.
    let (reader, writer) = std::io::pipe()?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("could not run {}", shown(command)))?;
    // The command holds the writing ends until they are replaced, and the reader would wait for them.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for text in BufReader::new(reader).split(b'\n') {
        let text = text?;
        let text = String::from_utf8_lossy(&text);
        println!("{text}");
        line(&text);
    }
    Ok(child.wait()?.success())
}

/// One line that shows how long a step has been running: rewritten on a terminal, repeated now and then elsewhere.
pub struct Progress {
    title: String,
    began: Instant,
    shown: Instant,
    every: Duration,
    terminal: bool,
}

impl Progress {
    pub fn start(title: &str) -> Progress {
        let terminal = std::io::stdout().is_terminal();
        if !terminal {
            println!("  .. {title}");
        }
        let now = Instant::now();
        let every = if terminal { Duration::from_millis(200) } else { Duration::from_secs(30) };
        Progress { title: title.to_owned(), began: now, shown: now, every, terminal }
    }

    pub fn tick(&mut self, detail: impl FnOnce() -> String) {
        if self.shown.elapsed() < self.every {
            return;
        }
        self.shown = Instant::now();
        let seconds = self.began.elapsed().as_secs();
        if self.terminal {
            let detail: String = detail().chars().take(60).collect();
            print!("\r\x1b[K  .. {} ({seconds} s) {detail}", self.title);
            let _ = std::io::stdout().flush();
        } else {
            println!("  .. {} ({seconds} s)", self.title);
        }
    }

    pub fn finish(self, ok: bool) {
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        let word = if ok { "ok" } else { "FAILED" };
        println!("{clear}  {word} {} ({:.1} s)", self.title, self.began.elapsed().as_secs_f64());
    }
}

fn last_line(log: &Path) -> String {
    std::fs::read_to_string(log)
        .unwrap_or_default()
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
        .to_owned()
}

/// Where a program stands: on PATH, or where Debian has those that administrators run, which is not on everybody's.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|dir| dir.join(name))
        .find(|program| program.is_file())
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
