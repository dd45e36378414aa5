//! A private PostgreSQL cluster: made, started, crashed, copied to a standby, and gone when it is dropped.

use crate::command::{command_as, output};
use crate::server::Server;
use crate::workspace::{Account, state};
use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::{Client, Config, NoTls};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to start, stop or be promoted before that counts as a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// How `Cluster::stop` ends a server; the words are pg_ctl's.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    Fast,
    Immediate,
}

pub struct Cluster {
    server: Server,
    account: Account,
    /// Holds `data/`, the socket and the log.
    dir: PathBuf,
    /// 5432 where only the socket is open: each cluster has a folder of its own for it.
    port: u16,
    keep: bool,
}

impl Cluster {
    /// Makes a cluster in an own folder below `state()` and starts it. Only the socket is open.
    ///
    /// `settings` are lines of postgresql.conf.
    pub fn start(server: &Server, settings: &[&str]) -> Result<Cluster> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = state()?.join("run").join(format!("{}-{number}", std::process::id()));
        let cluster = Cluster::make(server, dir, 5432)?;
        // A test cluster never has to survive the machine.
        cluster.configure(&["fsync = off", "listen_addresses = ''"])?;
        cluster.configure(settings)?;
        cluster.launch()?;
        Ok(cluster)
    }

    /// Makes and starts the cluster that a person may connect to: in `dir`, on the socket there and on a free port of the
    /// loopback address, which asks for `password`.
    pub fn start_public(
        server: &Server,
        dir: PathBuf,
        password: &str,
        settings: &[&str],
    ) -> Result<Cluster> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let cluster = Cluster::make(server, dir, port)?;
        cluster.configure(&[&format!("port = {port}"), "listen_addresses = '127.0.0.1'"])?;
        cluster.configure(settings)?;
        cluster.launch()?;
        cluster
            .connect("postgres")?
            .batch_execute(&format!("ALTER ROLE postgres PASSWORD '{password}'"))?;
        Ok(cluster)
    }

    fn make(server: &Server, dir: PathBuf, port: u16) -> Result<Cluster> {
        let account = Account::for_servers()?;
        // A socket's path has to fit into about 107 bytes.
        ensure!(
            dir.as_os_str().len() < 85,
            "{} is too long a path for a server's socket",
            dir.display()
        );
        account.fresh_dir(&dir)?;
        let template = template(server, account)?;
        let data = dir.join("data");
        output(command_as(account, "cp").arg("-a").arg(template).arg(&data))?;
        let cluster = Cluster { server: server.clone(), account, dir, port, keep: false };
        let sockets = format!("unix_socket_directories = '{}'", cluster.dir.display());
        cluster.configure(&[&sockets, "log_line_prefix = '%m [%p] %b '"])?;
        Ok(cluster)
    }

    /// Adds lines to postgresql.conf; `restart` or `reload` makes them count.
    pub fn configure(&self, settings: &[&str]) -> Result<()> {
        use std::io::Write;
        let path = self.data().join("postgresql.conf");
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .with_context(|| format!("could not write {}", path.display()))?;
        for line in settings {
            writeln!(file, "{line}")?;
        }
        Ok(())
    }

    pub fn launch(&self) -> Result<()> {
        let mut start = self.pg_ctl("start");
        start.arg("-l").arg(self.log_file()).arg("-s");
        if let Err(error) = output(&mut start) {
            bail!("{error:#}\n{}", self.log());
        }
        Ok(())
    }

    /// Stops the server and returns how long that took.
    pub fn stop(&self, how: Stop) -> Result<Duration> {
        let mode = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
        };
        let began = Instant::now();
        output(self.pg_ctl("stop").args(["-m", mode, "-s"]))?;
        Ok(began.elapsed())
    }

    pub fn restart(&self) -> Result<()> {
        self.stop(Stop::Fast)?;
        self.launch()
    }

    pub fn reload(&self) -> Result<()> {
        output(self.pg_ctl("reload").arg("-s")).map(drop)
    }

    /// kill -9 of the postmaster and of every process of it, as when the machine loses power; then a start.
    pub fn crash_and_restart(&self) -> Result<()> {
        let postmaster = self.postmaster()?;
        // Stopped first, so that it makes no child that we would not know of.
        kill(postmaster, Signal::SIGSTOP)?;
        let children = children(postmaster)?;
        for pid in std::iter::once(postmaster).chain(children.iter().copied()) {
            // One that has gone by itself in the meantime is as dead as we want it.
            let _ = kill(pid, Signal::SIGKILL);
        }
        let deadline = Instant::now() + PATIENCE;
        while std::iter::once(&postmaster).chain(&children).any(|pid| alive(*pid)) {
            ensure!(Instant::now() < deadline, "a killed server process does not go away");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.launch()
    }

    /// A standby of this cluster, streaming from it.
    ///
    /// The copy is made with the server's own backup functions: pg_basebackup refuses a server newer than itself, and the
    /// clients here may be older.
    pub fn standby(&self, settings: &[&str]) -> Result<Cluster> {
        let dir = self.dir.with_extension("standby");
        self.account.fresh_dir(&dir)?;
        let standby = Cluster {
            server: self.server.clone(),
            account: self.account,
            dir,
            port: self.port,
            keep: false,
        };
        let (start, stop) = match self.server.major {
            14 => ("SELECT pg_start_backup('standby', true, false)", "pg_stop_backup(false)"),
            _ => ("SELECT pg_backup_start('standby', true)", "pg_backup_stop(false)"),
        };
        let mut client = self.connect("postgres")?;
        client.batch_execute(start)?;
        // Files may go while they are copied; a running server is what the backup functions are for.
        let copied = command_as(self.account, "cp")
            .arg("-a")
            .arg(self.data())
            .arg(standby.data())
            .output()?;
        ensure!(
            standby.data().join("PG_VERSION").exists(),
            "{}",
            String::from_utf8_lossy(&copied.stderr)
        );
        let label: String = client.query_one(&format!("SELECT labelfile FROM {stop}"), &[])?.get(0);
        std::fs::remove_file(standby.data().join("postmaster.pid"))?;
        for (name, text) in [("backup_label", label.as_str()), ("standby.signal", "")] {
            let path = standby.data().join(name);
            std::fs::write(&path, text)?;
            self.account.own(&path)?;
        }
        standby.configure(&[
            &format!("unix_socket_directories = '{}'", standby.dir.display()),
            &format!(
                "primary_conninfo = 'host={} port={} user=postgres'",
                self.dir.display(),
                self.port
            ),
        ])?;
        standby.configure(settings)?;
        standby.launch()?;
        Ok(standby)
    }

    pub fn promote(&self) -> Result<()> {
        output(self.pg_ctl("promote").arg("-s")).map(drop)
    }

    /// A session as the superuser.
    pub fn connect(&self, database: &str) -> Result<Client> {
        self.connect_as("postgres", database)
    }

    /// A session as any role.
    pub fn connect_as(&self, user: &str, database: &str) -> Result<Client> {
        self.config(user, database)
            .connect(NoTls)
            .with_context(|| format!("could not connect to {} as {user}", self.dir.display()))
    }

    /// How to connect, for clients that want more than [`Cluster::connect_as`] gives.
    pub fn config(&self, user: &str, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.dir)
            .port(self.port)
            .user(user)
            .dbname(database)
            .application_name("xtask");
        config
    }

    /// One of the server's client programs (psql, pg_dump..), told where the cluster is.
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.server.program(program));
        command
            .env("PGHOST", &self.dir)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", "postgres")
            .env("PGDATABASE", "postgres")
            .env("PGCONNECT_TIMEOUT", "10");
        command
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The folder with the socket, the log and `data/`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        std::fs::read(self.log_file())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Leaves the server running and its folder in place when this value is dropped.
    pub fn keep(&mut self) {
        self.keep = true;
    }

    /// How to stop a server that was kept, as a command to type.
    pub fn stop_command(&self) -> String {
        let stop = format!(
            "{} stop -m fast -D {}",
            self.server.program("pg_ctl").display(),
            self.data().display()
        );
        if self.account.is_other() { format!("runuser -u postgres -- {stop}") } else { stop }
    }

    /// The postmaster's process id.
    pub fn postmaster(&self) -> Result<Pid> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        let pid = file.lines().next().context("postmaster.pid is empty")?.trim().parse()?;
        Ok(Pid::from_raw(pid))
    }

    /// The server's processes, the postmaster first.
    pub fn processes(&self) -> Result<Vec<Pid>> {
        let postmaster = self.postmaster()?;
        let mut all = vec![postmaster];
        all.append(&mut children(postmaster)?);
        Ok(all)
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join("log")
    }

    fn pg_ctl(&self, action: &str) -> Command {
        let mut command = command_as(self.account, self.server.program("pg_ctl"));
        command
            .arg(action)
            .arg("-D")
            .arg(self.data())
            .arg("-w")
            .args(["-t", &PATIENCE.as_secs().to_string()]);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        if self.postmaster().is_ok() {
            let _ = self.stop(Stop::Immediate);
        }
        // What a failed test leaves is worth more than a clean folder.
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A freshly initialised data directory to copy, since initdb takes longer than a copy. Made once for each server and process.
fn template(server: &Server, account: Account) -> Result<PathBuf> {
    static MADE: Mutex<BTreeMap<PathBuf, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().expect("no thread panics while it makes the template");
    if let Some(template) = made.get(&server.bindir) {
        return Ok(template.clone());
    }
    let name = format!("template-{}-{}", std::process::id(), made.len());
    let dir = state()?.join("run").join(name);
    std::fs::create_dir_all(dir.parent().context("the template stands in a folder")?)?;
    sweep(dir.parent().context("the template stands in a folder")?)?;
    account.fresh_dir(&dir)?;
    let data = dir.join("data");
    output(
        command_as(account, server.program("initdb"))
            .args(["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256", "-D"])
            .arg(&data),
    )?;
    made.insert(server.bindir.clone(), data.clone());
    Ok(data)
}

/// Removes the folders of processes that ended without doing so (Ctrl-C, kill -9), and stops servers they left.
fn sweep(run: &Path) -> Result<()> {
    for entry in std::fs::read_dir(run)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let owner = name.strip_prefix("template-").unwrap_or(&name).split('-').next();
        let Some(Ok(pid)) = owner.map(str::parse) else { continue };
        if alive(Pid::from_raw(pid)) {
            continue;
        }
        if let Ok(file) = std::fs::read_to_string(path.join("data/postmaster.pid"))
            && let Some(Ok(left)) = file.lines().next().map(str::parse::<i32>)
            // A postmaster works in its data directory; another process that got its number does not.
            && std::fs::read_link(format!("/proc/{left}/cwd")).is_ok_and(|cwd| cwd == path.join("data"))
        {
            // SIGQUIT is an immediate shutdown.
            let _ = kill(Pid::from_raw(left), Signal::SIGQUIT);
            let deadline = Instant::now() + Duration::from_secs(10);
            while alive(Pid::from_raw(left)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = std::fs::remove_dir_all(&path);
    }
    Ok(())
}

/// Whether the process is there, be it as a zombie: a new postmaster takes one for a running one as well.
fn alive(pid: Pid) -> bool {
    kill(pid, None).is_ok()
}

fn children(parent: Pid) -> Result<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<i32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let ppid = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1)?.parse::<i32>().ok());
        if ppid == Some(parent.as_raw()) {
            found.push(Pid::from_raw(pid));
        }
    }
    Ok(found)
}
