//! A PostgreSQL to build against and run: its own programs and folders, asked from its pg_config.

use crate::command::output;
use crate::workspace::state;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The major versions that the extensions are made for.
pub const SUPPORTED: std::ops::RangeInclusive<u32> = 14..=18;

#[derive(Debug, Clone)]
pub struct Server {
    pg_config: PathBuf,
    pub major: u32,
    pub bindir: PathBuf,
    pub pkglibdir: PathBuf,
    pub sharedir: PathBuf,
    pub includedir: PathBuf,
    /// Holds `pkglibdir` where the server brings its libraries along; on Debian it is the system's.
    libdir: PathBuf,
    pgxs: PathBuf,
}

impl Server {
    /// The server that a pg_config belongs to.
    pub fn at(pg_config: &Path) -> Result<Server> {
        let ask = |option: &str| -> Result<String> {
            let answer = output(Command::new(pg_config).arg(option))?;
            Ok(answer.trim().to_owned())
        };
        let version = ask("--version")?;
        let major = version
            .split_whitespace()
            .nth(1)
            .and_then(|number| number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
            .with_context(|| {
                format!("{} reports an unknown version: {version}", pg_config.display())
            })?;
        ensure!(SUPPORTED.contains(&major), "PostgreSQL {major} is not supported; 14 to 18 are");
        Ok(Server {
            pg_config: pg_config.to_owned(),
            major,
            bindir: ask("--bindir")?.into(),
            pkglibdir: ask("--pkglibdir")?.into(),
            sharedir: ask("--sharedir")?.into(),
            includedir: ask("--includedir-server")?.into(),
            libdir: ask("--libdir")?.into(),
            pgxs: ask("--pgxs")?.into(),
        })
    }

    pub fn pg_config(&self) -> &Path {
        &self.pg_config
    }

    /// The cargo feature that selects this version's bindings.
    pub fn feature(&self) -> String {
        format!("pg{}", self.major)
    }

    /// Whether the pg_dump that goes with this server is of an earlier version, which refuses to dump it.
    pub fn pg_dump_is_older(&self) -> Result<bool> {
        let version = output(Command::new(self.program("pg_dump")).arg("--version"))?;
        let major = version
            .split_whitespace()
            .nth(2)
            .and_then(|number| number.split('.').next()?.parse::<u32>().ok())
            .with_context(|| format!("pg_dump reports an unknown version: {version}"))?;
        Ok(major < self.major)
    }

    /// Whether bindings can be made from this server's own headers. A fetched one has none.
    pub fn has_headers(&self) -> bool {
        self.includedir.join("postgres.h").exists()
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.bindir.join(name)
    }

    /// pg_regress or pg_isolation_regress, where the server's development files have it.
    pub fn test_runner(&self, folder: &str, name: &str) -> Result<PathBuf> {
        let path = self
            .pgxs
            .ancestors()
            .nth(2)
            .context("pg_config --pgxs names no folder")?
            .join("test")
            .join(folder)
            .join(name);
        ensure!(
            path.exists(),
            "{} is missing; it comes with the server's development files (Debian: postgresql-server-dev-{})",
            path.display(),
            self.major
        );
        Ok(path)
    }

    /// Where a server that brings its libraries along has them; its test runners do not look there by themselves.
    pub fn own_libraries(&self) -> Option<&Path> {
        self.pkglibdir.starts_with(&self.libdir).then_some(self.libdir.as_path())
    }

    /// A copy of this server under `state()/pgNN/<name>`, to install into without touching the system.
    ///
    /// PostgreSQL's programs find their libraries and data relative to where they stand, so a copied tree is a server
    /// of its own. The headers are not copied but linked.
    pub fn private_copy(&self, name: &str) -> Result<Server> {
        let dir = state()?.join(self.feature()).join(name);
        let libraries = self.own_libraries().unwrap_or(&self.pkglibdir);
        let parts = [self.bindir.as_path(), libraries, &self.sharedir];
        let common = common_folder(&parts);
        let ours = |path: &Path| -> Result<PathBuf> { Ok(dir.join(path.strip_prefix(&common)?)) };
        let stamp = dir.join("copied-from");
        let version = output(Command::new(self.program("postgres")).arg("--version"))?;
        let wanted = format!("{} {version}", self.pg_config.display());
        if std::fs::read_to_string(&stamp).ok().as_deref() != Some(&wanted) {
            if dir.exists() {
                std::fs::remove_dir_all(&dir)?;
            }
            for source in parts {
                let to = ours(source)?;
                std::fs::create_dir_all(to.parent().context("a copied folder has a parent")?)?;
                output(Command::new("cp").arg("-a").arg(source).arg(&to))?;
            }
            if self.has_headers() {
                let include = ours(&self.includedir)?;
                std::fs::create_dir_all(include.parent().context("headers stand in a folder")?)?;
                std::os::unix::fs::symlink(&self.includedir, &include)?;
            }
            std::fs::write(&stamp, &wanted)?;
        }
        let pg_config = ours(&self.program("pg_config"))?;
        let copy = Server::at(&pg_config)?;
        ensure!(
            copy.pkglibdir.starts_with(&dir) && copy.sharedir.starts_with(&dir),
            "the copy of PostgreSQL {} in {} still points outside of it",
            self.major,
            dir.display()
        );
        Ok(copy)
    }
}

fn common_folder(paths: &[&Path]) -> PathBuf {
    let mut common = paths[0];
    while !paths.iter().all(|path| path.starts_with(common)) {
        common = common.parent().expect("every absolute path starts with /");
    }
    common.to_owned()
}
