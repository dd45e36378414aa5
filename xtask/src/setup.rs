//! What has to be on the machine before anything can be built, and getting it there.

use crate::fetch;
use anyhow::{Context, Result, bail, ensure};
use nix::unistd::Uid;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::command::{find_program, output, step};
use xtask::server::Server;
use xtask::workspace::{EXTENSIONS, PGRX_VERSION, cache, root, state, target};

/// Everything needed to build the extensions for one PostgreSQL.
pub struct Toolchain {
    /// The server whose headers count. Never installed into by tests, benches and demo, which take private copies.
    pub server: Server,
    cargo_pgrx: PathBuf,
    pgrx_home: PathBuf,
    /// For a server without headers: the program that has rustc take the bindings that pgrx ships.
    bundled_bindings: Option<PathBuf>,
}

impl Toolchain {
    /// Finds a PostgreSQL (`PG_CONFIG`, or Debian's of the given major version), and installs what is missing.
    pub fn prepare(major: Option<u32>) -> Result<Toolchain> {
        let given = given_pg_config();
        let server = match &given {
            Some(pg_config) => {
                let server = Server::at(pg_config)?;
                if let Some(major) = major {
                    ensure!(
                        server.major == major,
                        "PG={major} was asked for, but {} is of PostgreSQL {}",
                        pg_config.display(),
                        server.major
                    );
                }
                ensure!(
                    server.has_headers(),
                    "{} has no server headers; install the development package of this PostgreSQL",
                    server.includedir.display()
                );
                apt_install(&build_packages())?;
                server
            }
            None if major.is_some_and(|major| major != debian_major() && !has_debian(major)) => {
                let major = major.unwrap_or_default();
                // The clients of the system's own PostgreSQL serve the fetched one.
                let clients = debian_major();
                let mut missing = build_packages();
                if !has_debian(clients) {
                    missing.push(format!("postgresql-{clients}"));
                }
                if !on_path("npm") {
                    missing.push("npm".to_owned());
                }
                apt_install(&missing)?;
                Server::at(&fetch::pg_config(major, &debian_bin(clients))?)?
            }
            None => {
                let major = major.unwrap_or_else(debian_major);
                let pg_config = debian_bin(major).join("pg_config");
                let mut missing = build_packages();
                if !has_debian(major) {
                    missing.push(format!("postgresql-{major}"));
                }
                if !Path::new(&format!("/usr/include/postgresql/{major}/server/postgres.h"))
                    .exists()
                {
                    missing.push(format!("postgresql-server-dev-{major}"));
                }
                apt_install(&missing)?;
                Server::at(&pg_config)?
            }
        };
        Ok(Toolchain {
            cargo_pgrx: cargo_pgrx()?,
            pgrx_home: pgrx_home(&server)?,
            bundled_bindings: if server.has_headers() { None } else { Some(rustc_wrapper()?) },
            server,
        })
    }

    /// The cargo that builds extensions for this PostgreSQL: a target folder for each major version, so that changing
    /// between versions rebuilds nothing.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new("cargo");
        command
            .current_dir(root())
            .env("CARGO_TARGET_DIR", target().join(self.server.feature()))
            .env("PGRX_HOME", &self.pgrx_home)
            .env_remove("RUST_BACKTRACE")
            .env_remove("PG_CONFIG");
        if let Some(wrapper) = &self.bundled_bindings {
            // pgrx then takes the bindings that it ships instead of making some from headers, as it does where its
            // documentation is built.
            command.env("DOCS_RS", "1").env("RUSTC_WRAPPER", wrapper);
        }
        command
    }

    /// `cargo pgrx ..`, of the pinned version.
    pub fn cargo_pgrx(&self) -> Command {
        let mut command = self.cargo();
        // cargo-pgrx calls itself again by way of `cargo pgrx`.
        let mut path =
            self.cargo_pgrx.parent().map(PathBuf::from).unwrap_or_default().into_os_string();
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        command.env("PATH", path).arg("pgrx");
        command
    }

    /// Builds the four extensions as they are shipped and installs them into a server.
    pub fn install(&self, into: &Server) -> Result<()> {
        self.install_only(&EXTENSIONS, into)
    }

    /// Some of them: whoever needs one does not wait for the others.
    pub fn install_only(&self, extensions: &[&str], into: &Server) -> Result<()> {
        self.ship("install", extensions, into, &[])
    }

    /// The same below `destdir`, for packagers: the paths there are those of the server.
    pub fn package(&self, destdir: &Path) -> Result<()> {
        // cargo-pgrx reads a relative path from the package's folder, the user means their own.
        let destdir = std::path::absolute(destdir)?;
        let out = ["--out-dir".as_ref(), destdir.as_os_str()];
        self.ship("package", &EXTENSIONS, &self.server, &out)
    }

    /// A private server without ICU with the extensions in it, where there is one of this version.
    pub fn server_without_icu(&self) -> Result<Option<Server>> {
        if self.server.major != fetch::WITHOUT_ICU {
            return Ok(None);
        }
        let mut missing = Vec::new();
        if output(Command::new("python3").args(["-m", "pip", "--version"])).is_err() {
            missing.push("python3-pip".to_owned());
        }
        apt_install(&missing)?;
        let copy = state()?.join(self.server.feature()).join("without-icu");
        let server = Server::at(&fetch::copy_without_icu(&copy)?)?;
        self.install(&server)?;
        Ok(Some(server))
    }

    fn ship(
        &self,
        action: &str,
        extensions: &[&str],
        server: &Server,
        more: &[&OsStr],
    ) -> Result<()> {
        for extension in extensions {
            let mut command = self.cargo_pgrx();
            command.args([action, "--package", extension, "--no-default-features"]);
            command.args(["--features", &server.feature(), "--pg-config"]).arg(server.pg_config());
            // `package` builds for release by itself.
            command.args((action == "install").then_some("--release")).args(more);
            let log = target().join("logs").join(format!("{action}-{extension}.log"));
            step(
                &format!("build and {action} {extension} for PostgreSQL {}", server.major),
                &log,
                &mut command,
            )?;
        }
        Ok(())
    }
}

