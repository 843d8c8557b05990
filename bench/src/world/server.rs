//! The server under test, as a process of its own.

use super::WorkDir;
use crate::{BenchArgs, BenchError};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

const READY_WITHIN: Duration = Duration::from_secs(60);
/// The server drains, stops its trees and writes a last snapshot of nothing; longer than all of its own limits.
const STOP_WITHIN: Duration = Duration::from_secs(45);
/// Everything the server reads from its environment begins like this.
const VARIABLE_PREFIX: &str = "BULKHEAD_";

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    child: Child,
}

/// The line a server prints when it is ready.
#[derive(Deserialize)]
struct Ready {
    listen: SocketAddr,
}

impl Server {
    /// Starts it on this database and waits until it is ready.
    pub(crate) async fn start(
        args: &BenchArgs,
        dir: &WorkDir,
        database_url: &str,
    ) -> Result<Self, BenchError> {
        let log = dir.join("server.log");
        let mut child = command(args, dir, &log)?
            .env("BULKHEAD_DATABASE_URL", database_url)
            .spawn()
            .map_err(BenchError::io("start the server"))?;
        let pid = child.id().unwrap_or(0);
        let stdout = child.stdout.take();
        let ready = timeout(READY_WITHIN, await_ready(stdout, log)).await;
        let address = ready.map_err(|_| BenchError::Deadline { what: "starting the server" })??;
        Ok(Self { address, pid, child })
    }

    /// Asks it to stop and waits; a server that takes too long is killed, and that is an error.
    pub(crate) async fn stop(mut self) -> Result<(), BenchError> {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)
                .map_err(|error| BenchError::io("stop the server")(error.into()))?;
        }
        match timeout(STOP_WITHIN, self.child.wait()).await {
            Ok(ended) => ended.map(|_| ()).map_err(BenchError::io("wait for the server")),
            Err(_) => Err(BenchError::Deadline { what: "stopping the server" }),
        }
    }
}

fn command(args: &BenchArgs, dir: &WorkDir, log: &Path) -> Result<Command, BenchError> {
    let program = match &args.server {
        Some(path) => path.clone(),
        None => std::env::current_exe().map_err(BenchError::io("find the server's program"))?,
    };
    let log = std::fs::File::create(log).map_err(BenchError::io("make the server's log"))?;
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(VARIABLE_PREFIX) {
            command.env_remove(name);
        }
    }
    command
        .args(["--log", "warn", "serve", "--listen", "127.0.0.1:0", "--default-plan", "unlimited", "--data"])
        .arg(dir.join("server"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    Ok(command)
}

async fn await_ready(stdout: Option<ChildStdout>, log: PathBuf) -> Result<SocketAddr, BenchError> {
    let Some(stdout) = stdout else { return Err(BenchError::ServerEnded { log }) };
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.map_err(BenchError::io("read from the server"))? {
        if let Some(address) = ready_address(&line) {
            return Ok(address);
        }
    }
    Err(BenchError::ServerEnded { log })
}

fn ready_address(line: &str) -> Option<SocketAddr> {
    serde_json::from_str::<Ready>(line).ok().map(|ready| ready.listen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_line_that_names_the_address_means_ready() {
        let line = r#"{"ready":true,"listen":"127.0.0.1:41234","node":"node-1"}"#;
        assert_eq!(ready_address(line), Some("127.0.0.1:41234".parse().unwrap()));
        for other in ["", "starting", "{}", r#"{"listen":"nowhere"}"#] {
            assert_eq!(ready_address(other), None, "{other}");
        }
    }
}
