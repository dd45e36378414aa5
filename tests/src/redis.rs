//! A Redis of a test's own.

use crate::{Cluster, eventually};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use xtask::command::{command_as, find_program};
use xtask::workspace::Account;

/// A running redis-server that keeps nothing on disk; only its socket is open.
pub struct Redis {
    dir: PathBuf,
    process: Option<Child>,
}

impl Redis {
    /// Starts one that lives in the folder of a cluster.
    pub fn start(cluster: &Cluster) -> Redis {
        let mut redis = Redis { dir: cluster.dir().to_owned(), process: None };
        redis.launch();
        redis
    }

    /// Connects to one without asking who started it, which may be starting it anew at the moment.
    pub fn connect_at(dir: &Path) -> redis::RedisResult<redis::Connection> {
        let socket = dir.join("redis.sock");
        redis::Client::open(format!("unix://{}", socket.display()))?.get_connection()
    }

    /// kill -9: everything that was in it is gone.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    pub fn launch(&mut self) {
        let program = find_program("redis-server").expect("redis-server is installed");
        let account = Account::for_servers().expect("an account");
        let process = command_as(account, program)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--dir"])
            .arg(&self.dir)
            .arg("--unixsocket")
            .arg(self.dir.join("redis.sock"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        self.process = Some(process);
        eventually("Redis answers", Duration::from_secs(20), || {
            redis::cmd("PING").query::<String>(&mut Redis::connect_at(&self.dir).ok()?).ok()
        });
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