/// The version to work with when none is asked for: that of PG_CONFIG, else of the system's packages.
pub fn default_major() -> Result<u32> {
    match given_pg_config() {
        Some(pg_config) => Ok(Server::at(&pg_config)?.major),
        None => Ok(debian_major()),
    }
}

/// What the user set PG_CONFIG to; the Makefile passes it on empty where they did not.
pub fn given_pg_config() -> Option<PathBuf> {
    std::env::var_os("PG_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The major version that Debian's own packages have here: 15 on Debian 12.
fn debian_major() -> u32 {
    if let Some(major) = [15, 17, 16, 18, 14].into_iter().find(|major| has_debian(*major)) {
        return major;
    }
    output(Command::new("apt-cache").args(["depends", "postgresql"]))
        .ok()
        .and_then(|text| text.split("postgresql-").nth(1)?.split_whitespace().next()?.parse().ok())
        .unwrap_or(15)
}

fn debian_bin(major: u32) -> PathBuf {
    PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"))
}

fn has_debian(major: u32) -> bool {
    debian_bin(major).join("postgres").exists()
}

/// The packages that building needs whatever the PostgreSQL, as far as they are missing.
fn build_packages() -> Vec<String> {
    let mut missing = Vec::new();
    if !on_path("cc") {
        missing.push("build-essential".to_owned());
    }
    if !has_libclang() {
        // bindgen reads the server's headers with it.
        missing.extend(["libclang-dev".to_owned(), "clang".to_owned()]);
    }
    // As root, pgrx's test framework starts its server through sudo.
    if Uid::effective().is_root() && !on_path("sudo") {
        missing.push("sudo".to_owned());
    }
    missing
}

fn has_libclang() -> bool {
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let llvm = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().filter_map(|entry| {
        entry.file_name().to_string_lossy().starts_with("llvm-").then(|| entry.path().join("lib"))
    });
    llvm.chain([PathBuf::from("/usr/lib64"), PathBuf::from("/usr/lib")])
        .filter_map(|dir| std::fs::read_dir(dir).ok())
        .flatten()
        .flatten()
        .any(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("libclang.so") || name.starts_with("libclang-")
        })
}

/// An extension of others, as Debian packages it.
pub struct Borrowed {
    /// What its package is called after `postgresql-<major>-`.
    pub package: &'static str,
    pub extension: &'static str,
    /// Without `.so`.
    pub library: &'static str,
}

/// What sets of partitions are taken over from, and compared with.
pub const PARTMAN: Borrowed =
    Borrowed { package: "partman", extension: "pg_partman", library: "pg_partman_bgw" };

/// Puts an extension of others, which a bench compares with, into a private copy of Debian's server.
///
/// Its files are copied by name: the copy of the server may be older than the package.
pub fn borrow_extension(what: &Borrowed, into: &Server) -> Result<()> {
    let Borrowed { package, extension, library } = what;
    let major = into.major;
    let from_debian = match given_pg_config() {
        Some(given) => Server::at(&given)?.bindir == debian_bin(major),
        None => has_debian(major),
    };
    ensure!(
        from_debian,
        "{extension} is taken from Debian's packages, and this PostgreSQL {major} is not Debian's"
    );
    let file = format!("{library}.so");
    let library = PathBuf::from(format!("/usr/lib/postgresql/{major}/lib")).join(&file);
    if !library.exists() {
        let package = format!("postgresql-{major}-{package}");
        apt_install(std::slice::from_ref(&package))
            .with_context(|| format!("{package} could not be installed"))?;
    }
    std::fs::copy(&library, into.pkglibdir.join(&file))
        .with_context(|| format!("could not copy {}", library.display()))?;
    for entry in std::fs::read_dir(format!("/usr/share/postgresql/{major}/extension"))? {
        let entry = entry?;
        let file = entry.file_name();
        let ours = file
            .to_string_lossy()
            .strip_prefix(*extension)
            .is_some_and(|rest| rest.starts_with(['.', '-']));
        if ours {
            std::fs::copy(entry.path(), into.sharedir.join("extension").join(&file))?;
        }
    }
    Ok(())
}

/// Gets a program that only some tests need; Debian's package has its name. Those tests can be left out where
/// it is not to be had.
pub fn program_for_tests(name: &str) -> Result<()> {
    if on_path(name) { Ok(()) } else { apt_install(&[name.to_owned()]) }
}

/// Installs Debian packages, as root or through sudo; without either, says what to type.
fn apt_install(packages: &[String]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let words = packages.join(" ");
    let manual = format!("apt-get update && apt-get install --no-install-recommends {words}");
    let root = Uid::effective().is_root();
    if !on_path("apt-get") {
        bail!("missing on this machine, under their Debian names: {words}");
    }
    // -n: a password prompt in the middle of a build is worse than an answer that says what to type.
    if !root && output(Command::new("sudo").args(["-n", "true"])).is_err() {
        bail!(
            "some packages are missing; install them with\n\n    sudo sh -c '{manual}'\n\nand try again"
        );
    }
    let apt = |title: &str, args: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "apt-get"]);
            sudo
        };
        // Somebody else may be installing just now.
        command.args(["-o", "DPkg::Lock::Timeout=300"]);
        command.env("DEBIAN_FRONTEND", "noninteractive").args(args);
        step(title, &target().join("logs").join(format!("apt-{}.log", args[0])), &mut command)
    };
    apt("read the package lists", &["update"])?;
    let mut args = vec!["install", "-y", "--no-install-recommends"];
    args.extend(packages.iter().map(String::as_str));
    apt(&format!("install {words}"), &args)
}

/// cargo-pgrx of the pinned version: from PATH, from the cache, or built into the cache.
fn cargo_pgrx() -> Result<PathBuf> {
    let wanted = format!("cargo-pgrx {PGRX_VERSION}");
    let is_wanted = |program: &Path| {
        output(Command::new(program).args(["pgrx", "--version"]))
            .is_ok_and(|version| version.trim() == wanted)
    };
    let from_path = PathBuf::from("cargo-pgrx");
    if is_wanted(&from_path) {
        return find_program("cargo-pgrx").context("cargo-pgrx is on PATH and is not");
    }
    let dir = cache()?.join(format!("cargo-pgrx-{PGRX_VERSION}"));
    let program = dir.join("bin/cargo-pgrx");
    if !is_wanted(&program) {
        let mut install = Command::new("cargo");
        install
            // Half the time to build: it runs for moments, so it need not be optimized, and we never let it download a
            // PostgreSQL, which is what its default features are for.
            .args(["install", "cargo-pgrx", "--debug", "--no-default-features"])
            .args(["--locked", "--version", PGRX_VERSION, "--root"])
            .arg(&dir)
            .env_remove("CARGO_TARGET_DIR")
            .current_dir(root());
        step(
            &format!(
                "build cargo-pgrx {PGRX_VERSION}, once for all clones (about 3 minutes on 2 cores)"
            ),
            &target().join("logs/cargo-pgrx.log"),
            &mut install,
        )?;
    }
    Ok(program)
}

/// A pgrx home that names this server, so that pgrx looks at no other. Tests that pgrx runs inside the server install into
/// a private copy of their own: they carry test functions that nobody else should load.
fn pgrx_home(server: &Server) -> Result<PathBuf> {
    let copy = server.private_copy("unit")?;
    let home = state()?.join(server.feature()).join("pgrx");
    std::fs::create_dir_all(&home)?;
    let config = home.join("config.toml");
    // Cargo rebuilds the bindings when this file is newer, so it is written only when it changes, and it says whose
    // headers they are made from.
    let text = format!(
        "# {}\n[configs]\n{} = {:?}\n",
        server.pg_config().display(),
        server.feature(),
        copy.pg_config()
    );
    if std::fs::read_to_string(&config).ok().as_deref() != Some(&text) {
        std::fs::write(&config, text)?;
    }
    Ok(home)
}

/// Only pgrx-pg-sys may see `--cfg docsrs`; other crates change more than their bindings under it.
fn rustc_wrapper() -> Result<PathBuf> {
    let path = state()?.join("rustc-with-bundled-bindings");
    let text = r#"#!/bin/sh
case " $* " in
*" --crate-name pgrx_pg_sys "*) exec "$@" --cfg docsrs ;;
*) exec "$@" ;;
esac
"#;
    // Written only when it changes: cargo looks at the wrapper's time.
    if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(path)
}

fn on_path(program: &str) -> bool {
    find_program(program).is_some()
}
